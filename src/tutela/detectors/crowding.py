"""A place with more people than it holds, or one that fills so fast that it soon will."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import inf
from typing import Annotated, ClassVar

import msgspec
import numpy as np

from tutela.errors import BadInput
from tutela.maths import found
from tutela.maths.found import Found
from tutela.maths.runs import NEVER, Index, runs
from tutela.maths.slab import Field, Slab
from tutela.model.card import Card, Sample
from tutela.model.detection import Detection
from tutela.model.noun import Noun
from tutela.model.scales import Certainty, Scale, Severity, Urgency
from tutela.model.seen import Catalogue, Seen
from tutela.model.when import SECOND
from tutela.model.why import ValueWas, Why

MOST = 16  # counts that are remembered of a place, the newest

CALM, FILLING, FULL = 0, 1, 2

FIELDS = {
    "how": Field("i1", CALM),  # calm, filling, or full: the most that it was since it began
    "since": Field("i8", NEVER),  # when that began
    "revision": Field("i4"),
    "times": Field("i8", NEVER, MOST),  # the newest counts, the newest last
    "counts": Field("f8", np.nan, MOST),
}


@dataclass(slots=True)
class _Spot:
    """Where one place stands while its counts are worked off one after the other."""

    slot: int
    how: int
    since: int
    revision: int
    times: list[int]
    counts: list[float]


@dataclass(frozen=True, slots=True)
class _News:
    """What is to be told of a place: `level` is the count that it takes, `rise` in people a second."""

    slot: int
    how: int
    since: int
    revision: int
    at: int
    count: float
    level: float
    rise: float


class Crowding(Noun, frozen=True, kw_only=True):
    """Crowded when surely more people are there than `full` of what the place holds, or will be within `ahead` seconds.

    `capacities`: how many people each Thing's place holds; only those are watched. `error`: by which part of it a count may be
    wrong, either way. The rise is that since the oldest of the last sixteen counts which is no more than `span` seconds
    old, and the least that the errors allow; it counts from `half` of what the place holds on. It is over when a count comes
    back to `clear` of that.
    """

    word: ClassVar[str] = "crowding"
    version: ClassVar[int] = 1
    card: ClassVar[Card] = Card(
        finds="A place with surely more people than it holds, or one that fills so fast that it soon will.",
        needs=frozenset({"*"}),
        key="datastream",
        lateness=0.0,
        personal_data=False,
        cannot=(
            "Know how the people stand: a place that is half empty can be deadly at one door; add up several counters"
            " of one place; notice a counter that is wrong by more than its error; foresee what does not go on as"
            " it did."
        ),
        options={"observed_property": "people", "capacities": {"thing-0": 50.0, "thing-1": 60.0}, "span": 7200.0},
        fires=(
            Sample(at=0, values={"result": 20.0}),
            Sample(at=600, values={"result": 30.0}),
            Sample(at=1200, values={"result": 62.0}),
        ),
        near_miss=(
            Sample(at=0, values={"result": 20.0}),
            Sample(at=600, values={"result": 30.0}),
            Sample(at=1200, values={"result": 31.0}),
        ),
    )

    name: str = "crowding"
    observed_property: str = "people"
    capacities: dict[str, Annotated[float, msgspec.Meta(gt=0)]]
    error: Annotated[float, msgspec.Meta(ge=0, lt=1)] = 0.15
    full: Annotated[float, msgspec.Meta(gt=0)] = 1.0
    half: Annotated[float, msgspec.Meta(ge=0)] = 0.5
    clear: Annotated[float, msgspec.Meta(gt=0)] = 0.8
    span: Annotated[float, msgspec.Meta(gt=0)] = 600.0
    ahead: Annotated[float, msgspec.Meta(ge=0)] = 600.0
    scale: Scale = Scale(urgency=Urgency.EXPECTED, severity=Severity.MODERATE, certainty=Certainty.LIKELY)

    def __post_init__(self) -> None:
        if self.clear > self.full:
            raise BadInput(f"{self.name}: full at {self.full:g} can't be over at {self.clear:g}; put clear below full")

    def begin(self) -> Slab:
        """Nobody was counted."""
        return Slab(FIELDS)

    def changed(self, state: Slab) -> Mapping[str, bytes]:
        """The columns written since this was last asked."""
        return dict(state.changed())

    def load(self, saved: Mapping[str, bytes]) -> Slab:
        """The state that was saved."""
        return Slab.load(FIELDS, saved)

    def step(self, state: Slab, seen: Seen) -> tuple[Slab, tuple[Detection, ...]]:
        """Counts of the watched places, one after the other; there are few of them."""
        catalogue = seen.catalogue
        if seen.rows is None or seen.slots is None or catalogue is None or "result" not in seen.rows.values:
            return state, ()
        watched = self._watched(catalogue)
        mine = np.flatnonzero(np.isin(seen.slots, list(watched)) & ~np.isnan(seen.rows.result))
        if not len(mine):
            return state, ()
        each, rows = runs(seen.slots[mine]), seen.rows.take(mine)
        spots = _spots(state, each.slots)
        detections: list[Detection] = []
        for spot, first, end in zip(spots, each.first.tolist(), each.end.tolist(), strict=True):
            counts = zip(rows.time[first:end].tolist(), rows.result[first:end].tolist(), strict=True)
            capacity = watched[spot.slot]
            detections += (
                self._detection(seen.timeline, catalogue, capacity, one) for one in self._follow(spot, capacity, counts)
            )
        columns = {name: [getattr(spot, name) for spot in spots] for name in FIELDS}
        return state.put(each.slots, **columns), tuple(detections)

    def _watched(self, catalogue: Catalogue) -> dict[int, float]:
        """What the place of each watched slot holds."""
        return {
            id_ // catalogue.partitions: self.capacities[known.thing]
            for id_, known in catalogue.by_id.items()
            if known.thing in self.capacities and known.observed_property == self.observed_property
        }

    def _follow(self, spot: _Spot, capacity: float, counts: Iterable[tuple[int, float]]) -> Iterator[_News]:
        """Count by count: what changes, and what is to be told. One that fills and is full then is told anew."""
        for at, count in counts:
            full = self.full * capacity / (1.0 - self.error)
            filling, rise = self._filling(spot, capacity, at, count)
            how = FULL if count > full else FILLING if count > filling else CALM
            if not spot.how and how and at > spot.since:
                spot.how, spot.since, spot.revision = how, at, 0
                yield _News(spot.slot, how, at, 0, at, float(count), min(full, filling), rise)
            elif spot.how and how > spot.how:
                spot.how, spot.revision = how, spot.revision + 1
                yield _News(spot.slot, how, spot.since, spot.revision, at, float(count), full, rise)
            elif spot.how and not how and count <= self.clear * capacity:
                spot.how = CALM
            spot.times, spot.counts = [*spot.times[1:], at], [*spot.counts[1:], float(count)]

    def _filling(self, spot: _Spot, capacity: float, at: int, count: float) -> tuple[float, float]:
        """The count above which the place surely fills so fast that it will be full, and the least rise there is."""
        since = next(
            ((time, was) for time, was in zip(spot.times, spot.counts, strict=True) if self._recent(time, at)), None
        )
        if since is None:
            return inf, 0.0
        seconds, was = (at - since[0]) / SECOND, since[1] * (1.0 + self.error)
        # With c the least that is there: c > was, and c + (c - was) / seconds * ahead > full.
        enough = (self.full * capacity * seconds + was * self.ahead) / (seconds + self.ahead)
        rise = (count * (1.0 - self.error) - was) / seconds
        return max(was, enough, self.half * capacity) / (1.0 - self.error), rise

    def _recent(self, time: int, at: int) -> bool:
        return time < at and at - time <= self.span * SECOND

    def _detection(self, timeline: str, catalogue: Catalogue, capacity: float, news: _News) -> Detection:
        """It would not have fired with a count a little below the level; half of the way there it would."""
        datastream = catalogue.id_of(news.slot)
        inputs: dict[str, float | int | str] = {
            "people": news.count,
            "least": round(news.count * (1.0 - self.error), 1),
            "most": round(news.count * (1.0 + self.error), 1),
            "capacity": capacity,
            "rise": round(max(0.0, news.rise) * 60.0, 3),
            "ahead": self.ahead,
        }
        would = news.level - (news.count - news.level) / 4
        unless = ValueWas(datastream=datastream, time=news.at, column="result", was=news.count, would=would)
        why = Why(message="crowding.full" if news.how == FULL else "crowding.filling", inputs=inputs, unless=unless)
        told = Found(
            key=str(datastream),
            since=news.since,
            at=news.at,
            confidence=1.0 if news.how == FULL else 0.5,
            why=why,
            revision=news.revision,
        )
        return found.detection(self, timeline, told, found.on(catalogue, (datastream,)))


def _spots(state: Slab, slots: Index) -> list[_Spot]:
    """The places of these slots, taken out of their columns."""
    columns = [state.take(name, slots).tolist() for name in FIELDS]
    return [_Spot(*row) for row in zip(slots.tolist(), *columns, strict=True)]


part = Crowding
