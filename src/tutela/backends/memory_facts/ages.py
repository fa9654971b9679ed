"""When the time of what people wrote about, and of who works here, began to run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tutela.backends.memory_facts.store import Store


@dataclass
class MemoryAges:
    """Incidents, alerts, and people."""

    store: Store = field(default_factory=Store)

    async def begun(self, ids: Sequence[str]) -> Mapping[str, int]:
        """When an incident was opened, an alert last seen, a role ends; of those of these that are there, and have one."""
        of = self.store
        known = {id_: of.incidents[id_].opened_at for id_ in ids if id_ in of.incidents}
        known |= {id_: of.alerts[id_].last for id_ in ids if id_ in of.alerts}
        ends = {id_: of.agents[id_].until for id_ in ids if id_ in of.agents}
        return known | {id_: until for id_, until in ends.items() if until is not None}
