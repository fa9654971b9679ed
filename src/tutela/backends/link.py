"""One connection to NATS that comes back by itself, and patience while it is away."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Coroutine
from time import monotonic
from typing import Any, Self, TypeVar

import nats.errors
import nats.js.errors
from nats.aio.client import Client, Server
from nats.js import JetStreamContext

from tutela.errors import EngineDown

T = TypeVar("T")
log = logging.getLogger(__name__)

PENDING = 128 << 20
"""Bytes that may wait to be written: sixteen batches of the greatest size."""

LOST = (
    nats.errors.TimeoutError,
    nats.errors.ConnectionClosedError,
    nats.errors.ConnectionReconnectingError,
    nats.errors.OutboundBufferLimitError,
    nats.errors.NoRespondersError,
    nats.js.errors.NoStreamResponseError,
    nats.js.errors.ServiceUnavailableError,
    nats.js.errors.ServerError,
    TimeoutError,
    OSError,
)
"""What passes when the server is back: worth another try."""


class Link:
    """A connection that tries for ever, at random intervals so that clients do not all return at once.

    `up` is set while it stands. `ask` gives up as soon as it falls, so that a question asked of a server
    that died is asked again the moment the next one stands, instead of after its time-out.
    """

    def __init__(self, url: str, name: str) -> None:
        self._url = url
        self._name = name
        self._complained = -10.0
        self._fallen: asyncio.Future[None] | None = None
        self._wanted = True
        self.client = Client()
        self.up = asyncio.Event()

    async def open(self, within: float) -> Self:
        """Connects; raises `EngineDown` when nobody answers in that many seconds."""
        # In a task of its own: nats-py can swallow the cancellation of whoever waits inside of it.
        connecting = asyncio.ensure_future(self._connect())
        try:
            done, _ = await asyncio.wait({connecting}, timeout=within)
        except asyncio.CancelledError:
            await self._give_up(connecting)
            raise
        if not done:
            why = self.client.last_error or "time-out"
            await self._give_up(connecting)
            raise EngineDown(f"NATS at {self.where} lets nobody in ({why}); `tutela doctor` says what to do")
        try:
            connecting.result()
        except nats.errors.Error as wrong:
            raise EngineDown(
                f"{self.where!r} is no address of NATS ({wrong}); write nats://user:password@host:port"
            ) from wrong
        await self._rose()
        return self

    async def _connect(self) -> None:
        await self.client.connect(
            self._url,
            name=self._name,
            error_cb=self._complain,
            disconnected_cb=self._fell,
            reconnected_cb=self._rose,
            closed_cb=self._ended,
            connect_timeout=2,
            max_reconnect_attempts=-1,
            reconnect_time_wait=0.2,  # type: ignore[arg-type]  # it sleeps so many seconds
            reconnect_to_server_handler=_another,
            ping_interval=10,
            pending_size=PENDING,
        )

    async def _give_up(self, connecting: asyncio.Task[None]) -> None:
        connecting.cancel()
        await asyncio.wait({connecting}, timeout=1)
        await self.close()

    async def close(self) -> None:
        """Says goodbye and stops trying."""
        self._wanted = False
        await self.client.close()

    @property
    def where(self) -> str:
        """The address without its credentials."""
        return self._url.rpartition("@")[2].removeprefix("nats://")

    @property
    def jetstream(self) -> JetStreamContext:
        """The calls of JetStream over this connection."""
        return self.client.jetstream()

    async def ask(self, question: Coroutine[Any, Any, T]) -> T:
        """The answer; raises `ConnectionResetError` when the connection falls before it comes."""
        answer = asyncio.ensure_future(question)
        either: set[asyncio.Future[Any]] = {answer, self._fall()}
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if answer.done():
                return answer.result()
        finally:
            answer.cancel()
        raise ConnectionResetError(f"the connection to NATS at {self.where} fell before the answer came")

    async def insist(self, call: Callable[[], Awaitable[T]], about: str, patience: float) -> T:
        """Calls until it succeeds; after `patience` seconds of lost answers raises `EngineDown`."""
        until = monotonic() + patience
        pause = 0.01
        while True:
            try:
                async with asyncio.timeout(max(0.0, until - monotonic())):
                    await self.up.wait()
                return await call()
            except LOST as lost:
                if monotonic() + pause >= until:
                    raise EngineDown(
                        f"NATS at {self.where} gave no answer about {about} for {patience:.0f} s ({lost or 'time-out'}); "
                        f"nothing accepted is lost. Run `tutela doctor` to see why"
                    ) from lost
            await asyncio.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311  a pause is no secret
            pause = min(2 * pause, 0.5)

    def _fall(self) -> asyncio.Future[None]:
        if self._fallen is None:
            self._fallen = asyncio.get_running_loop().create_future()
            if not self.up.is_set():
                self._fallen.set_result(None)
        return self._fallen

    async def _rose(self) -> None:
        if not self.up.is_set():
            log.info("connected to NATS at %s", self.where)
        self._fallen = None
        self.up.set()

    async def _fell(self) -> None:
        self.up.clear()
        if self._fallen is not None and not self._fallen.done():
            self._fallen.set_result(None)

    async def _ended(self) -> None:
        if self._wanted:
            log.error("NATS at %s closed the connection for good: %s", self.where, self.client.last_error)

    async def _complain(self, wrong: Exception) -> None:
        """Each failed attempt to come back is told here: one line in ten seconds says enough."""
        if monotonic() - self._complained >= 10:
            self._complained = monotonic()
            log.warning("NATS at %s: %s", self.where, wrong or type(wrong).__name__)


def _another(servers: list[Server], _info: dict[str, Any]) -> tuple[Server, float]:
    """Which server to try next, after which pause in seconds."""
    return random.choice(servers), random.uniform(0.02, 0.3)  # noqa: S311  jitter is no secret
