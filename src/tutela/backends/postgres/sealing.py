"""What the sealer writes, read by snapshot delta (design.md §5).

A sequence's numbers don't become visible in order, so `id > last` would lose events. The sealer keeps the last
snapshot whose events are all sealed, and takes the events visible in a newer one that were not visible in it.
A delta that is larger than one round is worked off in (txid, ord) order over several rounds, each its own transaction:
the newer snapshot and the place in it are kept beside, and which events it holds can't change any more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import asyncpg

from tutela.backends.postgres.database import Database
from tutela.backends.postgres.log import COLUMNS, event_of
from tutela.backends.postgres.notices import SEALED
from tutela.backends.rules import LEASE, not_leading, other_root
from tutela.errors import Broken
from tutela.model.event import Checkpoint, Event

_LEAD = """
update sealer set owner = $1, epoch = epoch + (owner is distinct from $1)::int,
    lease_until = clock_timestamp() + make_interval(secs => $2)
where owner is not distinct from $1 or lease_until <= clock_timestamp()
returning epoch
"""

_DELTA = f"""
select s.position, s.upto::text, s.restored, e.*
from (
    select position, snap, txid, ord, coalesce(upto, pg_current_snapshot()) as upto,
        pg_snapshot_xmax(snap) > pg_snapshot_xmax(pg_current_snapshot()) as restored
    from sealer where epoch = $1 and owner is not null
) s left join lateral (
    select e.txid::text as txid, e.ord, {COLUMNS} from event e
    where e.txid >= pg_snapshot_xmin(s.snap) and (e.txid, e.ord) > (s.txid, s.ord)
        and not pg_visible_in_snapshot(e.txid, s.snap) and pg_visible_in_snapshot(e.txid, s.upto)
    order by e.txid, e.ord limit $2
) e on true
order by e.txid::xid8, e.ord
"""  # noqa: S608  put together from constants

_DONE = "snap = $4::text::pg_snapshot, upto = null, txid = '0', ord = 0"
_PART = "upto = $4::text::pg_snapshot, txid = $6::text::xid8, ord = $7"

_MOVE = """
update sealer set position = position + $3, lease_until = clock_timestamp() + make_interval(secs => $5), {}
where epoch = $1 and position = $2 and owner is not null
"""

_SEAL = """
insert into sealed (position, event, leaf)
select $1 + n - 1, event::uuid, leaf from unnest($2::text[], $3::bytea[]) with ordinality as u (event, leaf, n)
"""

_CHECKPOINT = """
insert into checkpoint (size, seal_epoch, origin, root, at, signature) values ($1, $2, $3, $4, $5, $6)
on conflict do nothing
"""


@dataclass(frozen=True)
class PostgresSealing:
    """What the sealer writes."""

    db: Database

    async def lead(self, worker: str) -> int | None:
        """The epoch while this worker leads."""
        async with self.db.reading() as connection:
            epoch: int | None = await connection.fetchval(_LEAD, worker, LEASE)
            return epoch

    async def round(self, epoch: int, leaf_of: Callable[[Event], bytes], most: int) -> tuple[int, Sequence[bytes]]:
        """Seal at most that many events: the size before, and the new leaves. Nothing new costs no write."""
        async with self.db.writing() as connection:
            rows = await connection.fetch(_DELTA, epoch, most + 1)  # one more tells whether this is all
            if not rows:
                raise not_leading(epoch)
            if rows[0]["restored"]:
                raise Broken("this database was restored from a dump, whose transaction numbers mean nothing here")
            size: int = rows[0]["position"]
            taken = [row for row in rows[:most] if row["id"] is not None]
            events = [event_of(tuple(row)) for row in taken]
            leaves = [leaf_of(event) for event in events]
            if events:
                await _move(connection, epoch, taken, whole=len(rows) <= most)
                await connection.execute(_SEAL, size, [event.id for event in events], leaves)
        if events:
            self.db.notices.ring(SEALED)
        return size, leaves

    async def leaves(self, after: int, most: int) -> Sequence[bytes]:
        """The leaves after that position (-1: from the start)."""
        async with self.db.reading() as connection:
            rows = await connection.fetch(
                "select leaf from sealed where position > $1 order by position limit $2", after, most
            )
        return [row["leaf"] for row in rows]

    async def checkpoint(self, point: Checkpoint) -> None:
        """Keep a checkpoint; raises Broken when there is one of that size with another root."""
        async with self.db.writing() as connection:
            await connection.execute(
                _CHECKPOINT, point.size, point.epoch, point.origin, point.root, point.at, point.signature
            )
            kept = await connection.fetchval(
                "select root from checkpoint where seal_epoch = $1 and size = $2", point.epoch, point.size
            )
            if kept != point.root:
                raise other_root(point.size)

    async def checkpoints(self) -> Sequence[Checkpoint]:
        """All checkpoints, in the order of the tree's growth."""
        async with self.db.reading() as connection:
            rows = await connection.fetch(
                "select origin, seal_epoch as epoch, size, root, at, signature from checkpoint order by seal_epoch, size"
            )
        return [Checkpoint(**row) for row in rows]


async def _move(connection: asyncpg.Connection, epoch: int, taken: Sequence[asyncpg.Record], *, whole: bool) -> None:
    """Move the sealer past the rows taken, which are the whole delta or its first part.

    Raises Fenced when another sealer leads, or has moved it.
    """
    last = taken[-1]
    shared = (epoch, last["position"], len(taken), last["upto"], LEASE)
    if whole:
        moved = await connection.execute(_MOVE.format(_DONE), *shared)
    else:
        moved = await connection.execute(_MOVE.format(_PART), *shared, last["txid"], last["ord"])
    if moved != "UPDATE 1":
        raise not_leading(epoch)
