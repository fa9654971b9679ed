"""Reading a stream of NATS from any sequence on: one pull is always under way, so that a fetch costs nothing.

nats-py's own `fetch` asks the server anew each time, waits for a full batch, and may leave a request behind
that swallows the next message (nats.py #933, #986). Here messages flow into a small buffer as they come.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import deque
from collections.abc import Sequence
from contextlib import suppress

import nats.js.errors
from nats.aio.msg import Msg
from nats.js import api

from tutela.backends.link import LOST, Link
from tutela.errors import NotFound
from tutela.model.flow import Message

log = logging.getLogger(__name__)

MOST = 1000
"""Messages in one pull; bytes are limited by the greatest message and a megabyte more."""

ENOUGH = 4 << 20
"""Bytes in the buffer that hold back the next pull."""

EXPIRES = 30
HEARTBEAT = 5
FORGOTTEN = 60
"""Seconds: how long a pull stands, how often the server shows it is there, when it drops a consumer not used."""

_NANO = 1_000_000_000


class NatsReader:
    """`Reader` over a pull consumer without acknowledgements, kept in the server's memory.

    It is made anew at the next sequence whenever the server forgot it: after a restart, or a gap.
    """

    def __init__(
        self, link: Link, stream: str, subjects: Sequence[str], after: int, *, headers_only: bool = False
    ) -> None:
        self._link = link
        self._stream = stream
        self._subjects = list(subjects)
        self._headers_only = headers_only
        self._after = after
        self._held: deque[Message] = deque()
        self._bytes = 0
        self._news = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._flow = asyncio.create_task(self._flowing(), name=f"read {stream}")

    async def fetch(self, most: int, wait: float) -> Sequence[Message]:
        """What is there at once, else what comes within `wait` seconds. A server that is away gives nothing."""
        if not self._held and not self._flow.done():
            self._news.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._news.wait()
        if not self._held and self._flow.done():
            self._flow.result()
        batch = [self._held.popleft() for _ in range(min(most, len(self._held)))]
        self._bytes -= sum(len(message.body) for message in batch)
        if self._bytes < ENOUGH and len(self._held) < MOST:
            self._room.set()
        return batch

    async def close(self) -> None:
        """Stops reading, and tells the server."""
        self._flow.cancel()
        await asyncio.wait({self._flow})
        if not self._flow.cancelled() and (wrong := self._flow.exception()):
            log.info("reading %s had ended: %s", self._stream, wrong)

    def take(self, message: Message) -> None:
        """One message from the server, put by for the next fetch."""
        if message.sequence <= self._after:
            return
        self._after = message.sequence
        self._held.append(message)
        self._bytes += len(message.body)
        if self._bytes >= ENOUGH or len(self._held) >= MOST:
            self._room.clear()
        self._news.set()

    async def _flowing(self) -> None:
        try:
            while True:
                await self._link.up.wait()
                await self._stay()
        finally:
            self._news.set()

    async def _stay(self) -> None:
        try:
            await self._consume()
        except LOST as lost:
            log.info("reading %s goes on after %d: %s", self._stream, self._after, lost or type(lost).__name__)
            await asyncio.sleep(0.05)

    async def _consume(self) -> None:
        """Lives as long as one consumer on the server does."""
        jetstream = self._link.jetstream
        try:
            info = await self._link.ask(jetstream.add_consumer(self._stream, self._config()))
        except nats.js.errors.NotFoundError as missing:
            raise NotFound(f"the stream {self._stream} is gone from {self._link.where}") from missing
        inbox = self._link.client.new_inbox()
        pulled = _Pulled(self, inbox)
        subscription = await self._link.client.subscribe(inbox, cb=pulled.arrive, pending_bytes_limit=0)
        try:
            while True:
                await self._link.ask(pulled.pull(self._link, f"$JS.API.CONSUMER.MSG.NEXT.{self._stream}.{info.name}"))
                await self._room.wait()
        finally:
            if self._link.up.is_set():
                with suppress(*LOST, nats.js.errors.NotFoundError):
                    await subscription.unsubscribe()
                    await jetstream.delete_consumer(self._stream, info.name)

    def _config(self) -> api.ConsumerConfig:
        return api.ConsumerConfig(
            deliver_policy=api.DeliverPolicy.BY_START_SEQUENCE,
            opt_start_seq=self._after + 1,
            ack_policy=api.AckPolicy.NONE,
            filter_subjects=self._subjects or None,
            headers_only=self._headers_only or None,
            mem_storage=True,
            inactive_threshold=FORGOTTEN,
        )


class _Pulled:
    """What one consumer sends to one inbox: messages in its order, and words about the pull."""

    def __init__(self, reader: NatsReader, inbox: str) -> None:
        self._reader = reader
        self._inbox = inbox
        self._delivered = 0
        self._left = 0
        self._heard = 0
        self._word = ""
        self._over = asyncio.Event()

    async def pull(self, link: Link, subject: str) -> None:
        """Asks for messages and returns when the server has ended the pull; raises when it does not know it."""
        self._left, self._word = MOST, ""
        self._over.clear()
        request = {
            "batch": MOST,
            "max_bytes": link.client.max_payload + (1 << 20),
            "expires": EXPIRES * _NANO,
            "idle_heartbeat": HEARTBEAT * _NANO,
        }
        await link.client.publish(subject, json.dumps(request).encode(), reply=self._inbox)
        while not self._over.is_set():
            heard = self._heard
            try:
                async with asyncio.timeout(3 * HEARTBEAT):
                    await self._over.wait()
            except TimeoutError:
                if heard == self._heard:
                    raise
        if self._word:
            raise ConnectionAbortedError(self._word)

    async def arrive(self, msg: Msg) -> None:
        """The subscription's callback."""
        self._heard += 1
        if msg.subject == self._inbox:
            self._told(msg.headers or {})
            return
        sequence, delivered, at = _place(msg.reply)
        if delivered != self._delivered + 1:
            self._end(f"message {self._delivered + 1} of the consumer did not arrive")
            return
        self._delivered = delivered
        self._reader.take(Message(sequence, msg.subject, msg.headers or {}, msg.data, at))
        self._left -= 1
        if not self._left:
            self._end("")

    def _told(self, headers: dict[str, str]) -> None:
        """A status: 100 is a heartbeat; 408 and "exceeds MaxBytes" end a pull in good order; others end the consumer."""
        status, says = headers.get("Status", ""), headers.get("Description", "")
        if status == "100":
            return
        in_order = status in ("404", "408") or "MaxBytes" in says or "Batch Completed" in says
        self._end("" if in_order else f"the server says {status} {says.strip()}")

    def _end(self, word: str) -> None:
        self._word = self._word or word
        self._over.set()


def _place(reply: str) -> tuple[int, int, int]:
    """Sequence in the stream, sequence in the consumer, and microseconds since 1970, from `$JS.ACK.…` (ADR-15)."""
    words = reply.split(".")
    first = 7 if len(words) > 9 else 5
    return int(words[first]), int(words[first + 1]), int(words[first + 2]) // 1000
