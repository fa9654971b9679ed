"""The telemetry lane in memory, for tests and first looks: the promises of NATS JetStream without a disk.

Faults are at hand: `fail`, `lose_acks` and `full`. Nothing here survives the process.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from tutela.backends.subjects import taken
from tutela.errors import BadInput, EngineDown, NotFound, StorageFull
from tutela.model.flow import Message
from tutela.model.when import SECOND

MAX_BODY = 8 << 20


def _now() -> int:
    return time.time_ns() // 1000


@dataclass(slots=True)
class _Stream:
    """One stream: its messages in order, and where each id was first stored and when."""

    subjects: tuple[str, ...]
    messages: list[Message] = field(default_factory=list)
    last: int = 0
    known: dict[str, tuple[int, int]] = field(default_factory=dict)
    news: asyncio.Condition = field(default_factory=asyncio.Condition)

    def after(self, sequence: int, subjects: Sequence[str], most: int) -> tuple[Message, ...]:
        first = self.messages[0].sequence if self.messages else self.last + 1
        found: list[Message] = []
        for message in self.messages[max(0, sequence + 1 - first) :]:
            if len(found) == most:
                break
            if taken(subjects, message.subject):
                found.append(message)
        return tuple(found)


class MemoryStreams:
    """`Streams` in memory. Ids are remembered for `window` seconds of `clock`, as the real server does.

    Set `fail` to the number of next publishes that are lost before they are stored, `lose_acks` to the
    number that are stored but not acknowledged, `full` to refuse them all.
    """

    def __init__(self, clock: Callable[[], int] = _now, window: float = 120.0) -> None:
        self._clock = clock
        self._window = int(window * SECOND)
        self._streams: dict[str, _Stream] = {}
        self.fail = 0
        self.lose_acks = 0
        self.full = False

    async def open(self, stream: str, subjects: Sequence[str]) -> None:
        """Makes the stream, or gives one that is there these subjects."""
        if stream in self._streams:
            self._streams[stream].subjects = tuple(subjects)
        else:
            self._streams[stream] = _Stream(tuple(subjects))

    async def publish(self, subject: str, body: bytes, id_: str, headers: Mapping[str, str]) -> int:
        """Stores the message once per id and gives its sequence."""
        stream = self._of(subject)
        if len(body) > MAX_BODY:
            raise BadInput(
                f"a message on {subject} has {len(body)} bytes, the limit is {MAX_BODY}: send smaller batches"
            )
        if self.full:
            raise StorageFull(f"the log has no room for {subject}: free disk space; what was accepted is safe")
        if self.fail:
            self.fail -= 1
            raise EngineDown(f"the log did not answer for {subject}: this failure was asked for")
        sequence = await self._store(stream, subject, body, id_, headers)
        if self.lose_acks:
            self.lose_acks -= 1
            raise EngineDown(f"the log did not acknowledge {subject}: this failure was asked for")
        return sequence

    async def read(self, stream: str, subjects: Sequence[str], after: int) -> MemoryReader:
        """A reader of those subjects from the message after that sequence."""
        return MemoryReader(self._named(stream), subjects, after)

    async def last(self, stream: str, subject: str = "") -> int:
        """The sequence of the newest message ever stored, or of the newest one kept on a subject; 0 for none."""
        held = self._named(stream)
        if not subject:
            return held.last
        return max((message.sequence for message in held.messages if message.subject == subject), default=0)

    async def has(self, stream: str, id_: str, since: int) -> bool:
        """Whether a message of that id is stored after the sequence `since`."""
        held = self._named(stream).messages
        return any(message.sequence > since and message.headers["Nats-Msg-Id"] == id_ for message in held)

    async def purge(self, stream: str, below: int) -> None:
        """Forgets the messages with a smaller sequence; `last` stays."""
        held = self._named(stream)
        held.messages = [message for message in held.messages if message.sequence >= below]

    async def _store(self, stream: _Stream, subject: str, body: bytes, id_: str, headers: Mapping[str, str]) -> int:
        at = self._clock()
        sequence, stored_at = stream.known.get(id_, (0, 0))
        if sequence and at - stored_at < self._window:
            return sequence
        stream.last += 1
        stream.known[id_] = (stream.last, at)
        stream.messages.append(Message(stream.last, subject, {**headers, "Nats-Msg-Id": id_}, bytes(body), at))
        async with stream.news:
            stream.news.notify_all()
        return stream.last

    def _named(self, stream: str) -> _Stream:
        if stream not in self._streams:
            raise NotFound(f"there is no stream {stream}; there are: {', '.join(self._streams) or 'none'}")
        return self._streams[stream]

    def _of(self, subject: str) -> _Stream:
        for stream in self._streams.values():
            if taken(stream.subjects, subject):
                return stream
        raise EngineDown(f"no stream keeps {subject}; open one for it first")


class MemoryReader:
    """`Reader` over a stream in memory."""

    def __init__(self, stream: _Stream, subjects: Sequence[str], after: int) -> None:
        self._stream = stream
        self._subjects = tuple(subjects)
        self._after = after

    async def fetch(self, most: int, wait: float) -> Sequence[Message]:
        """What is there at once, else what comes within `wait` seconds."""
        found = self._next(most)
        if not found:
            try:
                async with asyncio.timeout(wait), self._stream.news:
                    await self._stream.news.wait_for(lambda: self._next(most))
            except TimeoutError:
                return ()
            found = self._next(most)
        if found:
            self._after = found[-1].sequence
        return found

    async def close(self) -> None:
        """Nothing is held."""

    def _next(self, most: int) -> tuple[Message, ...]:
        return self._stream.after(self._after, self._subjects, most)
