"""How far the workers have saved what they know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tutela.backends.postgres.database import Database

_LEAST = "select coalesce(min(snapshot), 0) from lease where timeline = $1 and stage = any($2::text[])"


@dataclass(frozen=True)
class PostgresSnapshots:
    """`Snapshots` by the table of leases."""

    db: Database

    async def snapshotted(self, timeline: str, stages: Sequence[str]) -> int:
        """The least sequence that all partitions of these stages have saved; 0 when one has saved nothing."""
        async with self.db.reading() as connection:
            return int(await connection.fetchval(_LEAST, timeline, list(stages)))
