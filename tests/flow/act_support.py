"""A control room in memory: people with rights, alerts and calls to act on."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from itertools import count

import msgspec
from tests.flow.read_support import NOW, POLICIES

from tutela.backends.memory_facts import MemoryFacts, Store
from tutela.backends.memory_keys import MemoryKeys
from tutela.flow.act import Acts
from tutela.flow.command import Incidents
from tutela.flow.deed import Deeds
from tutela.flow.desk import DESK
from tutela.flow.ledger import Ledger
from tutela.flow.prose import Prose
from tutela.model.access import Access
from tutela.model.alert import Alert, AlertStatus
from tutela.model.call import Call
from tutela.model.event import Event
from tutela.model.flow import encode
from tutela.model.people import Agent, Role
from tutela.model.place import Place
from tutela.model.scales import Certainty, Scale, Severity, Urgency

MINOR = Scale(urgency=Urgency.EXPECTED, severity=Severity.MINOR, certainty=Certainty.LIKELY)
GRAVE = Scale(urgency=Urgency.IMMEDIATE, severity=Severity.SEVERE, certainty=Certainty.LIKELY)


def access(who: str, role: Role = Role.OPERATOR, purpose: str = "public-safety", agency: str = "city") -> Access:
    agent = Agent(id=who, name=who.title(), role=role, agency=agency)
    return Access(agent=agent, purpose=purpose, legal_basis="PublicInterest")


ANNA, BO = access("anna"), access("bo")


class Facts(MemoryFacts):
    """Facts in which several people can look before any of them acts, and the desk can get in between."""

    together: asyncio.Barrier | None = None
    desk_first: int = 0

    async def alert(self, id_: str) -> Alert:
        found = await super().alert(id_)
        if self.together is not None:
            await self.together.wait()
            self.together = None
        if self.desk_first:
            self.desk_first -= 1
            joined = msgspec.structs.replace(found, count=found.count + 1, revision=found.revision + 1)
            await self.act([alert_event(joined, DESK)], [joined], [], [])
        return found


def alert_event(alert: Alert, by: str) -> Event:
    return Event(
        id=f"{by}-{alert.id}-{alert.revision}",
        at=NOW,
        by=by,
        cause=None,
        kind="alert@1",
        timeline=alert.timeline,
        body=encode(alert),
        subject=alert.id,
    )


@dataclass
class Room:
    """What acts stand on, and the acts."""

    facts: Facts
    ledger: Ledger
    acts: Acts
    incidents: Incidents
    now: list[int]
    number: count[int] = field(default_factory=count)

    async def alert(self, id_: str = "a1", status: AlertStatus = AlertStatus.NEW, **changes: object) -> Alert:
        """An alert that the desk made."""
        made = Alert(
            id=id_,
            timeline="live",
            type="noise",
            status=status,
            scale=MINOR,
            rank=1000,
            place=Place(lat=60.2, lon=24.9),
            cell=1,
            since=NOW,
            last=NOW,
            count=1,
            detections=(f"d-{id_}",),
            sources=("city",),
            purpose="public-safety",
            message="noise.high",
            parameters={},
            event=f"{DESK}-{id_}-0",
        )
        made = msgspec.structs.replace(made, **changes)
        await self.facts.act([alert_event(made, DESK)], [made], [], [])
        return made

    async def call(self, id_: str = "c1", **changes: object) -> Call:
        """A call that somebody took."""
        made = Call(
            id=id_, timeline="live", source="112", at=NOW, place=Place(lat=60.2, lon=24.9), cell=1, category="FIRE"
        )
        made = msgspec.structs.replace(made, **changes)
        event = Event(
            id=id_, at=NOW, by="112", cause=None, kind="call@1", timeline=made.timeline, body=b"", subject=id_
        )
        await self.facts.tell(made, event, [])
        return made

    def key(self) -> str:
        """A key that was not used yet."""
        return f"k{next(self.number)}"

    async def events(self, subject: str) -> list[Event]:
        """The log about something."""
        return list(await self.facts.about(subject))


def room() -> Room:
    now = [NOW]
    facts = Facts(Store(lambda: now[0]))
    ledger = Ledger(POLICIES, facts, lambda: now[0])
    deeds = Deeds(ledger, facts, facts, Prose(MemoryKeys()))
    return Room(facts, ledger, Acts(deeds), Incidents(deeds), now)
