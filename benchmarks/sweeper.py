"""How the Numenta Anomaly Benchmark scores: our own words for its rules (Lavin and Ahmad 2015, arXiv 1510.03336; version 1.1).

A row that is told inside a labelled window counts for the window, the earlier the more; only the best one does. Outside it costs,
little just after a window and in full far from one. A window in which nothing is told costs. The first 15 % of a series
(of 5,000 rows at most) count for nothing. One threshold holds for the whole corpus: the one at which the sum is highest.
The score is 0 for who tells nothing and 100 for who tells each window at its first row and nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

Floats = npt.NDArray[np.float64]
Index = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Weights:
    """What a profile gives for a window that is found, and takes for a false alarm and a window that is missed."""

    found: float
    false: float
    missed: float


PROFILES = {
    "standard": Weights(1.0, 0.11, 1.0),
    "low-false-positives": Weights(1.0, 0.22, 1.0),
    "low-false-negatives": Weights(1.0, 0.11, 2.0),
}


@dataclass(frozen=True, slots=True)
class Series:
    """A series of the corpus: its values, which rows count, the window of each row (-1: none), and how a row weighs (-1 … 1)."""

    name: str
    value: Floats
    counts: Flags
    window: Index
    weight: Floats


@dataclass(frozen=True, slots=True)
class Score:
    """The score, the threshold at which it is reached, the windows that are found there, and the false alarms."""

    score: float
    threshold: float
    found: int
    windows: int
    false: int


def corpus(folder: Path) -> list[Series]:
    """All series of `nab.parquet`, with the windows of `combined_windows.json`."""
    windows = json.loads((folder / "combined_windows.json").read_text(encoding="utf-8"))
    table = pq.read_table(folder / "nab.parquet")
    names = np.array(table["series"].to_pylist())
    time, value = table["timestamp"].to_numpy().astype("datetime64[us]"), table["value"].to_numpy()
    return [
        _series(name, time[names == name], value[names == name], windows[name]) for name in np.unique(names).tolist()
    ]


def _series(name: str, time: npt.NDArray[np.datetime64], value: Floats, windows: Sequence[Sequence[str]]) -> Series:
    rows = np.arange(len(time))
    place, window = np.full(len(time), 3.0), np.full(len(time), -1)
    bounds = [[int(np.argmax(time == np.datetime64(each.replace(" ", "T")))) for each in one] for one in windows]
    for first, last in bounds:
        place[last + 1 :] = (rows[last + 1 :] - last) / (last - first)
    for number, (first, last) in enumerate(bounds):
        window[first : last + 1] = number
        place[first : last + 1] = -(last - rows[first : last + 1] + 1) / (last - first + 1)
    return Series(name, value, rows >= min(int(0.15 * len(time)), 750), window, _sigmoid(place))


def _sigmoid(place: Floats) -> Floats:
    """1 at the first row of a window (-1), 0 at its end (0), -1 far behind it."""
    weight: Floats = np.where(place >= 3, -1.0, 2 / (1 + np.exp(5 * np.minimum(place, 3.0))) - 1)
    return weight


BEST = float(_sigmoid(np.array(-1.0)))
"""The weight of the first row of a window: what counts in full."""


def score(all_series: Sequence[Series], told: Mapping[str, npt.ArrayLike], weights: Weights) -> Score:
    """The best score that one threshold of what is told (by series, a number for each row) can have."""
    level, weight, window = _joined(all_series, told)
    total, found, false = _sums(weight, window, weights)
    at = np.flatnonzero(np.append(level[1:] != level[:-1], True))  # a threshold takes all rows of one number
    best, windows = int(at[np.argmax(total[at])]), sum(int(one.window.max()) + 1 for one in all_series)
    if total[best] <= 0:
        return Score(0.0, np.inf, 0, windows, 0)
    whole = (weights.found + weights.missed) * windows
    return Score(float(100 * total[best] / whole), float(level[best]), int(found[best]), windows, int(false[best]))


def _joined(all_series: Sequence[Series], told: Mapping[str, npt.ArrayLike]) -> tuple[Floats, Floats, Index]:
    """The rows of all series that count, from the highest number down: number, weight, and window (counted through; -1: none)."""
    levels, weights, windows, many = [], [], [], 0
    for one in all_series:
        levels.append(np.asarray(told[one.name], np.float64)[one.counts])
        weights.append(one.weight[one.counts])
        windows.append(np.where(one.window >= 0, one.window + many, -1)[one.counts])
        many += int(one.window.max()) + 1
    level, weight, window = (np.concatenate(each) for each in (levels, weights, windows))
    order = np.argsort(-level, kind="stable")
    return level[order], weight[order], window[order]


def _sums(weight: Floats, window: Index, weights: Weights) -> tuple[Floats, Index, Index]:
    """With so many rows told: how much better than nothing that is, and how many windows and false alarms are in it."""
    outside = window < 0
    gain, first = np.where(outside, weights.false * weight, 0.0), np.zeros(len(weight), np.bool_)
    for number in range(int(window.max(initial=-1)) + 1):
        mine = np.flatnonzero(window == number)
        if len(mine):
            best = np.maximum.accumulate(weight[mine]) * weights.found / BEST
            gain[mine] = np.diff(best, prepend=-weights.missed)
            first[mine[0]] = True
    return np.cumsum(gain), np.cumsum(first), np.cumsum(outside)
