"""The register as the flow needs it, in memory: names for sources, tables for the gate, arrays for detectors.

A million datastreams cost less than 1 kB each. A refresh asks the register only for what is new or
changed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Mapping, Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from tutela.errors import EngineDown, NotFound
from tutela.model.kinds import Key, kind
from tutela.model.register import Datastream, Source
from tutela.model.seen import Catalogue
from tutela.policy.gate import Admission

from .batch import Purposes
from .ports import Register

LOG = logging.getLogger(__name__)

Column = npt.NDArray[np.generic]

REPEATED = ("source", "kind", "observed_property", "unit", "purpose")
"""Fields in which many datastreams say the same word."""

EMPTY = {"property": ("i4", -1), "purpose": ("i4", -1), "cell": ("i8", 0), "interval": ("f8", np.nan)}
"""Columns by datastream id: dtype, and what stands where there is no datastream."""


class Known:
    """The register in memory. `refresh` (or `run`) keeps it new; everything else only reads it."""

    def __init__(self, register: Register, partitions: int) -> None:
        self.partitions = partitions
        self.admission = Admission.empty()
        self.last = 0
        self.version = 0
        self._register = register
        self._numbers: dict[str, int] = {}
        self._by_id: dict[int, Datastream] = {}
        self._words: dict[str, str] = {}
        self._properties: dict[str, int] = {}
        self._purposes: dict[str, int] = {}
        self._columns: dict[str, Column] = {name: np.full(1, fill, dtype) for name, (dtype, fill) in EMPTY.items()}
        self._catalogues: dict[tuple[int, int], Catalogue] = {}
        self._moving: dict[int, str] = {}
        self._refreshing = asyncio.Lock()
        self._asked = self._answered = 0

    @property
    def sources(self) -> Mapping[str, Source]:
        """The register entries as they are now, by name."""
        return self.admission.sources

    @property
    def purposes(self) -> Purposes:
        """What each datastream is for."""
        return Purposes(self._columns["purpose"].astype(np.int32, copy=False), tuple(self._purposes))

    def number(self, name: str) -> int | None:
        """The datastream of that name; None when the register knows none."""
        return self._numbers.get(name)

    def unit(self, number: int) -> str | None:
        """The unit of a datastream; None when the register knows no such datastream."""
        found = self._by_id.get(number)
        return None if found is None else found.unit

    def datastream(self, number: int) -> Datastream:
        """The datastream of that number."""
        if number not in self._by_id:
            raise NotFound(f"there is no datastream {number}; `tutela sources` lists what there is")
        return self._by_id[number]

    def ended(self, source: str, now: int) -> bool:
        """Whether a source was entered, and its entry holds no more."""
        return source in self.sources and self.admission.entry(source, now) is None

    def moving(self, things: Collection[str]) -> Mapping[int, str]:
        """The datastreams that tell where these Things are, each with the name of its Thing."""
        return {number: thing for number, thing in self._moving.items() if thing in things}

    def partition(self, partition: int) -> Catalogue:
        """One partition's datastreams for detectors; the same object until the register has others."""
        return self._of(partition, self.partitions)

    def whole(self) -> Catalogue:
        """All datastreams, as if there were one partition: for detectors that see the whole city."""
        return self._of(0, 1)

    def _of(self, partition: int, partitions: int) -> Catalogue:
        found = self._catalogues.get((partition, partitions))
        if found is None or found.version != self.version:
            found = self._catalogues[partition, partitions] = self._catalogue(partition, partitions)
        return found

    def _catalogue(self, partition: int, partitions: int) -> Catalogue:
        own = {name: column[: self.last + 1][partition::partitions] for name, column in self._columns.items()}
        return Catalogue(
            partitions=partitions,
            partition=partition,
            properties=tuple(self._properties),
            property_code=own["property"].astype(np.int32),
            cell=own["cell"].astype(np.int64),
            interval=own["interval"].astype(np.float64),
            by_id=self._by_id,
            version=self.version,
        )

    async def run(self, every: float = 1.0) -> None:
        """Refresh for ever. While PostgreSQL is away, the last known register holds."""
        while True:
            try:
                await self.refresh()
            except EngineDown as down:
                LOG.warning("the register can't be read, its last state holds: %s", down)
            await asyncio.sleep(every)

    async def refresh(self) -> int:
        """Read the sources, and the datastreams that are new or changed; how many were.

        Many who ask at once share one reading, as long as it began after they had asked.
        """
        self._asked += 1
        asked = self._asked
        async with self._refreshing:
            if self._answered >= asked:
                return 0
            count, answers = 0, self._asked
            sources = await self._register.sources()
            # The register may give them in portions: it has given all when nothing more comes.
            while new := await self._register.datastreams(self.version):
                count += len(new)
                self._add([self._slim(datastream) for datastream in new])
                self.admission = self.admission.knowing(sources, new)
            self.admission = self.admission.knowing(sources, ())
            self._answered = answers
            return count

    def changed(self, since: int) -> int:
        """How many datastreams were defined otherwise than before, at that moment or later."""
        return sum(one.changed is not None and one.changed >= since for one in self._by_id.values())

    def owned(self, source: str) -> int:
        """How many datastreams a source has."""
        return sum(one.source == source for one in self._by_id.values())

    def _slim(self, datastream: Datastream) -> Datastream:
        """The same datastream, with one string for each word that many say."""
        words = ((name, getattr(datastream, name)) for name in REPEATED)
        return msgspec.structs.replace(datastream, **{name: self._words.setdefault(word, word) for name, word in words})

    def _add(self, new: Sequence[Datastream]) -> None:
        last = max(self.last, *(datastream.id for datastream in new))
        self._reach(last + 1)
        ids = np.fromiter((datastream.id for datastream in new), np.int64, len(new))
        told: dict[str, list[int] | list[float]] = {
            "property": [_code(self._properties, datastream.observed_property) for datastream in new],
            "purpose": [_code(self._purposes, datastream.purpose) for datastream in new],
            "cell": [datastream.cell for datastream in new],
            "interval": [np.nan if datastream.interval is None else datastream.interval for datastream in new],
        }
        for name, values in told.items():
            self._columns[name][ids] = values
        for datastream in new:
            self._numbers[datastream.name] = datastream.id
            self._by_id[datastream.id] = datastream
            if kind(datastream.kind).key is Key.THING:
                self._moving[datastream.id] = datastream.thing
        self.last = last
        self.version = max(datastream.version for datastream in new)

    def _reach(self, size: int) -> None:
        for name, column in self._columns.items():
            if size > len(column):
                dtype, fill = EMPTY[name]
                grown = np.full(max(size, len(column) * 2), fill, dtype)
                grown[: len(column)] = column
                self._columns[name] = grown


def _code(of: dict[str, int], word: str) -> int:
    return of.setdefault(word, len(of))
