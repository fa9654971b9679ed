"""Which rows of a datastream came before: the identities of its last ones, in two rings of `WINDOW` each.

Rows in time, at least as new as all before them, go into one ring, those behind into the other: so however
many come behind, the newest rows stay known. What came again goes in again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .slab import Field, Slab

Ints = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]
Places = npt.NDArray[np.intp]
Bools = npt.NDArray[np.bool_]

WINDOW = 8
"""A power of two."""
IN_TIME, BEHIND = "in_time", "behind"
RINGS = {IN_TIME: Field("u8"), BEHIND: Field("u8")}
"""Identities, by slot times `WINDOW` and the place in its ring; 0: none yet."""
COUNTS = {IN_TIME: Field("i8"), BEHIND: Field("i8")}
"""How many rows have gone into each ring, by slot."""
LOW = 0xFFFF


@dataclass(frozen=True, slots=True)
class Runs:
    """Rows sorted by slot, each slot's in order of arrival: by row slot, run and hash, by run first row and length."""

    slots: Ints
    run: Ints
    hashes: Hashes
    first: Places
    count: Places

    @property
    def last(self) -> Places:
        """The last row of each run."""
        return self.first + self.count - 1


@dataclass(frozen=True, slots=True)
class Known:
    """The rings, and how many rows have gone into each, as `RINGS` and `COUNTS` say."""

    rings: Slab
    counts: Slab

    @classmethod
    def empty(cls) -> Known:
        """No row came."""
        return cls(Slab(RINGS), Slab(COUNTS))

    def count(self, ring: str, slots: Ints) -> Ints:
        """How many rows have gone into that ring."""
        return self.counts.take(ring, slots).astype(np.int64, copy=False)

    def put(self, ring: str, rows: _Rows) -> Known:
        """With these rows in that ring; of one slot the last ones stay."""
        ends = np.flatnonzero(np.append(rows.slots[1:] != rows.slots[:-1], True))
        after = rows.number[ends] + 1
        counts = self.counts.put(rows.slots[ends], **{ring: after})
        if (rows.slots[WINDOW:] == rows.slots[:-WINDOW]).any():
            count = np.diff(ends, prepend=-1)
            rows = rows.take(rows.number >= np.repeat(after, count) - WINDOW)
        cells = rows.slots * WINDOW + (rows.number & WINDOW - 1)
        return Known(self.rings.put(cells, **{ring: rows.hashes}), counts)


class _Rows(NamedTuple):
    """Rows sorted by slot: slot, hash, and how many rows of its slot had gone into the ring before it."""

    slots: Ints
    hashes: Hashes
    number: Ints

    def take(self, which: Places | Bools) -> _Rows:
        return _Rows(self.slots[which], self.hashes[which], self.number[which])


def remember(known: Known, runs: Runs, in_time: Bools, asked: Places) -> tuple[Known, Bools]:
    """Put in all rows, and tell which of those asked about were known when they came. All rows behind are asked about."""
    had = known.count(IN_TIME, runs.slots[runs.first])
    number = np.repeat(had - runs.first, runs.count) + np.arange(len(runs.run))
    every = _Rows(runs.slots, runs.hashes, number)
    if not len(asked):
        return known.put(IN_TIME, every), np.zeros(0, np.bool_)
    some, begins = _concerned(runs, asked)
    behind = ~in_time[some]
    before: Ints = np.cumsum(behind) - behind
    before -= before[begins]
    number[some] -= before
    timely = every.take(some)
    late = timely._replace(number=known.count(BEHIND, timely.slots) + before)
    at = np.searchsorted(some, asked)
    doubled = _brought(runs.run[some], behind, timely, late, at)
    base = had[runs.run[asked]]
    doubled |= _kept(known, IN_TIME, timely.take(at), base)
    doubled |= _kept(known, BEHIND, late.take(at), late.number[begins[at]])
    if not behind.any():
        return known.put(IN_TIME, every), doubled
    if not behind.all() or len(some) < len(number):
        known = known.put(IN_TIME, every.take(in_time))
    return known.put(BEHIND, late.take(behind)), doubled


def _concerned(runs: Runs, asked: Places) -> tuple[Places, Places]:
    """All rows of the runs in which these are, and for each the place among them at which its run begins."""
    concerned = np.zeros(len(runs.first), np.bool_)
    concerned[runs.run[asked]] = True
    count = runs.count[concerned]
    return np.flatnonzero(concerned[runs.run]), np.repeat(np.cumsum(count) - count, count)


def _kept(known: Known, ring: str, rows: _Rows, base: Ints) -> Bools:
    """Which of these rows were in the ring when so many had gone in, and still are when they come."""
    cells = rows.slots[:, None] * WINDOW + np.arange(WINDOW)
    row, cell = np.divmod(np.flatnonzero(known.rings.take(ring, cells) == rows.hashes[:, None]), WINDOW)
    age = (base[row] - 1 - cell) & WINDOW - 1
    kept = np.zeros(len(base), np.bool_)
    kept[row[rows.number[row] - base[row] + age < WINDOW]] = True
    return kept


def _brought(run: Ints, behind: Bools, timely: _Rows, late: _Rows, at: Places) -> Bools:
    """Which of the rows at those places came before among these rows, and are still in a ring when they come."""
    low = (timely.hashes & np.uint64(LOW)).astype(np.intp)
    wanted = np.zeros(LOW + 1, np.bool_)
    wanted[low[at]] = True
    alike = np.flatnonzero(wanted[low])
    alike = alike[np.argsort(timely.hashes[alike], kind="stable")]  # and then by run, and by arrival
    run, hashes = run[alike], timely.hashes[alike]
    places = np.arange(len(alike))
    starts = np.append(True, (run[1:] != run[:-1]) | (hashes[1:] != hashes[:-1]))
    begin = np.maximum.accumulate(np.where(starts, places, 0))
    brought = np.zeros(len(behind), np.bool_)
    for mine, rows in ((~behind, timely), (behind, late)):
        number = rows.number[alike]
        earlier = np.append(-1, np.maximum.accumulate(np.where(mine[alike], places, -1))[:-1])
        brought[alike] |= (earlier >= begin) & (number - number[earlier] <= WINDOW)
    return brought[at]
