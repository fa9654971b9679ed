"""A Thing comes into an area, leaves it, or stays in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import msgspec
import numpy as np

from tutela.errors import BadInput
from tutela.maths import found
from tutela.maths.area import Outline, outline
from tutela.maths.cells import cell_of
from tutela.maths.found import Found, Rests
from tutela.maths.runs import NEVER, Flags, Index, Runs, runs
from tutela.maths.slab import Field, Slab
from tutela.model.area import Area
from tutela.model.card import Card, Sample
from tutela.model.detection import Detection
from tutela.model.noun import Noun
from tutela.model.place import Place
from tutela.model.rows import Rows
from tutela.model.scales import Certainty, Scale, Severity, Urgency
from tutela.model.seen import Catalogue, Seen
from tutela.model.when import SECOND
from tutela.model.why import Moved, Why

UNKNOWN, OUT, IN = -1, 0, 1

FIELDS = {
    "side": Field("i1", UNKNOWN),  # inside, outside, or not known yet
    "since": Field("i8", NEVER),  # since when it is on that side
    "told": Field("?"),  # that it stays was told
    "rang": Field("i8", NEVER),  # when it was last told that it crossed the edge
    "time": Field("i8", NEVER),  # the newest position: when, and where
    "lat": Field("f8", np.nan),
    "lon": Field("f8", np.nan),
}


@dataclass(frozen=True, slots=True)
class _Crossed:
    """What is to be told of a slot: since when, at what time, and the newest position by then."""

    slot: int
    since: int
    at: int
    time: int
    lat: float
    lon: float


class Fence(Noun, frozen=True, kw_only=True):
    """Told when a Thing comes into the area, leaves it, or has stayed in it for `dwell` seconds.

    `area`: a circle or a polygon with holes; `place` is what it is called. `margin`: metres that a Thing must be beyond
    the edge to have crossed it, either way: as much as its positions jitter. `observed_property`: whose positions.
    """

    word: ClassVar[str] = "fence"
    version: ClassVar[int] = 1
    card: ClassVar[Card] = Card(
        finds="A Thing that comes into an area, leaves it, or stays in it for longer than a set time.",
        needs=frozenset({"*"}),
        key="datastream",
        lateness=0.0,
        personal_data=True,
        cannot=(
            "Tell who drives or carries the Thing; see a way through the area between two positions, or one that"
            " comes after a newer one; know where a Thing is that stopped sending: its last position counts; tell"
            " that one came in which was never seen outside."
        ),
        options={
            "observed_property": "position",
            "area": {"shape": "circle", "centre": {"lat": 60.17, "lon": 24.94}, "radius": 200.0},
            "place": "the yard",
            "margin": 20.0,
        },
        fires=(
            Sample(at=0, values={"lat": 60.1730, "lon": 24.94}),
            Sample(at=60, values={"lat": 60.1719, "lon": 24.94}),
            Sample(at=120, values={"lat": 60.1715, "lon": 24.94}),
        ),
        near_miss=(
            Sample(at=0, values={"lat": 60.1730, "lon": 24.94}),
            Sample(at=60, values={"lat": 60.1719, "lon": 24.94}),
            Sample(at=120, values={"lat": 60.1717, "lon": 24.94}),
        ),
    )

    name: str = "fence"
    observed_property: str
    area: Area
    place: str
    tells: Literal["enters", "leaves", "stays"] = "enters"
    margin: Annotated[float, msgspec.Meta(ge=0)] = 15.0
    dwell: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    scale: Scale = Scale(urgency=Urgency.FUTURE, severity=Severity.MINOR, certainty=Certainty.OBSERVED)

    def __post_init__(self) -> None:
        if (self.tells == "stays") != bool(self.dwell):
            raise BadInput(f"{self.name}: only a fence that tells who stays has a dwell, and it needs one")
        outline(self.area)

    def begin(self) -> Slab:
        """Nobody was seen."""
        return Slab(FIELDS)

    def changed(self, state: Slab) -> Mapping[str, bytes]:
        """The columns written since this was last asked."""
        return dict(state.changed())

    def load(self, saved: Mapping[str, bytes]) -> Slab:
        """The state that was saved."""
        return Slab.load(FIELDS, saved)

    def step(self, state: Slab, seen: Seen) -> tuple[Slab, tuple[Detection, ...]]:
        """Positions cross the edge; a tick completes `dwell` where no position has come since."""
        catalogue = seen.catalogue
        if catalogue is None or self.observed_property not in catalogue.properties:
            return state, ()
        crossed: list[_Crossed] = []
        if seen.rows is not None and seen.slots is not None and seen.rows.kind == "positions":
            code = catalogue.properties.index(self.observed_property)
            mine = np.flatnonzero(catalogue.property_code[seen.slots] == code)
            state, crossed = self._rows(state, seen.rows.take(mine), seen.slots[mine])
        if seen.tick is not None and self.dwell:
            state, stayed = self._tick(state, seen.tick)
            crossed += stayed
        return state, tuple(self._detection(seen.timeline, catalogue, one) for one in crossed)

    def _rows(self, state: Slab, rows: Rows, slots: Index) -> tuple[Slab, list[_Crossed]]:
        """Each row's side is its own, or within the margin that of the row before it."""
        each = runs(slots)
        known = {name: state.take(name, each.slots) for name in FIELDS}
        lat, lon = rows.values["lat"].astype(np.float64), rows.values["lon"].astype(np.float64)
        beyond = outline(self.area).beyond(lat, lon)
        sides = np.where(beyond > self.margin, OUT, np.where(beyond < -self.margin, IN, UNKNOWN))
        side = _carried(sides, sides != UNKNOWN, known["side"], each.first)
        before = _after(known["side"], side, each)
        turned = side != before
        since = _carried(rows.time, turned, known["since"], each.first)

        due = (side == IN) & (rows.time - since >= self._dwell) & bool(self.dwell)
        kept = _carried(np.zeros(len(slots), np.bool_), turned, known["told"], each.first)
        told = kept | (_after(kept[each.first], due, each) & ~turned)
        new = (due & ~told) if self.dwell else self._crossing(side, before)
        rang = _carried(rows.time, new, known["rang"], each.first)
        new &= rows.time > _after(known["rang"], rang, each)  # told once, if it crosses more than once in one moment

        columns = (slots, since, rows.time, rows.time, lat, lon)
        place = np.flatnonzero(new)
        crossed = [_Crossed(*row) for row in zip(*(column[place].tolist() for column in columns), strict=True)]
        last = {
            "side": side,
            "since": since,
            "told": due | kept,
            "rang": rang,
            "time": rows.time,
            "lat": lat,
            "lon": lon,
        }
        return state.put(each.slots, **{name: column[each.last] for name, column in last.items()}), crossed

    def _crossing(self, side: Index, before: Index) -> Flags:
        came, there = (OUT, IN) if self.tells == "enters" else (IN, OUT)
        crossing: Flags = (before == came) & (side == there)
        return crossing

    @property
    def _dwell(self) -> int:
        return round(self.dwell * SECOND)

    def _tick(self, state: Slab, tick: int) -> tuple[Slab, list[_Crossed]]:
        inside = (state.take("side") == IN) & ~state.take("told")
        slots = np.flatnonzero(inside & (state.take("since") <= tick - self._dwell))
        if not len(slots):
            return state, []
        since, time, lat, lon = (state.take(name, slots).tolist() for name in ("since", "time", "lat", "lon"))
        ticks = [tick] * len(slots)
        stayed = [_Crossed(*row) for row in zip(slots.tolist(), since, ticks, time, lat, lon, strict=True)]
        return state.put(slots, told=True, rang=tick), stayed

    def _unless(self, edge: Outline, datastream: int, one: _Crossed) -> Moved:
        """The newest position on the other side; one that was the first inside, not far enough in to count."""
        out = self.tells != "leaves"
        first = self.tells == "enters" or one.time == one.since
        level = self.margin if not out or not first else -self.margin
        lat, lon, metres = edge.walk(Place(lat=one.lat, lon=one.lon), level, out=out)
        return Moved(datastream=datastream, time=one.time, lat=lat, lon=lon, metres=round(metres, 2))

    def _detection(self, timeline: str, catalogue: Catalogue, one: _Crossed) -> Detection:
        """It is where the area is, and not where the Thing was: that is personal data."""
        datastream, edge = catalogue.id_of(one.slot), outline(self.area)
        inputs: dict[str, float | int | str] = {
            "area": self.place,
            "margin": self.margin,
            "dwell": self.dwell,
            "since": one.since,
        }
        coming = self.tells == "enters"
        why = Why(
            message="fence.stays" if self.dwell else "fence.enters" if coming else "fence.leaves",
            inputs=inputs,
            unless=self._unless(edge, datastream, one),
        )
        told = Found(key=str(datastream), since=one.since, at=one.at, confidence=1.0, why=why)
        on = found.on(catalogue, (datastream,))
        rests = Rests(
            place=edge.middle,
            cell=cell_of(edge.middle),
            purpose=on.purpose,
            datastreams=on.datastreams,
            sources=on.sources,
        )
        return found.detection(self, timeline, told, rests)


def _after(known: Index, rows: Index, each: Runs) -> Index:
    """By row what the row before it has; by the first of a run what was known of its slot."""
    before = np.roll(rows, 1)
    before[each.first] = known
    return before


def _carried(values: Index, own: Flags, known: Index, first: Index) -> Index:
    """By row the value of the newest row, up to it, that has one of its own; what was known of its slot before that."""
    place = np.arange(len(values))
    begins = np.zeros(len(values), np.int64)
    begins[first] = first
    begins = np.maximum.accumulate(begins)
    newest = np.maximum.accumulate(np.where(own, place, -1))
    run = np.searchsorted(first, begins)
    carried: Index = np.where(newest >= begins, values[np.maximum(newest, 0)], known[run] if len(run) else known)
    return carried


part = Fence
