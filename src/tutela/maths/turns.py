"""Rows of many datastreams, hour after hour, at most one hour of each at a time; or one row of each at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tutela.model.rows import Rows

from .runs import Index, Runs, runs

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Turn:
    """Rows of at most one hour of each slot. By run: the local `hour`. By row: its `run`, `time` and `result`."""

    runs: Runs
    hour: Index
    run: Index
    time: Index
    result: Floats


def hourly(rows: Rows, slots: Index, hour: Index) -> Iterator[Turn]:
    """Hour after hour, at most one run of each slot at a time. Mostly there is one hour."""
    if len(hour) and hour.min() == hour.max():
        every = runs(slots)
        run = every.by_row(np.arange(len(every.slots)))
        yield Turn(every, hour[every.first], run, rows.time, rows.result.astype(np.float64))
        return
    every = runs(slots, hour)
    for which in _in_turn(every, hour[every.first]):
        packed, places = every.take(which).packed()
        yield Turn(
            runs=packed,
            hour=hour[places[packed.first]],
            run=packed.by_row(np.arange(len(packed.slots))),
            time=rows.time[places],
            result=rows.result[places].astype(np.float64),
        )


def _in_turn(every: Runs, hour: Index) -> Iterator[Index]:
    """All runs of one hour together; where a zone's clocks go back so far that hours come again, just in sequence."""
    again = every.slots[1:] == every.slots[:-1]
    if not again.any() or (np.diff(hour)[again] < 0).any():
        yield from every.in_turn()
    else:
        for each in np.unique(hour).tolist():
            yield np.flatnonzero(hour == each)


@dataclass(frozen=True, slots=True)
class Singles:
    """The slots that have rows, those with most of them first; and the places of their first rows, of their second ones and so on.

    The places of a turn are those of the first so many slots.
    """

    slots: Index
    turns: list[Index]


def singles(slots: Index) -> Singles:
    """One row of each slot at a time."""
    every = runs(slots)
    every = every.take(np.argsort(every.first - every.end, kind="stable"))
    fewer = every.first - every.end
    most = int(-fewer[0]) if len(fewer) else 0
    return Singles(every.slots, [every.first[: np.searchsorted(fewer, -turn)] + turn for turn in range(most)])
