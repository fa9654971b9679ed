"""What people change: alerts, incidents, calls, shifts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar, cast

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
from tutela.model.telling import Telling, word_of

Kind = TypeVar("Kind", Call, Telling)


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
        found = [(call, event) for call, event in self.store.told.values() if isinstance(call, Call)]
        return _newest([told for told in found if told[0].timeline == timeline])[:most]

    async def told(self, word: str, timeline: str, most: int) -> Sequence[tuple[Telling, str]]:
        """The newest calls, reports or posts, bare, each with the id of its event."""
        found = [told for told in self.store.told.values() if word_of(told[0]) == word]
        return _newest([told for told in found if told[0].timeline == timeline])[:most]

    async def told_within(self, word: str, timeline: str, since: int, until: int, most: int) -> Sequence[Telling]:
        """What was told from then until then, bare, the oldest first."""
        found = [one for one, _ in self.store.told.values() if word_of(one) == word and one.timeline == timeline]
        return sorted((one for one in found if since <= one.at < until), key=lambda one: (one.at, one.id))[:most]

    async def alerts_within(self, timeline: str, since: int, until: int, most: int) -> Sequence[Alert]:
        """Those whose last detection is of that time, the oldest first."""
        found = [one for one in self.store.alerts.values() if one.timeline == timeline and since <= one.last < until]
        return sorted(found, key=lambda one: (one.last, one.id))[:most]

    async def call(self, id_: str) -> Event:
        """The sealed event of a call; raises NotFound."""
        await self.bare(id_)
        return await self.telling(id_)

    async def telling(self, id_: str) -> Event:
        """The sealed event of a call, report or post; raises NotFound."""
        if id_ not in self.store.told:
            raise not_there("telling", id_)
        return self.store.events[self.store.told[id_][1]]

    async def bare(self, id_: str) -> Call:
        """A call without its personal data; raises NotFound."""
        found = self.store.told.get(id_)
        if found is None or not isinstance(found[0], Call):
            raise not_there("call", id_)
        return found[0]

    async def tell(self, told: Telling, event: Event, outgoing: Sequence[Outgoing]) -> bool:
        """Commit what was told; whether it is new. What was told before is left alone."""
        before = self.store.told.get(told.id)
        if before is not None:
            if before != (told.bare(), event.id):
                raise told_before(word_of(told), told.id)
            return False
        self.store.log([event])
        self.store.told[told.id] = (told.bare(), event.id)
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


def _newest(told: Sequence[tuple[Kind, str]]) -> list[tuple[Kind, str]]:
    return sorted(told, key=lambda one: (-one[0].at, one[0].id))


def _newest_first(incident: Incident) -> tuple[int, str]:
    return -incident.opened_at, incident.id
