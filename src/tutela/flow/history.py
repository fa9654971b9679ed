"""A series: what the lake has of one datastream, and then what is recorded but not archived yet."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence

import numpy as np

from tutela.errors import BadInput, Broken, EngineDown, NotFound, Refused
from tutela.model import kinds, wire
from tutela.model.flow import Message
from tutela.model.rows import Rows, empty, joined

from . import hop
from .ports import Keys, Lake, Streams

AT_ONCE = 512
PATIENCE = 5.0
"""Seconds."""


class History:
    """The past of a datastream, without a gap up to now."""

    def __init__(self, lake: Lake, streams: Streams, keys: Keys, partitions: int) -> None:
        self._lake = lake
        self._streams = streams
        self._keys = keys
        self._partitions = partitions

    async def series(self, timeline: str, kind: str, datastream: int, since: int, until: int, most: int) -> Rows:
        """Its rows, since ≤ time < until (microseconds), in order of time, each once; the first `most` of them.

        Erased rows are left out.
        """
        archived, old = await self._archived(timeline, kind, datastream, since, until, most)
        parts = [old]
        async for message in self._tail(timeline, kind, datastream, archived):
            rows = await self.rows(message)
            if rows is not None:
                parts.append(_within(rows, datastream, since, until))
            if len(parts) > AT_ONCE:
                parts = [_each_once(joined(parts)).take(slice(most))]
        return _each_once(joined(parts)).take(slice(most))

    async def _archived(
        self, timeline: str, kind: str, datastream: int, since: int, until: int, most: int
    ) -> tuple[int, Rows]:
        """The lake's rows, and the sequence they reach to: read again if the archiver came between the two."""
        stream = hop.observations(timeline)
        upto = await self._lake.offset(stream)
        while True:
            rows = await self._kept(timeline, kind, datastream, since, until, most)
            before, upto = upto, await self._lake.offset(stream)
            if before == upto:
                return upto, rows

    async def _kept(self, timeline: str, kind: str, datastream: int, since: int, until: int, most: int) -> Rows:
        """The lake's rows; those of a personal kind lie there sealed, and are opened here."""
        if not kinds.kind(kind).personal_data:
            return await self._lake.series(timeline, kind, datastream, since, until, most)
        parts = [empty(kind)]
        for message in await self._lake.sealed(timeline, kind, datastream % self._partitions, since, until):
            rows = await self.rows(message)
            if rows is not None:
                parts.append(_within(rows, datastream, since, until))
        return joined(parts)

    async def _tail(self, timeline: str, kind: str, datastream: int, after: int) -> AsyncIterator[Message]:
        """The messages that are recorded and not archived; all of them, or EngineDown."""
        stream, subject = hop.observations(timeline), hop.observed(timeline, kind, datastream % self._partitions)
        last = await self._streams.last(stream, subject)
        if last > after:
            async for message in self._read(stream, (subject,), after, last):
                yield message

    async def recorded(
        self, timeline: str, kind: str, partitions: Collection[int], after: int
    ) -> AsyncIterator[Message]:
        """The messages of these partitions that are recorded now and that JetStream still has, after that sequence."""
        stream = hop.observations(timeline)
        subjects = [hop.observed(timeline, kind, partition) for partition in sorted(partitions)]
        last = max(await asyncio.gather(*(self._streams.last(stream, subject) for subject in subjects)))
        if last > after:
            async for message in self._read(stream, subjects, after, last):
                yield message

    async def newest(self, timeline: str) -> int:
        """The sequence of what was recorded last, of whichever kind."""
        return await self._streams.last(hop.observations(timeline))

    async def _read(self, stream: str, subjects: Sequence[str], after: int, last: int) -> AsyncIterator[Message]:
        """The messages of these subjects after that sequence, at least up to `last`, which is there; or EngineDown."""
        reader = await self._streams.read(stream, subjects, after)
        try:
            while after < last:
                some = await reader.fetch(AT_ONCE, PATIENCE)
                if not some:
                    raise EngineDown(f"the newest of {stream} did not come within {PATIENCE:.0f} s; ask again")
                for message in some:
                    yield message
                after = some[-1].sequence
        finally:
            await reader.close()

    async def rows(self, message: Message) -> Rows | None:
        """The rows of a message; None when their key was destroyed.

        Also None when it can't be read: then it is a dead letter, and does not stand before what others sent.
        """
        key = message.headers.get("Key")
        try:
            rows = wire.decode(message.body if key is None else await self._keys.open(key, message.body))
        except (BadInput, Broken, NotFound, Refused):
            return None
        return rows if rows.kind == message.subject.split(".")[2] else None


def _each_once(rows: Rows) -> Rows:
    """Rows of one datastream in order of time and value; what was stored twice is given once."""
    rows = rows.take(np.lexsort((*rows.values.values(), rows.time)))
    differs = np.ones(len(rows), np.bool_)
    columns = (rows.time, *rows.values.values())
    differs[1:] = np.logical_or.reduce([column[1:] != column[:-1] for column in columns])
    return rows.take(differs)


def _within(rows: Rows, datastream: int, since: int, until: int) -> Rows:
    return rows.take((rows.datastream == datastream) & (rows.time >= since) & (rows.time < until))
