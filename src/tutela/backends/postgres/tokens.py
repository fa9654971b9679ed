"""The tokens of sources: only their hashes."""

from __future__ import annotations

from dataclasses import dataclass

from tutela.backends.postgres.database import Database
from tutela.errors import NotFound


@dataclass(frozen=True)
class PostgresTokens:
    """The tokens of sources."""

    db: Database

    async def allow(self, hash_: bytes, source: str, at: int) -> None:
        """Whoever shows the token with that hash sends as this source; raises NotFound for a source without an entry."""
        async with self.db.writing() as connection:
            if await connection.fetchval("select 1 from source where name = $1", source) is None:
                raise NotFound(f"no source called {source!r} is in the register; enter it first")
            await connection.execute(
                "insert into token (hash, source, at) values ($1, $2, $3) on conflict do nothing", hash_, source, at
            )

    async def holder(self, hash_: bytes) -> str | None:
        """The source of the token with that hash; None when there is none."""
        async with self.db.reading() as connection:
            found: str | None = await connection.fetchval("select source from token where hash = $1", hash_)
            return found
