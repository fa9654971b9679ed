"""Step 9 for observations, keep: each stream goes into the lake once, and is then forgotten by JetStream.

A follower reads its stream from where the lake ends, gathers messages until there is enough or enough time has
passed, and archives them together with how far they reach. Start is recovery: the lake's own offset tells where to
go on. JetStream is purged only below what is archived, what every worker has a snapshot of, and what is
too old for a gateway to ask for.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import msgspec

from tutela.errors import BadInput, Conflict, EngineDown
from tutela.model import wire
from tutela.model.flow import Message
from tutela.model.kinds import kind
from tutela.model.when import SECOND

from . import hop
from .ports import Clock, Lake, Reader, Snapshots, Streams, Timelines
from .rest import rest

LOG = logging.getLogger(__name__)

STAGES = {"OBS": ("detect",), "DET": ("correlate", "desk")}
"""Who reads a stream, by how its name begins."""

PARTITIONS = 1024
"""No install has more, and no message ROWS or more rows."""

ROWS = 2**31


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How often. Bytes in `most`; `fetch` in messages; the others in seconds.

    A follower archives after `most` bytes or `every` so long. What is archived stays in JetStream for `keep` more:
    longer than a gateway can ask for what it published, past the server's own window for duplicates.
    The lake is tidied each `tidy`, and forgets what was superseded for `past`. New timelines are looked for each `look`.
    """

    most: int = 64 << 20
    every: float = 60.0
    fetch: int = 512
    keep: float = 150.0
    tidy: float = 3600.0
    past: float = 86_400.0
    look: float = 1.0


@dataclass(slots=True)
class Follower:
    """One stream of one timeline. `monotonic` gives seconds of a clock that never goes back."""

    timeline: str
    stream: str
    subjects: Sequence[str]
    streams: Streams
    lake: Lake
    snapshots: Snapshots
    monotonic: Callable[[], float]
    rhythm: Rhythm = Rhythm()
    skipped: int = 0
    _since: int = 0
    _upto: int = 0
    _bytes: int = 0
    _messages: list[Message] = field(default_factory=list)
    _began: float = 0.0
    _archived: deque[tuple[float, int]] = field(default_factory=deque)
    _old: int = 0
    _purged: int = 0

    async def run(self, stop: asyncio.Event) -> None:
        """Follow until told to stop, and archive what was gathered."""
        while not stop.is_set():
            try:
                await self._follow(stop)
            except (Conflict, EngineDown) as failed:
                LOG.warning("%s is read again from where the lake ends: %s", self.stream, failed)
                await rest(stop, self.rhythm.look)

    async def flush(self) -> None:
        """Archive what was gathered, if anything."""
        if self._upto > self._since:
            await self.lake.archive(self.stream, self._messages, self._since, self._upto)
            self._archived.append((self.monotonic(), self._upto))
        self._gather_from(self._upto)

    async def purge(self) -> None:
        """Let JetStream forget what nobody will ask it for."""
        while self._archived and self._archived[0][0] <= self.monotonic() - self.rhythm.keep:
            _, self._old = self._archived.popleft()
        stages = STAGES[self.stream.partition("-")[0]]
        upto = min(self._old, await self.snapshots.snapshotted(self.timeline, stages))
        if upto > self._purged:
            await self.streams.purge(self.stream, upto + 1)
            self._purged = upto

    async def _follow(self, stop: asyncio.Event) -> None:
        await self.streams.open(self.stream, self.subjects)
        self._gather_from(await self.lake.offset(self.stream))
        self._archived.append((self.monotonic(), self._since))
        reader = await self.streams.read(self.stream, self.subjects, self._since)
        try:
            await self._read(reader, stop)
        finally:
            await reader.close()
        await self.flush()

    async def _read(self, reader: Reader, stop: asyncio.Event) -> None:
        while not stop.is_set():
            for message in await reader.fetch(self.rhythm.fetch, self.rhythm.look):
                self._take(message)
            if self._bytes >= self.rhythm.most or self.monotonic() - self._began >= self.rhythm.every:
                await self.flush()
                await self.purge()

    def _gather_from(self, since: int) -> None:
        self._since = self._upto = since
        self._messages, self._bytes, self._began = [], 0, self.monotonic()

    def _take(self, message: Message) -> None:
        self._upto = message.sequence
        try:
            check(message)
        except (BadInput, ValueError, msgspec.MsgspecError) as wrong:
            # It is no row of ours: the worker has set it aside as a dead letter, with its content.
            self.skipped += 1
            LOG.warning("message %d of %s is not archived: %s", message.sequence, self.stream, wrong)
            return
        self._messages.append(message)
        self._bytes += len(message.body)


@dataclass(slots=True)
class Archiver:
    """A follower for each stream of each timeline, as they come up; and the lake's housekeeping."""

    timelines: Timelines
    streams: Streams
    lake: Lake
    snapshots: Snapshots
    clock: Clock
    monotonic: Callable[[], float]
    rhythm: Rhythm = Rhythm()
    followers: dict[str, Follower] = field(default_factory=dict)

    async def run(self, stop: asyncio.Event) -> None:
        """Archive until told to stop. Raises only what should stop the process."""
        tidied = self.monotonic()
        async with asyncio.TaskGroup() as group:
            while not stop.is_set():
                try:
                    for follower in await self._new():
                        group.create_task(follower.run(stop))
                    if self.monotonic() - tidied >= self.rhythm.tidy:
                        tidied = self.monotonic()
                        await self.lake.tidy(self.clock() - round(self.rhythm.past * SECOND))
                except (Conflict, EngineDown) as failed:
                    LOG.warning("the archive goes on later: %s", failed)
                await rest(stop, self.rhythm.look)

    async def _new(self) -> list[Follower]:
        """The streams that nobody follows yet."""
        wanted = {
            stream: (timeline, subjects)
            for timeline in await self.timelines.timelines()
            for stream, subjects in hop.everything(timeline).items()
        }
        new = []
        for stream in wanted.keys() - self.followers.keys():
            timeline, subjects = wanted[stream]
            follower = Follower(
                timeline, stream, subjects, self.streams, self.lake, self.snapshots, self.monotonic, self.rhythm
            )
            self.followers[stream] = follower
            new.append(follower)
        return new


def check(message: Message) -> None:
    """Raise for a message of the first hop that is not what its subject says, or says too much in the clear."""
    first, _, *words = message.subject.split(".")
    if words == ["tick"]:
        hop.tick_of(message.body)
        return
    if first == "det":
        return
    name, partition = words
    if not 0 <= int(partition) < PARTITIONS:
        raise BadInput(f"there is no partition {partition}")
    if "Key" in message.headers or "Bucket" in message.headers:
        _sealed(name, message.headers)
    elif (found := wire.decode(message.body).kind) != name or kind(name).personal_data:
        raise BadInput(f"it holds {found}, in the clear")


def _sealed(name: str, headers: Mapping[str, str]) -> None:
    """What is sealed can't be looked into: but it must say by which key, of which bucket (its last word is a day)."""
    kind(name)
    if missing := {"Key", "Bucket"} - headers.keys():
        raise BadInput(f"it is sealed, and lacks the header {min(missing)}")
    date.fromisoformat(headers["Bucket"].rpartition("/")[2])
    if not 0 <= int(headers.get("Rows", "0")) < ROWS:
        raise BadInput(f"it says that it holds {headers['Rows']} rows")
