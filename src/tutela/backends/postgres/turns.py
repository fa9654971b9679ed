"""Turns of workers: state and effects of one partition, in one transaction, fenced by the lease's epoch."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import asyncpg

from tutela.backends.postgres import log, outbox, values
from tutela.backends.postgres.database import Database
from tutela.backends.postgres.desk import open_alerts
from tutela.backends.postgres.notices import EVENT, OUTBOX
from tutela.backends.postgres.revisions import change_alerts
from tutela.backends.rules import LEASE, fenced, other_content
from tutela.model.alert import Alert
from tutela.model.detection import Detection
from tutela.model.flow import Column, Effects, Lease, encode
from tutela.model.people import Shift

# A worker that works messages off again after a crash must not move its place back.
_HOLD = """
update lease set sequence = greatest(sequence, $5), ticked = greatest(ticked, $6),
    snapshot = case when $7 then $5 else snapshot end,
    lease_until = clock_timestamp() + make_interval(secs => $8)
where timeline = $1 and stage = $2 and partition = $3 and epoch = $4 and owner is not null
"""

_FIND = """
insert into detection (id, revision, hash, body)
select id, revision, hash, body::json
from unnest($1::text[], $2::int[], $3::bytea[], $4::text[]) as d (id, revision, hash, body)
on conflict (id, revision) do nothing
returning id, revision
"""

_OTHER = """
select d.id, d.revision from detection d
join unnest($1::text[], $2::int[], $3::bytea[]) as u (id, revision, hash) using (id, revision)
where d.hash <> u.hash limit 1
"""

_SAVE = """
insert into snapshot (timeline, stage, partition, detector, name, body)
select $1, $2, $3, detector, name, body from unnest($4::text[], $5::text[], $6::bytea[]) as c (detector, name, body)
on conflict (timeline, stage, partition, detector, name) do update set body = excluded.body
"""

_SHIFTS = "select distinct on (agent) agent, since, budget, until from shift order by agent, since desc"


@dataclass(frozen=True)
class PostgresTurns:
    """State and effects of one partition."""

    db: Database

    async def load(self, lease: Lease) -> Mapping[str, Mapping[str, bytes]]:
        """The saved columns by detector and name."""
        saved: dict[str, dict[str, bytes]] = {}
        async with self.db.reading() as connection:
            for row in await connection.fetch(
                "select detector, name, body from snapshot where timeline = $1 and stage = $2 and partition = $3",
                lease.timeline,
                lease.stage,
                lease.partition,
            ):
                saved.setdefault(row["detector"], {})[row["name"]] = row["body"]
        return saved

    async def commit(self, lease: Lease, effects: Effects) -> None:
        """All of a turn, or nothing of it."""
        async with self.db.writing() as connection:
            await _hold(connection, lease, effects)
            await change_alerts(connection, effects.alerts)  # before the events: it looks for those of an earlier time
            await log.append(connection, effects.events)
            known = await _find(connection, effects.detections)
            await outbox.put(connection, [one for one in effects.outgoing if one.body not in known])
            await values.keep(connection, effects.newest)
            await _save(connection, lease, effects.snapshot or ())
        self.db.notices.ring(*_news(effects))

    async def open_alerts(self, timeline: str) -> Sequence[Alert]:
        """The open alerts, highest rank first."""
        async with self.db.reading() as connection:
            return await open_alerts(connection, timeline)

    async def shifts(self) -> Sequence[Shift]:
        """The latest shift of each agent."""
        async with self.db.reading() as connection:
            return [Shift(**row) for row in await connection.fetch(_SHIFTS)]


async def _hold(connection: asyncpg.Connection, lease: Lease, effects: Effects) -> None:
    held = await connection.execute(
        _HOLD,
        lease.timeline,
        lease.stage,
        lease.partition,
        lease.epoch,
        effects.sequence,
        effects.ticked or 0,
        effects.snapshot is not None,
        LEASE,
    )
    if held != "UPDATE 1":
        raise fenced(lease)


async def _find(connection: asyncpg.Connection, detections: Sequence[Detection]) -> set[bytes]:
    """Store detections; the bodies of those that were there already. Raises Broken when one says something else."""
    if not detections:
        return set()
    bodies = [encode(one) for one in detections]
    hashes = [hashlib.sha256(body).digest() for body in bodies]
    ids, revisions = [one.id for one in detections], [one.revision for one in detections]
    new = await connection.fetch(
        _FIND,
        ids,
        revisions,
        hashes,
        [body.decode() for body in bodies],
    )
    if len(new) == len(detections):
        return set()
    other = await connection.fetchrow(_OTHER, ids, revisions, hashes)
    if other is not None:
        raise other_content(other["id"], other["revision"])
    places = {tuple(row) for row in new}
    return {body for *place, body in zip(ids, revisions, bodies, strict=True) if tuple(place) not in places}


async def _save(connection: asyncpg.Connection, lease: Lease, columns: Sequence[Column]) -> None:
    last = {(column.detector, column.name): column.body for column in columns}
    if last:
        await connection.execute(
            _SAVE,
            lease.timeline,
            lease.stage,
            lease.partition,
            [detector for detector, _ in last],
            [name for _, name in last],
            list(last.values()),
        )


def _news(effects: Effects) -> list[str]:
    news = [EVENT] if effects.events else []
    return [*news, OUTBOX] if effects.outgoing or effects.ticked else news
