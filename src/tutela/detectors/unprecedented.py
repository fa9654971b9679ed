"""A result, or the mean of the last few, that is further out than any for a long time: never seen before.

For each datastream it keeps how far results have reached, upwards and downwards, and how far the mean of the last `few`
has (`maths/reach.py`). What goes beyond by more than a margin is told once, and widens the bounds: what has been seen is not
new. There is no hour of the week in it and no distribution, so that it needs days where `unusual` needs weeks. How much it
finds, and how often chance alone makes it tell something, was measured: `benchmarks/nab.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import msgspec
import numpy as np
import numpy.typing as npt

from tutela.errors import BadInput
from tutela.maths import found, reach, turns
from tutela.maths.found import Found
from tutela.maths.reach import Pace, Reach
from tutela.maths.runs import NEVER, Index
from tutela.maths.slab import Field, Slab
from tutela.model.card import Card, Sample
from tutela.model.detection import Detection
from tutela.model.noun import Noun
from tutela.model.rows import Rows
from tutela.model.scales import Certainty, Scale, Severity, Urgency
from tutela.model.seen import Catalogue, Seen
from tutela.model.why import ValueWas, Why

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]

LARGE = 1e30  # results count up to it, so that sums stay finite
HAIR = 1e-6  # of the way to the limit, as far as a result must be within it to be so however it is rounded
CALM = 1 << 40  # results since the last one beyond, where there was none

FIELDS = {
    "rows": Field("i8"),  # how many results there were
    "mean": Field("f8"),  # of the last few, and of many
    "level": Field("f8"),
    "top": Field("f8"),  # how far results reached, and how far the mean of the last few did
    "bottom": Field("f8"),
    "mean_top": Field("f8"),
    "mean_bottom": Field("f8"),
    "calm": Field("i8", CALM),  # how many results came since the last one beyond
    "told": Field("i8", NEVER),  # when it was last told
}


@dataclass(frozen=True, slots=True)
class _Record:
    """A row that is to be told: where it stands among all, up to where it might have lain, and what was known."""

    row: int
    low: float
    high: float
    bottom: float
    top: float
    rows: int


class Unprecedented(Noun, frozen=True, kw_only=True):
    """Beyond what has been, by more than a margin: `beyond`, as a share of how far apart the bounds are, or `least`, in the unit.

    `only`: observed properties (none: all). `few`: results that are taken together. `memory`: results after which what has
    been is mostly forgotten. `quiet`: results within the bounds until it is told again. `learn`: results before it is judged.
    """

    word: ClassVar[str] = "unprecedented"
    version: ClassVar[int] = 1
    card: ClassVar[Card] = Card(
        finds="A result, or a mean of the last few, that is further out than any for a long time.",
        needs=frozenset({"*"}),
        key="datastream",
        lateness=0.0,
        personal_data=False,
        learns=True,
        cannot=(
            "See what is odd but has been as high or as low before: a wrong hour, a shape, a value that stays the same;"
            " tell what it has not seen for want of time, as the first hot day of a year, from what is wrong; judge a"
            " datastream that never varied; keep to a number of false alarms: chance, too, goes further now and then. Whatever came while it learnt it takes for usual."
        ),
        options={"few": 2, "learn": 12},
        fires=(
            *(Sample(at=60.0 * row, values={"result": 20.0 + row % 2}) for row in range(17)),
            Sample(at=1020.0, values={"result": 23.0}),
        ),
        near_miss=(
            *(Sample(at=60.0 * row, values={"result": 20.0 + row % 2}) for row in range(17)),
            Sample(at=1020.0, values={"result": 21.01}),
        ),
    )

    name: str = "unprecedented"
    only: tuple[str, ...] = ()
    direction: Literal["above", "below", "both"] = "both"
    beyond: Annotated[float, msgspec.Meta(ge=0)] = 0.1
    least: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    few: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 24
    memory: Annotated[int, msgspec.Meta(ge=10)] = 100_000
    quiet: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] = 25
    learn: Annotated[int, msgspec.Meta(ge=10)] = 2000
    scale: Scale = Scale(urgency=Urgency.EXPECTED, severity=Severity.MINOR, certainty=Certainty.POSSIBLE)

    def __post_init__(self) -> None:
        if self.learn < reach.SETTLED * self.few:
            raise BadInput(
                f"{self.name}: {self.learn} results are too few to learn from, where {self.few} are taken together;"
                f" put learn at {reach.SETTLED * self.few} or more"
            )

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
        """One row of each datastream at a time, all datastreams at once."""
        if seen.rows is None or seen.slots is None or seen.catalogue is None or "result" not in seen.rows.values:
            return state, ()
        rows, slots = self._mine(seen.rows, seen.slots, seen.catalogue)
        state, records = self._followed(state, rows, slots)
        return state, tuple(self._detection(seen.timeline, seen.catalogue, rows, each) for each in records)

    def _mine(self, rows: Rows, slots: Index, catalogue: Catalogue) -> tuple[Rows, Index]:
        if not self.only:
            return rows, slots
        codes = [code for code, name in enumerate(catalogue.properties) if name in self.only]
        mine = np.isin(catalogue.property_code[slots], codes)
        return rows.take(mine), slots[mine]

    def _followed(self, state: Slab, rows: Rows, slots: Index) -> tuple[Slab, list[_Record]]:
        """The state after these rows, and what is to be told. `places`: of each datastream that has one, its next row."""
        every, records = turns.singles(slots), list[_Record]()
        known = {name: state.take(name, every.slots) for name in FIELDS}
        result = np.clip(rows.result.astype(np.float64), -LARGE, LARGE)
        for places in every.turns:
            now = {name: column[: len(places)] for name, column in known.items()}
            after, some = self._stepped(now, result[places], rows.time[places], places)
            records += some
            for name, column in after.items():
                known[name][: len(places)] = column
        return state.put(every.slots, **known), records

    def _stepped(
        self, now: Mapping[str, Array], result: Floats, time: Index, places: Index
    ) -> tuple[Mapping[str, Array], list[_Record]]:
        """One row of each of these datastreams: what is known after it, and which rows are to be told."""
        was, pace = Reach(*(now[name] for name in Reach._fields)), Pace(self.few, self.memory)
        low, high = self._limits(was, pace)
        judged = (was.rows >= self.learn) & (was.top > was.bottom) & (low <= high)
        over = judged & ((result < low) | (result > high))
        tell = over & (now["calm"] >= self.quiet) & (time > now["told"])  # one start has one detection
        columns = (places, low, high, was.bottom, was.top, was.rows)
        records = [_Record(*(column[one].item() for column in columns)) for one in np.flatnonzero(tell).tolist()]
        after = reach.moved(was, result, pace)._asdict()
        return {
            **after,
            "calm": np.where(over, 0, now["calm"] + 1),
            "told": np.where(tell, time, now["told"]),
        }, records

    def _limits(self, was: Reach, pace: Pace) -> tuple[Floats, Floats]:
        low, high = reach.limits(was, pace, self.beyond, self.least)
        if self.direction == "above":
            low = np.full_like(low, -np.inf)
        if self.direction == "below":
            high = np.full_like(high, np.inf)
        return low, high

    def _detection(self, timeline: str, catalogue: Catalogue, rows: Rows, record: _Record) -> Detection:
        """Within the limit it would not have been told: neither it nor the mean would be new by more than the margin."""
        datastream, time = int(rows.datastream[record.row]), int(rows.time[record.row])
        known, result = catalogue.by_id[datastream], float(rows.result[record.row])
        side, limit = ("above", record.high) if result > record.high else ("below", record.low)
        alone = result > record.top if side == "above" else result < record.bottom
        inputs: dict[str, float | int | str] = {
            "observed_property": known.observed_property,
            "unit": known.unit,
            "result": result,
            "bottom": record.bottom,
            "top": record.top,
            "limit": limit,
            "rows": min(record.rows, self.memory),
            "few": self.few,
        }
        inside = min(HAIR * abs(limit - result), (record.high - record.low) / 2)
        would = limit - inside if side == "above" else limit + inside
        unless = ValueWas(datastream=datastream, time=time, column="result", was=result, would=would)
        told = Found(
            key=str(datastream),
            since=time,
            at=time,
            confidence=_confidence(min(record.rows, self.memory)),
            why=Why(message=f"unprecedented.{side if alone else f'{side}_together'}", inputs=inputs, unless=unless),
        )
        return found.detection(self, timeline, told, found.on(catalogue, (datastream,)))


def _confidence(rows: int) -> float:
    """If results came in any order alike, one in so many would be the highest or the lowest yet (Chandler 1952)."""
    return round(1.0 - 2.0 / (rows + 1), 3)


part = Unprecedented
