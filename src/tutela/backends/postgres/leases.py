"""Partitions leased to workers, fenced by epoch. Only here the database's own clock counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tutela.backends.postgres.database import Database
from tutela.backends.rules import LEASE
from tutela.model.flow import Lease
from tutela.model.timeline import LIVE

# materialized: a plan that ran the inner select twice would lock, and take, more than `limit` rows
_TAKE = """
with free as materialized (
    select timeline, stage, partition from lease
    where stage = $2 and lease_until <= clock_timestamp()
    order by timeline <> $4, timeline, partition
    limit $3 for update skip locked
)
update lease
set owner = $1, epoch = epoch + 1, lease_until = clock_timestamp() + make_interval(secs => $5)
from free
where lease.timeline = free.timeline and lease.stage = free.stage and lease.partition = free.partition
returning lease.timeline, lease.stage, lease.partition, epoch, sequence, snapshot
"""

# An epoch belongs to one taking by one worker, so it stands for the owner too; a lease given back has none.
_MINE = """
from unnest($1::text[], $2::text[], $3::int[], $4::bigint[]) as mine (timeline, stage, partition, epoch)
where lease.timeline = mine.timeline and lease.stage = mine.stage and lease.partition = mine.partition
    and lease.epoch = mine.epoch and owner is not null
"""

_RENEW = f"""
update lease set lease_until = clock_timestamp() + make_interval(secs => $5) {_MINE}
returning lease.timeline, lease.stage, lease.partition, lease.epoch
"""  # noqa: S608  put together from constants

_RELEASE = f"update lease set owner = null, lease_until = 'epoch' {_MINE}"  # noqa: S608  put together from constants


@dataclass(frozen=True)
class PostgresLeases:
    """Partitions leased to workers."""

    db: Database

    async def heartbeat(self, worker: str) -> int:
        """Say that this worker lives; how many do. It counts itself, however long the machine took to ask."""
        async with self.db.reading() as connection:
            await connection.execute(
                "insert into worker (name, seen) values ($1, clock_timestamp())"
                " on conflict (name) do update set seen = excluded.seen",
                worker,
            )
            alive: int = await connection.fetchval(
                "select count(*) from worker where name = $1 or seen > clock_timestamp() - make_interval(secs => $2)",
                worker,
                LEASE,
            )
            return alive

    async def take(self, worker: str, stage: str, most: int) -> Sequence[Lease]:
        """Lease at most that many free partitions of a stage, those of `live` first."""
        async with self.db.reading() as connection:
            rows = await connection.fetch(_TAKE, worker, stage, max(most, 0), LIVE, LEASE)
        taken = [Lease(**row) for row in rows]
        return sorted(taken, key=lambda lease: (lease.timeline != LIVE, lease.timeline, lease.partition))

    async def renew(self, leases: Sequence[Lease]) -> Sequence[Lease]:
        """Hold on to these; those that are still held."""
        async with self.db.reading() as connection:
            rows = await connection.fetch(_RENEW, *_columns(leases), LEASE)
        kept = {tuple(row) for row in rows}
        return [lease for lease in leases if (lease.timeline, lease.stage, lease.partition, lease.epoch) in kept]

    async def release(self, leases: Sequence[Lease]) -> None:
        """Give these back at once."""
        async with self.db.reading() as connection:
            await connection.execute(_RELEASE, *_columns(leases))


def _columns(leases: Sequence[Lease]) -> tuple[list[str], list[str], list[int], list[int]]:
    return (
        [lease.timeline for lease in leases],
        [lease.stage for lease in leases],
        [lease.partition for lease in leases],
        [lease.epoch for lease in leases],
    )
