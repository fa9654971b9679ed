"""The demonstration's own case: made up as its calls are, opened and approved by nobody who exists, and named as what it is.

Everybody who enrols is a member, so that the aid can be looked at with the two codes of a first start. A real case is asked for by one
supervisor and approved by another, and names its members before.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tutela.app.core import Core, clock
from tutela.flow.case import MEMBERS, Cases
from tutela.flow.prose import Prose
from tutela.model.area import Circle
from tutela.model.case import Case, CaseStatus, InScope, Member, MemberRole, Scope
from tutela.model.place import Place
from tutela.model.when import DAY, HOUR, MINUTE, SECOND
from tutela.sources.simulated import Told

ASKED, APPROVED = "simulated-supervisor-1", "simulated-supervisor-2"
CENTRE = Place(lat=60.1709, lon=24.9414)
LASTS = 30 * DAY
EVERY = 10 * SECOND

SAID = (
    (
        "call",
        50,
        0.0011,
        0.0,
        "Police: theft",
        "Somebody took my bicycle in front of Kaivokatu 1. They put it into a white van, XYZ-901.",
    ),
    (
        "report",
        31,
        -0.0014,
        0.0042,
        "Parking: on the pavement",
        "A white van, XYZ-901, stands on the pavement at Mikonkatu 5 with bicycles in it.",
    ),
    (
        "call",
        12,
        0.0031,
        -0.0037,
        "Police: theft",
        "My name is Simo Simuloitu, 040 000 1234. The van of this morning is back, on Kaivokatu.",
    ),
)
"""What is told of it, once a start: word, minutes ago, degrees north and east of the centre, category, and words. All of it is made up."""


@dataclass(slots=True)
class DemonstrationCase:
    """Keeps the simulated case: there is one that stands, and whoever has enrolled is its member."""

    inside: Core
    looked: int = field(default=0)

    async def settle(self, now: int) -> None:
        """Look after it, every few seconds."""
        if now < self.looked + EVERY:
            return
        self.looked = now
        cases = Cases(log=self.inside.facts, prose=Prose(self.inside.keys), clock=clock)
        known = [one for one in await cases.all() if one.simulated and one.expires > now]
        agents = (await self.inside.facts.agents())[:MEMBERS]
        members = tuple(Member(agent=agent, role=MemberRole.INVESTIGATOR) for agent in agents)
        if members and not known:
            asked = await cases.open(self._wanted(members, now), ASKED)
            sealed = await cases.one(asked.id)
            given = {"approved_by": APPROVED, "expires": asked.wanted, "wanted": None, "asked_by": ""}
            await cases.tell(sealed.to(CaseStatus.OPEN, APPROVED, **given), APPROVED)
        elif known and known[0].stands(now) and set(members) != set(known[0].members):
            await cases.tell(known[0].changed(members=members), ASKED)

    def _wanted(self, members: tuple[Member, ...], now: int) -> Case:
        scope = Scope(
            since=now - 2 * HOUR,
            until=now + LASTS,
            kinds=tuple(InScope),
            area=Circle(centre=CENTRE, radius=800.0),
        )
        return Case(
            id="",
            agency=self.inside.install.city,
            offence="Theft of bicycles (simulated)",
            reason="Three bicycles were taken near the station within a week. All of this is made up.",
            authority="Nobody: it is the demonstration's own",
            reference="SIM 1",
            scope=scope,
            members=members,
            wanted=now + LASTS,
            simulated=True,
        )


def told(now: int) -> tuple[Told, ...]:
    """What the demonstration's callers and residents say of it, at this start."""
    return tuple(
        Told(
            word=word,
            id=f"simulated-case-{now // SECOND}-{number}",
            at=now - minutes * MINUTE,
            place=Place(lat=CENTRE.lat + north, lon=CENTRE.lon + east),
            category=category,
            said=said,
        )
        for number, (word, minutes, north, east, category, said) in enumerate(SAID)
    )
