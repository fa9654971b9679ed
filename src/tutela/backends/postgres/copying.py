"""While the instance is copied, nothing that the copy counts on is removed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from tutela.backends.postgres.database import Database

LOCK = 7_498_353_081_642_914
"""An advisory lock: held alone by whoever copies, shared by whoever removes files."""

ONE = LOCK + 1
"""Another one, held by whoever removes files: two keepers would both tell of what one of them removes."""


@dataclass(frozen=True)
class PostgresCopying:
    """`Copying` by an advisory lock of the database, which ends with its connection."""

    db: Database

    @asynccontextmanager
    async def copying(self) -> AsyncIterator[None]:
        """As long as this is open, nothing is removed. Waits until what is being removed now is gone."""
        async with self.db.reading() as connection:
            await connection.execute("select pg_advisory_lock($1)", LOCK, timeout=3600)
            try:
                yield
            finally:
                await connection.execute("select pg_advisory_unlock($1)", LOCK)

    @asynccontextmanager
    async def removing(self) -> AsyncIterator[bool]:
        """Whether this one may remove files now, and nobody else does. As long as this is open, no copy begins."""
        async with self.db.reading() as connection:
            may: bool = await connection.fetchval(
                "select pg_try_advisory_lock_shared($1) and pg_try_advisory_lock($2)", LOCK, ONE
            )
            try:
                yield may
            finally:
                await connection.execute("select pg_advisory_unlock_all()")
