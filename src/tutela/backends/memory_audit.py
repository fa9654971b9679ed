"""The stored log and the witness in memory, laid open so that tests can tamper with them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence

from tutela.model.event import Entry, Event, Sealed


class MemoryAudit:
    """`Audit` over lists: `stored` is the sealed log as it stands, `hidden` what was put in beside it."""

    def __init__(self, sealed: Iterable[Sealed] = ()) -> None:
        self.stored = [
            Entry(position=place.position, leaf=place.leaf, id=place.event.id, event=place.event) for place in sealed
        ]
        self.hidden: list[Event] = []

    async def entries(self, after: int, most: int) -> Sequence[Entry]:
        """What is sealed after that position, flaws and all."""
        found = sorted((entry for entry in self.stored if entry.position > after), key=lambda entry: entry.position)
        return found[:most]

    async def unsealed(self, most: int) -> Sequence[Event]:
        """What the sealer passed by."""
        return self.hidden[:most]


class MemoryWitness:
    """`Witness` as a list of lines."""

    def __init__(self, kept: Iterable[bytes] = ()) -> None:
        self.kept = list(kept)

    async def append(self, line: bytes) -> None:
        """Add a line."""
        self.kept.append(line)

    async def last(self) -> bytes | None:
        """The newest line."""
        return self.kept[-1] if self.kept else None

    async def lines(self) -> AsyncIterator[bytes]:
        """The lines that there are now, oldest first."""
        for line in tuple(self.kept):
            yield line


class MemoryStored:
    """`Stored` over a list of events."""

    def __init__(self, events: Iterable[Event] = ()) -> None:
        self.events = list(events)

    async def stored(self, timeline: str, cause: str, kinds: Sequence[str], after: str, most: int) -> Sequence[Event]:
        """Events of these kinds whose cause begins so, by id, after that id."""
        found = [
            event
            for event in self.events
            if event.timeline == timeline
            and event.kind in kinds
            and (event.cause or "").startswith(cause)
            and event.id > after
        ]
        return sorted(found, key=lambda event: event.id)[:most]
