"""Rows of one slot that lie together: where each run begins and ends."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

Index = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Scalar = TypeVar("Scalar", bound=np.generic)

NEVER = -(1 << 62)
"""A time before all others, in microseconds. Exact as a float, and far from overflow when subtracted."""


@dataclass(frozen=True, slots=True)
class Runs:
    """One entry per run: its slot, its first row, and the row after its last one."""

    slots: Index
    first: Index
    end: Index

    @property
    def last(self) -> Index:
        """The last row of each run."""
        return self.end - 1

    def by_row(self, values: npt.NDArray[Scalar]) -> npt.NDArray[Scalar]:
        """A value of each run, repeated for each of its rows."""
        return np.repeat(values, self.end - self.first)

    def having(self, rows: Flags) -> Flags:
        """Which runs have at least one of these rows."""
        return np.logical_or.reduceat(rows, self.first) if len(self.first) else np.empty(0, np.bool_)

    def anchors(self, rows: Flags) -> Index:
        """For each row, the newest of these rows up to it; where its run has none yet, the first row of the run."""
        places = np.where(rows, np.arange(len(rows)), 0)
        places[self.first] = self.first
        return np.maximum.accumulate(places)

    def take(self, which: Index | Flags) -> Runs:
        """These runs alone; their rows keep their places."""
        return Runs(self.slots[which], self.first[which], self.end[which])

    def in_turn(self) -> Iterator[Index]:
        """The first run of each slot, then the second one of those that have it, and so on."""
        again = np.flatnonzero(self.slots[1:] == self.slots[:-1]) + 1
        place = np.arange(len(self.slots))
        begun = place.copy()
        begun[again] = 0
        rank = place - np.maximum.accumulate(begun)
        for turn in range(int(rank.max()) + 1 if len(rank) else 0):
            yield np.flatnonzero(rank == turn)

    def packed(self) -> tuple[Runs, Index]:
        """The runs as they are when only their rows are kept, and the places of those rows."""
        count = self.end - self.first
        end = np.cumsum(count)
        first = end - count
        places = np.repeat(self.first - first, count) + np.arange(int(end[-1]) if len(end) else 0)
        return Runs(self.slots, first, end), places


def runs(slots: Index, *others: npt.NDArray[np.generic]) -> Runs:
    """The runs of equal slots (and equal others, row by row). Equal slots lie together."""
    if not len(slots):
        none = np.empty(0, np.int64)
        return Runs(none, none, none)
    turn = slots[1:] != slots[:-1]
    for other in others:
        turn |= other[1:] != other[:-1]
    cuts = np.flatnonzero(turn) + 1
    first = np.concatenate([[0], cuts])
    return Runs(slots[first], first, np.concatenate([cuts, [len(slots)]]))
