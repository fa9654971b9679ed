"""Clusters in space and time, from cases alone: the prospective space-time permutation scan statistic.

Kulldorff, Heffernan, Hartman, Assunção and Mostashari 2005, "A space-time permutation scan statistic for
disease outbreak detection", PLoS Medicine 2(3):e59. Every cylinder (a circle around a place, and a time that
ends now) is held against what it should have if place and time had nothing to do with each other: cases of its
circle times cases of its time, by all cases. So neither a busy place nor a busy hour is a cluster by itself.

How likely the best cylinder is by chance is found by dealing the times out to the cases anew, many times. A
circle's and a time's totals are the same in each deal, so a deal is as good as the data when any cylinder
reaches a count that can be known before: no logarithm is needed then, only whole numbers. Deals come from a
seed and a counter (SplitMix64) and from a sort, and scores are compared as whole numbers: the same seed gives
the same answer on any machine.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import hypot

import numpy as np
import numpy.typing as npt

from tutela.errors import BadInput

from .ids import digest

Ints = npt.NDArray[np.int64]
Counts = npt.NDArray[np.unsignedinteger]
Keys = npt.NDArray[np.uint64]

UNIT = 1 << 24
"""A log likelihood ratio of 1, as a score."""
SHARE = 2
"""A circle has at most the SHAREth part of all cases."""
BLOCK = 1 << 20
"""Counts that are worked on together; they should fit into the processor's cache."""
FEW = 16
"""The deals that are looked at first; most often they are enough."""
GOLDEN = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, slots=True)
class Cases:
    """`x`, `y`: places, in whole metres. `place` (of those) and `age` by case: whole steps before now, 0 the newest."""

    x: Ints
    y: Ints
    place: Ints
    age: Ints


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cylinder: `places` within `radius` metres of `centre`, and the last `window` steps.

    `observed` cases are in it, where `expected` are usual; `score` is the log likelihood ratio in `UNIT`s.
    """

    centre: int
    radius: float
    window: int
    observed: int
    expected: float
    score: int
    places: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Deals:
    """How often times are dealt out: at most `most` times, and no more once `enough` deals were as good as the data."""

    seed: int
    most: int = 999
    enough: int = 1000


@dataclass(frozen=True, slots=True)
class Chance:
    """`hits` of `dealt` deals were as good as the data; `stopped`: there were enough of them."""

    hits: int
    dealt: int
    stopped: bool

    @property
    def p(self) -> float:
        """The Monte Carlo p-value; where it stopped early, that of Besag and Clifford 1991 (Biometrika 78:301)."""
        return self.hits / self.dealt if self.stopped else (self.hits + 1) / (self.dealt + 1)


@dataclass(frozen=True, slots=True)
class _Ring:
    """The next place outwards for each centre that has one; centres come by how many they have, most first.

    `inside`: cases of the circle with that place in it. `whole`: no other place is as far from the centre.
    """

    place: Ints
    square: Ints
    whole: npt.NDArray[np.bool_]
    inside: Ints


class Scan:
    """The cylinders over some cases: circles of at most `reach` metres around each place, and times of `windows` steps.

    `windows` ascend. A cylinder of fewer than `least` cases is none. Raises BadInput for what can't be scanned.
    """

    def __init__(self, cases: Cases, *, reach: float, windows: Sequence[int], least: int = 2) -> None:
        _check(cases, windows)
        self._cases, self._least = cases, least
        self._windows = np.array(windows, np.int64)
        self._all = len(cases.place)
        # The first window in which each case lies; those in none come last and are let be.
        bins = np.searchsorted(self._windows, cases.age, side="right")
        self._recent = np.sort(bins)[: int((bins < len(windows)).sum())]
        self._within: Ints = np.searchsorted(self._recent, np.arange(len(windows)), side="right")
        self._bins = bins
        self._centres, self._rings = _rings(cases, reach)

    def clusters(self, most: int = 1) -> tuple[Cluster, ...]:
        """The likeliest clusters, best first. No place is in two of them."""
        best = self._best()
        order = np.lexsort((self._centres, best[:, 2], best[:, 1], -best[:, 0]))
        found: list[Cluster] = []
        taken = np.zeros(len(self._cases.x), np.bool_)
        for place in order.tolist():
            score, ring, window = best[place].tolist()
            if score <= 0 or len(found) == most:
                break
            inside = self._inside(place, ring)
            if not taken[inside].any():
                taken[inside] = True
                found.append(self._cluster(place, ring, window, score, inside))
        return tuple(found)

    def chance(self, score: int, deals: Deals) -> Chance:
        """How often a deal of the times has a cylinder of at least that score."""
        need = self._need(score)
        kept = [(ring, need[ring.inside]) for ring in self._rings]
        hits = dealt = 0
        size, most = FEW, max(FEW, BLOCK // (len(self._cases.x) * len(self._windows)))
        while dealt < deals.most:
            good = self._deal(deals.seed, np.arange(dealt, min(dealt + size, deals.most)), kept)
            before = np.cumsum(good) + hits
            if before[-1] >= deals.enough:
                return Chance(deals.enough, dealt + int(np.searchsorted(before, deals.enough)) + 1, stopped=True)
            hits, dealt, size = int(before[-1]), dealt + len(good), min(2 * size, most)
        return Chance(hits, dealt, stopped=False)

    def _best(self) -> Ints:
        """Of each centre the best cylinder: score, ring and window (its place in `windows`); score 0: none."""
        best = np.zeros((len(self._centres), 3), np.int64)
        for number, (ring, counts) in enumerate(self._sweep(self._counted(self._cases.place, self._bins))):
            scores = self._scores(counts[:, :, 0].astype(np.int64), ring.inside[:, None], self._within)
            scores[~ring.whole] = 0
            window = scores.argmax(axis=1)
            top = scores[np.arange(len(window)), window]
            better = top > best[: len(top), 0]
            best[: len(top)][better] = np.stack([top, np.full_like(top, number), window], axis=1)[better]
        return best

    def _inside(self, centre: int, ring: int) -> Ints:
        return np.array([each.place[centre] for each in self._rings[: ring + 1]], np.int64)

    def _cluster(self, centre: int, ring: int, window: int, score: int, inside: Ints) -> Cluster:
        cases, steps = self._cases, int(self._windows[window])
        last, middle = int(inside[-1]), int(self._centres[centre])
        return Cluster(
            centre=middle,
            radius=hypot(int(cases.x[last] - cases.x[middle]), int(cases.y[last] - cases.y[middle])),
            window=steps,
            observed=int((np.isin(cases.place, inside) & (cases.age < steps)).sum()),
            expected=int(self._rings[ring].inside[centre]) * int(self._within[window]) / self._all,
            score=score,
            places=tuple(sorted(inside.tolist())),
        )

    def _scores(self, counts: Ints, inside: Ints, within: Ints) -> Ints:
        """The generalised likelihood ratio of Poisson counts, as a whole number; 0 where there are not too many."""
        expected = inside * within / self._all
        more = (counts > expected) & (counts >= self._least) & (SHARE * inside <= self._all)
        rest, usual = np.where(more, self._all - counts, 1), np.where(more, self._all - expected, 1.0)
        counts, expected = np.where(more, counts, 1), np.where(more, expected, 1.0)
        ratio = counts * np.log(counts / expected) + rest * np.log(rest / usual)
        scores: Ints = np.where(more, np.rint(ratio * UNIT), 0.0).astype(np.int64)
        return scores

    def _need(self, score: int) -> Counts:
        """The least count with that score, by cases of the circle and window; one more than there are: none has it."""
        inside = np.arange(1 + max(int(ring.inside.max()) for ring in self._rings))[:, None]
        low = np.zeros((len(inside), len(self._windows)), np.int64)
        high = np.broadcast_to(np.minimum(inside, self._within) + 1, low.shape).copy()
        top = high.copy()
        while (low < high).any():
            middle = (low + high) // 2
            enough = (self._scores(np.minimum(middle, top - 1), inside, self._within) >= score) | (middle == top)
            low, high = np.where(enough, low, middle + 1), np.where(enough, middle, high)
        low[low == top] = self._none
        return low.astype(self._dtype)

    @property
    def _none(self) -> int:
        """A count that no cylinder has."""
        return len(self._recent) + 1

    @property
    def _dtype(self) -> type[np.unsignedinteger]:
        """The smallest counts that will do."""
        return np.uint8 if self._none < 1 << 8 else np.uint16 if self._none < 1 << 16 else np.uint32

    def _deal(self, seed: int, numbers: Ints, kept: Sequence[tuple[_Ring, Counts]]) -> npt.NDArray[np.bool_]:
        """Which of these deals have a cylinder with a count that is needed."""
        dealt = _dealt(seed, numbers, self._all)[:, : len(self._recent)]
        counts = self._counted(self._cases.place[dealt], self._recent)
        good = np.zeros(len(numbers), np.bool_)
        for (_, running), (ring, need) in zip(self._sweep(counts), kept, strict=True):
            some = np.flatnonzero(ring.whole & (need.min(axis=1) < self._none))
            if len(some):
                picked = running if len(some) == len(running) else running[some]
                good |= (picked >= need[some][:, :, None]).any(axis=(0, 1))
        return good

    def _counted(self, place: Ints, bins: Ints) -> Counts:
        """Cases by place, window and deal. `place`: one row a deal (or one alone); `bins`: of each column."""
        rows = np.atleast_2d(place)
        shape = (len(self._cases.x), len(self._windows), len(rows))
        there = np.broadcast_to(bins < shape[1], rows.shape)
        at = (rows * shape[1] + bins) * shape[2] + np.arange(shape[2])[:, None]
        counts = np.bincount(at[there], minlength=shape[0] * shape[1] * shape[2]).reshape(shape)
        return np.cumsum(counts, axis=1, dtype=self._dtype)

    def _sweep(self, counts: Counts) -> Iterator[tuple[_Ring, Counts]]:
        """From each centre outwards: what its circle has by then."""
        running = np.zeros((len(self._centres), *counts.shape[1:]), counts.dtype)
        for ring in self._rings:
            part = running[: len(ring.place)]
            part += counts[ring.place]
            yield ring, part


def _check(cases: Cases, windows: Sequence[int]) -> None:
    if len(cases.x) != len(cases.y) or len(cases.place) != len(cases.age):
        raise BadInput("a scan needs an x and a y for each place, and a place and an age for each case")
    if not len(cases.place):
        raise BadInput("there are no cases to scan; ask again when there are some")
    if len(cases.place) and not (int(cases.place.min()) >= 0 and int(cases.place.max()) < len(cases.x)):
        raise BadInput(f"a case has a place that is not one of the {len(cases.x)}")
    if int(cases.age.min()) < 0:
        raise BadInput("a case is newer than now; its age must be 0 or more")
    if not windows or list(windows) != sorted(set(windows)) or windows[0] < 1:
        raise BadInput(f"windows {list(windows)} must be whole numbers from 1 on that ascend")


def _rings(cases: Cases, reach: float) -> tuple[Ints, tuple[_Ring, ...]]:
    """The centres, those with most places around them first, and the places around them, ring by ring."""
    centre, place, square = _pairs(cases, reach)
    order = np.lexsort((place, square, centre))
    centre, place, square = centre[order], place[order], square[order]
    size = np.bincount(centre, minlength=len(cases.x))
    first = np.cumsum(size) - size
    whole = np.append((centre[1:] != centre[:-1]) | (square[1:] != square[:-1]), True)
    inside = np.cumsum(np.bincount(cases.place, minlength=len(cases.x))[place])
    inside -= np.repeat(np.append(0, inside)[first], size)
    centres = np.lexsort((np.arange(len(size)), -size))
    rings = []
    for rank in range(int(size.max())):
        at = first[centres[size[centres] > rank]] + rank
        rings.append(_Ring(place[at], square[at], whole[at], inside[at]))
    return centres, tuple(rings)


def _pairs(cases: Cases, reach: float) -> tuple[Ints, Ints, Ints]:
    """Each place with each that is within reach, and the square of their distance. Not all are held at once."""
    limit, found = int(reach * reach), []
    by_x = np.argsort(cases.x, kind="stable")
    low = np.searchsorted(cases.x[by_x], cases.x - int(reach), side="left")
    many = np.searchsorted(cases.x[by_x], cases.x + int(reach), side="right") - low
    step = max(1, BLOCK // int(many.max()))
    for first in range(0, len(cases.x), step):
        size, begin = many[first : first + step], low[first : first + step]
        one = np.repeat(np.arange(first, first + len(size)), size)
        other = by_x[np.arange(len(one)) + np.repeat(begin - np.cumsum(size) + size, size)]
        square = (cases.x[one] - cases.x[other]) ** 2 + (cases.y[one] - cases.y[other]) ** 2
        near = square <= limit
        found.append((one[near], other[near], square[near]))
    one, other, square = (np.concatenate(column) for column in zip(*found, strict=True))
    return one, other, square


def _dealt(seed: int, numbers: Ints, size: int) -> Ints:
    """For each deal a random order of 0 to `size`: hashes of seed and counter, sorted, each with its place in its low bits."""
    start = np.frombuffer(digest("deal", seed, size=8), "<u8")
    places = np.arange(size, dtype=np.uint64)
    keys = _mixed(start + GOLDEN * (numbers.astype(np.uint64)[:, None] << np.uint64(32) | places))
    low = np.uint64((1 << size.bit_length()) - 1)
    return (np.sort(keys & ~low | places, axis=1) & low).astype(np.int64)


def _mixed(keys: Keys) -> Keys:
    """The SplitMix64 finaliser, as in `ids.spread`, of a whole array."""
    keys = (keys ^ keys >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    keys = (keys ^ keys >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    return keys ^ keys >> np.uint64(31)
