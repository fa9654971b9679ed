"""Many senders that insist: each posts again and again until it is acknowledged. What is acknowledged is logged outside.

Each sender has datastreams of its own and sends one batch after the other, so that what is sent again can't be
overtaken. In every other batch one datastream is far above the level, which must be noticed once.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO

import msgspec

from tutela.model.when import iso

STREAMS = 10
AGAIN = 0.1
ANSWER = 10.0
BROKEN = (OSError, EOFError, ValueError, asyncio.IncompleteReadError, TimeoutError)
"""What a connection to a process that is being killed can raise."""


@dataclass(slots=True)
class Book:
    """What all senders know together. Rows are (datastream, time); `log` gets each acknowledged batch at once."""

    port: int
    token: str
    calls_token: str
    first: int
    name: str
    base: float
    spike: float
    log: IO[str]
    acked: set[tuple[int, int]] = field(default_factory=set)
    spikes: set[tuple[int, int]] = field(default_factory=set)
    calls: dict[str, str] = field(default_factory=dict)
    flying: int = 0
    tries: int = 0
    answers: int = 0
    over: bool = False


class Caller:
    """One connection at a time, made anew when it breaks."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def insist(self, path: str, token: str, body: bytes) -> bytes:
        """Post it until it is acknowledged; gives the answer. `flying` counts what is sent and not answered."""
        head = (
            f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n"
            f"Content-Type: application/x-ndjson\r\nContent-Length: {len(body)}\r\n\r\n"
        ).encode()
        while True:
            self._book.tries += 1
            try:
                async with asyncio.timeout(ANSWER):
                    status, answer = await self._once(head + body)
            except BROKEN:
                self.close()
            else:
                if status in (200, 201):
                    self._book.answers += 1
                    return answer
                if status < 500 and status != 429:
                    raise SystemExit(f"{path} was refused with {status}: {answer[:300]!r}")
            await asyncio.sleep(AGAIN)

    async def _once(self, request: bytes) -> tuple[int, bytes]:
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._book.port)
        reader, writer = self._streams
        writer.write(request)
        self._book.flying += 1
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
            if not lengths:
                raise EOFError("the server stopped while it answered")
            return int(head[9:12]), await reader.readexactly(int(lengths[0].split(b":")[1]))
        finally:
            self._book.flying -= 1

    def close(self) -> None:
        """Let go of the connection."""
        if self._streams is not None:
            with suppress(OSError):
                self._streams[1].close()
        self._streams = None


async def observe(book: Book, number: int) -> None:
    """Send batches until it is over; the last one is seen through."""
    caller = Caller(book)
    streams = range(number * STREAMS, (number + 1) * STREAMS)
    before = 0
    for turn in itertools.count():
        if book.over:
            caller.close()
            return
        at = before = max(time.time_ns() // 1000, before + 1)
        high = streams[turn // 2 % STREAMS] if turn % 2 else -1
        rows = [
            {
                "datastream": book.name.format(place),
                "phenomenonTime": at,
                "result": book.spike if place == high else book.base,
            }
            for place in streams
        ]
        answer = await caller.insist(
            "/v1/observations?kind=readings", book.token, b"\n".join(map(msgspec.json.encode, rows))
        )
        if msgspec.json.decode(answer)["accepted"] != len(rows):
            raise SystemExit(f"rows were refused: {answer!r}")
        book.acked.update((book.first + place, at) for place in streams)
        if high >= 0:
            book.spikes.add((book.first + high, at))
        book.log.write(f"{number} {at} {high}\n")
        book.log.flush()


async def call(book: Book, number: int) -> None:
    """Tell calls until it is over."""
    caller = Caller(book)
    for turn in itertools.count():
        if book.over:
            caller.close()
            return
        id_ = f"bench-{number}-{turn}"
        told = {
            "id": id_,
            "at": iso(time.time_ns() // 1000),
            "lat": 60.17 + 0.0001 * (turn % 100),
            "lon": 24.94,
            "category": "EMS: fall",
            "said": "bench",
        }
        answer = await caller.insist("/v1/calls", book.calls_token, msgspec.json.encode(told))
        book.calls[id_] = msgspec.json.decode(answer)["event"]
        book.log.write(f"call {id_} {book.calls[id_]}\n")
        book.log.flush()
        await asyncio.sleep(0.05)
