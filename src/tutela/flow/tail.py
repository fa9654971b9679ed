"""Recorded history up to now: what the lake has, and then what is recorded but not archived yet."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from tutela.errors import EngineDown
from tutela.model.flow import Message
from tutela.model.kinds import KINDS

from . import hop
from .backtested import Backtested
from .detecting import DETECT
from .ports import Streams

AT_ONCE = 512
PATIENCE = 5.0
"""Seconds."""


@dataclass(frozen=True, slots=True)
class UpToNow:
    """`Backtested`, without the minute by which the lake is behind. `ways`: partitions of the second hop."""

    lake: Backtested
    streams: Streams
    ways: int = hop.WAYS

    async def offset(self, stream: str) -> int:
        """How far that stream is recorded."""
        return max(await self.lake.offset(stream), await self.streams.last(stream))

    async def ticked(self, timeline: str) -> int:
        """The newest tick; 0 for none."""
        stream, subject = hop.observations(timeline), hop.ticks(timeline)
        last = await self.streams.last(stream, subject)
        newest = 0
        if last:
            async for message in self._read(stream, (subject,), last - 1, last):
                newest = hop.tick_of(message.body)
        return max(newest, await self.lake.ticked(timeline))

    async def passed(self, timeline: str, stage: str, at: int) -> int:
        """The sequence of an archived tick before that time, the last one; 0 for none."""
        return await self.lake.passed(timeline, stage, at)

    async def recorded(
        self, timeline: str, stage: str, partition: int, since: int, until: int
    ) -> AsyncIterator[Message]:
        """What that partition of that stage read, in the recorded order."""
        stream = hop.observations(timeline) if stage == DETECT else hop.second(timeline)
        # What is archived while this is read may be gone from the stream: the lake is asked until it has no more.
        while since < (archived := min(until, await self.lake.offset(stream))):
            async for message in self.lake.recorded(timeline, stage, partition, since, archived):
                yield message
            since = archived
        async for message in self._tail(timeline, stage, partition, since, until):
            yield message

    async def _tail(self, timeline: str, stage: str, partition: int, after: int, until: int) -> AsyncIterator[Message]:
        stream = hop.observations(timeline) if stage == DETECT else hop.second(timeline)
        subjects = self._subjects(timeline, stage, partition)
        last = min(until, max([await self.streams.last(stream, subject) for subject in subjects]))
        if after < last:
            async for message in self._read(stream, subjects, after, last):
                yield message

    def _subjects(self, timeline: str, stage: str, partition: int) -> Sequence[str]:
        if stage == DETECT:
            return (hop.ticks(timeline), *(hop.observed(timeline, kind, partition) for kind in KINDS))
        return (hop.second_ticks(timeline), *hop.placed(timeline, self.ways))

    async def _read(self, stream: str, subjects: Sequence[str], after: int, last: int) -> AsyncIterator[Message]:
        """The messages after that sequence up to `last`, which is there; or EngineDown."""
        reader = await self.streams.read(stream, subjects, after)
        try:
            while after < last:
                some = await reader.fetch(AT_ONCE, PATIENCE)
                if not some:
                    raise EngineDown(f"the newest of {stream} did not come within {PATIENCE:.0f} s; ask again")
                for message in some:
                    if message.sequence <= last:
                        yield message
                after = some[-1].sequence
        finally:
            await reader.close()
