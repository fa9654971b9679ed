"""Step 4 once more, at work: the stage "correlate". It reads the second hop for the folds (`correlate`).

Detectors whose card's key is a cell are at work in every partition, over the facts of its neighbourhoods. Those over the
whole city are a circle of their own beside them in partition `hop.CITY`: it reads the facts of all partitions.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from tutela.model.flow import Column, Effects, Lease, Message, Newest

from . import hop
from .correlate import Came, Correlate, Kept, State
from .detector import Begins, Detector, Watched, Works, alone, is_citywide
from .noticed import Noticed
from .stage import Saved, Where

CORRELATE = "correlate"
FOLD = "fold"
KEPT, KEPT_CITY = "kept", "kept-city"


@dataclass(slots=True)
class _Circle:
    """Some detectors, what they remember, the subjects that are for others, and under which name their fold is saved.

    `aside`: they think in a thread. A scan of the city takes its time, and an import asks for hundreds in one turn: meanwhile
    the worker must tell that it lives, or it loses its leases.
    """

    correlate: Correlate
    state: State
    others: frozenset[str]
    kept: str
    aside: bool

    async def turn(self, came: Sequence[Came]) -> tuple[State, Noticed]:
        """The state after these, and what was noticed. What it has stays as it is."""
        if self.aside:
            return await asyncio.to_thread(self.correlate.turn, self.state, came)
        return self.correlate.turn(self.state, came)


@dataclass(frozen=True, slots=True)
class CorrelateStage:
    """The stage "correlate", `ways` partitions of the second hop."""

    detectors: tuple[Detector, ...]
    ways: int = hop.WAYS
    begins: Begins = field(default_factory=dict)
    saves: float = 15.0
    watched: Watched = alone
    works: Works = field(default_factory=dict)

    @property
    def name(self) -> str:
        """As in the table of leases."""
        return CORRELATE

    @property
    def partitions(self) -> int:
        """As the second hop has them."""
        return self.ways

    def stream(self, lease: Lease) -> str:
        """The second hop."""
        return hop.second(lease.timeline)

    def subjects(self, lease: Lease) -> Sequence[str]:
        """The facts at home here, those near the border, and the ticks; for rules over the city, all facts."""
        own = self._own(lease)
        return (own, f"{own}.copy", hop.second_ticks(lease.timeline), *self._elsewhere(lease))

    async def begin(self, lease: Lease, saved: Saved) -> CorrelateFold:
        """The partition as it was saved; a detector that is new begins."""
        local = tuple(detector for detector in self.detectors if not is_citywide(detector))
        circles = [self._circle(lease, local, lease.partition, self._elsewhere(lease), KEPT, saved)]
        if whole := self._whole(lease):
            # Where to find a correction of the city's circle: as of the partition after the last.
            circles.append(self._circle(lease, whole, self.ways, (f"{self._own(lease)}.copy",), KEPT_CITY, saved))
        return CorrelateFold(circles, hop.second_ticks(lease.timeline))

    def _own(self, lease: Lease) -> str:
        return hop.placed(lease.timeline, self.ways)[lease.partition]

    def _elsewhere(self, lease: Lease) -> tuple[str, ...]:
        """Where facts come that are read for the rules over the city alone."""
        placed = hop.placed(lease.timeline, self.ways) if self._whole(lease) else ()
        return tuple(subject for subject in placed if subject != self._own(lease))

    def _whole(self, lease: Lease) -> tuple[Detector, ...]:
        """The detectors over the whole city that are at work in this partition."""
        if lease.partition != hop.CITY:
            return ()
        return tuple(detector for detector in self.detectors if is_citywide(detector))

    def _circle(
        self,
        lease: Lease,
        detectors: Sequence[Detector],
        partition: int,
        others: Sequence[str],
        kept: str,
        saved: Saved,
    ) -> _Circle:
        where = Where(lease.timeline, CORRELATE, partition, self.stream(lease))
        correlate = Correlate(detectors, where, self.ways, self.begins, self.watched, self.works)
        start = correlate.begin()
        body = saved.get(FOLD, {}).get(kept)
        fold = start.kept if body is None else msgspec.json.decode(body, type=Kept)
        loaded = {name: detector.load(saved[name]) for name, detector in correlate.parts.items() if name in saved}
        return _Circle(correlate, State({**start.parts, **loaded}, fold), frozenset(others), kept, kept == KEPT_CITY)


class CorrelateFold:
    """One partition of the stage: reads messages for its circles, and words their effects."""

    def __init__(self, circles: Sequence[_Circle], ticks: str) -> None:
        self._circles = circles
        self._ticks = ticks

    async def turn(self, messages: Sequence[Message]) -> Effects:
        """Work these off, in order."""
        came = [(message.subject, self._read(message)) for message in messages]
        turns = [
            await circle.turn([one for subject, one in came if subject not in circle.others])
            for circle in self._circles
        ]
        for circle, (state, _) in zip(self._circles, turns, strict=True):
            circle.state = state
        noticed = [each for _, each in turns]
        detections = tuple(detection for each in noticed for detection in each.detections)
        return Effects(
            sequence=messages[-1].sequence,
            ticked=noticed[0].ticked,
            events=tuple(event for each in noticed for event in each.events),
            detections=detections,
            outgoing=tuple(row for found in detections for row in hop.outgoing(found, desk_only=True)),
            late=sum((Counter(each.late) for each in noticed), Counter[int]()),
        )

    def newest(self) -> tuple[Newest, ...]:
        """Facts have no newest values."""
        return ()

    async def save(self) -> tuple[Column, ...]:
        """The columns that changed, and what the folds themselves remember."""
        own = (
            Column(detector=FOLD, name=circle.kept, body=msgspec.json.encode(circle.state.kept))
            for circle in self._circles
        )
        changed = (
            Column(detector=name, name=column, body=body)
            for circle in self._circles
            for name, detector in circle.correlate.parts.items()
            for column, body in detector.changed(circle.state.parts[name]).items()
        )
        return (*own, *changed)

    def _read(self, message: Message) -> Came:
        if message.subject == self._ticks:
            return Came(message.sequence, tick=hop.tick_of(message.body))
        return Came(message.sequence, hop.facts(message.body))
