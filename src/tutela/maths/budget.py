"""A budget of false alarms: conformal p-values, and Benjamini and Hochberg's rule over a tick.

A score says how far a result is out of the ordinary, in the detector's own measure, from 1 on. Its p-value is its rank
among all that was tested before: (1 + those that scored as much) / (1 + all of them) (Vovk, Gammerman and Shafer 2005,
"Algorithmic learning in a random world"). As long as what is ordinary stays as it was, at most a share p of all results has a
p-value of p or less, whatever distribution they have. Of the m results of a tick, as many are let through as there are
p-values of which the k-th is at most k/m of the tick's level (Benjamini and Hochberg 1995, "Controlling the false discovery
rate"): one alone has to be rare, and many at once bear each other out. The level is such that as many false alarms are expected
as fall to the tick of the day's budget: at a level of q these are q/(1 - q)² (Finner and Roters 2001, "On the false discovery rate and
expected type I errors", for many results).

What is kept are whole numbers, by class of score, so that no cut between batches changes a bit.
"""

from __future__ import annotations

from math import sqrt
from typing import Final

import numpy as np
import numpy.typing as npt

from tutela.maths.runs import NEVER
from tutela.maths.slab import Field, Slab
from tutela.model.when import DAY, HOUR

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]

CLASSES = 128
EDGES: Final[Floats] = 2.0 ** (np.arange(CLASSES) / 8)
"""Above which score each class begins: eight to each doubling."""

LONGEST = HOUR
"""Of a gap between two ticks no more counts: after a stop there is no credit for all that time. More of it counts if what was tested
stands for more, as of a file that is imported, whose time is told in steps of hours or days."""
LATEST = 1 << 62
MEMORY = 28 * DAY
"""At each multiple of it all that was counted counts for half."""

FIELDS = {
    "tested": Field("i8"),  # how many results were tested up to the last tick
    "tail": Field("i8", width=CLASSES),  # how many of them had a score of each class
    "now": Field("i8"),  # the same of those since that tick
    "fresh": Field("i8", width=CLASSES),
    "tick": Field("i8", NEVER),
    "since": Field("i8", LATEST),  # the earliest time that results since that tick stand for
}

ONE = np.zeros(1, np.int64)


def begin() -> Slab:
    """Nothing was tested."""
    return Slab(FIELDS)


def tested(pool: Slab, results: int, scores: Floats, since: int) -> Slab:
    """So many more results were tested; those that scored more than 1 did so with these scores. `since` when they stand for."""
    if not results:
        return pool
    fresh = pool.take("fresh", ONE)
    fresh[0] += np.bincount(_classes(scores), minlength=CLASSES)
    earliest = np.minimum(pool.take("since", ONE), since)
    return pool.put(ONE, now=pool.take("now", ONE) + results, fresh=fresh, since=earliest)


def settled(pool: Slab, tick: int, scores: Floats, level: float) -> tuple[Slab, float]:
    """The pool after a tick, and the score that has to be passed to be let through (infinite: nothing is).

    `scores`: the highest one of each candidate since the tick before. `level`: false alarms a day that are allowed.
    """
    last, now = int(pool.take("tick", ONE)[0]), int(pool.take("now", ONE)[0])
    longest = max(LONGEST, tick - int(pool.take("since", ONE)[0]))
    share = level * min(max(tick - last, 0), longest) / DAY if last != NEVER else 0.0
    passed = np.inf
    if len(scores) and share > 0:
        reached = _reaching(np.bincount(_classes(scores), minlength=CLASSES))
        enough = np.flatnonzero((reached > 0) & (pvalues(pool) <= reached * _level(share) / now))
        passed = float(EDGES[enough[0]]) if len(enough) else np.inf
    count, tail = pool.take("tested", ONE) + now, pool.take("tail", ONE) + pool.take("fresh", ONE)
    if last != NEVER and last // MEMORY != tick // MEMORY:
        count, tail = count // 2, tail // 2
    return pool.put(ONE, tested=count, tail=tail, now=0, fresh=np.zeros_like(tail), tick=tick, since=LATEST), passed


def pvalues(pool: Slab) -> Floats:
    """The p-value of each class of scores, by what was tested up to the last tick."""
    values: Floats = (1 + _reaching(pool.take("tail", ONE)[0])) / (1 + int(pool.take("tested", ONE)[0]))
    return values


def reaching(pool: Slab, score: float) -> int:
    """How many of all that was tested up to the last tick scored as much, or more: of the same class, or a higher one."""
    return int(_reaching(pool.take("tail", ONE)[0])[_classes(np.array([score]))[0]])


def _level(expected: float) -> float:
    """The level of the procedure at which so many false alarms are expected."""
    return 2 * expected / (2 * expected + 1 + sqrt(4 * expected + 1))


def _classes(scores: Floats) -> Counts:
    """A score that is just an edge belongs to the class below it."""
    classes: Counts = np.clip(np.searchsorted(EDGES, scores, side="left") - 1, 0, CLASSES - 1)
    return classes


def _reaching(counts: Counts) -> Counts:
    """How many are of each class, or of a higher one."""
    reaching: Counts = np.cumsum(counts[::-1])[::-1]
    return reaching
