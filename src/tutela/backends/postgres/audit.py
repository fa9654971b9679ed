"""The log as it is stored, flaws and all, for `tutela verify`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tutela.backends.postgres.database import Database
from tutela.backends.postgres.log import COLUMNS, event_of
from tutela.model.event import Entry, Event

# `e.id` comes by itself as well: a row whose event is gone still tells which one it was.
_ENTRIES = f"""
select s.position, s.leaf, s.event::text, {COLUMNS} from sealed s left join event e on e.id = s.event
where s.position > $1 order by s.position limit $2
"""  # noqa: S608  put together from constants

# What the sealer's snapshot shows has been sealed; while it works off a larger one, that is not yet told.
_UNSEALED = f"""
select {COLUMNS} from event e, sealer
where pg_visible_in_snapshot(e.txid, sealer.snap) and not exists (select from sealed s where s.event = e.id)
order by e.txid, e.ord limit $1
"""  # noqa: S608  put together from constants


@dataclass(frozen=True)
class PostgresAudit:
    """`Audit` on the tables themselves."""

    db: Database

    async def entries(self, after: int, most: int) -> Sequence[Entry]:
        """What is sealed after that position, each with its event if that is still there."""
        async with self.db.reading() as connection:
            rows = await connection.fetch(_ENTRIES, after, most)
        return [
            Entry(position=row[0], leaf=row[1], id=row[2], event=None if row[3] is None else event_of(tuple(row)))
            for row in rows
        ]

    async def unsealed(self, most: int) -> Sequence[Event]:
        """Events that the sealer has passed without sealing them."""
        async with self.db.reading() as connection:
            return [event_of(tuple(row)) for row in await connection.fetch(_UNSEALED, most)]
