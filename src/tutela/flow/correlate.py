"""Step 4 once more, over facts: what people tell and what was detected in one neighbourhood goes through detectors. Pure.

The facts of one place come in the order in which they were recorded. Live, a detector without allowed
lateness takes them so. For one with some, and on every other timeline (where partitions are worked off hours or
months of event time apart), a fact is held until the second hop's tick has passed it by that much, then all that
are due are given in the order of event time; what comes later still is counted, and told as a correction. A fact
that was sent twice is seen once. What is found here goes to the desk only.

A place near a border is known on both sides of it. A finding counts where its cell is at home; one of a detector
over the whole city counts wherever that is at work.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tutela.model.detection import Detection
from tutela.model.event import Event
from tutela.model.flow import Fact
from tutela.model.noun import Noun
from tutela.model.seen import Seen
from tutela.model.telling import Telling
from tutela.model.when import MINUTE, SECOND

from . import hop
from .detector import ALWAYS, EVERYWHEN, Begins, Detector, Watched, Works, alone, is_citywide, may, wants
from .noticed import Late, Noticed, corrections, event_of
from .options import filed
from .stage import Where, is_live

KNOWN = 4096
"""How many facts are remembered, so that one sent again is not seen again."""


class Brought(Noun, frozen=True, kw_only=True):
    """A fact, and the sequence of the message that brought it."""

    fact: Fact
    sequence: int


@dataclass(frozen=True, slots=True)
class Came:
    """One message, read: facts, or a tick."""

    sequence: int
    facts: tuple[Fact, ...] = ()
    tick: int | None = None


class Kept(Noun, frozen=True, kw_only=True):
    """What the fold itself remembers: `held` and `late` by lateness in microseconds, `known` facts, the last tick."""

    held: dict[int, tuple[Brought, ...]] = {}
    known: tuple[str, ...] = ()
    late: dict[int, Late] = {}
    tick: int = 0


@dataclass(frozen=True, slots=True)
class State:
    """All that one partition remembers; `parts` by identity of the detector."""

    parts: Mapping[str, Any]
    kept: Kept = field(default_factory=Kept)


class Correlate:
    """The detectors of one partition, and how facts get to them. It holds no state: `turn` takes and gives it."""

    def __init__(
        self,
        detectors: Sequence[Detector],
        where: Where,
        ways: int = hop.WAYS,
        begins: Begins = ALWAYS,
        watched: Watched = alone,
        works: Works = EVERYWHEN,
    ) -> None:
        self.work = filed(detectors, begins, works)
        self.parts = {name: watched(one.detector) for name, one in self.work.items()}
        self.where = where
        self.groups: dict[int, list[str]] = {}
        for name, detector in self.parts.items():
            self.groups.setdefault(round(detector.card.lateness * SECOND), []).append(name)
        self._ways = ways

    def begin(self) -> State:
        """Nothing has come."""
        return State({name: detector.begin() for name, detector in self.parts.items()})

    def turn(self, state: State, came: Sequence[Came]) -> tuple[State, Noticed]:
        """The state after these messages, and what was noticed."""
        turn = _Turn(self, state)
        for facts, until in _stretches(came):
            turn.stretch(facts, until)
        return turn.state(), turn.noticed()

    def at_home(self, name: str, detection: Detection) -> bool:
        """Whether it counts here: its cell belongs to this partition, or the detector sees the whole city."""
        return is_citywide(self.parts[name]) or hop.route(detection, self._ways)[0] == self.where.partition


class _Turn:
    """One turn at work: the state, taken apart, and what has come of it so far."""

    def __init__(self, correlate: Correlate, state: State) -> None:
        self._correlate = correlate
        self._parts = dict(state.parts)
        self._held, self._late, self._tick = dict(state.kept.held), dict(state.kept.late), state.kept.tick
        self._known = dict.fromkeys(state.kept.known)
        self._detections: list[Detection] = []
        self._events: list[Event] = []
        self._minutes: Counter[int] = Counter()
        self._ticked: int | None = None

    def state(self) -> State:
        kept = Kept(held=self._held, known=tuple(self._known), late=self._late, tick=self._tick)
        return State(self._parts, kept)

    def noticed(self) -> Noticed:
        return Noticed(tuple(self._detections), tuple(self._events), dict(self._minutes), self._ticked)

    def stretch(self, facts: Sequence[Brought], until: Came | None) -> None:
        """Facts, and the tick that ends them. A tick that was told before ends nothing."""
        tick = until.tick if until and until.tick is not None and until.tick > self._tick else None
        new = [one for one in facts if self._is_new(one)]
        for lateness, names in self._correlate.groups.items():
            upto = None if tick is None else tick - lateness
            holds = lateness or not is_live(self._correlate.where.timeline)
            released = self._released(lateness, names, new, upto) if holds else new
            for name in names:
                self._step(name, released, upto, until.sequence if until else 0)
        if until and tick is not None:
            told = corrections(self._late, self._correlate.where, self._tick, tick, until.sequence)
            self._late = {} if told else self._late
            self._events += told
            self._tick = self._ticked = tick

    def _is_new(self, one: Brought) -> bool:
        revision = 0 if isinstance(one.fact, Telling) else one.fact.revision
        name = f"{one.fact.id}.{revision}"
        if name in self._known:
            return False
        self._known[name] = None
        if len(self._known) > KNOWN:
            del self._known[next(iter(self._known))]
        return True

    def _released(self, lateness: int, names: Sequence[str], new: Sequence[Brought], upto: int | None) -> list[Brought]:
        """Take in what came, and let go what is due up to that time, by event time."""
        passed = self._tick - lateness
        for one in new:
            if one.fact.at <= passed and any(wants(self._correlate.parts[name].card.needs, one.fact) for name in names):
                self._count(lateness, one.fact.at)
        held = [*self._held.get(lateness, ()), *(one for one in new if one.fact.at > passed)]
        due = [one for one in held if upto is not None and one.fact.at <= upto]
        self._held[lateness] = tuple(one for one in held if upto is None or one.fact.at > upto)
        return sorted(due, key=lambda one: (one.fact.at, one.fact.id))

    def _count(self, lateness: int, at: int) -> None:
        self._late[lateness] = Late(count=1, since=at, until=at).and_(self._late.get(lateness))
        self._minutes[at // MINUTE * MINUTE] += 1

    def _step(self, name: str, released: Sequence[Brought], upto: int | None, ticked: int) -> None:
        """One detector sees the facts, and then the tick by itself: so it is plain which of them made it speak."""
        if not self._correlate.work[name].at(self._tick):
            return
        detector = self._correlate.parts[name]
        if mine := [one for one in released if wants(detector.card.needs, one.fact) and may(detector, one.fact)]:
            self._see(name, mine, None, ticked)
        if upto is not None:
            self._see(name, (), upto, ticked)

    def _see(self, name: str, mine: Sequence[Brought], upto: int | None, ticked: int) -> None:
        where = self._correlate.where
        seen = Seen(where.timeline, facts=tuple(one.fact for one in mine), tick=upto)
        self._parts[name], found = self._correlate.parts[name].step(self._parts[name], seen)
        for detection in (each for each in found if self._correlate.at_home(name, each)):
            self._detections.append(detection)
            self._events.append(event_of(detection, where, _brought(detection, mine) or ticked))


def _stretches(came: Iterable[Came]) -> Iterator[tuple[list[Brought], Came | None]]:
    """What came, cut at ticks: the facts before each, and the tick (None: at the end)."""
    waiting: list[Brought] = []
    for one in came:
        waiting += (Brought(fact=fact, sequence=one.sequence) for fact in one.facts)
        if one.tick is not None:
            yield waiting, one
            waiting = []
    if waiting:
        yield waiting, None


def _brought(detection: Detection, seen: Sequence[Brought]) -> int:
    """The sequence of the message that brought the last of the facts which it rests on; 0: none of these."""
    return max((one.sequence for one in seen if one.fact.id in detection.facts), default=0)
