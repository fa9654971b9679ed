"""Lays the events as they are stored beside the leaves as they were witnessed, and names each difference.

Both are streams. Where their heads differ, a look ahead tells what happened: this event's leaf is wanted
later (so something before it is missing here), or the wanted leaf stands later (so this event does not
belong here), whichever is nearer; or neither, so this event was edited in its place. What is missing in
one place and found in another was moved. Memory is bounded: the look ahead, and as many differences that
are not explained yet.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

from tutela.model.event import Entry, Event
from tutela.model.noun import Noun

from .ports import Audit

PAGE = 2000
AHEAD = 8192
"""How far a moved event is looked for, in events."""

NOWHERE = 1 << 62


class Finding(Noun, frozen=True, kw_only=True):
    """Something that is not as it was sealed.

    `what`: edited, dropped, added, reordered, truncated or checkpoint; `position` in the tree, from 0 (-1:
    in none); `event` is its id ("" when nothing in the database tells it); `count` how many in a row.
    """

    what: str
    position: int
    event: str
    says: str
    count: int = 1


class Findings:
    """The first `most` of them; the others are counted."""

    def __init__(self, most: int) -> None:
        self.listed: list[Finding] = []
        self.more = 0
        self._most = most

    def add(self, what: str, position: int, event: str, says: str, count: int = 1) -> None:
        """One more."""
        if len(self.listed) < self._most:
            self.listed.append(Finding(what=what, position=position, event=event, says=says, count=count))
        else:
            self.more += 1


@dataclass(frozen=True, slots=True)
class _Stored:
    """One entry: `leaf` is the stored leaf, `mine` the leaf of the event as it is now (None: it is gone)."""

    position: int
    id: str
    leaf: bytes
    mine: bytes | None

    @property
    def shown(self) -> bytes:
        return self.leaf if self.mine is None else self.mine


class Events:
    """The stored entries, read page by page, with a look ahead. `said` is told after each page how many were read."""

    def __init__(
        self, audit: Audit, leaf_of: Callable[[Event], bytes], destroyed: frozenset[str], said: Callable[[int], None]
    ) -> None:
        self.erased = 0
        self._audit, self._leaf_of, self._destroyed, self._said = audit, leaf_of, destroyed, said
        self._buffer: deque[_Stored] = deque()
        self._shown: dict[bytes, int] = {}
        self._read = 0
        self._after = -1
        self._ended = False

    async def head(self) -> _Stored | None:
        """The next entry; None at the end."""
        if not self._buffer:
            await self._fill(1)
        return self._buffer[0] if self._buffer else None

    def take(self) -> _Stored:
        """The next entry, which is there, and go on."""
        first = self._buffer.popleft()
        self._shown.pop(first.shown, None)
        return first

    async def find(self, leaf: bytes) -> int | None:
        """How many entries on that leaf stands; None when it is not in sight."""
        await self._fill(AHEAD)
        found = self._shown.get(leaf)
        return None if found is None else found - (self._read - len(self._buffer))

    async def _fill(self, least: int) -> None:
        while len(self._buffer) < least and not self._ended:
            page = await self._audit.entries(self._after, PAGE)
            self._ended = not page
            for entry in page:
                stored = _Stored(entry.position, entry.id, entry.leaf, self._leaf(entry))
                self._buffer.append(stored)
                self._shown[stored.shown] = self._read
                self._read += 1
                self._after = entry.position
            self._said(self._read)

    def _leaf(self, entry: Entry) -> bytes | None:
        event = entry.event
        if event is None:
            return None
        self.erased += event.key in self._destroyed
        return self._leaf_of(event)


@dataclass(slots=True)
class _Run:
    """Events that follow each other as they should, but stand `by` places too late (or early, if negative)."""

    place: int
    by: int
    event: str
    count: int = 1


class Beside:
    """The comparison itself: witnessed leaves are laid down in order, differences go to `found`."""

    def __init__(self, events: Events, found: Findings) -> None:
        self._events, self._found = events, found
        self._wanted: deque[bytes | None] = deque()
        self._ahead: dict[bytes | None, int] = {}
        self._place = 0
        self._before = "(the start)"
        self._missing: dict[bytes, tuple[int, str]] = {}
        self._extra: dict[bytes, _Stored] = {}
        self._run = _Run(0, 0, "")
        self._cut = 0

    async def lay(self, leaves: Sequence[bytes | None]) -> None:
        """The next witnessed leaves; None: not known, whatever is stored has to do."""
        first = self._place + len(self._wanted)
        self._wanted.extend(leaves)
        self._ahead.update(zip(leaves, range(first, first + len(leaves)), strict=True))
        while len(self._wanted) > AHEAD:
            await self._compare()

    async def settle(self) -> None:
        """There are no more witnessed leaves: compare the last of them."""
        while self._wanted:
            await self._compare()
        self._end_run(_Run(0, 0, ""))
        if self._cut:
            place = self._place - self._cut
            says = f"the log ends before position {place}, after {self._before}; {self._cut} more had been sealed"
            self._found.add("truncated", place, "", says, self._cut)

    async def rest(self, size: int) -> AsyncIterator[bytes]:
        """The stored leaves after the `size` witnessed ones, each compared with its own event."""
        while await self._events.head() is not None:
            stored = self._events.take()
            if stored.position > size:
                says = f"an event is missing before {stored.id}: its position is {stored.position}, not {size}"
                self._found.add("dropped", size, "", says, stored.position - size)
            if stored.shown in self._missing:
                self._moved(stored, self._missing.pop(stored.shown)[0])
            self._own(stored, stored.position)
            size = stored.position + 1
            yield stored.leaf

    def finish(self) -> None:
        """Say what was not explained."""
        while self._missing:
            self._give_up_missing()
        while self._extra:
            self._give_up_extra()

    async def _compare(self) -> None:
        stored = await self._events.head()
        wanted = self._wanted[0]
        if stored is None:
            self._end()
        elif wanted is None or wanted in (stored.mine, stored.leaf):
            self._match(stored)
        else:
            await self._differ(stored, wanted)

    async def _differ(self, stored: _Stored, wanted: bytes) -> None:
        place = self._ahead.get(stored.shown)
        here = await self._events.find(wanted)
        if place is None and here is None:
            self._alone(stored, wanted)
            return
        later = NOWHERE if place is None else place - self._place
        after = NOWHERE if here is None else here
        if later <= after:
            self._miss(wanted)
        if after <= later:
            self._surplus(self._events.take())

    def _alone(self, stored: _Stored, wanted: bytes) -> None:
        """Neither is in sight: one of them was moved here, or a stretch is missing, or this event was edited."""
        if stored.shown in self._missing:
            self._surplus(self._events.take())
        elif wanted in self._extra or stored.position > self._place + self._run.by:
            self._miss(wanted)
        else:
            self._match(stored)

    def _next(self) -> bytes | None:
        leaf = self._wanted.popleft()
        self._ahead.pop(leaf, None)
        self._place += 1
        return leaf

    def _match(self, stored: _Stored) -> None:
        """This entry stands for that leaf, whether or not it says the same."""
        place, wanted = self._place, self._next()
        self._events.take()
        self._before = stored.id
        if wanted is None:
            self._own(stored, place)
        elif stored.mine is None:
            self._gone(stored, place)
        elif stored.mine != wanted:
            self._edited(stored, place)
        elif stored.leaf != wanted:
            self._found.add("edited", place, stored.id, f"the stored leaf of the event {stored.id} was changed")
        by = stored.position - place
        if by == self._run.by:
            self._run.count += 1
        else:
            self._end_run(_Run(place, by, stored.id))

    def _own(self, stored: _Stored, place: int) -> None:
        if stored.mine is None:
            self._gone(stored, place)
        elif stored.mine != stored.leaf:
            self._edited(stored, place)

    def _gone(self, stored: _Stored, place: int) -> None:
        self._found.add("dropped", place, stored.id, f"the event {stored.id} was sealed here and is gone")

    def _edited(self, stored: _Stored, place: int) -> None:
        self._found.add("edited", place, stored.id, f"the event {stored.id} is not what was sealed here")

    def _end(self) -> None:
        """The stored log is over; this leaf was wanted still."""
        place, leaf = self._place, self._next()
        moved = self._extra.pop(leaf, None) if leaf else None
        if moved is None:
            self._cut += 1
        else:
            self._moved(moved, place)

    def _miss(self, wanted: bytes) -> None:
        """The wanted leaf is not here."""
        place = self._place
        self._next()
        moved = self._extra.pop(wanted, None)
        if moved is not None:
            self._moved(moved, place)
            return
        self._missing[wanted] = (place, self._before)
        if len(self._missing) > AHEAD:
            self._give_up_missing()

    def _surplus(self, stored: _Stored) -> None:
        """This entry is not wanted here."""
        was = self._missing.pop(stored.shown, None)
        if was is not None:
            self._moved(stored, was[0])
            return
        self._extra[stored.shown] = stored
        if len(self._extra) > AHEAD:
            self._give_up_extra()

    def _moved(self, stored: _Stored, place: int) -> None:
        says = f"the event {stored.id} was sealed at position {place} and stands at {stored.position}"
        self._found.add("reordered", place, stored.id, says)

    def _give_up_missing(self) -> None:
        leaf = next(iter(self._missing))
        place, before = self._missing.pop(leaf)
        says = f"the event that was sealed here, after {before}, is gone; its leaf was {leaf.hex()}"
        self._found.add("dropped", place, "", says)

    def _give_up_extra(self) -> None:
        leaf = next(iter(self._extra))
        stored = self._extra.pop(leaf)
        self._found.add("added", stored.position, stored.id, f"the event {stored.id} was never sealed here")

    def _end_run(self, new: _Run) -> None:
        run, self._run = self._run, new
        if run.by:
            way = "late" if run.by > 0 else "early"
            says = f"from the event {run.event} on, {run.count} stand {abs(run.by)} places too {way}"
            self._found.add("reordered", run.place, run.event, says, run.count)
