"""The log as it is read and sealed. In memory the order of commit is the order of the dictionary."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice

from tutela.backends.memory_facts.store import Store
from tutela.backends.rules import LEASE, not_leading, not_there, other_root
from tutela.model.event import Checkpoint, Event, Sealed

_LASTS = round(LEASE * 1_000_000)


@dataclass
class MemoryLog:
    """The one append-only log."""

    store: Store = field(default_factory=Store)

    async def append(self, events: Sequence[Event]) -> None:
        """Append the events that are not there yet."""
        self.store.log(events)

    async def sealed(self, after: int, most: int) -> Sequence[Sealed]:
        """What comes after that position (-1: from the start)."""
        return self.store.sealed[after + 1 : after + 1 + most]

    async def last(self) -> int:
        """The newest position; -1 when nothing is sealed."""
        return len(self.store.sealed) - 1

    async def event(self, id_: str) -> Event:
        """One event; raises NotFound."""
        if id_ not in self.store.events:
            raise not_there("event", id_)
        return self.store.events[id_]

    async def about(self, subject: str) -> Sequence[Event]:
        """The events about something, in order of commit."""
        return self.store.about(subject)

    async def naming(self, record: str, since: int, most: int) -> Sequence[Event]:
        """The newest queries since then that showed that record about somebody, oldest first."""
        told = (event for event in self.store.events.values() if event.kind == "query@1" and event.at >= since)
        return [event for event in told if record in json.loads(event.body).get("persons", ())][-most:]

    async def wait(self, seconds: float) -> None:
        """Return when something was committed or sealed."""
        await self.store.bell.wait(("event", "sealed"), seconds)


@dataclass
class MemorySealing:
    """What the sealer writes."""

    store: Store = field(default_factory=Store)

    async def lead(self, worker: str) -> int | None:
        """The epoch while this worker leads."""
        sealer, now = self.store.sealer, self.store.clock()
        if sealer.owner != worker and sealer.until > now:
            return None
        if sealer.owner != worker:
            sealer.owner, sealer.epoch = worker, sealer.epoch + 1
        sealer.until = now + _LASTS
        return sealer.epoch

    async def round(self, epoch: int, leaf_of: Callable[[Event], bytes], most: int) -> tuple[int, Sequence[bytes]]:
        """Seal at most that many events: the size before, and the new leaves."""
        if self.store.sealer.epoch != epoch or self.store.sealer.owner is None:
            raise not_leading(epoch)
        size = len(self.store.sealed)
        new = [(event, leaf_of(event)) for event in islice(self.store.events.values(), size, size + most)]
        self.store.sealed += [Sealed(position=size + n, leaf=leaf, event=event) for n, (event, leaf) in enumerate(new)]
        if new:
            self.store.bell.ring("sealed")
        return size, [leaf for _, leaf in new]

    async def leaves(self, after: int, most: int) -> Sequence[bytes]:
        """The leaves after that position (-1: from the start)."""
        return [sealed.leaf for sealed in self.store.sealed[after + 1 : after + 1 + most]]

    async def checkpoint(self, point: Checkpoint) -> None:
        """Keep a checkpoint; raises Broken when there is one of that size with another root."""
        before = self.store.checkpoints.setdefault((point.epoch, point.size), point)
        if before.root != point.root:
            raise other_root(point.size)

    async def checkpoints(self) -> Sequence[Checkpoint]:
        """All checkpoints, in the order of the tree's growth."""
        return [point for _, point in sorted(self.store.checkpoints.items())]
