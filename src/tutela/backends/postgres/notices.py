"""News across processes: LISTEN and NOTIFY, as hints.

A notice is sent after the commit and not within it: PostgreSQL lets transactions that notify commit only one after
another. It is coalesced, and it may be lost when a process dies in between, so that waiting always has an end.
"""

from __future__ import annotations

import asyncio
import logging

import asyncpg

from tutela.backends.bell import Bell
from tutela.backends.postgres.faults import faults
from tutela.errors import EngineDown

EVENT, SEALED, OUTBOX = NAMES = ("event", "sealed", "outbox")

_log = logging.getLogger(__name__)


class Notices:
    """Rings are sent by the pool, and heard on a connection of their own, which is opened at the first wait."""

    def __init__(self, dsn: str, pool: asyncpg.Pool) -> None:
        self._dsn = dsn
        self._pool = pool
        self._bell = Bell()
        self._due: set[str] = set()
        self._sending: asyncio.Task[None] | None = None
        self._opening = asyncio.Lock()
        self._ear: asyncpg.Connection | None = None

    def ring(self, *names: str) -> None:
        """Tell all processes, soon and together."""
        self._due.update(names)
        if self._due and (self._sending is None or self._sending.done()):
            self._sending = asyncio.create_task(self._send())

    async def _send(self) -> None:
        while self._due:
            names = [f"tutela_{name}" for name in self._due]
            self._due.clear()
            try:
                with faults():
                    await self._pool.execute("select pg_notify(name, '') from unnest($1::text[]) as name", names)
            except EngineDown:
                _log.warning("a notice was lost, those who wait see the news a little later", exc_info=True)

    async def wait(self, seconds: float, *names: str) -> None:
        """Return when one of the names (none: any) was rung anywhere since this task last waited, or after that time.

        Raises EngineDown when it can't listen.
        """
        self._bell.listen()
        await self._open()
        await self._bell.wait(names or NAMES, seconds)

    async def _open(self) -> None:
        async with self._opening:
            if self._ear is not None:
                return
            with faults():
                ear = await asyncpg.connect(self._dsn, server_settings={"application_name": "tutela notices"})
                for name in NAMES:
                    await ear.add_listener(f"tutela_{name}", self._heard)
            ear.add_termination_listener(self._deaf)
            self._ear = ear
        # what was rung before this ear was open was not heard: let everybody look once
        self._bell.ring(*NAMES)

    def _heard(self, _ear: object, _pid: int, channel: str, _payload: str) -> None:
        self._bell.ring(channel.removeprefix("tutela_"))

    def _deaf(self, _ear: object) -> None:
        self._ear = None
        self._bell.ring(*NAMES)

    async def close(self) -> None:
        """Send what is due, and stop listening."""
        if self._sending is not None:
            await self._sending
        if self._ear is not None:
            await self._ear.close()
