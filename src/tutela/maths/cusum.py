"""Two-sided CUSUM in whole numbers: sums that are the same however rows are cut into batches.

S = max(0, S + z - k) for each standardised result z, upward, and likewise downward with -z (Page 1954, "Continuous
inspection schemes"). A change is told when S is above h. In whole numbers of 1/`UNIT` sums are exact, so that a run
of results can be taken at once: S after i results is C(i) - min(C(0) - S, C(1), …, C(i)), with C the sum of all z - k.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log

import numpy as np
import numpy.typing as npt

from tutela.errors import BadInput

from .runs import Index, Runs

Floats = npt.NDArray[np.float64]

UNIT = 1 << 20


@dataclass(frozen=True, slots=True)
class Sums:
    """By row, how high a sum is after it; by run, where it was last nothing (the row; -1: it was not)."""

    high: Index
    nothing: Index


def whole(z: Floats, clip: float) -> Index:
    """Standardised results in whole numbers, none further off than `clip`."""
    clipped = np.clip(z, -clip, clip)
    clipped *= UNIT
    units: Index = np.rint(clipped, out=clipped).astype(np.int64)
    return units


def steps(units: Index, slack: float, *, down: bool = False) -> Index:
    """What each result adds to the upward sum, or to the downward one."""
    step: Index = -units if down else units.copy()
    step -= round(slack * UNIT)
    return step


def stepped(before: Index, step: Index) -> Index:
    """The sums after one result of each datastream more."""
    high: Index = before + step
    return np.maximum(high, 0, out=high)


def sums(before: Index, step: Index, each: Runs, run: Index) -> Sums:
    """The sums after each result of each run; `before` by run, `step` and its number `run` by row."""
    place = np.arange(len(step))
    if len(step) == len(before):
        high = stepped(before, step)
        return Sums(high, np.where(high == 0, place, -1))
    total = np.cumsum(step)
    start = total[each.first] - step[each.first]
    total -= start.take(run)
    low = _running_min(np.minimum(total, -before.take(run)), run)
    high = total - low
    return Sums(high, np.maximum.reduceat(np.where(high == 0, place, -1), each.first))


def _running_min(values: Index, run: Index) -> Index:
    """The running minimum within each run: each run is sunk below the one before it."""
    room = int(values.max(initial=0)) - int(values.min(initial=0)) + 1
    low: Index = np.minimum.accumulate(values - run * room) + run * room
    return low


def run_length(height: float, slack: float) -> float:
    """How many results pass on average until a false alarm of a two-sided CUSUM, if they are independent and normal.

    Siegmund 1985, "Sequential analysis", (2.57) with his correction 1.166; its two sides are halves of it (Kemp 1961).
    """
    b = 2 * slack * (height + 1.166)
    return (exp(b) - b - 1) / (4 * slack**2)


def height(length: float, slack: float) -> float:
    """The height at which a false alarm comes once in so many results (`length`); raises BadInput where there is none."""
    wanted = 4 * slack**2 * length
    b = log(wanted + 1)
    for _ in range(60):  # exp(b) - b - 1 = wanted, by an iteration that contracts by about 1/wanted
        b = log(wanted + b + 1)
    found = b / (2 * slack) - 1.166
    if found <= 0:
        raise BadInput(f"a false alarm in {length:g} results is more than chance can bring; allow fewer")
    return found
