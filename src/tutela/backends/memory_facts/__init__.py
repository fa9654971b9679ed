"""Facts in memory: a fake for tests, with the same promises as PostgreSQL, for one process and without a disk."""

from __future__ import annotations

from tutela.backends.memory_facts.ages import MemoryAges
from tutela.backends.memory_facts.connections import MemoryConnections
from tutela.backends.memory_facts.desk import MemoryDesk
from tutela.backends.memory_facts.leases import MemoryLeases, MemoryTimelines
from tutela.backends.memory_facts.log import MemoryLog, MemorySealing
from tutela.backends.memory_facts.people import MemoryPeople
from tutela.backends.memory_facts.progress import MemoryProgress
from tutela.backends.memory_facts.published import MemoryPublished
from tutela.backends.memory_facts.register import MemoryDeadLetters, MemoryRegister, MemoryRules
from tutela.backends.memory_facts.store import Store
from tutela.backends.memory_facts.turns import MemoryOutbox, MemoryTurns, MemoryValues
from tutela.backends.memory_facts.units import MemoryUnits

__all__ = ["MemoryFacts", "Store"]


class MemoryFacts(
    MemoryTimelines,
    MemoryRegister,
    MemoryRules,
    MemoryConnections,
    MemoryDeadLetters,
    MemoryLeases,
    MemoryTurns,
    MemoryLog,
    MemoryOutbox,
    MemorySealing,
    MemoryProgress,
    MemoryPublished,
    MemoryDesk,
    MemoryUnits,
    MemoryPeople,
    MemoryValues,
    MemoryAges,
):
    """All ports on one store: `MemoryFacts()`, or `MemoryFacts(Store(clock))`. Its `wait` returns for news of any kind."""

    async def wait(self, seconds: float) -> None:
        """Return when anything was committed, sealed or ticked since this task last waited."""
        await self.store.bell.wait(("event", "sealed", "outbox"), seconds)
