"""Syslog: what machines tell of themselves, over UDP and TCP, listened to on a port of our own.

Lines are gathered for a moment and read together by the connection's standard. Whoever speaks faster than they can be stored is slowed
down over TCP; over UDP, what is too much is dropped and counted: the protocol has no other way.
Source: RFC 5426 (UDP), RFC 6587 (TCP: octet counting, and lines that end with a line feed).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Annotated, ClassVar

import msgspec

from tutela.errors import BadInput
from tutela.model.card import Card
from tutela.model.flow import Refusal
from tutela.model.heard import Heard
from tutela.model.intake import Intake
from tutela.model.noun import Noun

LONGEST = 16_384
"""Bytes of one message."""
ROOM = 20_000
"""Messages that wait."""
TOGETHER = 2_000
"""Messages that are read at once."""
AT_ONCE = 4_000_000
"""Bytes that are read at once, which any standard takes."""
HELD = 32_000_000
"""Bytes that wait."""
CALLERS = 200
"""TCP connections at a time."""
IDLE = 900.0
"""Seconds after which a TCP connection that says nothing is closed."""
DIGITS = 6
_COUNTS = re.compile(rb"(?:\d{1,7} )+(?=<)")
"""What would be taken for octet counting, and for the length of all that follows, at the beginning of a line."""


class _Broken(Exception):
    """What comes over a connection can't be cut into messages any more."""


@dataclass(slots=True)
class _Heap:
    """Messages that wait, the bytes of them, and how many were lost."""

    waiting: asyncio.Queue[bytes] = field(default_factory=lambda: asyncio.Queue(ROOM))
    held: int = 0
    room: asyncio.Event = field(default_factory=asyncio.Event)
    lost: int = 0
    wrong: int = 0
    callers: int = 0

    def drop_in(self, message: bytes) -> None:
        """From somebody who can't be slowed down."""
        if line := _one_line(message):
            if self.waiting.full() or self.held + len(line) > HELD:
                self.lost += 1
            else:
                self.held += len(line)
                self.waiting.put_nowait(line)

    async def come_in(self, message: bytes) -> None:
        """From somebody who waits until there is room."""
        if line := _one_line(message):
            while self.waiting.full() or self.held + len(line) > HELD:
                self.room.clear()
                await self.room.wait()
            self.held += len(line)
            self.waiting.put_nowait(line)

    def some(self, first: bytes) -> bytes:
        """What waits, as lines."""
        lines, size = [first], len(first)
        while len(lines) < TOGETHER and size < AT_ONCE - LONGEST and not self.waiting.empty():
            lines.append(self.waiting.get_nowait())
            size += len(lines[-1]) + 1
        self.held -= sum(map(len, lines))
        self.room.set()
        return b"\n".join(lines)

    def refusals(self) -> tuple[Refusal, ...]:
        """What was lost since this was last asked."""
        told = {
            "overrun": ("messages came over UDP faster than they could be stored; send over TCP, or less", self.lost),
            "unframed": (
                f"a TCP stream held no message within {LONGEST} bytes; see RFC 6587 for the framing",
                self.wrong,
            ),
        }
        self.lost = self.wrong = 0
        return tuple(Refusal(reason, says, count) for reason, (says, count) in told.items() if count)


@dataclass(slots=True)
class _Datagrams(asyncio.DatagramProtocol):
    """One message in each datagram (RFC 5426)."""

    heap: _Heap
    allowed: SyslogListener

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """One of them."""
        if data and self.allowed.allows(addr[0]):
            self.heap.drop_in(data[:LONGEST])


class SyslogListener(Noun, frozen=True, kw_only=True):
    """Listens at `host` and `port`, by default for this machine alone; `allow` are the networks that may speak (empty: all).

    `every`: seconds for which lines are gathered.
    """

    sealed: ClassVar[frozenset[str]] = frozenset()
    card: ClassVar[Card] = Card(
        finds="What machines and programs log over the network.",
        needs=frozenset(),
        key="datastream",
        lateness=0,
        personal_data=False,
        cannot="Know what was lost on the way: syslog is never acknowledged. Tell who really sent a datagram. Speak TLS.",
    )

    port: Annotated[int, msgspec.Meta(ge=1024, le=65_535)]
    host: str = "127.0.0.1"
    udp: bool = True
    tcp: bool = True
    allow: tuple[str, ...] = ()
    every: Annotated[float, msgspec.Meta(ge=0, le=60)] = 1.0

    def __post_init__(self) -> None:
        """Refuse a listener that hears nothing."""
        if not (self.udp or self.tcp):
            raise BadInput("a listener needs udp or tcp, or both")
        for network in self.allow:
            try:
                ip_network(network)
            except ValueError as wrong:
                raise BadInput(f"allow: {network!r} is no network; write it like 10.20.0.0/16") from wrong

    def allows(self, address: str) -> bool:
        """Whether somebody at this address may speak."""
        ip = ip_address(address.partition("%")[0])
        ip = (ip.ipv4_mapped if isinstance(ip, IPv6Address) else None) or ip  # as a socket for both shows IPv4
        return not self.allow or any(ip in ip_network(network) for network in self.allow)

    async def run(self, intake: Intake) -> None:
        """Listen until cancelled; raises OSError when the port is taken."""
        heap = _Heap()
        async with AsyncExitStack() as stack:
            if self.udp:
                loop = asyncio.get_running_loop()
                transport, _ = await loop.create_datagram_endpoint(
                    lambda: _Datagrams(heap, self), local_addr=(self.host, self.port)
                )
                stack.callback(transport.close)
            if self.tcp:
                callers: set[asyncio.Task[None]] = set()
                server = await asyncio.start_server(
                    lambda reader, writer: self._called(heap, callers, reader, writer),
                    self.host,
                    self.port,
                    limit=LONGEST,
                )
                stack.push_async_callback(_hang_up, server, callers)
            intake.well()
            await self._tell(heap, intake)

    async def _tell(self, heap: _Heap, intake: Intake) -> None:
        """Give on what waits, a moment's worth at a time."""
        while True:
            first = await heap.waiting.get()
            if heap.waiting.qsize() < TOGETHER:
                await intake.wait(self.every)
            if refused := heap.refusals():
                intake.trouble("; ".join(f"{refusal.count} times: {refusal.says}" for refusal in refused))
                await intake.hear(Heard(refused=refused))
            await intake.take(heap.some(first))

    async def _called(
        self, heap: _Heap, callers: set[asyncio.Task[None]], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """One TCP connection, from its first message to its last."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  a server runs each call as a task
        if len(callers) >= CALLERS or not self.allows(writer.get_extra_info("peername")[0]):
            writer.close()
            return
        callers.add(task)
        try:
            with suppress(ConnectionError, TimeoutError, asyncio.CancelledError):
                async for message in _messages(reader):
                    await heap.come_in(message)
        except _Broken:
            heap.wrong += 1
        finally:
            callers.discard(task)
            writer.close()


async def _hang_up(server: asyncio.Server, callers: set[asyncio.Task[None]]) -> None:
    server.close()
    for task in tuple(callers):
        task.cancel()
    await asyncio.gather(*callers, return_exceptions=True)


async def _messages(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    """The messages of a stream, in either framing (RFC 6587, 3.4.1 and 3.4.2)."""
    while first := await _soon(reader.read(1)):
        if first.isdigit() and first != b"0":
            try:
                length = first + await _soon(reader.readuntil(b" "))
                if len(length) > DIGITS or not length[:-1].isdigit() or int(length) > LONGEST:
                    raise _Broken
                yield await _soon(reader.readexactly(int(length)))
            except (asyncio.IncompleteReadError, asyncio.LimitOverrunError) as wrong:
                raise _Broken from wrong
        else:
            try:
                yield (first + await _soon(reader.readuntil(b"\n"))).rstrip(b"\r\n")
            except asyncio.IncompleteReadError as last:
                yield first + last.partial
            except asyncio.LimitOverrunError as wrong:
                raise _Broken from wrong


async def _soon(coming: Awaitable[bytes]) -> bytes:
    return await asyncio.wait_for(coming, IDLE)


def _one_line(message: bytes) -> bytes:
    """A message as one line: those that hold several stay one message. A number before it is no part of it."""
    line = message.strip(b"\0\r\n ").replace(b"\n", b" ").replace(b"\r", b" ")
    counts = _COUNTS.match(line)
    return line[counts.end() :] if counts else line


part = SyslogListener
