"""The tokens of sources and devices: only their hashes."""

from __future__ import annotations

from dataclasses import dataclass

from tutela.backends.postgres.database import Database
from tutela.errors import NotFound
from tutela.model.flow import Sender


@dataclass(frozen=True)
class PostgresTokens:
    """The tokens of sources, and of Things that send for themselves."""

    db: Database

    async def allow(self, hash_: bytes, sender: Sender, at: int) -> None:
        """Whoever shows the token with that hash sends as this source or Thing; raises NotFound when there is none."""
        source, thing = sender.source, sender.thing
        async with self.db.writing() as connection:
            if await connection.fetchval("select 1 from source where name = $1", source) is None:
                raise NotFound(f"no source called {source!r} is in the register; enter it first")
            there = "select 1 from thing where name = $1 and source = $2"
            if thing is not None and await connection.fetchval(there, thing, source) is None:
                raise NotFound(f"the source {source} has no Thing called {thing!r} in the register; enter it first")
            await connection.execute(
                "insert into token (hash, source, thing, at) values ($1, $2, $3, $4) on conflict do nothing",
                hash_,
                source,
                thing,
                at,
            )

    async def holder(self, hash_: bytes) -> Sender | None:
        """Who holds the token with that hash; None when nobody does."""
        async with self.db.reading() as connection:
            found = await connection.fetchrow("select source, thing from token where hash = $1", hash_)
            return None if found is None else Sender(found["source"], found["thing"])
