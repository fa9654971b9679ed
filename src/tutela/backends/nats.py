"""The telemetry lane: NATS JetStream. A publish returns when the server has put the message on its disk.

The server runs with `sync_interval: always`; its streams refuse what is new when they are full and never
throw away what is old. A retry carries the same id, so within the duplicate window it is stored once; past
the window the stream is read back before the message is sent again.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import NoReturn, Self

import nats.errors
import nats.js.errors
from nats.js import api

from tutela.backends.link import Link
from tutela.backends.reader import NatsReader
from tutela.backends.subjects import taken
from tutela.errors import BadInput, Broken, EngineDown, NotFound, StorageFull

WINDOW = 120.0
"""Seconds in which the server knows an id again."""

ANSWER = 6.0
"""Seconds to wait for one acknowledgement; the watchdog takes more than five for a fault of the disk."""

DOUBTS = 10_000
"""Messages without an answer whose first try is remembered."""

_EXISTS = 10058
_FULL = frozenset({10002, 10023, 10047, 10077})
"""JetStream's codes: account limit, insufficient resources, insufficient storage, stream limit reached."""


@dataclass(frozen=True, slots=True)
class _Doubt:
    """A message that may or may not be stored: when it was first sent, and a sequence that it is after."""

    first: float
    since: int


class NatsStreams:
    """`Streams` over one connection. Patience: the seconds after which a server that is away is `EngineDown`."""

    def __init__(self, url: str, *, name: str = "tutela", patience: float = 30.0, replicas: int = 1) -> None:
        self._link = Link(url, name)
        self._patience = patience
        self._replicas = replicas
        self._kept: dict[str, tuple[str, ...]] = {}
        self._newest: dict[str, int] = {}
        self._doubts: OrderedDict[str, _Doubt] = OrderedDict()

    async def __aenter__(self) -> Self:
        await self._link.open(self._patience)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._link.close()

    async def open(self, stream: str, subjects: Sequence[str]) -> None:
        """Makes the stream, or gives one that is there these subjects."""
        config = api.StreamConfig(
            name=stream,
            subjects=list(subjects),
            retention=api.RetentionPolicy.LIMITS,
            storage=api.StorageType.FILE,
            discard=api.DiscardPolicy.NEW,
            duplicate_window=WINDOW,
            num_replicas=self._replicas,
        )
        info = await self._link.insist(lambda: self._opened(config), stream, self._patience)
        self._kept[stream] = tuple(subjects)
        self._newest[stream] = max(info.state.last_seq, self._newest.get(stream, 0))

    async def publish(self, subject: str, body: bytes, id_: str, headers: Mapping[str, str]) -> int:
        """Stores the message once per id and gives its sequence.

        Raises `StorageFull` as soon as the server says so, and `EngineDown` when it stays away: then the
        message may be stored or not, and publishing it again with the same id is right.
        """
        stream = next((name for name, subjects in self._kept.items() if taken(subjects, subject)), "")
        doubt = self._doubts.get(id_)
        if doubt and monotonic() - doubt.first > WINDOW - ANSWER - self._patience:
            found = await self._find(stream, id_, doubt.since)
            self._doubts.pop(id_)
            if found:
                return found
            doubt = None
        doubt = doubt or _Doubt(monotonic(), self._newest.get(stream, 0))
        named = {**headers, "Nats-Msg-Id": id_}
        try:
            ack = await self._link.insist(lambda: self._sent(subject, body, named), subject, self._patience)
        except (EngineDown, asyncio.CancelledError):
            if stream:
                self._remember(id_, doubt)
            raise
        self._doubts.pop(id_, None)
        self._newest[ack.stream] = max(ack.seq, self._newest.get(ack.stream, 0))
        return ack.seq

    async def read(self, stream: str, subjects: Sequence[str], after: int) -> NatsReader:
        """A reader of those subjects from the message after that sequence."""
        await self._info(stream)
        return NatsReader(self._link, stream, subjects, after)

    async def last(self, stream: str, subject: str = "") -> int:
        """The sequence of the newest message ever stored, or of the newest one kept on a subject; 0 for none."""
        if not subject:
            return (await self._info(stream)).state.last_seq

        async def asked() -> int:
            try:
                found = await self._link.ask(self._link.jetstream.get_last_msg(stream, subject))
            except nats.js.errors.NotFoundError:
                return 0
            return found.seq or 0

        return await self._link.insist(asked, stream, self._patience)

    async def has(self, stream: str, id_: str, since: int) -> bool:
        """Whether a message of that id is stored after the sequence `since`; reads the headers since then."""
        return bool(await self._find(stream, id_, since))

    async def purge(self, stream: str, below: int) -> None:
        """Forgets the messages with a smaller sequence; `last` stays."""
        upto = min(below, await self.last(stream) + 1)  # beyond it NATS would jump ahead with its numbers
        await self._link.insist(lambda: self._purged(stream, upto), stream, self._patience)

    def _remember(self, id_: str, doubt: _Doubt) -> None:
        self._doubts[id_] = doubt
        while len(self._doubts) > DOUBTS:
            self._doubts.popitem(last=False)

    async def _find(self, stream: str, id_: str, since: int) -> int:
        """The sequence of the message of that id; 0 when none is stored after `since`."""
        state = (await self._info(stream)).state
        seen = since if state.messages else state.last_seq
        reader = NatsReader(self._link, stream, (), since, headers_only=True)
        try:
            while seen < state.last_seq:
                for message in await reader.fetch(1000, self._patience):
                    seen = message.sequence
                    if message.headers.get("Nats-Msg-Id") == id_:
                        return seen
        finally:
            await reader.close()
        return 0

    async def _info(self, stream: str) -> api.StreamInfo:
        async def asked() -> api.StreamInfo:
            try:
                return await self._link.ask(self._link.jetstream.stream_info(stream))
            except nats.js.errors.NotFoundError as missing:
                raise NotFound(f"there is no stream {stream} at {self._link.where}; `tutela up` makes it") from missing

        return await self._link.insist(asked, stream, self._patience)

    async def _opened(self, config: api.StreamConfig) -> api.StreamInfo:
        try:
            return await self._link.ask(self._link.jetstream.add_stream(config))
        except nats.js.errors.BadRequestError as wrong:
            if wrong.err_code != _EXISTS:
                raise Broken(f"NATS can't make the stream {config.name}: {wrong.description}") from wrong
        return await self._link.ask(self._link.jetstream.update_stream(config))

    async def _sent(self, subject: str, body: bytes, headers: dict[str, str]) -> api.PubAck:
        try:
            return await self._link.ask(self._link.jetstream.publish(subject, body, timeout=ANSWER, headers=headers))
        except nats.errors.MaxPayloadError as wrong:
            limit = self._link.client.max_payload
            raise BadInput(
                f"a message on {subject} has {len(body)} bytes, the limit is {limit}: send smaller batches"
            ) from wrong
        except nats.js.errors.APIError as wrong:
            _refused(subject, wrong)

    async def _purged(self, stream: str, below: int) -> None:
        await self._link.ask(self._link.jetstream.purge_stream(stream, seq=below))


def _refused(subject: str, wrong: nats.js.errors.APIError) -> NoReturn:
    """In our words: full, worth another try (as it came), or a fault of ours."""
    if wrong.err_code in _FULL:
        raise StorageFull(
            f"the log has no room for {subject} ({wrong.description}): free disk space, or let the archiver purge; "
            f"what was accepted is safe"
        ) from wrong
    if isinstance(wrong, nats.js.errors.ServiceUnavailableError | nats.js.errors.ServerError):
        raise wrong
    raise Broken(f"NATS refuses {subject}: {wrong.description}") from wrong
