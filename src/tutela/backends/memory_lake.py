"""The lake in memory: a fake for tests, with the promises of DuckLake, that keeps the messages themselves."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from tutela.backends.lake_past import Ids
from tutela.backends.lake_rows import PLAIN, Place
from tutela.errors import BadInput, Conflict, EngineDown
from tutela.model import wire
from tutela.model.flow import Message, decode_tick
from tutela.model.kinds import KINDS
from tutela.model.rows import Rows, empty, joined
from tutela.model.timeline import token
from tutela.model.when import EVER, iso


class MemoryLake:
    """`Lake` as a list of messages for each stream. Set `fail` to the number of next archives that fail."""

    def __init__(self) -> None:
        self.kept: dict[str, list[Message]] = {}
        self.offsets: dict[str, int] = {}
        self.tidied: list[int] = []
        self.gone: dict[tuple[str, int], int] = {}
        self.shredded = 0
        self.fail = 0

    async def offset(self, stream: str) -> int:
        """How far that stream is archived."""
        return self.offsets.get(stream, 0)

    async def archive(self, stream: str, messages: Sequence[Message], since: int, upto: int) -> None:
        """Take these; raises Conflict when `since` is not the offset."""
        if self.fail:
            self.fail -= 1
            raise EngineDown("the lake did not answer: this failure was asked for")
        if self.offsets.get(stream, 0) != since:
            raise Conflict(f"{stream} is archived up to {self.offsets.get(stream, 0)}, not {since}")
        self.kept.setdefault(stream, []).extend(messages)
        self.offsets[stream] = upto

    async def series(self, timeline: str, kind: str, datastream: int, since: int, until: int, most: int) -> Rows:
        """Each (time, value) once, in order of time, the first `most`."""
        if kind not in PLAIN:
            raise BadInput(f"{kind!r} is not stored in the clear; there are series of: {', '.join(PLAIN)}")
        found = [empty(kind)]
        for message in (message for messages in self.kept.values() for message in messages):
            place = Place.of(message.subject)
            if (place.timeline, place.kind) == (timeline, kind):
                rows = wire.decode(message.body)
                found.append(rows.take((rows.datastream == datastream) & (rows.time >= since) & (rows.time < until)))
        rows = joined(found)
        _, first = np.unique(np.stack([rows.time, rows.result.view(np.int64)]), axis=1, return_index=True)
        return rows.take(first[np.lexsort((rows.result[first], rows.time[first]))[:most]])

    async def sealed(self, timeline: str, kind: str, partition: int, since: int, until: int) -> Sequence[Message]:
        """The messages that may hold rows of a personal kind, by the day that their bucket tells."""
        first, last = iso(since)[:10], iso(until - 1)[:10]
        return [
            message
            for messages in self.kept.values()
            for message in messages
            if Place.of(message.subject) == Place(timeline, kind, partition)
            and first <= message.headers["Bucket"][-10:] <= last
        ]

    async def recorded(
        self, timeline: str, stage: str, partition: int, since: int, until: int
    ) -> AsyncIterator[Message]:
        """What that partition of that stage read, in the recorded order."""
        hop = "obs" if stage == "detect" else "det"
        for message in self.kept.get(f"{hop.upper()}-{token(timeline)}", []):
            if since < message.sequence <= until and _read(message.subject, stage, partition):
                yield message

    async def ticked(self, timeline: str) -> int:
        """The newest archived tick; 0 for none."""
        return max((at for _, at in self._ticks(f"OBS-{token(timeline)}")), default=0)

    async def passed(self, timeline: str, stage: str, at: int) -> int:
        """The sequence of the last tick before that time, on the hop which the stage reads; 0 for none."""
        stream = f"{'OBS' if stage == 'detect' else 'DET'}-{token(timeline)}"
        return max((sequence for sequence, tick in self._ticks(stream) if tick < at), default=0)

    def _ticks(self, stream: str) -> Sequence[tuple[int, int]]:
        ticks = (message for message in self.kept.get(stream, []) if message.subject.endswith(".tick"))
        return [(message.sequence, decode_tick(message.body).at) for message in ticks]

    async def overdue(self, timeline: str, datastreams: Ids, before: int, since: int = EVER) -> int:
        """The rows of these datastreams before that time which lie in the clear."""
        return sum(int(gone.sum()) for _, _, _, gone in self._past(timeline, datastreams, before, since))

    async def oldest(self, timeline: str, datastreams: Ids) -> int | None:
        """The time of the oldest row of these datastreams that lies in the clear; None: there is none."""
        found = [int(rows.time[past].min()) for _, _, rows, past in self._past(timeline, datastreams, 2**62, EVER)]
        return min(found, default=None)

    async def forget(self, timeline: str, datastreams: Ids, before: int, since: int = EVER) -> int:
        """Delete those; how many they were."""
        count = 0
        for messages, place, rows, gone in list(self._past(timeline, datastreams, before, since)):
            message = messages[place]
            messages[place] = replace(message, body=wire.encode(rows.take(~gone)))
            self.gone[timeline, message.sequence] = self.gone.get((timeline, message.sequence), 0) + int(gone.sum())
            count += int(gone.sum())
        return count

    async def shred(self) -> None:
        """Remember that it was asked."""
        self.shredded += 1

    async def forgotten(self, timeline: str, upto: int) -> tuple[int, int | None]:
        """How many rows were deleted up to that sequence, and the first sequence that lacks some."""
        found = {at: rows for (of, at), rows in self.gone.items() if of == timeline and at <= upto}
        return sum(found.values()), min(found, default=None)

    def _past(
        self, timeline: str, datastreams: Ids, before: int, since: int
    ) -> Iterator[tuple[list[Message], int, Rows, npt.NDArray[np.bool_]]]:
        """Each message that holds such rows: where it is, all its rows, and which of them are past."""
        for messages in self.kept.values():
            for place, message in enumerate(messages):
                of = Place.of(message.subject)
                if of.timeline == timeline and of.kind in PLAIN:
                    rows = wire.decode(message.body)
                    gone = np.isin(rows.datastream, datastreams) & (rows.time < before) & (rows.time >= since)
                    if gone.any():
                        yield messages, place, rows, gone

    async def tidy(self, before: int) -> None:
        """Remember that it was asked."""
        self.tidied.append(before)


def _read(subject: str, stage: str, partition: int) -> bool:
    words = subject.split(".")[2:]
    if stage == "desk":
        return words[-1] != "copy"
    if stage == "correlate" and not partition and len(words) == 1 and words[0].isdigit():
        return True  # rules over the whole city are at work there
    if stage == "detect" and not partition and words[0] in KINDS and words[0] not in PLAIN:
        return True  # what sees everything that moves is at work there
    own = words[1:2] if stage == "detect" else words[:1]
    return words == ["tick"] or own == [str(partition)]
