"""Robust statistics: what few wild values can't move."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

NORMAL = 1.2533141373155003
"""Standard deviation over mean absolute deviation, if normal: √(π/2)."""


def median_of_others(values: Floats) -> Floats:
    """For each value the median of all the others; there are at least two."""
    order = np.argsort(values, kind="stable")
    ranked, rank = values[order], np.empty(len(values), np.int64)
    rank[order] = np.arange(len(values))
    others = len(values) - 1
    low, high = (others - 1) // 2, others // 2
    median: Floats = (ranked[low + (low >= rank)] + ranked[high + (high >= rank)]) / 2
    return median
