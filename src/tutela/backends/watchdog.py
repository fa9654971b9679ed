"""Looks after the telemetry log: a stream that died of a full disk, a server that hangs, a limit that moves.

NATS does not heal by itself: after a write has failed the stream answers nothing until the server is started
again, even when there is room (measured with 2.15.1). Its health report names such a stream.
"""

from __future__ import annotations

import asyncio
import json
import logging
import signal
from time import monotonic
from typing import Any

from tutela.backends.children import Child
from tutela.backends.disk import look
from tutela.backends.link import LOST, Link
from tutela.backends.server_nats import NatsServer, limit
from tutela.errors import EngineDown

log = logging.getLogger(__name__)

EVERY = 2.0
"""Seconds between two looks."""

SILENT = 5.0
"""Seconds without an answer that count as a fault."""

TWICE = 2
"""Looks in a row that find a fault before the server is restarted; a failed write needs only one."""

AWAY = (*LOST, EngineDown)
"""A question that got no answer, or a disk that refuses: for the next look, never the end of the supervision."""

REST = 10.0
"""Seconds between two restarts: a server that is starting needs time to recover its streams."""


class Watchdog:
    """Looks every two seconds."""

    def __init__(self, server: NatsServer, child: Child) -> None:
        self._server = server
        self._child = child
        self._link: Link | None = None
        self._faults = 0
        self._restarted = -REST

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(EVERY)

    async def close(self) -> None:
        """Lets go of the server."""
        if self._link:
            await self._link.close()

    async def look(self) -> None:
        """One look, and what has to be done about it."""
        if not self._child.running:
            return
        fault = await self._fault()
        self._faults = self._faults + 1 if fault else 0
        rested = monotonic() - self._restarted >= REST
        if rested and ("write error" in fault or self._faults >= TWICE):
            await self._restart(fault)
        elif not fault:
            await self._move_limit()

    async def _restart(self, fault: str) -> None:
        self._restarted = monotonic()
        self._faults = 0
        try:
            await self._child.restart(fault)
        except EngineDown as still:
            log.error("%s", still)  # noqa: TRY400  the message says it all

    async def _fault(self) -> str:
        """What is wrong with the server, in words; empty when nothing is."""
        try:
            health = await self._asked("HEALTHZ")
        except AWAY:
            return f"it did not answer for {SILENT:.0f} s"
        return "" if health["status"] == "ok" else f"it says that it is not well: {health.get('error', 'no reason')}"

    async def _move_limit(self) -> None:
        """Gives the log the room that the disk has now, when that is more: a running server takes no lower limit (2.15.1).

        When it is less, the gateway refuses what comes.
        """
        try:
            told, disk = await self._asked("JSZ"), look(self._server.places.data)
            used: int = told["storage"]
            if limit(used, disk) - told["config"]["max_storage"] > disk.reserve // 8:
                self._server.configure(used)
                self._child.signal(signal.SIGHUP)
        except AWAY as wrong:
            log.warning("the log's limit stays as it is for now: %s", wrong or type(wrong).__name__)

    async def _asked(self, what: str) -> dict[str, Any]:
        link = self._link
        if link is None:
            link = self._link = await Link(self._server.access.keeper_url, "watchdog").open(SILENT)
        async with asyncio.timeout(SILENT):
            await link.up.wait()
            answer = await link.ask(link.client.request(f"$SYS.REQ.SERVER.PING.{what}", b"", timeout=SILENT))
        told: dict[str, dict[str, Any]] = json.loads(answer.data)
        if "data" not in told:
            raise EngineDown(f"NATS does not answer {what}: {told.get('error', 'no reason')}")
        return told["data"]
