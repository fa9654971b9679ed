"""Things that are remembered for some time, found by where they are. A working copy for one step: it changes in place.

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


class Somewhere(Protocol):
    """What can be remembered: known by `id`, at a time (microseconds) and place."""

    @property
    def id(self) -> str: ...  # noqa: D102  told above
    @property
    def at(self) -> int: ...  # noqa: D102  told above
    @property
    def place(self) -> Place: ...  # noqa: D102  told above


Thing = TypeVar("Thing", bound=Somewhere)


class Near(Generic[Thing]):
    """Things in order of arrival: at most `most`, none older than `span` microseconds before `newest`.

    `reach` is the furthest in metres that will be asked for.
    """

    def __init__(self, things: Iterable[Thing], newest: int, *, span: int, most: int, reach: float) -> None:
        self.newest = newest
        self._span, self._most, self._reach = span, most, reach
        self._things = {thing.id: thing for thing in things}
        self._bands: dict[int, dict[str, Thing]] = defaultdict(dict)
        for thing in self._things.values():
            self._bands[self._band(thing.place)][thing.id] = thing
        self._ends = [(thing.at, thing.id) for thing in self._things.values()]
        heapify(self._ends)

    def __contains__(self, id_: str) -> bool:
        """Whether that thing is remembered."""
        return id_ in self._things

    def all(self) -> tuple[Thing, ...]:
        """All of them, in order of arrival."""
        return tuple(self._things.values())

    def close(self, place: Place, limit: float) -> list[Thing]:
        """Those that are at most so many metres from there."""
        band = self._band(place)
        near = (thing for side in (band - 1, band, band + 1) for thing in self._bands.get(side, {}).values())
        return [thing for thing in near if metres(thing.place, place) <= limit]

    def make_room(self, at: int) -> None:
        """Time has come to `at`, and one more thing will: forget what is too old by then, or one too many."""
        self.newest = max(self.newest, at)
        oldest = self.newest - self._span
        while self._ends and self._ends[0][0] < oldest:
            _, id_ = heappop(self._ends)
            if id_ in self._things and self._things[id_].at < oldest:
                self._forget(id_)
        while len(self._things) >= self._most:
            self._forget(next(iter(self._things)))

    def put(self, thing: Thing) -> None:
        """Remember it; in place of the one with its id, if that is here."""
        if (old := self._things.get(thing.id)) is not None:
            del self._bands[self._band(old.place)][old.id]
        if old is None or old.at != thing.at:
            heappush(self._ends, (thing.at, thing.id))
        self._things[thing.id] = self._bands[self._band(thing.place)][thing.id] = thing

    def _forget(self, id_: str) -> None:
        thing = self._things.pop(id_)
        del self._bands[self._band(thing.place)][id_]

    def _band(self, place: Place) -> int:
        return floor(place.lat * DEGREE / self._reach)
