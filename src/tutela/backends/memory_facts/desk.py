"""What people change: alerts, incidents, calls, shifts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from tutela.backends.memory_facts.store import Store
from tutela.backends.memory_facts.turns import open_alerts, send
from tutela.backends.rules import changes, not_there, told_before
from tutela.model.alert import Alert
from tutela.model.call import Call
from tutela.model.detection import Detection
from tutela.model.event import Event
from tutela.model.flow import Outgoing
from tutela.model.incident import OVER, Incident
from tutela.model.people import Shift


@dataclass
class MemoryDesk:
    """What people change, each with its events."""

    store: Store = field(default_factory=Store)

    async def alerts(self, timeline: str) -> Sequence[Alert]:
        """The open alerts, highest rank first."""
        return open_alerts(self.store, timeline)

    async def alerts_since(self, timeline: str, since: int, most: int) -> Sequence[Alert]:
        """Those whose last detection is of then or later, the newest first."""
        found = [one for one in self.store.alerts.values() if one.timeline == timeline and one.last >= since]
        return sorted(found, key=lambda one: (-one.last, one.id))[:most]

    async def alert_counts(self, timeline: str) -> Mapping[str, int]:
        """How many alerts of each type there ever were."""
        return Counter(alert.type for alert in self.store.alerts.values() if alert.timeline == timeline)

    async def alert(self, id_: str) -> Alert:
        """One alert; raises NotFound."""
        if id_ not in self.store.alerts:
            raise not_there("alert", id_)
        return self.store.alerts[id_]

    async def detections(self, ids: Sequence[str]) -> Sequence[Detection]:
        """The newest revision of each, in the order of the ids; unknown ones are left out."""
        known = [self.store.detections[id_] for id_ in ids if id_ in self.store.detections]
        return [revisions[max(revisions)] for revisions in known]

    async def incidents(
        self, timeline: str, most: int, *, over: bool = False, after: Incident | None = None
    ) -> Sequence[Incident]:
        """Some incidents, newest first: those under way, or those that are over."""
        found = [one for one in self._incidents(timeline) if (one.status in OVER) is over]
        return [one for one in found if after is None or _newest_first(one) > _newest_first(after)][:most]

    async def incidents_of(self, timeline: str, calls: Sequence[str]) -> Sequence[Incident]:
        """All incidents that hold one of these calls, newest first."""
        return [one for one in self._incidents(timeline) if not set(calls).isdisjoint(one.calls)]

    def _incidents(self, timeline: str) -> list[Incident]:
        found = [incident for incident in self.store.incidents.values() if incident.timeline == timeline]
        return sorted(found, key=_newest_first)

    async def incident(self, id_: str) -> Incident:
        """One incident; raises NotFound."""
        if id_ not in self.store.incidents:
            raise not_there("incident", id_)
        return self.store.incidents[id_]

    async def calls(self, timeline: str, most: int) -> Sequence[tuple[Call, str]]:
        """The newest calls, bare, each with the id of its event."""
        found = [told for told in self.store.calls.values() if told[0].timeline == timeline]
        return sorted(found, key=lambda told: (-told[0].at, told[0].id))[:most]

    async def call(self, id_: str) -> Event:
        """The sealed event of a call; raises NotFound."""
        if id_ not in self.store.calls:
            raise not_there("call", id_)
        return self.store.events[self.store.calls[id_][1]]

    async def bare(self, id_: str) -> Call:
        """A call without its personal data; raises NotFound."""
        if id_ not in self.store.calls:
            raise not_there("call", id_)
        return self.store.calls[id_][0]

    async def tell(self, call: Call, event: Event, outgoing: Sequence[Outgoing]) -> bool:
        """Commit a call; whether it is new. One that was told before is left alone."""
        before = self.store.calls.get(call.id)
        if before is not None:
            if before != (call.bare(), event.id):
                raise told_before(call.id)
            return False
        self.store.log([event])
        self.store.calls[call.id] = (call.bare(), event.id)
        send(self.store, outgoing)
        return True

    async def act(
        self, events: Sequence[Event], alerts: Sequence[Alert], incidents: Sequence[Incident], shifts: Sequence[Shift]
    ) -> None:
        """Commit what somebody did; raises Conflict when somebody else was first."""
        changed = self.store.due(changes(alerts), self.store.alerts)
        opened = self.store.due(changes(incidents), self.store.incidents)
        self.store.log(events)
        self.store.alerts.update({alert.id: cast("Alert", alert) for alert in changed})
        self.store.incidents.update({incident.id: cast("Incident", incident) for incident in opened})
        self.store.shifts.update({(shift.agent, shift.since): shift for shift in shifts})


def _newest_first(incident: Incident) -> tuple[int, str]:
    return -incident.opened_at, incident.id
