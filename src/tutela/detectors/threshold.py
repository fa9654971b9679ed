"""A level is passed, and stays passed for long enough."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import msgspec
import numpy as np
import numpy.typing as npt

from tutela.errors import BadInput
from tutela.maths import found
from tutela.maths.found import Found
from tutela.maths.runs import NEVER, Index, Runs, runs
from tutela.maths.slab import Field, Slab
from tutela.model.card import Card, Sample
from tutela.model.detection import Detection
from tutela.model.noun import Noun
from tutela.model.scales import Certainty, Scale, Severity, Urgency
from tutela.model.seen import Catalogue, Seen
from tutela.model.when import SECOND
from tutela.model.why import ValueWas, Why

Values = npt.NDArray[np.float64]

FIELDS = {
    "up": Field("?"),  # the level is passed
    "since": Field("i8", NEVER),  # when it was last passed
    "told": Field("?"),  # a detection was made of that
    "time": Field("i8"),  # the newest observation that counted, while it waits for `hold`
    "value": Field("f8"),
    "first": Field("?"),  # that observation is the one which passed the level
}


@dataclass(slots=True)
class _Level:
    """Where one datastream stands while its rows are worked off one after the other."""

    slot: int
    up: bool
    since: int
    told: bool
    time: int
    value: float
    first: bool


class Threshold(Noun, frozen=True, kw_only=True):
    """Passed when the result goes beyond `high`; over again when it comes back to `low`.

    `observed_property`: which datastreams are watched. `direction`: beyond means above or below.
    `high`, `low`: in the unit of the datastreams. `hold`: seconds that it has to stay passed.
    """

    word: ClassVar[str] = "threshold"
    version: ClassVar[int] = 1
    card: ClassVar[Card] = Card(
        finds="A result beyond a level for longer than a set time.",
        needs=frozenset({"*"}),
        key="datastream",
        lateness=0.0,
        personal_data=False,
        cannot=(
            "Tell a true value from a broken sensor's; see a peak between two observations, or one that comes"
            " after a newer observation; know what a sensor that stopped would say: its last value counts."
        ),
        options={"observed_property": "pm10", "high": 50.0, "low": 40.0, "hold": 120.0},
        fires=(
            Sample(at=0, values={"result": 20.0}),
            Sample(at=60, values={"result": 55.0}),
            Sample(at=120, values={"result": 45.0}),
            Sample(at=180, values={"result": 61.0}),
        ),
        near_miss=(
            Sample(at=0, values={"result": 20.0}),
            Sample(at=60, values={"result": 55.0}),
            Sample(at=120, values={"result": 40.0}),
            Sample(at=180, values={"result": 61.0}),
            Sample(at=240, tick=True),
        ),
    )

    name: str = "threshold"
    observed_property: str
    high: float
    low: float
    direction: Literal["above", "below"] = "above"
    hold: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    scale: Scale = Scale(urgency=Urgency.EXPECTED, severity=Severity.MODERATE, certainty=Certainty.OBSERVED)

    def __post_init__(self) -> None:
        if self._sign * self.low > self._sign * self.high:
            raise BadInput(
                f"{self.name}: going {self.direction} {self.high} can't be over at {self.low};"
                f" put low on the other side of high"
            )

    @property
    def _sign(self) -> float:
        return 1.0 if self.direction == "above" else -1.0

    @property
    def _held(self) -> int:
        return int(self.hold * SECOND)

    def begin(self) -> Slab:
        """Nothing is passed."""
        return Slab(FIELDS)

    def changed(self, state: Slab) -> Mapping[str, bytes]:
        """The columns written since this was last asked."""
        return dict(state.changed())

    def load(self, saved: Mapping[str, bytes]) -> Slab:
        """The state that was saved."""
        return Slab.load(FIELDS, saved)

    def step(self, state: Slab, seen: Seen) -> tuple[Slab, tuple[Detection, ...]]:
        """Rows pass the level and come back; a tick completes `hold` where no row has come since."""
        catalogue = seen.catalogue
        if catalogue is None or self.observed_property not in catalogue.properties:
            return state, ()
        state, passed = self._rows(state, seen, catalogue)
        if seen.tick is None or not self.hold:
            return state, tuple(passed)
        state, held = self._tick(state, seen, catalogue, seen.tick)
        return state, (*passed, *held)

    def _rows(self, state: Slab, seen: Seen, catalogue: Catalogue) -> tuple[Slab, list[Detection]]:
        if seen.rows is None or seen.slots is None or "result" not in seen.rows.values:
            return state, []
        code = catalogue.properties.index(self.observed_property)
        mine = np.flatnonzero(catalogue.property_code[seen.slots] == code)
        values = self._sign * seen.rows.result[mine].astype(np.float64)
        turning = self._turning(state, runs(seen.slots[mine]), values)
        levels = _levels(state, turning.slots)
        detections: list[Detection] = []
        for level, first, end in zip(levels, turning.first.tolist(), turning.end.tolist(), strict=True):
            rows = zip(seen.rows.time[mine[first:end]].tolist(), values[first:end].tolist(), strict=True)
            detections += (self._detection(seen.timeline, catalogue, level, at) for at in self._follow(level, rows))
        return _put(state, levels), detections

    def _tick(self, state: Slab, seen: Seen, catalogue: Catalogue, tick: int) -> tuple[Slab, list[Detection]]:
        """A level that is doubted waits: it is told when the datastream is believed again, and it is passed still."""
        due = state.take("up") & ~state.take("told") & (state.take("since") <= tick - self._held)
        slots = np.flatnonzero(due)
        if seen.doubted is not None:
            slots = np.setdiff1d(slots, seen.doubted)
        levels = _levels(state, slots)
        for level in levels:
            level.told = True
        return _put(state, levels), [self._detection(seen.timeline, catalogue, level, tick) for level in levels]

    def _turning(self, state: Slab, every: Runs, values: Values) -> Runs:
        """The few runs in which something may change; the others stay as they are, whatever they say."""
        beyond = every.having(values > self._sign * self.high)
        back = every.having(values <= self._sign * self.low)
        up, told = state.take("up", every.slots), state.take("told", every.slots)
        return every.take(np.where(up, back | ~told, beyond))

    def _follow(self, level: _Level, rows: Iterable[tuple[int, float]]) -> Iterator[int]:
        """Row by row: what the level does, and each time at which a detection is due.

        Passed twice at one and the same time is told once: a start has one detection.
        """
        for time, value in rows:
            level.first = not level.up
            if level.up and value <= self._sign * self.low:
                level.up = False
            elif not level.up and value > self._sign * self.high:
                level.up, level.told, level.since = True, level.told and level.since == time, time
            if not level.up:
                continue
            level.time, level.value = time, value
            if not level.told and time - level.since >= self._held:
                level.told = True
                yield time

    def _detection(self, timeline: str, catalogue: Catalogue, level: _Level, at: int) -> Detection:
        """Between the two bounds the level is passed still, and the result not beyond it any more."""
        datastream = catalogue.id_of(level.slot)
        beyond = level.value > self._sign * self.high
        inputs: dict[str, float | int | str] = {
            "observed_property": self.observed_property,
            "unit": catalogue.by_id[datastream].unit,
            "result": self._sign * level.value,
            "high": self.high,
            "low": self.low,
            "hold": self.hold,
        }
        unless = ValueWas(
            datastream=datastream,
            time=level.time,
            column="result",
            was=self._sign * level.value,
            would=self.high if level.first else self.low,
        )
        return found.detection(
            self,
            timeline,
            Found(
                key=str(datastream),
                since=level.since,
                at=at,
                confidence=1.0,
                why=Why(
                    message=f"threshold.{self.direction}" if beyond else f"passed.{self.direction}",
                    inputs=inputs,
                    unless=unless,
                ),
            ),
            found.on(catalogue, (datastream,)),
        )


def _levels(state: Slab, slots: Index) -> list[_Level]:
    """The levels of these slots, taken out of their columns."""
    columns = [state.take(name, slots).tolist() for name in FIELDS]
    return [_Level(*row) for row in zip(slots.tolist(), *columns, strict=True)]


def _put(state: Slab, levels: list[_Level]) -> Slab:
    """The state with these levels back in their columns."""
    if not levels:
        return state
    columns = {name: [getattr(level, name) for level in levels] for name in FIELDS}
    return state.put(np.array([level.slot for level in levels], np.int64), **columns)


part = Threshold
