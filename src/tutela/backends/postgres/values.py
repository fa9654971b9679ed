"""The newest value of each datastream: one columnar row for each partition and kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg

from tutela.backends.postgres.database import Database
from tutela.model.flow import Newest

_KEEP = """
insert into newest (timeline, kind, partition, sequence, body)
select * from unnest($1::text[], $2::text[], $3::int[], $4::bigint[], $5::bytea[])
on conflict (timeline, kind, partition) do update set sequence = excluded.sequence, body = excluded.body
where newest.sequence < excluded.sequence
"""


async def keep(connection: asyncpg.Connection, newest: Sequence[Newest]) -> None:
    """Keep the newest values, in the transaction that is open; older ones than those that are kept are left out."""
    last = {(one.timeline, one.kind, one.partition): one for one in newest}
    if last:
        rows = [(*place, one.sequence, one.body) for place, one in last.items()]
        await connection.execute(_KEEP, *(list(column) for column in zip(*rows, strict=True)))


@dataclass(frozen=True)
class PostgresValues:
    """The newest value of each datastream."""

    db: Database

    async def newest(self, timeline: str, kind: str) -> Sequence[Newest]:
        """One row for each partition that has values of that kind."""
        async with self.db.reading() as connection:
            rows = await connection.fetch(
                "select timeline, kind, partition, sequence, body from newest"
                " where timeline = $1 and kind = $2 order by partition",
                timeline,
                kind,
            )
        return [Newest(**row) for row in rows]
