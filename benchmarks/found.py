"""What an instance has after it was killed again and again, read from its stores."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

import msgspec
import numpy as np
from benchmarks.stack import until
from benchmarks.upped import Upped
from benchmarks.watched import watched

from tutela.app import verifying
from tutela.app.core import Core
from tutela.app.keep import archiver
from tutela.app.lake import lake
from tutela.backends.lake_catalogue import Where, connect
from tutela.flow import hop
from tutela.flow.archive import Rhythm

LIVE = "live"
OBS, DET = hop.observations(LIVE), hop.second(LIVE)


@dataclass(frozen=True, slots=True)
class Found:
    """`rows` and `detections` are (datastream, time); `state` is None when the hour turned meanwhile."""

    rows: set[tuple[int, int]]
    detections: list[tuple[int, int]]
    joined: int
    state: int | None
    calls: list[str]
    verified: bool


class _Told(msgspec.Struct):
    key: str
    since: int
    type: str


async def found(here: Upped) -> Found:
    """Wait until everything is worked off, saved and sealed; then read it."""
    async with here.inside() as inside:
        await settle(inside)
        told = await _asked(inside, "select body from event where kind = 'detection@1'")
        detections = [_detection(row["body"]) for row in told]
        level = watched().level
        joined = await _asked(
            inside,
            "select coalesce(sum((body ->> 'count')::bigint), 0) as n from alert where body ->> 'type' = $1",
            level,
        )
        calls = await _asked(inside, "select event::text as id from told where word = 'call' order by 1")
        return Found(
            rows=await asyncio.to_thread(_rows, inside),
            detections=sorted((int(one.key), one.since) for one in detections if one.type == level),
            joined=_number(joined),
            state=await _state(inside),
            calls=sorted(str(row["id"]) for row in calls),
            verified=(await verifying.run(here.settings)).sound,
        )


async def settle(inside: Core) -> None:
    """Until every stage has worked off what is there, saved it, and all of it is in the lake."""
    last = await inside.streams.last(OBS)
    stop = asyncio.Event()

    async def worked_off() -> bool:
        low = await _asked(inside, "select min(snapshot) as n from lease where stage = 'detect' and timeline = 'live'")
        return _number(low) >= last

    async def shown() -> bool:
        pending = await _asked(inside, "select count(*) as n from outbox")
        low = await _asked(inside, "select min(sequence) as n from lease where stage in ('correlate', 'desk')")
        return not _number(pending) and _number(low) >= await inside.streams.last(DET) - 1

    async def archived() -> bool:
        return await lake(inside).offset(OBS) >= last

    await until(worked_off, 90, every=0.2)
    await until(shown, 60, every=0.2)
    hasty = asyncio.create_task(replace(archiver(inside), rhythm=Rhythm(every=0.5)).run(stop))
    await until(archived, 100, every=0.2)
    stop.set()
    await hasty


async def _asked(inside: Core, sql: str, *arguments: object) -> list[dict[str, object]]:
    async with inside.facts.db.reading() as connection:
        return [dict(row) for row in await connection.fetch(sql, *arguments)]


def _number(rows: list[dict[str, object]]) -> int:
    return int(str(rows[0]["n"]))


def _detection(body: object) -> _Told:
    assert isinstance(body, bytes)
    return msgspec.json.decode(body, type=_Told)


def _rows(inside: Core) -> set[tuple[int, int]]:
    settings = inside.settings
    where = Where(inside.where.pg, settings.lake, settings.data / "spill-bench", inside.install.partitions)
    with connect(where) as here:
        return set(here.execute("select datastream, epoch_us(time) from lake.readings").fetchall())


async def _state(inside: Core) -> int | None:
    """Rows that the seasonal detector summed up; None when it began a new hour since."""
    counts = {"rows": 0, "hours": 0}
    saved = await _asked(
        inside,
        "select name, body from snapshot where stage = 'detect' and detector like $1 and name in ('rows', 'hours')",
        f"{watched().usual}%",
    )
    for row in saved:
        body = row["body"]
        assert isinstance(body, bytes)
        counts[str(row["name"])] += int(np.frombuffer(body, np.int32).sum())
    return None if counts["hours"] else counts["rows"]
