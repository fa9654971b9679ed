"""A source that used to speak has gone silent. The default for every datastream."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, ClassVar

import msgspec
import numpy as np

from tutela.maths import found
from tutela.maths.found import Found
from tutela.maths.runs import NEVER, Index, runs
from tutela.maths.slab import Field, Slab
from tutela.model.card import Card, Sample
from tutela.model.detection import Detection
from tutela.model.noun import Noun
from tutela.model.rows import Rows
from tutela.model.scales import Certainty, Scale, Severity, Urgency
from tutela.model.seen import Catalogue, Seen
from tutela.model.when import SECOND
from tutela.model.why import HadCome, Why

FIELDS = {
    "last": Field("i8", NEVER),  # when the newest observation was made
    "told": Field("?"),  # its silence was told
}
MOST = 1000  # datastreams in one detection, so that it stays a message that any engine takes


class Silence(Noun, frozen=True, kw_only=True):
    """Silent when nothing came for `factor` times the interval that the register expects.

    `unknown`: seconds to wait where the register knows no interval. `many`: when more datastreams
    than that, of one source, purpose and interval, fall silent on the same tick, it is told once.
    """

    word: ClassVar[str] = "silence"
    version: ClassVar[int] = 1
    card: ClassVar[Card] = Card(
        finds="A datastream, or many of one source, from which nothing comes any more.",
        needs=frozenset({"*"}),
        key="datastream",
        lateness=0.0,
        personal_data=False,
        cannot=(
            "Tell why it is silent: a broken sensor, a cut line and a thief look the same; notice a"
            " datastream that never sent anything; notice one that goes on sending the same value."
        ),
        options={"factor": 3.0, "many": 2},
        doubted=True,
        fires=(
            Sample(at=0, values={"result": 20.0}),
            Sample(at=60, values={"result": 21.0}),
            Sample(at=240, tick=True),
            Sample(at=241, tick=True),
        ),
        near_miss=(
            Sample(at=0, values={"result": 20.0}),
            Sample(at=60, values={"result": 21.0}),
            Sample(at=240, tick=True),
            Sample(at=240.5, values={"result": 20.0}),
            Sample(at=241, tick=True),
        ),
    )

    name: str = "silence"
    factor: Annotated[float, msgspec.Meta(ge=1)] = 3.0
    unknown: Annotated[float, msgspec.Meta(gt=0)] = 3600.0
    many: Annotated[int, msgspec.Meta(ge=1)] = 10
    scale: Scale = Scale(urgency=Urgency.EXPECTED, severity=Severity.MINOR, certainty=Certainty.OBSERVED)

    def begin(self) -> Slab:
        """Nobody has spoken."""
        return Slab(FIELDS)

    def changed(self, state: Slab) -> Mapping[str, bytes]:
        """The columns written since this was last asked."""
        return dict(state.changed())

    def load(self, saved: Mapping[str, bytes]) -> Slab:
        """The state that was saved."""
        return Slab.load(FIELDS, saved)

    def step(self, state: Slab, seen: Seen) -> tuple[Slab, tuple[Detection, ...]]:
        """Rows say who is there; the tick says how long the others have not been."""
        if seen.rows is not None and seen.slots is not None:
            state = _heard(state, seen.rows, seen.slots)
        if seen.tick is None or seen.catalogue is None:
            return state, ()
        return self._tick(state, seen.timeline, seen.catalogue, seen.tick)

    def _tick(self, state: Slab, timeline: str, catalogue: Catalogue, tick: int) -> tuple[Slab, tuple[Detection, ...]]:
        last, told, patience = state.take("last"), state.take("told"), self._patience(catalogue)
        most = min(len(last), len(patience))
        last, told, patience = last[:most], told[:most], patience[:most]
        overdue = np.flatnonzero((last < tick - patience) & (last != NEVER) & ~told)
        if not len(overdue):
            return state, ()
        detections = tuple(
            self._detection(timeline, catalogue, last[group], group, int(patience[group[0]]), tick)
            for group in self._groups(catalogue, overdue, patience)
        )
        return state.put(overdue, told=True), detections

    def _patience(self, catalogue: Catalogue) -> Index:
        """How long to wait for each slot, in microseconds."""
        seconds = np.where(np.isnan(catalogue.interval), self.unknown, self.factor * catalogue.interval)
        patience: Index = np.rint(seconds * SECOND).astype(np.int64)
        return patience

    def _groups(self, catalogue: Catalogue, overdue: Index, patience: Index) -> Iterator[list[int]]:
        """Slots that are told together: of one source, purpose and patience, if they are many."""
        groups: dict[tuple[str, str, int], list[int]] = {}
        for slot, waited in zip(overdue.tolist(), patience[overdue].tolist(), strict=True):
            known = catalogue.by_id[catalogue.id_of(slot)]
            groups.setdefault((known.source, known.purpose, waited), []).append(slot)
        for group in groups.values():
            size = MOST if len(group) > self.many else 1
            yield from (group[first : first + size] for first in range(0, len(group), size))

    def _detection(
        self, timeline: str, catalogue: Catalogue, last: Index, group: list[int], waited: int, tick: int
    ) -> Detection:
        """Known by the datastream that has been silent for longest: nobody is told silent since then twice."""
        datastreams = [catalogue.id_of(slot) for slot in group]
        first = int(np.argmin(last))
        known = catalogue.by_id[datastreams[first]]
        inputs: dict[str, float | int | str] = {
            "datastreams": len(group),
            "source": known.source,
            "last": int(last[first]),
            "patience": waited / SECOND,
        }
        unless = HadCome(datastream=datastreams[first], last=int(last[first]), time=tick - waited)
        return found.detection(
            self,
            timeline,
            Found(
                key=str(datastreams[first]),
                since=int(last[first]),
                at=tick,
                confidence=1.0,
                why=Why(message="silence.one" if len(group) == 1 else "silence.many", inputs=inputs, unless=unless),
            ),
            found.on(catalogue, datastreams),
        )


def _heard(state: Slab, rows: Rows, slots: Index) -> Slab:
    """A newer observation ends a silence. One of the same time does not: nothing new was said."""
    each = runs(slots)
    newest = rows.time[each.last]
    newer = newest > state.take("last", each.slots)
    told = newer & state.take("told", each.slots)
    state = state.put(each.slots[newer], last=newest[newer])
    return state.put(each.slots[told], told=False) if told.any() else state


part = Silence
