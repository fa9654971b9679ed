"""Traffic that begins to slow down, against the speed that this road has when it is free.

For each datastream it learns the free speed: a level near the upper end of what comes (an expectile, Newey and Powell 1987,
"Asymmetric least squares estimation and testing"), moved a little by each result. How much a result lacks of it, as a share and less
`slack`, is summed up (Page's CUSUM): one that lacks much, or a few that lack a little more than is let pass, make the sum
higher than `height`. A level in km/h that is right for a motorway is wrong for the street beside it; this one needs none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import msgspec
import numpy as np
import numpy.typing as npt

from tutela.errors import BadInput
from tutela.maths import found, turns
from tutela.maths.found import Found
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

UP = 0.95  # of the free speed's way is upwards: results above it count 19 times as much as those below
WILD = 2.0  # times the free speed, as far as a result counts
HAIR = 1e-6  # of the way to the limit, as far as a result must be within it to be so however it is rounded

FIELDS = {
    "rows": Field("i8"),  # how many results there were
    "free": Field("f8"),  # the free speed
    "sum": Field("f8"),  # of what results lack of it, less the slack
    "on": Field("?"),  # traffic is slow
    "told": Field("i8", NEVER),  # when that was last told
}


@dataclass(frozen=True, slots=True)
class _Onset:
    """A row that is to be told: where it stands among all, the speed at which it would not be, and what was known."""

    row: int
    limit: float
    free: float
    sum: float


class Congestion(Noun, frozen=True, kw_only=True):
    """Slow when what results lack of the free speed, each less `slack`, sums up to more than `height`; both are shares of it.

    Over when a result is back at `back` of the free speed. `memory`: results that the free speed remembers. `learn`: results
    before it is judged.
    """

    word: ClassVar[str] = "congestion"
    version: ClassVar[int] = 1
    card: ClassVar[Card] = Card(
        finds="Traffic that begins to slow down against this road's own free speed.",
        needs=frozenset({"*"}),
        key="datastream",
        lateness=0.0,
        personal_data=False,
        learns=True,
        cannot=(
            "Know why traffic slows, or whether it does so every day at this hour; find the free speed of a road that is"
            " hardly ever free, or before it saw it free; tell a sensor that says nothing but zero from a road at a standstill."
        ),
        options={"observed_property": "speed", "learn": 10},
        fires=(
            *(Sample(at=300.0 * row, values={"result": 64.0 + row % 2}) for row in range(12)),
            Sample(at=3600.0, values={"result": 40.0}),
            Sample(at=3900.0, values={"result": 40.0}),
        ),
        near_miss=(
            *(Sample(at=300.0 * row, values={"result": 64.0 + row % 2}) for row in range(12)),
            Sample(at=3600.0, values={"result": 40.0}),
            Sample(at=3900.0, values={"result": 60.0}),
            Sample(at=4200.0, values={"result": 40.0}),
        ),
    )

    name: str = "congestion"
    observed_property: str = "speed"
    slack: Annotated[float, msgspec.Meta(gt=0, lt=1)] = 0.3
    height: Annotated[float, msgspec.Meta(gt=0, lt=10)] = 0.1
    back: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.9
    memory: Annotated[int, msgspec.Meta(ge=10)] = 576
    learn: Annotated[int, msgspec.Meta(ge=10)] = 288
    scale: Scale = Scale(urgency=Urgency.EXPECTED, severity=Severity.MINOR, certainty=Certainty.LIKELY)

    def __post_init__(self) -> None:
        if self.back <= 1 - self.slack:
            raise BadInput(
                f"{self.name}: at {self.back} of the free speed traffic is slow still, where {self.slack} of it is let pass;"
                f" put back above {round(1 - self.slack, 6)}"
            )

    def begin(self) -> Slab:
        """Nothing is known."""
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
        codes = [code for code, name in enumerate(seen.catalogue.properties) if name == self.observed_property]
        mine = np.isin(seen.catalogue.property_code[seen.slots], codes)
        rows, slots = seen.rows.take(mine), seen.slots[mine]
        state, onsets = self._followed(state, rows, slots)
        return state, tuple(self._detection(seen.timeline, seen.catalogue, rows, each) for each in onsets)

    def _followed(self, state: Slab, rows: Rows, slots: Index) -> tuple[Slab, list[_Onset]]:
        """The state after these rows, and what is to be told. `places`: of each datastream that has one, its next row."""
        every, onsets = turns.singles(slots), list[_Onset]()
        known = {name: state.take(name, every.slots) for name in FIELDS}
        result = rows.result.astype(np.float64)
        for places in every.turns:
            now = {name: column[: len(places)] for name, column in known.items()}
            after, some = self._stepped(now, result[places], rows.time[places], places)
            onsets += some
            for name, column in after.items():
                known[name][: len(places)] = column
        return state.put(every.slots, **known), onsets

    def _stepped(
        self, now: Mapping[str, Array], result: Floats, time: Index, places: Index
    ) -> tuple[Mapping[str, Array], list[_Onset]]:
        """One row of each of these datastreams: what is known after it, and which rows are to be told."""
        free, before = now["free"], now["sum"]
        judged = (now["rows"] >= self.learn) & (free > 0)
        limit = free * (1.0 - self.slack - (self.height - before))
        begins = judged & ~now["on"] & (result < limit)
        tell = begins & (time > now["told"])  # one start has one detection
        columns = (places, limit, free, before)
        onsets = [_Onset(*(column[one].item() for column in columns)) for one in np.flatnonzero(tell).tolist()]
        lack = np.where(judged, 1.0 - result / np.where(judged, free, 1.0) - self.slack, 0.0)
        return {
            "rows": now["rows"] + 1,
            "free": self._freed(now["rows"], free, result),
            "sum": np.clip(before + lack, 0.0, self.height),
            "on": (now["on"] | begins) & ~(result >= self.back * free),
            "told": np.where(tell, time, now["told"]),
        }, onsets

    def _freed(self, rows: Index, free: Floats, result: Floats) -> Floats:
        """The free speed after a result more: moved far by one above it, and little by one below."""
        counted = np.clip(result, 0.0, np.where(free > 0, WILD * free, np.inf))
        part = np.maximum(1.0 / self.memory, 1.0 / (rows + 1.0))
        weight = np.where(counted > free, UP, 1.0 - UP)
        return np.where(rows == 0, counted, free + (counted - free) * np.minimum(2.0 * part * weight, 1.0))

    def _detection(self, timeline: str, catalogue: Catalogue, rows: Rows, onset: _Onset) -> Detection:
        """A little faster than the limit, and the sum would not be above its height."""
        datastream, time = int(rows.datastream[onset.row]), int(rows.time[onset.row])
        known, result = catalogue.by_id[datastream], float(rows.result[onset.row])
        inputs: dict[str, float | int | str] = {
            "observed_property": known.observed_property,
            "unit": known.unit,
            "result": result,
            "free": onset.free,
            "limit": onset.limit,
            "sum": onset.sum,
        }
        would = onset.limit + HAIR * (onset.limit - result)
        unless = ValueWas(datastream=datastream, time=time, column="result", was=result, would=would)
        told = Found(
            key=str(datastream),
            since=time,
            at=time,
            confidence=_confidence(result / onset.free),
            why=Why(message="congestion.begins", inputs=inputs, unless=unless),
        )
        return found.detection(self, timeline, told, found.on(catalogue, (datastream,)))


def _confidence(share: float) -> float:
    """The less is left of the free speed, the surer; never quite sure."""
    return round(min(max(1.0 - share, 0.01), 0.99), 3)


part = Congestion
