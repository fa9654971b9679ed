"""How rare a count is."""

from __future__ import annotations

from math import exp, lgamma, log


def poisson_tail(count: int, mean: float) -> float:
    """How likely a Poisson count of that mean (> 0) is at least `count`.

    Summed from the far end where that is the smaller part, so that rare counts keep their digits.
    """
    if count <= 0:
        return 1.0
    if count <= mean:
        return 1.0 - _sum(count - 1, mean, step=-1)
    return _sum(count, mean, step=1)


def _sum(count: int, mean: float, step: int) -> float:
    """The probabilities of `count` and of all counts beyond it, away from the mean."""
    term = exp(count * log(mean) - mean - lgamma(count + 1))
    total = 0.0
    while count >= 0 and term > 1e-17 * total:
        total += term
        term *= mean / (count + 1) if step > 0 else count / mean
        count += step
    return total


def rare_count(mean: float, tail: float, least: int) -> int:
    """The smallest count of at least `least` that a Poisson count of that mean reaches that rarely."""
    count = max(least, int(mean))
    while poisson_tail(count, mean) > tail:
        count += 1
    return count
