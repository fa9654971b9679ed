"""The town served over HTTP on a port of its own, for whoever asks over TCP."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from typing import Any, TypeVar

import uvicorn
from tests.screens.town import Town, application, town

from tutela.flow.oidc import Provider

T = TypeVar("T")
PATIENCE = 30


def clock() -> int:
    return time.time_ns() // 1000


class Site:
    """A loop in a thread, with the town, its app, and what seals its log. `run` runs something there."""

    here: Town
    address: str
    token: str
    """Of an operator's session."""

    def __init__(self, provider: Provider | None = None) -> None:
        self._provider = provider
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="site")
        self._thread.start()
        self._open = AsyncExitStack()
        try:
            self.run(self._start())
        except BaseException:
            self.close()
            raise

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE)

    def close(self) -> None:
        try:
            self.run(self._open.aclose())
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(PATIENCE)
            self._loop.close()

    async def fall_silent(self) -> None:
        """Answer nobody any more."""
        await self._open.aclose()

    async def _start(self) -> None:
        self.here = await town(clock)
        self.here.provider = self._provider
        self.token = await self.here.token()
        await self._open.enter_async_context(self.here.living())
        config = uvicorn.Config(
            application(self.here),
            port=0,
            ws="none",
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=1,
        )
        server = uvicorn.Server(config)
        serving = asyncio.ensure_future(server.serve())
        while not server.started:
            await asyncio.wait({serving}, timeout=0.01)
            if serving.done():
                await serving

        async def stop() -> None:
            server.should_exit = True
            await serving

        self._open.push_async_callback(stop)
        self.address = f"http://localhost:{server.servers[0].sockets[0].getsockname()[1]}"
