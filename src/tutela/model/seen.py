"""What a detector sees in one step: rows or facts, then perhaps a tick."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .flow import Fact
from .place import Place
from .register import Datastream
from .rows import Rows


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What the register says of the datastreams of one partition, by slot (datastream id div P); for detectors over the whole city, of all.

    `property_code`: int32 index into `properties`, -1 where no datastream is known;
    `cell`: int64 H3 res 9; `interval`: float64 seconds, NaN when unknown.
    """

    partitions: int
    partition: int
    properties: tuple[str, ...]
    property_code: npt.NDArray[np.int32]
    cell: npt.NDArray[np.int64]
    interval: npt.NDArray[np.float64]
    by_id: dict[int, Datastream]
    version: int = 0

    def slots(self, datastream: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
        """The slots of these datastreams."""
        return datastream.astype(np.int64) // self.partitions

    def id_of(self, slot: int) -> int:
        """The datastream at that slot."""
        return slot * self.partitions + self.partition

    def place_of(self, datastream: int) -> Place | None:
        """Where that datastream is."""
        return self.by_id[datastream].place


@dataclass(frozen=True, slots=True)
class Seen:
    """One stretch of the recorded order: rows (or facts), and then the tick that ends it, if any.

    `rows` are in event-time order within each datastream, none twice, none later than the card
    allows; `slots` gives each row's slot; rows of one slot lie together, slots ascend. `doubted`, told with a tick, are
    the slots whose rows are withheld now (None: none): nothing is to be found in them.
    """

    timeline: str
    rows: Rows | None = None
    slots: npt.NDArray[np.int64] | None = None
    facts: tuple[Fact, ...] = ()
    tick: int | None = None
    catalogue: Catalogue | None = None
    doubted: npt.NDArray[np.int64] | None = None
