"""What an instance has, counted from its stores: the lake, the detectors' saved state, the detections."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import numpy as np
from benchmarks.driving import LIVE, OBS
from benchmarks.stack import Stack, until
from benchmarks.watched import watched

from tutela.app.lake import lake
from tutela.backends.lake_catalogue import Where, connect


@dataclass(frozen=True, slots=True)
class Counted:
    """Rows of each kind in the lake, sums over the readings among them, rows that a detector summed up, detections.

    `joined` is how many detections all alerts together hold.
    """

    lake: dict[str, int]
    sum_datastream: int
    sum_time: int
    state: int
    detections: int
    distinct: int
    detection_time: int
    joined: int


async def counted(stack: Stack) -> Counted:
    """Count everything of the live timeline."""
    seen = watched()
    plain, sealed = await asyncio.to_thread(_lake, stack)
    rows = await _state(stack, seen.usual)
    found = await stack.asked(
        "select count(*), count(distinct subject), coalesce(sum(at), 0) from event"
        " where kind = 'detection@1' and timeline = $1 and convert_from(body, 'UTF8')::json ->> 'type' = $2",
        LIVE,
        seen.level,
    )
    joined = await stack.number(
        "select sum((body ->> 'count')::bigint) from alert where timeline = $1 and body ->> 'type' = $2",
        LIVE,
        seen.level,
    )
    return Counted(
        lake={"readings": plain[0], "positions": sealed},
        sum_datastream=plain[1],
        sum_time=plain[2],
        state=rows,
        detections=int(str(found[0][0])),
        distinct=int(str(found[0][1])),
        detection_time=int(str(found[0][2])),
        joined=joined,
    )


async def archived(stack: Stack, within: float) -> float:
    """Seconds until everything that is in the stream of observations now is in the lake."""
    last, history = await stack.inside.streams.last(OBS), lake(stack.inside)

    async def done() -> bool:
        return await history.offset(OBS) >= last

    return await until(done, within, every=0.2)


def _lake(stack: Stack) -> tuple[tuple[int, int, int], int]:
    """Rows and sums of the readings; and how many sealed rows there are."""
    settings = stack.settings
    where = Where(stack.inside.where.pg, settings.lake, settings.data / "spill-bench", stack.inside.install.partitions)
    with connect(where) as here:
        plain = here.execute(
            "select count(*), coalesce(sum(datastream), 0), coalesce(sum(epoch_us(time)), 0) from lake.readings"
        ).fetchall()[0]
        sealed = here.execute("select coalesce(sum(rows), 0) from lake.sealed").fetchall()[0][0]
    return (int(plain[0]), int(plain[1]), int(plain[2])), int(sealed)


async def _state(stack: Stack, usual: str) -> int:
    """Rows that the seasonal detector summed up in the newest hour, as last saved."""
    saved = await stack.asked(
        "select body from snapshot where stage = 'detect' and detector like $1 and name = 'rows'", f"{usual}%"
    )
    return sum(int(np.frombuffer(body, np.int32).sum()) for (body,) in saved if isinstance(body, bytes))
