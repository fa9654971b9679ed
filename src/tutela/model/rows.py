"""Observations in columns: what travels the telemetry lane."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .kinds import kind

Ints = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.number]


@dataclass(frozen=True, slots=True)
class Rows:
    """Observations of one kind, one entry per row in each column.

    `datastream`: int32 ids of the register; `time`: int64 microseconds UTC (phenomenonTime);
    `values`: the kind's own columns. Row order is the order of arrival.
    """

    kind: str
    datastream: npt.NDArray[np.int32]
    time: Ints
    values: Mapping[str, Numbers]

    def __len__(self) -> int:
        return len(self.datastream)

    @property
    def result(self) -> Numbers:
        """The column `result`."""
        return self.values["result"]

    def take(self, index: npt.NDArray[np.integer] | npt.NDArray[np.bool_] | slice) -> Rows:
        """The rows at those places, in that order."""
        return Rows(
            self.kind,
            self.datastream[index],
            self.time[index],
            {name: column[index] for name, column in self.values.items()},
        )


def empty(name: str) -> Rows:
    """No rows of that kind."""
    columns = {column: np.empty(0, dtype) for column, dtype in kind(name).columns}
    return Rows(name, np.empty(0, np.int32), np.empty(0, np.int64), columns)


def joined(parts: Sequence[Rows]) -> Rows:
    """All rows of the parts, in their order. The parts are of one kind, and there is at least one."""
    first = parts[0]
    if len(parts) == 1:
        return first
    return Rows(
        first.kind,
        np.concatenate([part.datastream for part in parts]),
        np.concatenate([part.time for part in parts]),
        {name: np.concatenate([part.values[name] for part in parts]) for name in first.values},
    )
