"""What was found and stored, for a replay to be compared with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tutela.backends.postgres.database import Database
from tutela.backends.postgres.log import COLUMNS, event_of
from tutela.model.event import Event

_STORED = f"""
select {COLUMNS} from event e
where e.timeline = $1 and starts_with(e.cause, $2) and e.kind = any($3::text[])
    and ($4 = '' or e.id > nullif($4, '')::uuid)
order by e.id limit $5
"""  # noqa: S608  put together from constants


@dataclass(frozen=True)
class PostgresStored:
    """`Stored` on the log."""

    db: Database

    async def stored(self, timeline: str, cause: str, kinds: Sequence[str], after: str, most: int) -> Sequence[Event]:
        """Events of these kinds whose cause begins so, by id, after that id."""
        async with self.db.reading() as connection:
            rows = await connection.fetch(_STORED, timeline, cause, list(kinds), after, most)
        return [event_of(tuple(row)) for row in rows]
