"""A datastream that slowly departs from its neighbours of the same property.

Once an hour, on a tick, each datastream's mean is compared with the median of the others of its property in the same
partition, each less what it usually differs: what the whole city does (an hour, a season, the weather) is in both. The
difference has a level that is remembered for months, and one for days; when the second leaves the first, it drifts.
Differences count up to `CLIP` spreads and no further (Huber 1964), so that an event teaches little.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import msgspec
import numpy as np
import numpy.typing as npt

from tutela.errors import BadInput
from tutela.maths import found, robust
from tutela.maths.found import Found
from tutela.maths.runs import NEVER, Index, runs
from tutela.maths.slab import Field, Slab
from tutela.model.card import Card, Sample
from tutela.model.detection import Detection
from tutela.model.noun import Noun
from tutela.model.rows import Rows
from tutela.model.scales import Certainty, Scale, Severity, Urgency
from tutela.model.seen import Catalogue, Seen
from tutela.model.when import HOUR
from tutela.model.why import ValueWas, Why

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]

CLIP = 3.0  # spreads
STEADY = 24  # hours before anything is clipped
LARGE = 1e30

FIELDS = {
    "hour": Field("i8", -1),  # of slot 0 alone: the hour of the last tick that was judged
    "rows": Field("i8"),  # of this hour, and their sum
    "sum": Field("f8"),
    "time": Field("i8"),  # the newest row
    "last": Field("f8"),
    "usual": Field("f8"),  # the difference from the others that is remembered for weeks
    "gap": Field("f8"),  # how far the difference of the last days is from it
    "spread": Field("f8"),  # of an hour's difference
    "hours": Field("i8"),  # how many hours taught it
    "since": Field("i8", NEVER),  # since when the gap is beyond `release`
    "on": Field("?"),  # it drifts, and that was told
}


@dataclass(frozen=True, slots=True)
class _Hour:
    """One hour of the datastreams of one property, by datastream: what was known before it, and what it tells.

    `others` is the median of the others' means, `off` how far the datastream's own mean is from where it usually is to
    them, `extra` the same as far as it counts, and `gap` what the gap is now. Beyond `limit` it drifts.
    """

    slots: Index
    known: Mapping[str, Array]
    others: Floats
    off: Floats
    clip: Floats
    extra: Floats
    slow: Floats
    fast: Floats
    kept: Floats
    gap: Floats
    limit: Floats


def _example(adds: tuple[float, float, float]) -> tuple[Sample, ...]:
    """Four hours of three datastreams, and a fifth in which so much is added to each."""
    return tuple(
        sample
        for hour in range(5)
        for sample in (
            *(
                Sample(
                    at=3600.0 * hour + 60.0 + slot,
                    datastream=slot,
                    values={"result": 20.0 + (hour * (slot + 1)) % 3 + (hour == 4) * adds[slot]},
                )
                for slot in range(3)
            ),
            Sample(at=3600.0 * (hour + 1), tick=True),
        )
    )


class Drifting(Noun, frozen=True, kw_only=True):
    """Drifting when the difference of the last days is more than `beyond` spreads of an hour from that of months.

    `recent`, `memory`: days that the two remember. `only`: observed properties (none: all). `peers`: how many others there must be in the hour. `learn`: days before it
    is judged. `release`: the share of `beyond` at which it is over. `least`: a difference that is none, in the unit.
    """

    word: ClassVar[str] = "drifting"
    version: ClassVar[int] = 1
    card: ClassVar[Card] = Card(
        finds="A datastream that slowly departs from the others of its property.",
        needs=frozenset({"*"}),
        key="datastream",
        lateness=0.0,
        personal_data=False,
        learns=True,
        cannot=(
            "Tell a sensor that ages from a place that changes: so nothing is withheld for it; see others than those"
            " of its own partition, one in so many of the city's; notice what takes longer than its memory, or what"
            " most of them do together; judge a property that few datastreams have."
        ),
        options={"peers": 2, "learn": 0.15, "recent": 0.05, "memory": 10.0},
        fires=_example((0.0, 0.0, 250.0)),
        near_miss=_example((250.0, 250.0, 250.0)),
    )

    name: str = "drifting"
    only: tuple[str, ...] = ()
    peers: Annotated[int, msgspec.Meta(ge=2)] = 5
    recent: Annotated[float, msgspec.Meta(gt=0)] = 7.0
    memory: Annotated[float, msgspec.Meta(gt=0)] = 84.0
    beyond: Annotated[float, msgspec.Meta(gt=0)] = 1.0
    release: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.5
    learn: Annotated[float, msgspec.Meta(ge=0)] = 28.0
    least: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    scale: Scale = Scale(urgency=Urgency.FUTURE, severity=Severity.MINOR, certainty=Certainty.POSSIBLE)

    def __post_init__(self) -> None:
        if self.memory <= self.recent:
            raise BadInput(
                f"{self.name}: a memory of {self.memory:g} days can't be left by the last {self.recent:g}; make it longer"
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
        """Rows are summed up; the first tick of an hour judges."""
        if seen.rows is not None and seen.slots is not None and "result" in seen.rows.values:
            state = _summed(state, seen.rows, seen.slots)
        if seen.tick is None or seen.catalogue is None:
            return state, ()
        first = np.zeros(1, np.int64)
        if seen.tick // HOUR == state.take("hour", first)[0]:
            return state, ()
        state = state.put(first, hour=seen.tick // HOUR)
        detections: list[Detection] = []
        for slots in self._alike(state, seen.catalogue, seen.doubted):
            hour = self._hour(state, slots)
            state, told = self._judged(state, hour, seen.tick)
            detections += (
                self._detection(state, hour, place, seen.tick, seen.timeline, seen.catalogue) for place in told
            )
        return state, tuple(detections)

    def _alike(self, state: Slab, catalogue: Catalogue, doubted: Index | None) -> Iterator[Index]:
        """The datastreams of each property that told something since the last hour, where they are enough.

        What is doubted waits: it is judged in the first hour at whose end it is believed.
        """
        there = np.flatnonzero(state.take("rows") > 0)
        if doubted is not None:
            there = np.setdiff1d(there, doubted)
        code = catalogue.property_code[there]
        for each in np.unique(code).tolist():
            slots = there[code == each]
            if len(slots) > self.peers and (not self.only or catalogue.properties[each] in self.only):
                yield slots

    def _judged(self, state: Slab, hour: _Hour, tick: int) -> tuple[Slab, list[int]]:
        """The state after that hour, and the places of those that drift from now on."""
        known, size = hour.known, np.abs(hour.gap)
        off = size > self.release * hour.limit
        since = np.where(off, np.where(known["since"] == NEVER, tick, known["since"]), NEVER)
        # Where not even this hour's last result could have kept it silent, the hour before should have told it already.
        lowest = size - (np.sign(hour.gap) * hour.extra + hour.clip) * hour.fast
        new = (size > hour.limit) & ~known["on"] & (lowest <= hour.limit)
        none, moved = np.zeros(len(size)), robust.NORMAL * np.abs(hour.extra) - known["spread"]
        state = state.put(
            hour.slots,
            rows=none,
            sum=none,
            usual=np.where(known["hours"] == 0, hour.off, known["usual"] + hour.extra * hour.slow),
            gap=hour.gap,
            spread=known["spread"] + moved / np.clip(known["hours"], 1, 24 * self.memory),
            hours=known["hours"] + 1,
            since=since,
            on=off & (known["on"] | new),
        )
        return state, np.flatnonzero(new).tolist()

    def _hour(self, state: Slab, slots: Index) -> _Hour:
        known = {name: state.take(name, slots) for name in FIELDS}
        means = known["sum"] / known["rows"] - known["usual"]  # of what each tells of the whole city
        others = robust.median_of_others(means)
        off = means - others
        clip = np.where((known["hours"] >= STEADY) & (known["spread"] > 0), CLIP * known["spread"], LARGE)
        extra = np.where(known["hours"] == 0, 0.0, np.clip(off, -clip, clip))
        slow, recent = (1 / np.clip(known["hours"] + 1, 1, max(1, 24 * days)) for days in (self.memory, self.recent))
        judged = (known["hours"] >= max(24 * self.learn, 2)) & (known["spread"] > 0)
        limit = np.where(judged, np.maximum(self.beyond * known["spread"], self.least), np.inf)
        kept, fast = 1 - recent, recent - slow
        gap = kept * known["gap"] + extra * fast
        return _Hour(slots, known, others, off, clip, extra, slow, fast, kept, gap, limit)

    def _detection(
        self, state: Slab, hour: _Hour, place: int, tick: int, timeline: str, catalogue: Catalogue
    ) -> Detection:
        """Without what the hour's last result has too much, the gap would be at its limit; with half of it, beyond."""
        known = {name: column[place].item() for name, column in hour.known.items()}
        gap, limit = float(hour.gap[place]), float(hour.limit[place])
        stay = math.copysign(limit * (1 - 1e-9), gap) - float(hour.kept[place]) * known["gap"]
        would = known["last"] + known["rows"] * (stay / float(hour.fast[place]) - float(hour.off[place]))
        datastream = catalogue.id_of(int(hour.slots[place]))
        stream = catalogue.by_id[datastream]
        inputs: dict[str, float | int | str] = {
            "observed_property": stream.observed_property,
            "unit": stream.unit,
            "gap": abs(gap),
            "limit": limit,
            "usual": known["usual"],
            "others": float(hour.others[place]),
            "peers": len(hour.slots) - 1,
        }
        unless = ValueWas(datastream=datastream, time=known["time"], column="result", was=known["last"], would=would)
        told = Found(
            key=str(datastream),
            since=int(state.take("since", hour.slots[place : place + 1])[0]),
            at=tick,
            confidence=0.5,
            why=Why(message=f"drifting.{'above' if gap > 0 else 'below'}", inputs=inputs, unless=unless),
        )
        return found.detection(self, timeline, told, found.on(catalogue, (datastream,)))


def _summed(state: Slab, rows: Rows, slots: Index) -> Slab:
    """The rows' results added, one after the other, so that no cut between batches changes a bit."""
    each = runs(slots)
    result = np.clip(rows.result.astype(np.float64), -LARGE, LARGE)
    sum_ = state.take("sum", each.slots)
    np.add.at(sum_, each.by_row(np.arange(len(sum_))), result)
    count = state.take("rows", each.slots) + each.end - each.first
    return state.put(each.slots, sum=sum_, rows=count, time=rows.time[each.last], last=result[each.last])


part = Drifting
