"""A small stage: recorded items, as the real one hands them to a detector, cut into batches anywhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from tutela.flow.detector import Detector
from tutela.maths.cells import cell_of, north_of
from tutela.model.detection import Detection
from tutela.model.flow import Fact
from tutela.model.place import Place
from tutela.model.register import Datastream
from tutela.model.rows import Ints, Rows
from tutela.model.seen import Catalogue, Seen

Scalar = TypeVar("Scalar", bound=np.generic)

PARTITIONS, PARTITION = 4, 3
CENTRE = Place(lat=60.17, lon=24.94)


@dataclass(frozen=True)
class Observed:
    """One observation; `slot` counts the world's datastreams from 0. A position has a `place` and no result."""

    slot: int
    time: int
    result: float = 0.0
    place: Place | None = None


@dataclass(frozen=True)
class Told:
    """One fact of the second hop."""

    fact: Fact


@dataclass(frozen=True)
class Ticked:
    """A recorded tick."""

    at: int


Item = Observed | Told | Ticked


@dataclass(frozen=True)
class World:
    """A partition with so many datastreams of one property."""

    property: str
    size: int
    interval: float | None = 60.0
    kind: str = "readings"
    purposes: tuple[str, ...] = ("public-safety",)

    def catalogue(self) -> Catalogue:
        streams = [self._datastream(slot) for slot in range(self.size)]
        return Catalogue(
            partitions=PARTITIONS,
            partition=PARTITION,
            properties=("another", self.property),
            property_code=_locked(np.ones(self.size, np.int32)),
            cell=_locked(np.array([stream.cell for stream in streams], np.int64)),
            interval=_locked(np.full(self.size, np.nan if self.interval is None else self.interval)),
            by_id={stream.id: stream for stream in streams},
        )

    def _datastream(self, slot: int) -> Datastream:
        place = north_of(CENTRE, 400.0 * slot)
        return Datastream(
            id=slot_id(slot),
            name=f"sensor-{slot}",
            source=f"source-{slot % 2}",
            thing=f"thing-{slot}",
            kind=self.kind,
            observed_property=self.property,
            unit="1",
            place=place,
            purpose=self.purposes[slot % len(self.purposes)],
            cell=cell_of(place),
            interval=self.interval,
        )


def slot_id(slot: int) -> int:
    return slot * PARTITIONS + PARTITION


def slot_of(datastream: int) -> int:
    return datastream // PARTITIONS


def seens(world: World, items: Sequence[Item], cuts: Iterable[int] = ()) -> Iterator[Seen]:
    """The items as a detector sees them: one Seen up to each cut and each tick."""
    known = world.catalogue()
    bounds = sorted(
        {0, *cuts, *(place + 1 for place, item in enumerate(items) if isinstance(item, Ticked)), len(items)}
    )
    for begin, end in pairwise(bounds):
        yield _seen(world, known, items[begin:end])


def _seen(world: World, known: Catalogue, items: Sequence[Item]) -> Seen:
    tick = items[-1].at if isinstance(items[-1], Ticked) else None
    facts = tuple(item.fact for item in items if isinstance(item, Told))
    observed = [item for item in items if isinstance(item, Observed)]
    if not observed:
        return Seen("live", facts=facts, tick=tick, catalogue=known)
    rows, slots = columns(world, observed)
    order = np.argsort(slots, kind="stable")
    rows = Rows(
        rows.kind,
        _locked(rows.datastream[order]),
        _locked(rows.time[order]),
        {name: _locked(column[order]) for name, column in rows.values.items()},
    )
    return Seen("live", rows=rows, slots=_locked(slots[order]), facts=facts, tick=tick, catalogue=known)


def columns(world: World, observed: Sequence[Observed]) -> tuple[Rows, Ints]:
    """Observations in columns, in their order, with the slot of each."""
    slots = np.array([item.slot for item in observed], np.int64)
    time = np.array([item.time for item in observed], np.int64)
    datastream = (slots * PARTITIONS + PARTITION).astype(np.int32)
    if world.kind == "positions":
        places = [item.place for item in observed if item.place is not None]
        at = {name: np.array([getattr(place, name) for place in places], "f8") for name in ("lat", "lon")}
        return Rows(world.kind, datastream, time, at), slots
    result = np.array([item.result for item in observed], "i8" if world.kind == "counts" else "f8")
    return Rows(world.kind, datastream, time, {"result": result}), slots


def _locked(array: npt.NDArray[Scalar]) -> npt.NDArray[Scalar]:
    """An array that nobody can write to: a detector that tries is found out."""
    array.flags.writeable = False
    return array


def play(detector: Detector, seen: Iterable[Seen]) -> list[Detection]:
    """All that a detector finds, from its very beginning, by time: within a batch it is found by slot."""
    return by_time(play_on(detector, detector.begin(), seen)[1])


def by_time(found: Iterable[Detection]) -> list[Detection]:
    """In an order that does not depend on how the stream was cut."""
    return sorted(found, key=lambda each: (each.at, each.key, each.id, each.revision))


def play_on(detector: Detector, state: object, seen: Iterable[Seen]) -> tuple[object, list[Detection]]:
    """The state after, and what was found, from a state on."""
    found: list[Detection] = []
    for one in seen:
        state, new = detector.step(state, one)
        found += new
    return state, found
