"""Listening to syslog: both transports, both framings, strangers kept out, floods counted, garbage lived with."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tutela import parts
from tutela.errors import BadInput
from tutela.model.flow import Receipt
from tutela.model.heard import Heard
from tutela.sources.syslog_listener import AT_ONCE, HELD, LONGEST, ROOM, SyslogListener, _Broken, _Heap, _messages
from tutela.standards import syslog
from tutela.standards._hearing import MOST_BYTES
from tutela_promises.intake import FakeIntake

LINE = b"<34>1 2026-11-25T08:00:00Z gate su - - - refused"


class Ear(FakeIntake):
    """An intake that never ends, and tells when something came."""

    def __init__(self) -> None:
        super().__init__(waits=1 << 60)
        self.came = asyncio.Event()

    async def hear(self, heard: Heard) -> Receipt:
        receipt = await super().hear(heard)
        self.came.set()
        return receipt

    @property
    def lines(self) -> list[bytes]:
        return [line for body in self.kept.bodies for line in body.split(b"\n")]

    async def until(self, true: Callable[[Ear], object]) -> None:
        async with asyncio.timeout(10):
            while not true(self):
                self.came.clear()
                await self.came.wait()


@asynccontextmanager
async def listening(port: int, **options: object) -> AsyncIterator[Ear]:
    source = parts.make("sources", "syslog_listener", {"port": port, **options})
    ear = Ear()
    task = asyncio.create_task(source.run(ear))
    while not ear.wells:
        await asyncio.sleep(0)
        if task.done():
            task.result()
    try:
        yield ear
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def say(port: int, *chunks: bytes) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    for chunk in chunks:
        writer.write(chunk)
        await writer.drain()
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()


def throw(port: int, *datagrams: bytes) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        for datagram in datagrams:
            out.sendto(datagram, ("127.0.0.1", port))


async def test_datagrams_are_gathered_and_read_together(unused_tcp_port: int) -> None:
    async with listening(unused_tcp_port) as ear:
        throw(unused_tcp_port, LINE, LINE + b"\n", b"", b"two\nlines\0")
        await ear.until(lambda one: len(one.lines) == 3)

    assert ear.lines == [LINE, LINE, b"two lines"]


async def test_tcp_is_cut_by_counts_and_by_line_feeds_wherever_the_packets_end(unused_tcp_port: int) -> None:
    stream = b"%d " % len(LINE) + LINE + b"5 a\nb c" + LINE + b"\r\n\n" + LINE
    async with listening(unused_tcp_port) as ear:
        await say(unused_tcp_port, *(stream[place : place + 7] for place in range(0, len(stream), 7)))
        await ear.until(lambda one: len(one.lines) == 4)

    assert ear.lines == [LINE, b"a b c", LINE, LINE]


async def test_a_stream_without_messages_is_cut_off_and_counted(unused_tcp_port: int) -> None:
    async with listening(unused_tcp_port) as ear:
        await say(unused_tcp_port, b"<34>" + b"x" * (LONGEST * 3))
        await say(unused_tcp_port, b"999999 too long")
        await say(unused_tcp_port, LINE + b"\n")
        await ear.until(lambda one: one.lines)
        throw(unused_tcp_port, LINE)
        await ear.until(lambda one: len(one.lines) == 2)

    counts = {refusal.reason: refusal.count for heard in ear.kept.heard for refusal in heard.refused}
    assert counts == {"unframed": 2}


async def test_strangers_are_not_heard(unused_tcp_port: int) -> None:
    async with listening(unused_tcp_port, allow=["10.0.0.0/8", "127.0.0.2/32"], host="0.0.0.0") as ear:
        throw(unused_tcp_port, b"a stranger")
        await say(unused_tcp_port, b"a stranger\n")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            out.bind(("127.0.0.2", 0))
            out.sendto(LINE, ("127.0.0.1", unused_tcp_port))
        await ear.until(lambda one: one.lines)

    assert ear.lines == [LINE]


async def test_a_message_that_begins_with_a_count_swallows_nobody_elses(unused_tcp_port: int) -> None:
    other = LINE.replace(b"gate", b"door")
    async with listening(unused_tcp_port) as ear:
        throw(unused_tcp_port, b"9999999 12 " + LINE, other)
        await ear.until(lambda one: len(one.lines) == 2)

    (body,) = ear.kept.bodies
    assert [(thing.name, thing.kind) for thing in syslog.read(body, "s").things] == [
        ("s/gate", "host"),
        ("s/door", "host"),
    ]


async def test_what_is_read_at_once_is_never_more_than_a_standard_takes_and_nothing_is_lost_of_it() -> None:
    heap = _Heap()
    for number in range(600):
        heap.drop_in(b"<34>%d " % number + b"x" * (LONGEST - 10))
    bodies = []
    while not heap.waiting.empty():
        bodies.append(heap.some(heap.waiting.get_nowait()))

    assert max(map(len, bodies)) <= AT_ONCE < MOST_BYTES
    assert sum(len(body.split(b"\n")) for body in bodies) == 600
    assert heap.held == 0


async def test_what_waits_is_bounded_in_bytes_too_and_over_tcp_a_sender_waits_for_room() -> None:
    heap, long = _Heap(), b"x" * LONGEST
    for _ in range(HELD // LONGEST + 5):
        heap.drop_in(long)
    assert (heap.held <= HELD, heap.lost) == (True, 5)
    held = heap.waiting.qsize()
    late = asyncio.create_task(heap.come_in(long))
    await asyncio.sleep(0)
    assert heap.waiting.qsize() == held
    taken = heap.some(heap.waiting.get_nowait())
    await late

    assert heap.waiting.qsize() == held - len(taken.split(b"\n")) + 1


async def test_an_older_address_in_a_newer_ones_clothes_is_let_in_like_itself() -> None:
    listener = SyslogListener(port=5140, allow=("10.0.0.0/8",))

    assert listener.allows("::ffff:10.1.2.3")
    assert not listener.allows("::ffff:192.0.2.1")


async def test_a_flood_over_udp_is_bounded_and_what_was_lost_is_counted() -> None:
    heap = _Heap()
    for _ in range(ROOM + 7):
        heap.drop_in(LINE)

    assert heap.waiting.qsize() == ROOM
    assert [(refusal.reason, refusal.count) for refusal in heap.refusals()] == [("overrun", 7)]
    assert heap.refusals() == ()


async def test_a_port_that_is_taken_is_told(unused_tcp_port: int) -> None:
    async with listening(unused_tcp_port):
        with pytest.raises(OSError, match="in use"):
            async with listening(unused_tcp_port):
                pass


async def test_when_it_stops_the_port_is_free_and_callers_are_hung_up(unused_tcp_port: int) -> None:
    async with listening(unused_tcp_port, udp=False) as ear:
        reader, writer = await asyncio.open_connection("127.0.0.1", unused_tcp_port)
        writer.write(LINE + b"\n")
        await ear.until(lambda one: one.lines)
    async with asyncio.timeout(10):
        assert await reader.read() == b""
    writer.close()
    async with listening(unused_tcp_port, udp=False):
        pass


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.one_of(st.binary(max_size=80), st.just(LINE + b"\n"), st.just(b"5 hello")), max_size=8))
async def test_whatever_comes_over_tcp_is_cut_into_messages_or_given_up(sent: list[bytes]) -> None:
    reader = asyncio.StreamReader(limit=LONGEST)
    reader.feed_data(b"".join(sent))
    reader.feed_eof()
    with suppress(_Broken):
        found = [message async for message in _messages(reader)]
        assert all(len(message) <= LONGEST for message in found)


@pytest.mark.parametrize(
    "wrong", [{"port": 514}, {"port": 5140, "udp": False, "tcp": False}, {"port": 5140, "allow": ["everybody"]}, {}]
)
def test_a_listener_that_could_not_hear_is_not_made(wrong: dict[str, object]) -> None:
    with pytest.raises(BadInput):
        parts.make("sources", "syslog_listener", wrong)


def test_addresses_in_the_newer_form_are_known() -> None:
    listener = SyslogListener(port=5140, allow=("fd00::/8",))

    assert listener.allows("fd00::1%eth0")
    assert not listener.allows("127.0.0.1")
