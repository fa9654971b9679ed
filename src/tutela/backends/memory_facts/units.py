"""Units, as the log tells them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from tutela.backends.memory_facts.store import Store
from tutela.backends.rules import changed_first, not_there
from tutela.model.event import Event
from tutela.model.resource import EmergencyResource

_unit = msgspec.json.Decoder(EmergencyResource).decode


@dataclass
class MemoryUnits:
    """Units, each with its events."""

    store: Store = field(default_factory=Store)

    async def units(self, timeline: str) -> Sequence[EmergencyResource]:
        """All units of a timeline, in order of name."""
        found = [unit for unit in self._newest().values() if unit.timeline == timeline]
        return sorted(found, key=lambda unit: (unit.name, unit.id))

    async def unit(self, id_: str) -> EmergencyResource:
        """One unit; raises NotFound."""
        known = self._newest()
        if id_ not in known:
            raise not_there("unit", id_)
        return known[id_]

    async def change(self, events: Sequence[Event], units: Sequence[EmergencyResource]) -> None:
        """Keep all of them, or none; raises Conflict when somebody else was first."""
        known = self._newest()
        for unit in units:
            before = known.get(unit.id)
            if before is not None and unit.revision != before.revision + 1:
                raise changed_first(unit, before.revision, self.store.about(unit.id)[-1])
        self.store.log(events)

    def _newest(self) -> dict[str, EmergencyResource]:
        told = (event for event in self.store.events.values() if event.kind == "unit@1")
        return {event.subject: _unit(event.body) for event in told}
