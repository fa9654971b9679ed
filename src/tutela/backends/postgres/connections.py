"""How sources are reached, where each connection stopped, and which process runs them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from tutela.backends.postgres import log
from tutela.backends.postgres.database import Database
from tutela.backends.postgres.notices import EVENT
from tutela.backends.rules import LEASE, not_connecting, not_registered
from tutela.model.connection import Condition, Connection, Kept
from tutela.model.event import Event
from tutela.model.flow import encode

_connection = msgspec.json.Decoder(Connection).decode
_condition = msgspec.json.Decoder(Condition).decode

_CONNECT = """
insert into connection as c (source, entry, key, sealed) values ($1, $2::text::json, $3, $4)
on conflict (source) do update set entry = excluded.entry, key = excluded.key, sealed = excluded.sealed, condition = null,
    mark = case when c.entry ->> 'part' = excluded.entry ->> 'part' then c.mark else '' end
"""

_ATTEND = """
update connecting set owner = $1, epoch = epoch + (owner is distinct from $1)::int,
    lease_until = clock_timestamp() + make_interval(secs => $2)
where owner is not distinct from $1 or lease_until <= clock_timestamp()
returning epoch
"""

_MINE = "exists (select from connecting where epoch = $1 and owner is not null)"

_REMEMBER = f"update connection set mark = $3 where source = $2 and {_MINE} returning true"  # noqa: S608  constants

_REPORT = f"""
update connection c set condition = d.condition::json
from unnest($2::text[], $3::text[]) as d (source, condition) where d.source = c.source and {_MINE}
"""  # noqa: S608  put together from constants


@dataclass(frozen=True)
class PostgresConnections:
    """How sources are reached."""

    db: Database

    async def connections(self) -> Sequence[Kept]:
        """All of them, by source."""
        async with self.db.reading() as connection:
            rows = await connection.fetch("select entry, key, sealed from connection order by source")
        return [Kept(connection=_connection(row["entry"]), key=row["key"], sealed=row["sealed"]) for row in rows]

    async def connect(self, kept: Kept, event: Event) -> None:
        """Enter or change a connection; one of another part begins without a mark."""
        source, entry = kept.connection.source, encode(kept.connection).decode()
        async with self.db.writing() as connection:
            if not await connection.fetchval("select exists (select from source where name = $1)", source):
                raise not_registered(source)
            await connection.execute(_CONNECT, source, entry, kept.key, kept.sealed)
            await log.append(connection, [event])
        self.db.notices.ring(EVENT)

    async def disconnect(self, source: str, event: Event) -> None:
        """Forget a connection, with its mark; when there is none, nothing is logged."""
        async with self.db.writing() as connection:
            if await connection.fetchval("delete from connection where source = $1 returning true", source):
                await log.append(connection, [event])
        self.db.notices.ring(EVENT)

    async def attend(self, worker: str) -> int | None:
        """The epoch while this worker runs the connections."""
        async with self.db.reading() as connection:
            epoch: int | None = await connection.fetchval(_ATTEND, worker, LEASE)
            return epoch

    async def mark(self, source: str) -> bytes:
        """Where it stopped; b"" for one that never did."""
        async with self.db.reading() as connection:
            mark: bytes | None = await connection.fetchval("select mark from connection where source = $1", source)
            return mark or b""

    async def remember(self, epoch: int, source: str, mark: bytes) -> None:
        """Keep where it stopped; raises Fenced when another process runs the connections, or it is there no more."""
        async with self.db.reading() as connection:
            if not await connection.fetchval(_REMEMBER, epoch, source, mark):
                raise not_connecting(source)

    async def report(self, epoch: int, conditions: Sequence[Condition]) -> None:
        """Keep how they are doing, while this epoch holds."""
        sources, told = [one.source for one in conditions], [encode(one).decode() for one in conditions]
        async with self.db.reading() as connection:
            await connection.execute(_REPORT, epoch, sources, told)

    async def conditions(self) -> Sequence[Condition]:
        """How they were doing when last told, by source."""
        async with self.db.reading() as connection:
            rows = await connection.fetch(
                "select condition from connection where condition is not null order by source"
            )
        return [_condition(row["condition"]) for row in rows]
