"""A waiting room in which one source that floods can't delay the others."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from tutela.errors import Overloaded


class Waits(Protocol):
    """What waits: of a source, and of a size in bytes."""

    @property
    def source(self) -> str:
        """Who sent it."""

    @property
    def size(self) -> int:
        """What it takes, in bytes."""


Item = TypeVar("Item", bound=Waits)


@dataclass(frozen=True, slots=True)
class Room:
    """Bytes that may be held, waiting or on their way: in all, and of one source."""

    most: int = 256 << 20
    share: int = 64 << 20


class Fair(Generic[Item]):
    """One queue per source, served in turn, one item each; what one source sent stays in its order.

    An item counts until `free`, so that what is on its way is bounded as well.
    """

    def __init__(self, room: Room) -> None:
        self._room = room
        self._queues: dict[str, deque[Item]] = {}
        self._held: dict[str, int] = {}
        self._all = 0

    def __bool__(self) -> bool:
        return bool(self._queues)

    def put(self, items: Iterable[Item]) -> None:
        """Let these in, all or none; raises Overloaded when there is no room for them."""
        new = tuple(items)
        source, size = new[0].source, sum(item.size for item in new)
        held = self._held.get(source, 0)
        # A source with nothing waiting is always heard: an offer larger than its share would never get in.
        if held and held + size > self._room.share:
            raise Overloaded(f"{source} sends faster than can be stored; send this again in a second", source=source)
        if self._all and self._all + size > self._room.most:
            raise Overloaded("more comes in than can be stored; send this again in a second", source=source)
        self._held[source] = held + size
        self._all += size
        self._queues.setdefault(source, deque()).extend(new)

    def take(self, most: int) -> list[Item]:
        """The next items: a turn each, until they have `most` bytes together or nothing waits."""
        taken: list[Item] = []
        size = 0
        while self._queues and size < most:
            source, queue = next(iter(self._queues.items()))
            item = queue.popleft()
            del self._queues[source]
            if queue:
                self._queues[source] = queue  # to the end of the line
            taken.append(item)
            size += item.size
        return taken

    def free(self, items: Iterable[Item]) -> None:
        """These are stored, or failed: their room is free again."""
        for item in items:
            self._all -= item.size
            left = self._held[item.source] - item.size
            if left:
                self._held[item.source] = left
            else:
                del self._held[item.source]
