"""Who is where, by H3 cells: how many Things are close together, and where most of them are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tutela.model.place import Place
from tutela.model.rows import Rows
from tutela.model.seen import Catalogue

from .cells import around, cell_of
from .runs import NEVER, Index, runs
from .slab import Field, Slab

FIELDS = {
    "time": Field("i8", NEVER),  # when a Thing told last where it is
    "cell": Field("i8"),  # the H3 cell of that place, and nothing more exact
}


@dataclass(frozen=True, slots=True)
class Counted:
    """Who is where at one moment: the slots, the cell of each, and how many slots each cell has, cells ascending.

    `rings`: so far around a cell others are counted with it.
    """

    catalogue: Catalogue
    slots: Index
    cells: Index
    each: Mapping[int, int]
    rings: int

    def things(self, cell: int) -> dict[str, str]:
        """The Things in that cell and around it, each with a source of its."""
        mine = self.slots[np.isin(self.cells, around(cell, self.rings))].tolist()
        known = (self.catalogue.by_id[self.catalogue.id_of(slot)] for slot in mine)
        return {one.thing: one.source for one in known}

    def hearts(self, full: int, but: Sequence[int]) -> Iterator[int]:
        """The cells that have `full` Things around and more in them than each neighbour, but not those around these."""
        near = {cell for heart in but for cell in around(heart, self.rings)}
        together = 1 + 3 * self.rings * (self.rings + 1)
        for cell, count in self.each.items():
            # A heart has its full share at least, so few cells need a look at their neighbours.
            heart = count * together >= full and cell not in near and self._is_heart(cell)
            if heart and self._at_most(cell) >= full and len(self.things(cell)) >= full:
                yield cell

    def _at_most(self, cell: int) -> int:
        """How many may be there: a Thing that tells twice where it is counts twice here."""
        return sum(self.each.get(one, 0) for one in around(cell, self.rings))

    def _is_heart(self, cell: int) -> bool:
        """Whether no neighbour has more; of two that have as many, one is chosen."""
        own = self.each[cell], -cell
        return all((self.each.get(one, 0), -one) <= own for one in around(cell, self.rings))


def placed(spots: Slab, rows: Rows, slots: Index, counts: Callable[[int], bool]) -> Slab:
    """The spots with the newest position of each slot that counts. Rows of one slot lie together, in the order of their time."""
    each = runs(slots)
    ends = zip(each.last.tolist(), each.slots.tolist(), strict=True)
    index = np.array([place for place, slot in ends if counts(slot)], np.int64)
    newest = rows.take(index)
    where = zip(newest.values["lat"].tolist(), newest.values["lon"].tolist(), strict=True)
    return spots.put(slots[index], time=newest.time, cell=[cell_of(Place(lat=lat, lon=lon)) for lat, lon in where])


def forgotten(spots: Slab, since: int) -> Slab:
    """The spots without those of before then (microseconds): where somebody was is kept no longer than it counts."""
    times = spots.take("time")
    gone = np.flatnonzero((times < since) & (times != NEVER))
    return spots.put(gone, time=NEVER, cell=0) if len(gone) else spots


def counted(spots: Slab, catalogue: Catalogue, doubted: Index | None, rings: int) -> Counted:
    """All that are not forgotten, and are believed."""
    here = np.flatnonzero(spots.take("time") != NEVER)
    if doubted is not None:
        here = here[~np.isin(here, doubted)]
    where = spots.take("cell", here)
    cells, counts = np.unique(where, return_counts=True)
    return Counted(catalogue, here, where, dict(zip(cells.tolist(), counts.tolist(), strict=True)), rings)
