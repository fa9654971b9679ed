"""A town with a case: two supervisors, an investigator, two reviewers, and a clock that is moved by hand."""

from __future__ import annotations

from dataclasses import dataclass

from msgspec.structs import replace
from tests.screens.town import NOW, SQUARE, Town, town

from tutela.flow.case_export import CaseExports
from tutela.flow.investigate import Investigations
from tutela.model.access import Access
from tutela.model.area import Circle
from tutela.model.case import Case, InScope, Member, MemberRole, Scope
from tutela.model.evidence import Handover
from tutela.model.link import Graph, Link
from tutela.model.people import Role
from tutela.model.when import DAY, HOUR

SCOPE = Scope(since=NOW - HOUR, until=NOW + DAY, kinds=tuple(InScope), area=Circle(centre=SQUARE, radius=500.0))
COURT = Handover(recipient="A court", agreement="R 26/77", reason="It asked for it")
SAID = "My name is Matti Meikäläinen, 040 123 4567. A man in a blue van ABC-123 drove from Kalevankatu 5."


@dataclass
class CaseTown:
    """The town, its people by how they act, and the time."""

    here: Town
    now: list[int]
    opener: Access
    approver: Access
    investigator: Access
    reviewer: Access
    second: Access
    stranger: Access

    @property
    def aid(self) -> Investigations:
        return self.here.investigations

    @property
    def exports(self) -> CaseExports:
        return CaseExports(self.aid, self.here.papers)

    def wanted(self, scope: Scope = SCOPE, days: int = 30, **changes: object) -> Case:
        members = (
            Member(agent=self.investigator.agent.id, role=MemberRole.INVESTIGATOR),
            Member(agent=self.reviewer.agent.id, role=MemberRole.REVIEWER),
            Member(agent=self.second.agent.id, role=MemberRole.REVIEWER),
        )
        made = Case(
            id="",
            agency="city",
            offence="Theft of a van",
            reason="A caller saw who took it",
            authority="Helsinki police, head of investigation",
            reference="R 26/77",
            scope=scope,
            members=members,
            wanted=self.now[0] + days * DAY,
        )
        return replace(made, **changes)

    async def case(self, scope: Scope = SCOPE, days: int = 30) -> str:
        """One that stands; its id."""
        asked = await self.here.case_acts.open(self.opener, self.wanted(scope, days))
        return (await self.here.case_acts.approve(self.approver, asked.id)).id

    async def graph(self, case: str, access: Access | None = None) -> Graph:
        return (await self.aid.read(access or self.investigator, case))[1]

    async def link(self, case: str, name: str, access: Access | None = None) -> Link:
        graph = await self.graph(case, access)
        entity = next(one.id for one in graph.entities if one.name == name)
        return next(link for link in graph.links if link.entity == entity)


async def case_town() -> CaseTown:
    now = [NOW]
    here = await town(lambda: now[0])
    await here.agreement(COURT.recipient, COURT.agreement)

    async def access(role: Role, name: str) -> Access:
        return here.access((await here.person(role, name))[0])

    return CaseTown(
        here,
        now,
        opener=await access(Role.SUPERVISOR, "Aino Aalto"),
        approver=await access(Role.SUPERVISOR, "Bo Berg"),
        investigator=await access(Role.OPERATOR, "Cai Carlsson"),
        reviewer=await access(Role.OPERATOR, "Dora Dahl"),
        second=await access(Role.SUPERVISOR, "Eva Ek"),
        stranger=await access(Role.OPERATOR, "Fia Forsman"),
    )
