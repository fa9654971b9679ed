"""Step 4 once more, at work: the stage "correlate". It reads the second hop for the fold (`correlate`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from tutela.model.flow import Column, Effects, Lease, Message, Newest
from tutela.model.timeline import token

from . import hop
from .correlate import Came, Correlate, Kept, State
from .detector import Detector, Watched, alone
from .stage import Saved, Where

CORRELATE = "correlate"
FOLD = "fold"


@dataclass(frozen=True, slots=True)
class CorrelateStage:
    """The stage "correlate", `ways` partitions of the second hop."""

    detectors: tuple[Detector, ...]
    ways: int = hop.WAYS
    saves: float = 15.0
    watched: Watched = alone

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
        """The facts at home here, those near the border, and the ticks."""
        own = f"det.{token(lease.timeline)}.{lease.partition}"
        return (own, f"{own}.copy", hop.second_ticks(lease.timeline))

    async def begin(self, lease: Lease, saved: Saved) -> CorrelateFold:
        """The partition as it was saved; a detector that is new begins."""
        where = Where(lease.timeline, CORRELATE, lease.partition, self.stream(lease))
        correlate = Correlate(self.detectors, where, self.ways, self.watched)
        start = correlate.begin()
        loaded = {name: detector.load(saved[name]) for name, detector in correlate.parts.items() if name in saved}
        kept = msgspec.json.decode(saved[FOLD]["kept"], type=Kept) if FOLD in saved else start.kept
        return CorrelateFold(correlate, State({**start.parts, **loaded}, kept))


class CorrelateFold:
    """One partition of the stage: reads messages for the fold, and words its effects."""

    def __init__(self, correlate: Correlate, state: State) -> None:
        self._correlate = correlate
        self._state = state

    async def turn(self, messages: Sequence[Message]) -> Effects:
        """Work these off, in order."""
        came = [self._read(message) for message in messages]
        self._state, noticed = self._correlate.turn(self._state, came)
        return Effects(
            sequence=messages[-1].sequence,
            ticked=noticed.ticked,
            events=noticed.events,
            detections=noticed.detections,
            outgoing=tuple(row for found in noticed.detections for row in hop.outgoing(found, desk_only=True)),
            late=noticed.late,
        )

    def newest(self) -> tuple[Newest, ...]:
        """Facts have no newest values."""
        return ()

    async def save(self) -> tuple[Column, ...]:
        """The columns that changed, and what the fold itself remembers."""
        own = Column(detector=FOLD, name="kept", body=msgspec.json.encode(self._state.kept))
        changed = [
            Column(detector=name, name=column, body=body)
            for name, detector in self._correlate.parts.items()
            for column, body in detector.changed(self._state.parts[name]).items()
        ]
        return (own, *changed)

    def _read(self, message: Message) -> Came:
        if message.subject == hop.second_ticks(self._correlate.where.timeline):
            return Came(message.sequence, tick=hop.tick_of(message.body))
        return Came(message.sequence, hop.facts(message.body))
