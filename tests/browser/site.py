"""The town served over HTTP on a port of its own, for a browser."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Coroutine
from typing import Any, TypeVar

import uvicorn
from tests.screens.town import Town, application, town

T = TypeVar("T")


def clock() -> int:
    return time.time_ns() // 1000


class Site:
    """A loop in a thread, with the town, its app, and what seals its log. `run` runs something there."""

    here: Town
    address: str

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._ready, self._stop = threading.Event(), asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(),), name="site")
        self._thread.start()
        if not self._ready.wait(20):
            raise TimeoutError("the site did not start within 20 s")

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(20)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(20)
        self._loop.close()

    async def _serve(self) -> None:
        self.here = await town(clock)
        async with self.here.living():
            config = uvicorn.Config(
                application(self.here), port=0, log_level="warning", access_log=False, timeout_graceful_shutdown=1
            )
            server = uvicorn.Server(config)
            serving = asyncio.ensure_future(server.serve())
            while not server.started:
                await asyncio.wait({serving}, timeout=0.01)
            port = server.servers[0].sockets[0].getsockname()[1]
            self.address = f"http://localhost:{port}"
            self._ready.set()
            await self._stop.wait()
            server.should_exit = True
            await serving
