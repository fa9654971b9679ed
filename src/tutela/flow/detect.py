"""Step 4: the observations of one partition go through the detectors. Pure.

What came is cut at the recorded ticks. Each stretch is put into event-time order (`maths.order`), once
for each allowed lateness that a card declares, and every detector takes a step over the rows that
its card needs, then over the tick. Nothing depends on how messages were batched or fetched: the same
recorded stream gives the same detections.

A detector never gets personal data unless its card says that it takes such data. Those that judge quality step first,
and what they doubt the others do not see (`doubt`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from tutela.errors import BadInput
from tutela.maths.order import NEVER, Arrived, Batch, Order, arrive, joined, tick
from tutela.maths.slab import Field, Slab
from tutela.model.detection import Detection
from tutela.model.event import Event
from tutela.model.kinds import KINDS, kind
from tutela.model.seen import Catalogue, Seen
from tutela.model.when import MINUTE, SECOND

from .detector import ALWAYS, EVERYWHEN, Begins, Detector, Judge, Watched, Works, alone
from .doubt import Doubts, entering, judged
from .doubt import event_of as over_event
from .noticed import Late, Noticed, corrections, event_of
from .options import filed
from .stage import Where

Bools = npt.NDArray[np.bool_]

IDLE = 10 * SECOND
"""How much longer than the allowed lateness a row is held, when nothing newer comes of its datastream."""


@dataclass(frozen=True, slots=True)
class Came:
    """One message, read: rows of one kind (`slots` and `sequence` by row), or a tick."""

    sequence: int
    batch: Batch | None = None
    tick: int | None = None


@dataclass(frozen=True, slots=True)
class State:
    """All that one partition remembers.

    `orders` and `late` by allowed lateness in microseconds, `newest` by kind (the newest row of each slot,
    as `newest_fields` says), `parts` by identity of the detector; `tick` is the last one worked off. `doubts`
    are the slots whose rows are not believed.
    """

    orders: Mapping[int, Order]
    newest: Mapping[str, Slab]
    parts: Mapping[str, Any]
    late: Mapping[int, Late] = field(default_factory=dict)
    tick: int = 0
    doubts: Doubts = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Watch:
    """Which slots each detector wants, by identity (None: all), as the catalogue stands."""

    catalogue: Catalogue
    slots: Mapping[str, Bools | None]

    def places(self, name: str, batch: Batch) -> npt.NDArray[np.intp] | None:
        """The rows of a batch that a detector wants (None: all of them)."""
        wanted = self.slots[name]
        if wanted is None:
            return None
        places = np.flatnonzero(wanted[batch.slots])
        return None if len(places) == len(batch) else places


class Detect:
    """The detectors of one partition, and how rows get to them. It holds no state: `turn` takes and gives it."""

    def __init__(
        self,
        detectors: Sequence[Detector],
        where: Where,
        idle: int = IDLE,
        begins: Begins = ALWAYS,
        watched: Watched = alone,
        works: Works = EVERYWHEN,
    ) -> None:
        self.work = filed(detectors, begins, works)
        self.parts = {name: watched(one.detector) for name, one in self.work.items()}
        self.where = where
        self.groups: dict[int, list[str]] = {0: []}
        for name, detector in self.parts.items():
            self.groups.setdefault(round(detector.card.lateness * SECOND), []).append(name)
        self.judges = {name: cast("Judge", part) for name, part in self.parts.items() if part.card.quality}
        for judge in self.judges.values():
            if judge.card.lateness:
                raise BadInput(
                    f"{judge.name} judges quality, so it can't wait for late rows; set its card's lateness to 0"
                )
        self._idle = idle

    def begin(self) -> State:
        """Nothing has come."""
        return State(
            orders={lateness: Order.empty() for lateness in self.groups},
            newest={name: Slab(newest_fields(name)) for name, of in KINDS.items() if not of.personal_data},
            parts={name: detector.begin() for name, detector in self.parts.items()},
        )

    def watch(self, catalogue: Catalogue) -> Watch:
        """What there is to see, for this catalogue."""
        return Watch(catalogue, {name: _wanted(detector, catalogue) for name, detector in self.parts.items()})

    def turn(self, state: State, watch: Watch, came: Sequence[Came]) -> tuple[State, Noticed]:
        """The state after these messages, and what was noticed."""
        turn = _Turn(self, state, watch)
        for batches, until in _stretches(came):
            turn.stretch(batches, until)
        return turn.state(), turn.noticed()

    def settled(self, lateness: int, at: int) -> int:
        """The event time up to which everything was given to the detectors of that lateness, once a tick said `at`."""
        return at - lateness - self._idle if lateness else at


class _Turn:
    """One turn at work: the state, taken apart, and what has come of it so far."""

    def __init__(self, detect: Detect, state: State, watch: Watch) -> None:
        self._detect = detect
        self._watch = watch
        self._orders, self._newest, self._parts = dict(state.orders), dict(state.newest), dict(state.parts)
        self._late, self._tick, self._doubts = dict(state.late), state.tick, state.doubts
        self._detections: list[Detection] = []
        self._events: list[Event] = []
        self._minutes: Counter[int] = Counter()
        self._ticked: int | None = None

    def state(self) -> State:
        return State(self._orders, self._newest, self._parts, self._late, self._tick, self._doubts)

    def noticed(self) -> Noticed:
        return Noticed(tuple(self._detections), tuple(self._events), dict(self._minutes), self._ticked)

    def stretch(self, batches: Sequence[Batch], until: Came | None) -> None:
        """Rows, one batch of each kind, and the tick that ends them. A tick that was told before ends nothing."""
        if until is not None and until.tick is not None and until.tick <= self._tick:
            until = None
        for lateness, names in self._detect.groups.items():
            batches = self._group(lateness, names, batches, until)
        if until is not None and until.tick is not None:
            late = corrections(self._late, self._detect.where, self._tick, until.tick, until.sequence)
            self._late = {} if late else self._late
            self._events += late
            self._tick = self._ticked = until.tick

    def _group(
        self, lateness: int, names: Sequence[str], batches: Sequence[Batch], until: Came | None
    ) -> Sequence[Batch]:
        """The detectors of one lateness. Those without come first; what they doubt does not go on to the others."""
        arrived = [self._arrived(lateness, names, batch) for batch in batches]
        released = [one.released for one in arrived]
        if not lateness:
            before, kept = self._doubts, [self._judged(batch) for batch in released]
            if len(self._detect.groups) > 1:
                told = zip(batches, arrived, kept, strict=True)
                batches = [entering(batch, one, some, before) for batch, one, some in told]
        else:
            kept = [None] * len(released)
        upto = None
        if until is not None and until.tick is not None:
            upto = self._detect.settled(lateness, until.tick)
            self._orders[lateness], held = tick(self._orders[lateness], upto)
            released, kept = [*released, *held], kept + [None] * len(held)
        believed = [batch if some is None else batch.take(some) for batch, some in zip(released, kept, strict=True)]
        for name in names:
            if name not in self._detect.judges:
                seen = released if self._detect.parts[name].card.doubted else believed
                self._step(name, [batch for batch in seen if len(batch)], upto, until.sequence if until else 0)
        return batches

    def _arrived(self, lateness: int, names: Sequence[str], batch: Batch) -> Arrived:
        """What becomes of the rows. All pass the order without lateness: the newest values come from it."""
        if lateness:
            batch = self._wanted(names, batch)
        self._orders[lateness], arrived = arrive(self._orders[lateness], batch, lateness)
        if len(arrived.late):
            self._count(lateness, self._wanted(names, batch.take(arrived.late)).rows.time)
        if not lateness and batch.rows.kind in self._newest:
            self._newest[batch.rows.kind] = _newer(self._newest[batch.rows.kind], arrived.released)
        return arrived

    def _judged(self, batch: Batch) -> Bools | None:
        """Which rows are believed (None: all), after each detector of quality has seen them."""
        bad: Bools | None = None
        for name, judge in self._detect.judges.items():
            if (
                self._detect.work[name].at(self._tick)
                and self._may(name, batch)
                and len(part := self._part(name, batch))
            ):
                self._parts[name], found, doubted = judge.judge(self._parts[name], self._seen(part, None))
                self._noted(found, part, 0)
                if doubted is not None:
                    bad = np.zeros(len(batch), np.bool_) if bad is None else bad
                    places = self._watch.places(name, batch)
                    bad[slice(None) if places is None else places] |= doubted
        after = judged(self._doubts, batch, bad)
        self._doubts = after.doubts
        self._events += [over_event(over, self._detect.where, self._watch.catalogue) for over in after.over]
        return after.kept

    def _wanted(self, names: Sequence[str], batch: Batch) -> Batch:
        """The rows that at least one of these detectors gets."""
        slots = [self._watch.slots[name] for name in names if self._may(name, batch)]
        some = [wanted for wanted in slots if wanted is not None]
        if len(some) < len(slots):
            return batch
        return batch.take(np.logical_or.reduce([np.zeros(len(batch), np.bool_), *(one[batch.slots] for one in some)]))

    def _may(self, name: str, batch: Batch) -> bool:
        return not kind(batch.rows.kind).personal_data or self._detect.parts[name].card.personal_data

    def _count(self, lateness: int, times: npt.NDArray[np.int64]) -> None:
        if len(times):
            late = Late(count=len(times), since=int(times.min()), until=int(times.max()))
            self._late[lateness] = late.and_(self._late.get(lateness))
            minutes, counts = np.unique(times // MINUTE * MINUTE, return_counts=True)
            self._minutes.update(dict(zip(minutes.tolist(), counts.tolist(), strict=True)))

    def _step(self, name: str, batches: Sequence[Batch], upto: int | None, ticked: int) -> None:
        """One detector sees the batches, and then the tick by itself: so it is plain which of them made it speak."""
        if not self._detect.work[name].at(self._tick):
            return
        for batch in batches:
            if self._may(name, batch) and len(part := self._part(name, batch)):
                self._see(name, part, None, ticked)
        if upto is not None:
            self._see(name, None, upto, ticked)

    def _part(self, name: str, batch: Batch) -> Batch:
        places = self._watch.places(name, batch)
        return batch if places is None else batch.take(places)

    def _see(self, name: str, batch: Batch | None, upto: int | None, ticked: int) -> None:
        self._parts[name], found = self._detect.parts[name].step(self._parts[name], self._seen(batch, upto))
        self._noted(found, batch, ticked)

    def _seen(self, batch: Batch | None, upto: int | None) -> Seen:
        timeline, catalogue = self._detect.where.timeline, self._watch.catalogue
        if batch is not None:
            return Seen(timeline, rows=batch.rows, slots=batch.slots, catalogue=catalogue)
        doubted = np.array(sorted(self._doubts), np.int64) if self._doubts else None
        return Seen(timeline, tick=upto, catalogue=catalogue, doubted=doubted)

    def _noted(self, found: Sequence[Detection], batch: Batch | None, ticked: int) -> None:
        for detection in found:
            self._detections.append(detection)
            sequence = _brought(detection, self._watch.catalogue, batch, ticked)
            self._events.append(event_of(detection, self._detect.where, sequence))


def newest_fields(name: str) -> dict[str, Field]:
    """The columns of the newest rows of a kind, by slot; `time` is `NEVER` where none has come."""
    return {"time": Field("i8", NEVER), **{column: Field(dtype) for column, dtype in kind(name).columns}}


def _newer(newest: Slab, released: Batch) -> Slab:
    """What was just let go is the newest, without lateness; of one slot, the last."""
    last = np.flatnonzero(np.append(released.slots[1:] != released.slots[:-1], True)[: len(released)])
    values = {name: column[last] for name, column in released.rows.values.items()}
    return newest.put(released.slots[last], time=released.rows.time[last], **values)


def _wanted(detector: Detector, catalogue: Catalogue) -> Bools | None:
    """The slots whose observed property a detector needs; None for all."""
    needs = detector.card.needs
    if "*" in needs:
        return None
    known = np.array([name in needs for name in catalogue.properties] + [False], np.bool_)
    wanted: Bools = known[catalogue.property_code]
    return wanted


def _stretches(came: Sequence[Came]) -> Iterator[tuple[list[Batch], Came | None]]:
    """What came, cut at ticks: the rows before each, one batch of each kind, and the tick (None: at the end)."""
    waiting: dict[str, list[Batch]] = {}
    for one in came:
        if one.batch is not None and len(one.batch):
            waiting.setdefault(one.batch.rows.kind, []).append(one.batch)
        if one.tick is not None:
            yield [joined(waiting[name]) for name in sorted(waiting)], one
            waiting = {}
    if waiting:
        yield [joined(waiting[name]) for name in sorted(waiting)], None


def _brought(detection: Detection, catalogue: Catalogue, batch: Batch | None, ticked: int) -> int:
    """The sequence of the message that made it speak: of its observation, else of the last row; or the tick's."""
    if batch is None:
        return ticked
    for datastream in detection.datastreams[:1]:
        slot = datastream // catalogue.partitions
        first, end = np.searchsorted(batch.slots, [slot, slot + 1]).tolist()
        place = first + int(np.searchsorted(batch.rows.time[first:end], detection.at))
        if place < end and int(batch.rows.time[place]) == detection.at:
            return int(batch.sequence[place])
    return int(batch.sequence.max())
