"""What is remembered for some time, found by where it is. A working copy for one step: it changes in place.

Places are kept in bands of latitude, each as wide as the furthest that is asked for: so three bands have all
that is near, and finding it costs what is there and not what is remembered.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from heapq import heapify, heappop, heappush
from math import floor
from typing import Generic, Protocol, TypeVar

from tutela.model.place import Place

from .cells import metres

DEGREE = 111_000.0
"""Metres of latitude, a little less than there are."""


class Placed(Protocol):
    """What can be remembered: known by `id`, at a time (microseconds) and place."""

    @property
    def id(self) -> str: ...  # noqa: D102  told above
    @property
    def at(self) -> int: ...  # noqa: D102  told above
    @property
    def place(self) -> Place: ...  # noqa: D102  told above


Item = TypeVar("Item", bound=Placed)


class Near(Generic[Item]):
    """Items in order of arrival: at most `most`, none older than `span` microseconds before `newest`.

    `reach` is the furthest in metres that will be asked for.
    """

    def __init__(self, items: Iterable[Item], newest: int, *, span: int, most: int, reach: float) -> None:
        self.newest = newest
        self._span, self._most, self._reach = span, most, reach
        self._items = {item.id: item for item in items}
        self._bands: dict[int, dict[str, Item]] = defaultdict(dict)
        for item in self._items.values():
            self._bands[self._band(item.place)][item.id] = item
        self._ends = [(item.at, item.id) for item in self._items.values()]
        heapify(self._ends)

    def __contains__(self, id_: str) -> bool:
        """Whether that item is remembered."""
        return id_ in self._items

    def all(self) -> tuple[Item, ...]:
        """All of them, in order of arrival."""
        return tuple(self._items.values())

    def close(self, place: Place, limit: float) -> list[Item]:
        """Those that are at most so many metres from there."""
        band = self._band(place)
        near = (item for side in (band - 1, band, band + 1) for item in self._bands.get(side, {}).values())
        return [item for item in near if metres(item.place, place) <= limit]

    def make_room(self, at: int) -> None:
        """Time has come to `at`, and one more item will: forget what is too old by then, or one too many."""
        self.newest = max(self.newest, at)
        oldest = self.newest - self._span
        while self._ends and self._ends[0][0] < oldest:
            _, id_ = heappop(self._ends)
            if id_ in self._items and self._items[id_].at < oldest:
                self._forget(id_)
        while len(self._items) >= self._most:
            self._forget(next(iter(self._items)))

    def put(self, item: Item) -> None:
        """Remember it; in place of the one with its id, if that is here."""
        if (old := self._items.get(item.id)) is not None:
            del self._bands[self._band(old.place)][old.id]
        if old is None or old.at != item.at:
            heappush(self._ends, (item.at, item.id))
        self._items[item.id] = self._bands[self._band(item.place)][item.id] = item

    def _forget(self, id_: str) -> None:
        item = self._items.pop(id_)
        del self._bands[self._band(item.place)][id_]

    def _band(self, place: Place) -> int:
        return floor(place.lat * DEGREE / self._reach)
