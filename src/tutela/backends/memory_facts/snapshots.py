"""How far the workers have saved what they know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tutela.backends.memory_facts.store import Store


@dataclass
class MemorySnapshots:
    """`Snapshots` by the leases."""

    store: Store = field(default_factory=Store)

    async def snapshotted(self, timeline: str, stages: Sequence[str]) -> int:
        """The least sequence that all partitions of these stages have saved; 0 when one has saved nothing."""
        held = [held for place, held in self.store.leases.items() if place[0] == timeline and place[1] in stages]
        return min((one.snapshot for one in held), default=0)
