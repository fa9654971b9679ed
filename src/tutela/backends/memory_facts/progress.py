"""How far the sealer is, in one look."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice

from tutela.backends.memory_facts.store import Store
from tutela.model.event import Seal
from tutela.model.timeline import LIVE

MOST = 10_000


@dataclass
class MemoryProgress:
    """How far the sealer is."""

    store: Store = field(default_factory=Store)

    async def progress(self) -> Seal:
        """Now."""
        size = len(self.store.sealed)
        waiting = list(islice(self.store.events.values(), size, size + MOST))
        points = [point for _, point in sorted(self.store.checkpoints.items())]
        return Seal(
            size=size,
            waiting=len(waiting),
            oldest=min((event.at for event in waiting if event.timeline == LIVE), default=None),
            checkpoint=points[-1] if points else None,
        )
