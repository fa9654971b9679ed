"""The pool that all ports share."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg

from tutela.backends.postgres.faults import faults
from tutela.backends.postgres.notices import Notices

_SETTINGS = {
    "application_name": "tutela",
    "timezone": "UTC",
    "jit": "off",  # compiling a plan takes longer than any of our statements
    "idle_in_transaction_session_timeout": "10s",  # a worker that hangs must not hold its locks
}


@dataclass(frozen=True, slots=True)
class Database:
    """One pool of connections, and the notices that go with it."""

    pool: asyncpg.Pool
    notices: Notices

    @classmethod
    async def open(cls, dsn: str, size: int = 8) -> Database:
        """Connect; raises EngineDown when PostgreSQL does not answer."""
        with faults():
            pool = await asyncpg.create_pool(
                dsn, min_size=1, max_size=size, server_settings=_SETTINGS, command_timeout=60
            )
        return cls(pool, Notices(dsn, pool))

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[asyncpg.Connection]:
        """A connection on which each statement stands for itself."""
        with faults():
            async with self._held() as connection:
                yield connection

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[asyncpg.Connection]:
        """A connection in one transaction: committed at the end, rolled back when anything is raised."""
        with faults():
            async with self._held() as connection, _transaction(connection):
                yield connection

    @asynccontextmanager
    async def _held(self) -> AsyncIterator[asyncpg.Connection]:
        """A connection; it is closed when whoever holds it gives up: taking it back would wait for a server that stands still."""
        async with self.pool.acquire() as connection:
            try:
                yield connection
            except asyncio.CancelledError:
                connection.terminate()
                raise

    async def close(self) -> None:
        """Close everything; waits for what is under way."""
        await self.notices.close()
        await self.pool.close()


@asynccontextmanager
async def _transaction(connection: asyncpg.Connection) -> AsyncIterator[None]:
    transaction = connection.transaction()
    await transaction.start()
    try:
        yield
    except asyncio.CancelledError:
        raise  # its connection is closed, and the server takes back what was done on it
    except BaseException:
        await transaction.rollback()
        raise
    await transaction.commit()
