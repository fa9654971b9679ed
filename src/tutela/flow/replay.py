"""`tutela replay`: recorded history once more, into an empty state, and whether it comes to the same detections.

A replay gets the lake's recorded messages, the stage and the keys, and nothing else: it can't reach the stored
detections. Only when it is done, `compare` lays what it found beside what is stored: ids and content hashes,
of detections and corrections. Partitions may come in any order and messages in any cuts; that must not matter.

Where input was erased, those who would have seen it can't come to the same result from there on. Their
findings are not compared across that gap; the report says how much was erased.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Protocol

import msgspec

from tutela.errors import Broken, Refused
from tutela.model.detection import Detection
from tutela.model.event import Event
from tutela.model.flow import Lease, Message
from tutela.model.noun import Noun
from tutela.model.when import SECOND

from . import hop
from .detect import IDLE
from .detector import Begins, Detector
from .leased import POISON
from .options import identity
from .ports import Keys, Recorded, Stored
from .stage import Fold, Stage

DETECTION = "detection@1"
KINDS = ("believed@1", "correction@1", DETECTION)
"""The kinds of event that a stage comes to by itself."""

PAGE = 5000
TOLD = 100
"""How many differences a report names of each sort."""

Said = Callable[[int, int], None]
"""Told how many messages were replayed so far, and how many partitions are through."""

_detection = msgspec.json.Decoder(Detection).decode


class Replayable(Stage, Protocol):
    """A stage of detectors: "detect" or "correlate"."""

    @property
    def detectors(self) -> tuple[Detector, ...]: ...  # noqa: D102  told above
    @property
    def begins(self) -> Begins: ...  # noqa: D102  told above


@dataclass(frozen=True, slots=True)
class Trace:
    """One finding: the hash of its content, the message it followed from, and the detector ("" for what the stage says itself)."""

    hash: bytes
    sequence: int
    who: str


@dataclass(frozen=True, slots=True)
class Found:
    """What a replay came to, by id of the event, and how it went.

    `upto` is the last sequence that was replayed, `ticked` that of the last tick: no row that came before it waits
    for its turn any more, up to the event time `settled`; `began` is the event time of the first tick. `gap` is the
    first sequence whose body was erased (None: none was): only what `personal` detectors find depends on it. `lost` is the
    first sequence that lacks rows whose time was over (None: none does): all that is found from there on depends on it.
    `ours` are all detectors at work, by identity; `begins` tells from which event time on, of those that did not always.
    """

    timeline: str
    stream: str
    upto: int
    messages: int
    unreadable: int
    erased_messages: int
    erased_rows: int
    gap: int | None
    lost: int | None
    ticked: int
    began: int
    settled: int
    ours: frozenset[str]
    begins: Mapping[str, int]
    personal: frozenset[str]
    traces: Mapping[str, Trace]

    def across(self, trace: Trace) -> bool:
        """Whether that finding depends on input that was erased."""
        if self.lost is not None and trace.sequence >= self.lost:
            return True
        depends = bool(self.personal) if not trace.who else trace.who in self.personal
        return depends and self.gap is not None and trace.sequence >= self.gap


class Report(Noun, frozen=True, kw_only=True):
    """How the two compare.

    `missing`: stored, but not found again; `extra`: found, but not stored; `different`: found with other content.
    Each names the first hundred; `differences` counts all.
    `others` were found by detectors with other options or versions than now, or before a rule was last armed, and `across` depend on erased
    input: neither is compared. `redefined` datastreams have another place, unit or interval now than while this was
    recorded: a replay knows only how they are defined now, so what rests on them may differ for that.
    `digest` is over all ids and hashes found: replays of one history have the same.
    """

    timeline: str
    stream: str
    upto: int
    messages: int
    unreadable: int
    erased_messages: int
    erased_rows: int
    compared: int
    others: int
    across: int
    redefined: int
    differences: int
    missing: tuple[str, ...]
    extra: tuple[str, ...]
    different: tuple[str, ...]
    digest: str

    @property
    def same(self) -> bool:
        """Whether everything that can be compared is the same, bit for bit."""
        return not self.differences


async def replay(
    lake: Recorded,
    keys: Keys,
    stage: Replayable,
    timeline: str,
    *,
    until: int,
    order: Sequence[int] | None = None,
    cut: Callable[[], int] = lambda: 256,
    said: Said = lambda _messages, _partitions: None,
) -> Found:
    """Run what was recorded up to `until` (a sequence) through an empty state.

    `until` should be no further than the workers are, or they are still to find what this finds. `order` is that
    of the partitions; `cut` gives the number of messages of each turn. `said` is told after each turn.
    """
    stream = stage.stream(_lease(timeline, stage, 0))
    upto = min(until, await lake.offset(stream))
    run = _Run(lake, keys, stage, upto, cut, said)
    rows, lost = await lake.forgotten(timeline, upto) if stream == hop.observations(timeline) else (0, None)
    for partition in order if order is not None else range(stage.partitions):
        await run.partition(_lease(timeline, stage, partition))
    return Found(
        timeline=timeline,
        stream=stream,
        upto=upto,
        messages=run.messages,
        unreadable=len(run.unreadable),
        erased_messages=len(run.erased),
        erased_rows=sum(run.erased.values()) + rows,
        gap=run.gap,
        lost=lost,
        ticked=run.ticked,
        began=run.began,
        settled=run.tick - run.margin,
        ours=frozenset(identity(detector) for detector in stage.detectors),
        begins={identity(one): stage.begins[one.name] for one in stage.detectors if one.name in stage.begins},
        personal=frozenset(identity(detector) for detector in stage.detectors if detector.card.personal_data),
        traces=run.traces,
    )


async def compare(found: Found, stored: Stored, redefined: Callable[[int], int]) -> Report:
    """What the replay found beside what is stored. This alone sees both, and it can't find anything.

    `redefined`: how many datastreams were defined otherwise than before, from that moment on.
    """
    sides = _Sides(found)
    after = ""
    while page := await stored.stored(found.timeline, f"{found.stream}:", KINDS, after, PAGE):
        after = page[-1].id
        for event in page:
            sides.lay(event)
    return sides.report(redefined(found.began))


@dataclass(slots=True)
class _Run:
    """A replay at work, partition by partition.

    What can't be read is known by its sequence, and so are the rows of what was erased: partition 0 may read what others read too.
    """

    lake: Recorded
    keys: Keys
    stage: Replayable
    upto: int
    cut: Callable[[], int]
    said: Said
    partitions: int = 0
    messages: int = 0
    unreadable: set[int] = field(default_factory=set)
    erased: dict[int, int] = field(default_factory=dict)
    gap: int | None = None
    ticked: int = 0
    tick: int = 0
    began: int = 0
    traces: dict[str, Trace] = field(default_factory=dict)

    @property
    def margin(self) -> int:
        """How far detectors are behind a tick, in event time."""
        return IDLE + max((round(detector.card.lateness * SECOND) for detector in self.stage.detectors), default=0)

    async def partition(self, lease: Lease) -> None:
        fold = await self.stage.begin(lease, {})
        subjects = frozenset(self.stage.subjects(lease))
        waiting: list[Message] = []
        size = self.cut()
        async for message in self.lake.recorded(lease.timeline, self.stage.name, lease.partition, 0, self.upto):
            if message.subject in subjects:
                await self._note(message)
                waiting.append(message)
            if len(waiting) >= size:
                await self._turn(fold, waiting)
                self.said(self.messages, self.partitions)
                waiting, size = [], self.cut()
        await self._turn(fold, waiting)
        self.partitions += 1
        self.said(self.messages, self.partitions)

    async def _note(self, message: Message) -> None:
        self.messages += 1
        if message.subject.endswith(".tick"):
            self.ticked, self.tick = message.sequence, hop.tick_of(message.body)
            self.began = self.began or self.tick
        key = message.headers.get("Key")
        if key is None:
            return
        try:
            await self.keys.open(key, message.body)
        except Refused:
            self.erased[message.sequence] = int(message.headers.get("Rows", "0"))
            self.gap = message.sequence if self.gap is None else min(self.gap, message.sequence)

    async def _turn(self, fold: Fold, messages: Sequence[Message]) -> None:
        """As the worker does it: a message that can't be worked off is left out, the others of its turn are not."""
        try:
            effects = await fold.turn(messages) if messages else None
        except POISON:
            if len(messages) == 1:
                self.unreadable.add(messages[0].sequence)
                return
            for message in messages:
                await self._turn(fold, (message,))
            return
        for event in effects.events if effects else ():
            trace = _trace(event)
            if self.traces.setdefault(event.id, trace).hash != trace.hash:
                raise Broken(f"this replay came to two contents of the event {event.id}: determinism is broken")


class _Sides:
    """What was found on the one side, what is stored on the other."""

    def __init__(self, found: Found) -> None:
        self._found = found
        self._left = dict(found.traces)
        self._compared = self._others = self._across = 0
        self._missing: list[str] = []
        self._different: list[str] = []

    def lay(self, event: Event) -> None:
        """One stored event."""
        trace, mine = _trace(event), self._left.pop(event.id, None)
        if trace.sequence > self._found.upto:
            return
        if trace.who and (trace.who not in self._found.ours or event.at < self._found.begins.get(trace.who, 0)):
            self._others += 1
        elif self._found.across(trace):
            self._across += 1
        else:
            self._compare(event, trace, mine)

    def _compare(self, event: Event, trace: Trace, mine: Trace | None) -> None:
        # Near the end a row may still wait for its turn: what it led to is not to be found yet.
        if mine is None and (trace.sequence > self._found.ticked or event.at > self._found.settled):
            return
        self._compared += 1
        if mine is None:
            self._missing.append(event.id)
        elif mine.hash != trace.hash:
            self._different.append(event.id)

    def report(self, redefined: int) -> Report:
        """After the last one."""
        found = self._found
        extra = sorted(id_ for id_, trace in self._left.items() if not found.across(trace))
        total = sha256()
        for id_ in sorted(found.traces):
            total.update(id_.encode() + found.traces[id_].hash)
        return Report(
            timeline=found.timeline,
            stream=found.stream,
            upto=found.upto,
            messages=found.messages,
            unreadable=found.unreadable,
            erased_messages=found.erased_messages,
            erased_rows=found.erased_rows,
            compared=self._compared,
            others=self._others,
            across=self._across,
            redefined=redefined,
            differences=len(self._missing) + len(extra) + len(self._different),
            missing=tuple(self._missing[:TOLD]),
            extra=tuple(extra[:TOLD]),
            different=tuple(self._different[:TOLD]),
            digest=total.hexdigest(),
        )


def _lease(timeline: str, stage: Stage, partition: int) -> Lease:
    """A place to begin at, with nothing behind it."""
    return Lease(timeline=timeline, stage=stage.name, partition=partition, epoch=0, sequence=0, snapshot=0)


def _trace(event: Event) -> Trace:
    sequence = int((event.cause or ":0").rpartition(":")[2])
    who = ""
    if event.kind == DETECTION:
        found = _detection(event.body)
        who = f"{found.type}@{found.version}#{found.options}"
    return Trace(sha256(event.body).digest(), sequence, who)
