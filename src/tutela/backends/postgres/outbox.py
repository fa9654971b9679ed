"""What is committed and still to be sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import asyncpg

from tutela.backends.postgres.database import Database
from tutela.backends.postgres.notices import OUTBOX
from tutela.model.flow import Outgoing

_PUT = """
insert into outbox (id, subject, body, trace)
select id, subject, body, trace
from unnest($1::text[], $2::text[], $3::bytea[], $4::text[]) with ordinality as o (id, subject, body, trace, n)
order by n
on conflict (id) do nothing
"""


async def put(connection: asyncpg.Connection, outgoing: Sequence[Outgoing]) -> None:
    """Put rows into the outbox, in the transaction that is open."""
    if outgoing:
        await connection.execute(_PUT, *columns(outgoing))


def columns(outgoing: Sequence[Outgoing]) -> tuple[list[str], list[str], list[bytes], list[str]]:
    """Ids, subjects, bodies and traces."""
    ids, subjects = [one.id for one in outgoing], [one.subject for one in outgoing]
    return ids, subjects, [one.body for one in outgoing], [one.trace for one in outgoing]


@dataclass(frozen=True)
class PostgresOutbox:
    """What is committed and still to be sent. A row is there exactly until it was sent."""

    db: Database

    async def pending(self, most: int) -> Sequence[Outgoing]:
        """The first of what is still to be sent."""
        async with self.db.reading() as connection:
            rows = await connection.fetch("select id, subject, body, trace from outbox order by ord limit $1", most)
        return [Outgoing(**row) for row in rows]

    async def sent(self, ids: Sequence[str]) -> None:
        """These need not be sent again."""
        async with self.db.reading() as connection:
            await connection.execute("delete from outbox where id = any($1::text[])", list(ids))

    async def wait(self, seconds: float) -> None:
        """Return when something is to be sent, or a tick was worked off."""
        await self.db.notices.wait(seconds, OUTBOX)

    async def ticks(self, stage: str) -> Mapping[str, int]:
        """By timeline, the tick that all partitions of the stage have worked off; 0 for none."""
        async with self.db.reading() as connection:
            rows = await connection.fetch(
                "select timeline, min(ticked) as ticked from lease where stage = $1 group by timeline", stage
            )
        return {row["timeline"]: row["ticked"] for row in rows}
