"""The scan by its definition, cylinder by cylinder and case by case: slow, and plain enough to be believed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import log

Place = tuple[int, int]
Case = tuple[int, int]  # place, age

SHARE, LEAST = 2, 2


def circles(places: Sequence[Place], reach: float) -> Iterator[tuple[int, int, frozenset[int]]]:
    """Centre, square of the radius, and the places inside: one circle for each place that can lie on its edge."""
    for centre, (x, y) in enumerate(places):
        squares = [(x - east) ** 2 + (y - north) ** 2 for east, north in places]
        for square in sorted({square for square in squares if square <= reach * reach}):
            yield centre, square, frozenset(place for place, far in enumerate(squares) if far <= square)


def ratio(count: int, inside: int, within: int, total: int) -> float:
    """The log of the generalised likelihood ratio; 0 for what is no cluster."""
    expected = inside * within / total
    if count < LEAST or count <= expected or SHARE * inside > total:
        return 0.0
    rest = total - count
    return count * log(count / expected) + rest * log(rest / (total - expected))


def best(places: Sequence[Place], cases: Sequence[Case], reach: float, windows: Sequence[int]) -> float:
    """The highest ratio of all cylinders."""
    found = circles(places, reach)
    return max(ratio_of(inside, window, cases) for _, _, inside in found for window in windows)


def ratio_of(inside: frozenset[int], window: int, cases: Sequence[Case]) -> float:
    """The ratio of one cylinder."""
    here = sum(place in inside for place, _ in cases)
    lately = sum(age < window for _, age in cases)
    both = sum(place in inside and age < window for place, age in cases)
    return ratio(both, here, lately, len(cases))


def dealt(cases: Sequence[Case], order: Sequence[int]) -> list[Case]:
    """The ages, the newest first, dealt out to the places of the cases in that order."""
    ages = sorted(age for _, age in cases)
    return [(cases[case][0], age) for case, age in zip(order, ages, strict=True)]
