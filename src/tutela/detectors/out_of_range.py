"""A result that can't be: beyond what is physically possible for the observed property."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

import msgspec
import numpy as np
import numpy.typing as npt

from tutela.maths import found
from tutela.maths.found import Found
from tutela.maths.runs import NEVER, Index, Runs, runs
from tutela.maths.slab import Field, Slab
from tutela.model.card import Card, Sample
from tutela.model.detection import Detection
from tutela.model.noun import Noun
from tutela.model.rows import Rows
from tutela.model.scales import Certainty, Scale, Severity, Urgency
from tutela.model.seen import Catalogue, Seen
from tutela.model.why import ValueWas, Why

Flags = npt.NDArray[np.bool_]

FIELDS = {
    "on": Field("?"),  # the datastream is doubted
    "calm": Field("i4"),  # how many rows in a row were possible since
    "told": Field("i8", NEVER),  # when that was last told
}


class Range(Noun, frozen=True, kw_only=True):
    """From `low` to `high`, both possible still. `units`: how that unit is written; in another one nothing is said."""

    low: float
    high: float
    units: tuple[str, ...]


MASS = ("ug/m3", "ug/m^3", "µg/m3", "µg/m³")
COUNT = ("1", "{count}")
RANGES = {
    # Heat near a fire must not be called impossible. WMO: -89.2 °C is the lowest that was measured on the ground.
    "temperature": Range(low=-90.0, high=1000.0, units=("Cel", "°C", "degC")),
    "humidity": Range(low=0.0, high=105.0, units=("%", "%RH")),  # wet sensors tell a little above 100
    "pressure": Range(low=300.0, high=1100.0, units=("hPa", "mbar")),
    "wind_speed": Range(low=0.0, high=150.0, units=("m/s",)),
    "noise": Range(low=0.0, high=194.0, units=("dB", "dB(A)", "dB[SPL]")),  # above, a wave of sound is cut off
    # Optical dust sensors tell a little below nothing; smoke in a street reaches some 10,000.
    "pm25": Range(low=-10.0, high=20_000.0, units=MASS),
    "pm10": Range(low=-10.0, high=50_000.0, units=MASS),
    "no2": Range(low=-20.0, high=20_000.0, units=MASS),
    "o3": Range(low=-20.0, high=20_000.0, units=MASS),
    "people": Range(low=0.0, high=100_000.0, units=COUNT),
    "vehicles": Range(low=0.0, high=1_000.0, units=("1/min",)),
    "speed": Range(low=0.0, high=400.0, units=("km/h",)),
    "power": Range(low=-1e6, high=1e6, units=("W",)),
}


class OutOfRange(Noun, frozen=True, kw_only=True):
    """Doubted from a result outside the range of its observed property until `calm` results in a row are inside.

    `ranges`: by observed property, what is physically possible in the units that it names.
    """

    word: ClassVar[str] = "out_of_range"
    version: ClassVar[int] = 1
    card: ClassVar[Card] = Card(
        finds="A result that is physically impossible, such as the code of a fault that is sent as a value.",
        needs=frozenset({"*"}),
        key="datastream",
        lateness=0.0,
        personal_data=False,
        cannot=(
            "Notice a false value that is possible; say anything of a property that has no range, or of a unit"
            " that its range does not name; take back what was found before the first impossible value."
        ),
        quality=True,
        options={"ranges": {"pm10": {"low": -10.0, "high": 80.0, "units": ["1"]}}, "calm": 2},
        fires=(
            Sample(at=0, values={"result": 20.0}),
            Sample(at=60, values={"result": 999.0}),
        ),
        near_miss=(
            Sample(at=0, values={"result": 20.0}),
            Sample(at=60, values={"result": 80.0}),
        ),
    )

    name: str = "out-of-range"
    ranges: dict[str, Range] = msgspec.field(default_factory=RANGES.copy)
    calm: Annotated[int, msgspec.Meta(ge=1)] = 5
    scale: Scale = Scale(urgency=Urgency.FUTURE, severity=Severity.MINOR, certainty=Certainty.OBSERVED)

    def begin(self) -> Slab:
        """Nothing was impossible."""
        return Slab(FIELDS)

    def changed(self, state: Slab) -> Mapping[str, bytes]:
        """The columns written since this was last asked."""
        return dict(state.changed())

    def load(self, saved: Mapping[str, bytes]) -> Slab:
        """The state that was saved."""
        return Slab.load(FIELDS, saved)

    def step(self, state: Slab, seen: Seen) -> tuple[Slab, tuple[Detection, ...]]:
        """What was found, without the rows that are doubted."""
        state, detections, _ = self.judge(state, seen)
        return state, detections

    def judge(self, state: Slab, seen: Seen) -> tuple[Slab, tuple[Detection, ...], Flags | None]:
        """Compare all rows with their ranges at once; go through those datastreams alone that are outside, or were."""
        rows, slots, catalogue = seen.rows, seen.slots, seen.catalogue
        if rows is None or slots is None or catalogue is None or "result" not in rows.values:
            return state, (), None
        outside = self._outside(rows, catalogue.property_code[slots], catalogue)
        each = runs(slots)
        on = state.take("on", each.slots)
        if not (outside.any() or on.any()):
            return state, (), None
        some = each.take(on | each.having(outside))
        some = some.take(np.array([self._judged(catalogue, slot) for slot in some.slots.tolist()], np.bool_))
        state, doubted, told = self._followed(state, some, rows, outside)
        return state, tuple(self._detection(seen.timeline, catalogue, rows, row) for row in told), doubted

    def _outside(self, rows: Rows, code: Index | npt.NDArray[np.int32], catalogue: Catalogue) -> Flags:
        """Which rows are outside the range of their property; a property without one has no bounds."""
        known = [self.ranges.get(name) for name in catalogue.properties]
        low = np.array([-np.inf if one is None else one.low for one in known] + [-np.inf])
        high = np.array([np.inf if one is None else one.high for one in known] + [np.inf])
        outside: Flags = (rows.result < low[code]) | (rows.result > high[code])
        return outside

    def _judged(self, catalogue: Catalogue, slot: int) -> bool:
        """Whether the datastream tells in a unit of its range."""
        known = catalogue.by_id[catalogue.id_of(slot)]
        range_ = self.ranges.get(known.observed_property)
        return range_ is not None and known.unit in range_.units

    def _followed(self, state: Slab, some: Runs, rows: Rows, outside: Flags) -> tuple[Slab, Flags | None, list[int]]:
        """Row by row: who is doubted, and the rows that are to be told. One moment has one detection."""
        doubted, new = np.zeros(len(rows), np.bool_), []
        columns = [state.take(name, some.slots).tolist() for name in FIELDS]
        after = []
        for (on, calm, told), first, end in zip(zip(*columns, strict=True), some.first, some.end, strict=True):
            for row in range(first, end):
                calm = 0 if outside[row] else calm + 1  # noqa: PLW2901  the datastream's own, row after row
                if outside[row] and not on and rows.time[row] > told:
                    told = int(rows.time[row])  # noqa: PLW2901  likewise
                    new.append(row)
                on = bool(outside[row]) or (on and calm < self.calm)  # noqa: PLW2901  likewise
                doubted[row] = on
            after.append((on, min(calm, self.calm), told))
        if not after:
            return state, None, []
        on_, calm_, told_ = zip(*after, strict=True)
        return state.put(some.slots, on=on_, calm=calm_, told=told_), doubted, new

    def _detection(self, timeline: str, catalogue: Catalogue, rows: Rows, row: int) -> Detection:
        """At its bound a result is possible still, and half of the way to it is not."""
        datastream, time, result = int(rows.datastream[row]), int(rows.time[row]), float(rows.result[row])
        known = catalogue.by_id[datastream]
        range_ = self.ranges[known.observed_property]
        inputs: dict[str, float | int | str] = {
            "observed_property": known.observed_property,
            "unit": known.unit,
            "result": result,
            "low": range_.low,
            "high": range_.high,
        }
        side, would = ("above", range_.high) if result > range_.high else ("below", range_.low)
        unless = ValueWas(datastream=datastream, time=time, column="result", was=result, would=would)
        why = Why(message=f"out_of_range.{side}", inputs=inputs, unless=unless)
        told = Found(key=str(datastream), since=time, at=time, confidence=1.0, why=why)
        return found.detection(self, timeline, told, found.on(catalogue, (datastream,)))


part = OutOfRange
