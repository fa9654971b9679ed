"""From names to numbers to rows: what reads look up in the register and among the newest values, by numpy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from tutela.errors import BadInput, NotFound
from tutela.model import wire
from tutela.model.kinds import KINDS, kind
from tutela.model.rows import Rows, empty, joined

from .catalogue import Known
from .ports import Values

Ids = npt.NDArray[np.int32]


async def number(known: Known, name: str) -> int:
    """The datastream of that name, also when it was defined a moment ago; raises NotFound."""
    if known.number(name) is None:
        await known.refresh()
    found = known.number(name)
    if found is None:
        raise NotFound(f"there is no datastream called {name!r}; the register lists those that there are")
    return found


async def numbers(known: Known, of: str, names: Sequence[str]) -> Ids:
    """The datastreams of those names; raises NotFound, or BadInput when one is of another kind than `of`."""
    found = np.fromiter([await number(known, name) for name in names], np.int32, len(names))
    other = np.flatnonzero(known.admission.codes(found) % len(KINDS) != list(KINDS).index(kind(of).name))
    if len(other):
        wrong = known.datastream(int(found[other[0]]))
        raise BadInput(f"the datastream {wrong.name!r} is of the kind {wrong.kind}; ask for {wrong.kind}")
    return found


def source_of(known: Known, datastream: Ids) -> Ids:
    """The number of each datastream's source; -1 where the register knows none."""
    found: Ids = known.admission.codes(datastream) // len(KINDS)
    return found


def sources(known: Known, numbers_: Ids) -> dict[str, int]:
    """The sources that occur among these numbers, each with its own, by name."""
    there = set(np.unique(numbers_).tolist())
    return {name: found for name, found in sorted(known.admission.numbers.items()) if found in there}


async def newest(values: Values, timeline: str, of: str, wanted: Ids | None = None) -> Rows:
    """The newest row of each datastream of a kind; with `wanted`, of those that have one, in that order."""
    parts = [wire.decode(part.body) for part in await values.newest(timeline, of)]
    rows = joined([empty(of), *parts])
    return rows if wanted is None else _picked(rows, wanted)


def _picked(rows: Rows, wanted: Ids) -> Rows:
    place = np.full(max(rows.datastream.max(initial=0), wanted.max(initial=0)) + 1, -1, np.int64)
    place[rows.datastream] = np.arange(len(rows))
    places = place[wanted]
    return rows.take(places[places >= 0])
