"""How far the workers have saved what they know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tutela.backends.postgres.copying import LOCK
from tutela.backends.postgres.database import Database

_LEAST = """
select case when exists (select from pg_locks where locktype = 'advisory' and mode = 'ExclusiveLock' and granted
        and database = (select oid from pg_database where datname = current_database())
        and (classid::bigint << 32) + objid::bigint = $3) then 0
    else (select coalesce(min(snapshot), 0) from lease where timeline = $1 and stage = any($2::text[])) end
"""


@dataclass(frozen=True)
class PostgresSnapshots:
    """`Snapshots` by the table of leases."""

    db: Database

    async def snapshotted(self, timeline: str, stages: Sequence[str]) -> int:
        """The least sequence that all partitions of these stages have saved; 0 when one has saved nothing.

        And 0 as long as the instance is copied: the copy's workers go on from what they had saved when it was made.
        """
        async with self.db.reading() as connection:
            return int(await connection.fetchval(_LEAST, timeline, list(stages), LOCK))
