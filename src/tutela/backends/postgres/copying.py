"""While the instance is copied, nothing that the copy counts on is removed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

import asyncpg

from tutela.backends.postgres.database import Database
from tutela.backends.postgres.faults import faults

LOCK = 7_498_353_081_642_914
"""An advisory lock: held alone by whoever copies, shared by whoever removes files."""

ONE = LOCK + 1
"""Another one, held by whoever removes files: two keepers would both tell of what one of them removes."""


_HELD = """
select exists (select from pg_locks where locktype = 'advisory' and mode = 'ExclusiveLock' and granted
  and pid = pg_backend_pid() and (classid::bigint << 32 | objid::bigint) = $1)
"""


@dataclass(frozen=True)
class PostgresCopying:
    """`Copying` by an advisory lock of the database, which ends with its connection."""

    db: Database

    @asynccontextmanager
    async def copying(self) -> AsyncIterator[Callable[[], Awaitable[bool]]]:
        """As long as this is open, nothing is removed. Waits until what is being removed now is gone.

        Gives what tells whether that is still so: a lock ends with its connection. What is raised inside is raised as it
        is: only the statements here are PostgreSQL's.
        """
        with faults():
            connection = await self.db.pool.acquire()
        try:
            with faults():
                await connection.execute("select pg_advisory_lock($1)", LOCK, timeout=3600)
            yield partial(_held, connection)
        finally:
            with faults():
                await self.db.pool.release(connection)  # which lets go of its locks

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


async def _held(connection: asyncpg.Connection) -> bool:
    with faults():
        held: bool = await connection.fetchval(_HELD, LOCK)
    return held
