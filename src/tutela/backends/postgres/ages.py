"""When the time of what people wrote about, and of who works here, began to run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tutela.backends.postgres.database import Database

_BEGUN = """
select id, opened_at as at from incident where id = any($1)
union all select id, last from alert where id = any($1)
union all select id, (entry ->> 'until')::bigint from agent where id = any($1) and entry ->> 'until' is not null
"""


@dataclass(frozen=True)
class PostgresAges:
    """Incidents, alerts, and people."""

    db: Database

    async def begun(self, ids: Sequence[str]) -> Mapping[str, int]:
        """When an incident was opened, an alert last seen, a role ends; of those of these that are there, and have one."""
        async with self.db.reading() as connection:
            return {row["id"]: row["at"] for row in await connection.fetch(_BEGUN, list(ids))}
