"""The newest value of many datastreams: decoded from a few columnar rows, gathered by numpy."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tutela.model import wire
from tutela.model.rows import Rows, empty, joined

from .ports import Values

Ids = npt.NDArray[np.int32]


async def newest(values: Values, timeline: str, kind: str, wanted: Ids | None = None) -> Rows:
    """The newest row of each datastream of that kind; with `wanted`, of those that have one, in that order."""
    parts = [wire.decode(part.body) for part in await values.newest(timeline, kind)]
    rows = joined([empty(kind), *parts])
    return rows if wanted is None else _picked(rows, wanted)


def _picked(rows: Rows, wanted: Ids) -> Rows:
    place = np.full(max(rows.datastream.max(initial=0), wanted.max(initial=0)) + 1, -1, np.int64)
    place[rows.datastream] = np.arange(len(rows))
    places = place[wanted]
    return rows.take(places[places >= 0])
