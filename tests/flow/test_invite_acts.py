"""Whoever is to answer for others is invited by two people; everybody else by one."""

from __future__ import annotations

import msgspec
import pytest
from tests.screens.town import NOW, Town, town

from tutela.app.inviting import anew
from tutela.errors import BadInput, NotFound, Refused
from tutela.flow.invite_acts import ANSWERING
from tutela.model.access import Access
from tutela.model.approval import ALONE, Alone, Proposal
from tutela.model.people import Role
from tutela.model.when import DAY


class Office:
    """A supervisor, a privacy officer and an auditor, and a clock that is moved by hand."""

    here: Town
    now: int = NOW

    async def begin(self) -> Office:
        self.here = await town(lambda: self.now)
        self.boss = await self.access(Role.SUPERVISOR, "system-operation")
        self.officer = await self.access(Role.PRIVACY_OFFICER, "oversight")
        self.auditor = await self.access(Role.AUDITOR, "oversight")
        return self

    async def access(self, role: Role, purpose: str, ends: int | None = None) -> Access:
        agent, _ = await self.here.staff.enrol(await self.here.staff.invite_here(role, "city", ends), "Somebody")
        return Access(agent=agent, purpose=purpose, legal_basis="PublicInterest")

    async def approved(self, proposal: Proposal) -> str:
        await self.here.approvals.vote(self.officer, proposal.id, yes=True, reason="we need one")
        self.now += DAY
        return proposal.id


@pytest.fixture
async def office() -> Office:
    return await Office().begin()


async def test_a_supervisor_is_invited_by_two_people_once(office: Office) -> None:
    invites = office.here.invites
    with pytest.raises(Refused, match="takes two people") as refused:
        await invites.invite(office.boss, Role.SUPERVISOR, "city")
    proposal = await invites.propose(office.boss, Role.SUPERVISOR, "city", None, "holidays")
    approval = await office.approved(proposal)
    for role, ends in ((Role.IT, None), (Role.SUPERVISOR, office.now + DAY)):
        with pytest.raises(Refused, match="is of something else"):
            await invites.invite(office.boss, role, "city", ends, approval)

    code = await invites.invite(office.boss, Role.SUPERVISOR, "city", None, approval)
    with pytest.raises(Refused, match="is taken"):
        await invites.invite(office.boss, Role.SUPERVISOR, "city", None, approval)

    agent, _ = await office.here.staff.enrol(code, "Bo")
    assert (agent.role, refused.value.policy, proposal.target) == (
        "supervisor",
        "G27-second-person",
        "supervisor of city",
    )


async def test_those_who_oversee_are_chosen_by_two_of_them(office: Office) -> None:
    proposal = await office.here.invites.propose(office.auditor, Role.AUDITOR, "city", None, "more work")
    approval = await office.approved(proposal)

    assert await office.here.invites.invite(office.auditor, Role.AUDITOR, "city", None, approval)


async def test_nobody_who_is_overseen_votes_on_who_oversees_them(office: Office) -> None:
    proposal = await office.here.invites.propose(office.auditor, Role.AUDITOR, "city", None, "more work")
    with pytest.raises(Refused, match="is not chosen by those who are overseen") as refused:
        await office.here.approvals.vote(office.boss, proposal.id, yes=True, reason="a friend")

    assert refused.value.policy == "F23-oversight-votes-apart"
    assert (await office.here.approvals.one(office.officer, proposal.id)).votes == ()


async def test_nobody_of_another_agency_votes_on_an_agencys_matter(office: Office) -> None:
    async def of(agency: str) -> Access:
        agent, _ = await office.here.person(Role.SUPERVISOR, "Bo", agency)
        return Access(agent=agent, purpose="system-operation", legal_basis="PublicInterest")

    proposal = await office.here.invites.propose(await of("fire"), Role.IT, "fire", None, "more work")
    for who in (await of("police"), office.boss, office.officer):
        with pytest.raises(Refused, match="another agency's matter") as refused:
            await office.here.approvals.vote(who, proposal.id, yes=False, reason="theirs")
        assert refused.value.policy == "F22-own-agency-votes"

    voted = await office.here.approvals.vote(await of("fire"), proposal.id, yes=True, reason="we need one")
    assert voted.stage == "approved"


async def test_all_others_are_invited_by_one_person_at_once(office: Office) -> None:
    for role in set(Role) - ANSWERING:
        assert await office.here.invites.invite(office.boss, role, "city")
        with pytest.raises(BadInput, match="needs nobody else"):
            await office.here.invites.propose(office.boss, role, "city", None, "r")


async def test_who_may_not_invite_may_not_propose_it_either(office: Office) -> None:
    operator = await office.access(Role.OPERATOR, "system-operation")
    with pytest.raises(Refused):
        await office.here.invites.propose(operator, Role.SUPERVISOR, "city", None, "r")
    with pytest.raises(Refused):
        await office.here.invites.propose(office.boss, Role.AUDITOR, "city", None, "r")
    with pytest.raises(NotFound):
        await office.here.invites.propose_again(office.boss, "nobody", NOW + DAY, "r")
    assert office.here.events("proposal@1") == []


async def test_who_comes_again_as_they_are_needs_nobody_else_and_for_longer_somebody(office: Office) -> None:
    invites, ends = office.here.invites, NOW + 5 * DAY
    known = (await office.access(Role.SUPERVISOR, "system-operation", ends)).agent.id
    other = (await office.access(Role.OPERATOR, "system-operation", ends)).agent.id
    for agent, until in ((known, None), (known, ends - DAY), (other, ends + DAY)):
        assert await invites.invite_again(office.boss, agent, until)
        with pytest.raises(BadInput, match="lasts no longer"):
            await invites.propose_again(office.boss, agent, until or ends, "r")

    with pytest.raises(Refused, match="takes two people"):
        await invites.invite_again(office.boss, known, ends + DAY)
    approval = await office.approved(await invites.propose_again(office.boss, known, ends + DAY, "longer"))
    again, _ = await office.here.staff.enrol(await invites.invite_again(office.boss, known, ends + DAY, approval), "")

    assert (again.id, again.until) == (known, ends + DAY)


async def test_an_end_that_is_past_is_told_before_the_approval_is_taken(office: Office) -> None:
    invites, ends = office.here.invites, NOW + DAY
    known = (await office.access(Role.SUPERVISOR, "system-operation", NOW + 1)).agent.id
    approval = await office.approved(await invites.propose(office.boss, Role.SUPERVISOR, "city", ends, "holidays"))
    longer = await invites.propose_again(office.boss, known, office.now + DAY, "longer")
    await office.here.approvals.vote(office.officer, longer.id, yes=True, reason="we need one")
    office.now += 2 * DAY

    for act in (
        invites.invite(office.boss, Role.SUPERVISOR, "city", ends, approval),
        invites.invite_again(office.boss, known, ends + DAY, longer.id),
        invites.propose(office.boss, Role.SUPERVISOR, "city", ends, "holidays"),
        invites.propose_again(office.boss, known, ends, "longer"),
    ):
        with pytest.raises(BadInput, match="give it an end that is still to come"):
            await act
    assert office.here.events("proposal-taken@1") == []


@pytest.mark.parametrize(
    ("role", "ends", "told"),
    [
        (Role.SUPERVISOR, NOW + 6 * DAY, 1),
        (Role.SUPERVISOR, NOW + 4 * DAY, 0),
        (Role.SUPERVISOR, None, 0),
        (Role.OPERATOR, NOW + 6 * DAY, 0),
    ],
)
async def test_at_the_machine_it_is_written_down_that_who_answers_for_others_does_so_for_longer(
    office: Office, role: Role, ends: int | None, told: int
) -> None:
    known = (await office.access(role, "system-operation", NOW + 5 * DAY)).agent.id

    for_, code = await anew(office.here.staff, office.here.approvals.approvals, known, ends)

    alone = [msgspec.json.decode(event.body, type=Alone) for event in office.here.events(ALONE)]
    assert (for_, len(alone)) == (role, told)
    assert all((one.matter, one.target) == ("invitation", known) for one in alone)
    again, _ = await office.here.staff.enrol(code, "")
    assert again.until == (ends or NOW + 5 * DAY)
