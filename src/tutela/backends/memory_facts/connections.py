"""How sources are reached, in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tutela.backends.memory_facts.store import Store
from tutela.backends.rules import LEASE, not_connecting, not_registered
from tutela.model.event import Event
from tutela.model.register import Kept, Reach

_LASTS = round(LEASE * 1_000_000)


@dataclass
class MemoryConnections:
    """How sources are reached."""

    store: Store = field(default_factory=Store)

    async def connections(self) -> Sequence[Kept]:
        """All of them, by source."""
        return [kept for _, kept in sorted(self.store.connections.items())]

    async def connect(self, kept: Kept, event: Event) -> None:
        """Enter or change a connection; one that reads otherwise than before begins without a mark."""
        source = kept.connection.source
        if source not in self.store.sources:
            raise not_registered(source)
        before = self.store.connections.get(source)
        if before is None or _reads(before) != _reads(kept):
            self.store.marks.pop(source, None)
        self.store.connections[source] = kept
        self.store.conditions.pop(source, None)
        self.store.log([event])

    async def disconnect(self, source: str, event: Event) -> None:
        """Forget a connection, with its mark; when there is none, nothing is logged."""
        if self.store.connections.pop(source, None) is not None:
            self.store.marks.pop(source, None)
            self.store.conditions.pop(source, None)
            self.store.log([event])

    async def attend(self, worker: str) -> int | None:
        """The epoch while this worker runs the connections."""
        held, now = self.store.connecting, self.store.clock()
        if held.owner != worker and held.until > now:
            return None
        if held.owner != worker:
            held.owner, held.epoch = worker, held.epoch + 1
        held.until = now + _LASTS
        return held.epoch

    async def mark(self, source: str) -> bytes:
        """Where it stopped; b"" for one that never did."""
        return self.store.marks.get(source, b"")

    async def remember(self, epoch: int, source: str, mark: bytes) -> None:
        """Keep where it stopped; raises Fenced when another process runs the connections, or it is there no more."""
        if source not in self.store.connections or epoch != self.store.connecting.epoch:
            raise not_connecting(source)
        self.store.marks[source] = mark

    async def report(self, epoch: int, conditions: Sequence[Reach]) -> None:
        """Keep how they are doing, while this epoch holds."""
        if epoch == self.store.connecting.epoch:
            known = self.store.connections
            self.store.conditions.update({one.source: one for one in conditions if one.source in known})

    async def conditions(self) -> Sequence[Reach]:
        """How they were doing when last told, by source."""
        return [condition for _, condition in sorted(self.store.conditions.items())]


def _reads(kept: Kept) -> tuple[object, ...]:
    one = kept.connection
    return one.part, one.standard, one.reading
