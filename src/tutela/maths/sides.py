"""On which side of an edge things are, with a margin: who crossed it, and who has stayed inside for long enough.

A thing is on a side when it is further than the margin from the edge; nearer than that it stays where it was.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tutela.model.when import SECOND

from .runs import NEVER, Flags, Index, Runs, runs
from .slab import Field, Slab

Floats = npt.NDArray[np.float64]

UNKNOWN, OUT, IN = -1, 0, 1

FIELDS = {
    "side": Field("i1", UNKNOWN),  # inside, outside, or not known yet
    "since": Field("i8", NEVER),  # since when it is on that side
    "told": Field("?"),  # that it stays was told
    "rang": Field("i8", NEVER),  # when it was last told
    "time": Field("i8", NEVER),  # the newest position: when, and where
    "lat": Field("f8", np.nan),
    "lon": Field("f8", np.nan),
}


@dataclass(frozen=True, slots=True)
class Positions:
    """Rows that are in the order of their time within each slot. `beyond`: metres beyond the edge."""

    slots: Index
    time: Index
    lat: Floats
    lon: Floats
    beyond: Floats


@dataclass(frozen=True, slots=True)
class Crossed:
    """What is to be told of a slot: on that side since when, noticed when, and the newest position by then."""

    slot: int
    since: int
    at: int
    time: int
    lat: float
    lon: float


@dataclass(frozen=True, slots=True)
class Rule:
    """Tells who comes in (`enters`) or goes out; with a `dwell`, who has been in for so many seconds instead."""

    enters: bool
    margin: float
    dwell: float

    @property
    def _dwell(self) -> int:
        return round(self.dwell * SECOND)

    def rows(self, state: Slab, came: Positions) -> tuple[Slab, list[Crossed]]:
        """Each row's side is its own, or within the margin that of the row before it."""
        each = runs(came.slots)
        known = {name: state.take(name, each.slots) for name in FIELDS}
        sides = np.where(came.beyond > self.margin, OUT, np.where(came.beyond < -self.margin, IN, UNKNOWN))
        side = _carried(sides, sides != UNKNOWN, known["side"], each)
        before = _after(known["side"], side, each)
        turned = side != before
        since = _carried(came.time, turned, known["since"], each)

        due = (side == IN) & (came.time - since >= self._dwell) & bool(self.dwell)
        kept = _carried(np.zeros(len(side), np.bool_), turned, known["told"], each)
        told = kept | (_after(kept[each.first], due, each) & ~turned)
        new = (due & ~told) if self.dwell else self._crossing(side, before)
        rang = _carried(came.time, new, known["rang"], each)
        new &= came.time > _after(known["rang"], rang, each)  # one that crosses twice in one moment is told once

        columns = (came.slots, since, came.time, came.time, came.lat, came.lon)
        place = np.flatnonzero(new)
        crossed = [Crossed(*row) for row in zip(*(column[place].tolist() for column in columns), strict=True)]
        last = {"side": side, "since": since, "told": due | kept, "rang": rang}
        last |= {"time": came.time, "lat": came.lat, "lon": came.lon}
        return state.put(each.slots, **{name: column[each.last] for name, column in last.items()}), crossed

    def tick(self, state: Slab, tick: int) -> tuple[Slab, list[Crossed]]:
        """Who has been in for long enough by then, though no position came since."""
        if not self.dwell:
            return state, []
        inside = (state.take("side") == IN) & ~state.take("told")
        slots = np.flatnonzero(inside & (state.take("since") <= tick - self._dwell))
        if not len(slots):
            return state, []
        since, time, lat, lon = (state.take(name, slots).tolist() for name in ("since", "time", "lat", "lon"))
        ticks = [tick] * len(slots)
        stayed = [Crossed(*row) for row in zip(slots.tolist(), since, ticks, time, lat, lon, strict=True)]
        return state.put(slots, told=True, rang=tick), stayed

    def _crossing(self, side: Index, before: Index) -> Flags:
        came, there = (OUT, IN) if self.enters else (IN, OUT)
        crossing: Flags = (before == came) & (side == there)
        return crossing


def _after(known: Index, rows: Index, each: Runs) -> Index:
    """By row what the row before it has; by the first of a run what was known of its slot."""
    before = np.roll(rows, 1)
    before[each.first] = known
    return before


def _carried(values: Index, own: Flags, known: Index, each: Runs) -> Index:
    """By row the value of the newest row, up to it, that has one of its own; what was known of its slot before that."""
    newest = np.maximum.accumulate(np.where(own, np.arange(len(values)), -1))
    carried: Index = np.where(newest >= each.by_row(each.first), values[newest], each.by_row(known))
    return carried
