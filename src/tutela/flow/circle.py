"""The circles of a detect partition: some detectors, what is there for them to see, and what they remember.

Each partition has one, of the detectors that look at its own rows. Detectors over the whole city are a second circle in partition
`hop.CITY`: of what moves they see the rows of all partitions, as if there were one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
import numpy.typing as npt

from tutela.maths.order import Batch
from tutela.model.flow import Column
from tutela.model.kinds import KINDS, Key, Kind
from tutela.model.rows import Ints, Rows
from tutela.model.seen import Catalogue

from . import hop
from .detect import Came, Detect, State, Watch
from .detector import Detector, is_citywide
from .noticed import Noticed
from .saved import columns, restored
from .stage import Saved

OF_CITY = "@city/"
"""So the name begins under which a column of the city's circle is filed; no detector's does."""


@dataclass(frozen=True, slots=True)
class Read:
    """A message: its rows, or the time that a tick tells; neither when it was erased."""

    sequence: int
    subject: str
    rows: Rows | None = None
    tick: int | None = None


@dataclass(frozen=True, slots=True)
class Sight:
    """Some detectors, and what is there for them to see: rows of these kinds, from these partitions."""

    detectors: tuple[Detector, ...]
    partitions: Sequence[int]
    kinds: tuple[Kind, ...]
    city: bool = False

    def subjects(self, timeline: str) -> Sequence[str]:
        """Where these rows come. Those of personal kinds are for whoever takes such data."""
        personal = any(detector.card.personal_data for detector in self.detectors)
        kinds = [of.name for of in self.kinds if personal or not of.personal_data]
        return [hop.observed(timeline, name, partition) for partition in self.partitions for name in kinds]


def sights(detectors: Sequence[Detector], partition: int, partitions: int) -> Sequence[Sight]:
    """What the detectors of a partition look at, and those over the whole city, if they are at work in it."""
    local = tuple(detector for detector in detectors if not is_citywide(detector))
    whole = tuple(detector for detector in detectors if is_citywide(detector))
    own = Sight(local, (partition,), tuple(KINDS.values()))
    if not whole or partition != hop.CITY:
        return [own]
    moving = tuple(of for of in KINDS.values() if of.key is Key.THING)
    return [own, Sight(whole, range(partitions), moving, city=True)]


@dataclass(slots=True)
class Circle:
    """Some detectors at work: what they remember, the datastreams that they know, and the subjects that are for them."""

    detect: Detect
    state: State
    watch: Watch
    known: Callable[[], Catalogue]
    subjects: frozenset[str]
    filed: str

    @classmethod
    def of(cls, sight: Sight, detect: Detect, known: Callable[[], Catalogue], saved: Saved) -> Circle:
        """The circle as it was saved."""
        filed, catalogue = OF_CITY if sight.city else "", known()
        own = {
            name.removeprefix(filed): columns
            for name, columns in saved.items()
            if name.startswith(OF_CITY) == sight.city
        }
        return cls(
            detect=detect,
            state=restored(detect, own, catalogue.partitions),
            watch=detect.watch(catalogue),
            known=known,
            subjects=frozenset(sight.subjects(detect.where.timeline)),
            filed=filed,
        )

    async def turn(self, read: Sequence[Read], refresh: Callable[[], Awaitable[object]]) -> tuple[State, Noticed]:
        """What these come to. What it has stays as it is. `refresh` reads the register anew."""
        self._look()
        came = []
        for one in read:
            mine = one.rows is not None and one.subject in self.subjects
            batch = await self._batch(one, refresh) if mine else None
            came.append(Came(one.sequence, batch, tick=one.tick))
        return self.detect.turn(self.state, self.watch, came)

    def columns(self) -> Sequence[Column]:
        """Those that changed."""
        found = tuple(columns(self.detect, self.state))
        return [msgspec.structs.replace(column, detector=self.filed + column.detector) for column in found]

    def _look(self) -> None:
        """Take in what was defined, or defined otherwise."""
        if (now := self.known()) is not self.watch.catalogue:
            self.watch = self.detect.watch(now)

    async def _batch(self, read: Read, refresh: Callable[[], Awaitable[object]]) -> Batch:
        """The rows whose datastream is in the register. The gate knew each, so one not known here is new."""
        assert read.rows is not None  # noqa: S101  whoever asks looked
        rows, slots = read.rows, self.watch.catalogue.slots(read.rows.datastream)
        if self._unknown(slots).any():
            await refresh()
            self._look()
            known = ~self._unknown(slots)
            rows, slots = rows.take(known), slots[known]
        return Batch(rows, slots, np.full(len(rows), read.sequence, np.int64))

    def _unknown(self, slots: Ints) -> npt.NDArray[np.bool_]:
        code = self.watch.catalogue.property_code
        unknown: npt.NDArray[np.bool_] = np.append(code, np.int32(-1)).take(slots, mode="clip") < 0
        return unknown
