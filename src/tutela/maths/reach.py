"""How far results have reached: bounds that widen at once and close in slowly, for many datastreams at a time.

A result beyond them by more than a margin is a record, in the sense of extreme values (Chandler 1952, "The distribution
and frequency of record values"). Bounds of the results, and bounds of their mean over the last few (an exponentially
weighted one, Roberts 1959): single results that are further out than ever, and many that are further out together.
Bounds close in on the long mean by one part in `memory` with each result, so that what was once does not count for ever,
and no result counts further off than `WIDEN` times their distance, so that a wild one does not widen them for ever.

All is arithmetic by element: what comes out does not depend on which datastreams are taken together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Index = npt.NDArray[np.int64]

WIDEN = 3.0
SETTLED = 4
"""So many times `few` results until the bounds of the mean say something."""


class Reach(NamedTuple):
    """By datastream: how many results there were, their mean over the last few and the long one, and how far both reached."""

    rows: Index
    mean: Floats
    level: Floats
    top: Floats
    bottom: Floats
    mean_top: Floats
    mean_bottom: Floats


@dataclass(frozen=True, slots=True)
class Pace:
    """`few`: results that the short mean remembers; `memory`: results that the long mean and the bounds remember."""

    few: float
    memory: float


def limits(known: Reach, pace: Pace, beyond: float, least: float) -> tuple[Floats, Floats]:
    """Up to where the next result may lie: below, above. The margin is a share of how far apart the bounds are.

    The bounds of the mean are told as results too: as the one at which the mean would be at its bound.
    """
    part, settled = _part(known.rows, pace.few), known.rows >= SETTLED * pace.few
    margin = np.maximum(beyond * (known.top - known.bottom), least)
    mean_margin = np.maximum(beyond * (known.mean_top - known.mean_bottom), least)
    under = known.mean - (known.mean - known.mean_bottom + mean_margin) / part
    over = known.mean + (known.mean_top + mean_margin - known.mean) / part
    low = np.where(settled, np.maximum(known.bottom - margin, under), known.bottom - margin)
    high = np.where(settled, np.minimum(known.top + margin, over), known.top + margin)
    return low, high


def moved(known: Reach, result: Floats, pace: Pace) -> Reach:
    """After one result of each datastream more."""
    first, young, apart = known.rows == 0, known.rows < SETTLED // 2 * pace.few, known.top - known.bottom
    room = np.where(apart > 0, WIDEN * apart, np.inf)
    result = np.clip(result, known.bottom - room, known.top + room)
    mean = known.mean + (result - known.mean) * _part(known.rows, pace.few)
    level = known.level + (result - known.level) * _part(known.rows, pace.memory)
    top = np.maximum(_closed(known.top, level, pace), result)
    bottom = np.minimum(_closed(known.bottom, level, pace), result)
    return Reach(
        known.rows + 1,
        mean,
        level,
        np.where(first, result, top),
        np.where(first, result, bottom),
        np.where(young, mean, np.maximum(_closed(known.mean_top, level, pace), mean)),
        np.where(young, mean, np.minimum(_closed(known.mean_bottom, level, pace), mean)),
    )


def _part(rows: Index, memory: float) -> Floats:
    """By how much a result moves a mean: at first it is the plain mean of all that came."""
    part: Floats = np.maximum(1.0 / memory, 1.0 / (rows + 1))
    return part


def _closed(bound: Floats, level: Floats, pace: Pace) -> Floats:
    closed: Floats = bound + (level - bound) / pace.memory
    return closed
