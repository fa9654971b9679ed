"""A level that rises fast: a flood on its way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar

import msgspec
import numpy as np

from tutela.maths import found
from tutela.maths.found import Found
from tutela.maths.runs import NEVER, runs
from tutela.maths.slab import Field, Slab
from tutela.model.card import Card, Sample
from tutela.model.detection import Detection
from tutela.model.noun import Noun
from tutela.model.scales import Scale
from tutela.model.seen import Catalogue, Seen
from tutela.model.when import SECOND
from tutela.model.why import ValueWas, Why

FIELDS = {
    "low": Field("f8", np.nan),  # the level above which it rises
    "since": Field("i8", NEVER),  # when that was
    "told": Field("?"),  # it rises, and that was told
}


@dataclass(slots=True)
class _Gauge:
    """Where one datastream stands while its levels are worked off."""

    slot: int
    low: float
    since: int
    told: bool


@dataclass(frozen=True, slots=True)
class _Rise:
    """What is to be told: `level` at that time is more than `by` above `low`, which was `since` then."""

    at: int
    level: float
    low: float
    since: int


class Rising(Noun, frozen=True, kw_only=True):
    """Rises when a level is more than `by` above its low, and that was no more than `span` seconds ago.

    `observed_property`: which datastreams are watched; `by` is in their unit. The low is the lowest level since it was last set; after
    `span` the level of then is the new one. It is told again after it came back to half of `by`.
    """

    word: ClassVar[str] = "rising"
    version: ClassVar[int] = 1
    card: ClassVar[Card] = Card(
        finds="A level that rises by much in a short time.",
        needs=frozenset({"*"}),
        key="datastream",
        lateness=0.0,
        personal_data=False,
        cannot="Tell a flood from a wave or a sluice that was opened; notice a rise that is slower than its span.",
        options={"observed_property": "water-level", "by": 10.0, "span": 7200.0},
        fires=tuple(Sample(at=1800.0 * n, values={"result": 20.0 + 6.0 * n}) for n in range(3)),
        near_miss=tuple(Sample(at=1800.0 * n, values={"result": 20.0 + 5.0 * n}) for n in range(3)),
    )

    name: str = "rising"
    observed_property: str
    by: Annotated[float, msgspec.Meta(gt=0)]
    span: Annotated[float, msgspec.Meta(gt=0)]
    scale: Scale = Scale()

    def begin(self) -> Slab:
        """Nothing was seen."""
        return Slab(FIELDS)

    def changed(self, state: Slab) -> Mapping[str, bytes]:
        """The columns written since this was last asked."""
        return dict(state.changed())

    def load(self, saved: Mapping[str, bytes]) -> Slab:
        """The state that was saved."""
        return Slab.load(FIELDS, saved)

    def step(self, state: Slab, seen: Seen) -> tuple[Slab, tuple[Detection, ...]]:
        """Levels of the watched datastreams, one after the other."""
        rows, slots, catalogue = seen.rows, seen.slots, seen.catalogue
        if rows is None or slots is None or catalogue is None or "result" not in rows.values:
            return state, ()
        if self.observed_property not in catalogue.properties:
            return state, ()
        code = catalogue.properties.index(self.observed_property)
        mine = np.flatnonzero((catalogue.property_code[slots] == code) & ~np.isnan(rows.result))
        each, rows = runs(slots[mine]), rows.take(mine)  # rows of one slot lie together, in the order of their time
        known = (state.take(name, each.slots).tolist() for name in FIELDS)
        gauges = [_Gauge(*row) for row in zip(each.slots.tolist(), *known, strict=True)]
        detections: list[Detection] = []
        for gauge, first, end in zip(gauges, each.first.tolist(), each.end.tolist(), strict=True):
            levels = zip(rows.time[first:end].tolist(), rows.result[first:end].tolist(), strict=True)
            detections += (self._detection(seen.timeline, catalogue, gauge, one) for one in self._follow(gauge, levels))
        columns = {name: [getattr(gauge, name) for gauge in gauges] for name in FIELDS}
        return state.put(each.slots, **columns), tuple(detections)

    def _follow(self, gauge: _Gauge, levels: Iterable[tuple[int, float]]) -> Iterator[_Rise]:
        for at, level in levels:
            if level <= gauge.low or at - gauge.since > self.span * SECOND:
                gauge.low, gauge.since = level, at
            if level > gauge.low + self.by and not gauge.told:
                gauge.told = True
                yield _Rise(at, float(level), gauge.low, gauge.since)
            elif level <= gauge.low + self.by / 2:
                gauge.told = False

    def _detection(self, timeline: str, catalogue: Catalogue, gauge: _Gauge, rise: _Rise) -> Detection:
        datastream = catalogue.id_of(gauge.slot)
        inputs: dict[str, float | int | str] = {
            "observed_property": self.observed_property,
            "unit": catalogue.by_id[datastream].unit,
            "level": rise.level,
            "low": rise.low,
            "since": rise.since,
        }
        # A little below what it takes: whole it is no rise, and with half of the change it still is one.
        enough = rise.low + self.by
        would = 1.25 * enough - 0.25 * rise.level
        unless = ValueWas(datastream=datastream, time=rise.at, column="result", was=rise.level, would=would)
        why = Why(message="rising.fast", inputs=inputs, unless=unless)
        told = Found(key=str(datastream), since=rise.at, at=rise.at, confidence=1.0, why=why)
        return found.detection(self, timeline, told, found.on(catalogue, (datastream,)))


part = Rising
