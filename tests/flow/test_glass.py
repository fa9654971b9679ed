"""Break-glass opens another agency's records for life and limb, for an hour at most, in the sight of others, and is reviewed."""

from __future__ import annotations

import msgspec
import pytest
from msgspec.structs import replace
from tests.screens.town import NOW, Town, town

from tutela.errors import BadInput, Conflict, NotFound, Refused
from tutela.flow.glass import WORDS
from tutela.flow.ledger import Query
from tutela.flow.read_log import Page
from tutela.model.access import Access
from tutela.model.call import Call
from tutela.model.glass import LONGEST, REVIEW, Glass
from tutela.model.people import Role
from tutela.model.when import HOUR, MINUTE


class Night:
    """A fire brigade whose calls the city's operators may not open; and a clock that is moved by hand."""

    here: Town
    now: int = NOW

    async def begin(self) -> Night:
        self.here = await town(lambda: self.now)
        entry = self.here.facts.store.sources["calls"]
        self.here.facts.store.sources["calls"] = replace(entry, agency="fire")
        await self.here.known.refresh()
        self.call = (await self.here.call()).id
        self.operator = await self.somebody(Role.OPERATOR)
        self.supervisor = await self.somebody(Role.SUPERVISOR)
        return self

    async def somebody(self, role: Role) -> Access:
        agent, _ = await self.here.person(role, "Somebody")
        if role in {Role.OPERATOR, Role.SUPERVISOR}:
            return Access(agent=agent, purpose="emergency-response", legal_basis="VitalInterest")
        return Access(agent=agent, purpose="oversight", legal_basis="PublicInterest")

    async def broken(self, minutes: int = LONGEST) -> Glass:
        return await self.here.glass.begin(self.operator, "a child is in the house", minutes)

    async def under(self, access: Access) -> Access:
        """As the guard lets them in."""
        return replace(access, glass=await self.here.glass.glasses.standing(access.agent.id))

    async def opened(self, access: Access) -> Call:
        return await self.here.reads.desk.call(await self.under(access), self.call)


@pytest.fixture
async def night() -> Night:
    return await Night().begin()


async def test_it_opens_what_the_boundary_closes_names_itself_in_the_log_and_ends_by_itself(night: Night) -> None:
    with pytest.raises(Refused) as refused:
        await night.opened(night.operator)
    glass = await night.broken()

    assert (await night.opened(night.operator)).said
    told = msgspec.json.decode(night.here.events("query@1")[-1].body, type=Query)
    night.now += HOUR
    with pytest.raises(Refused) as again:
        await night.opened(night.operator)

    assert (refused.value.policy, again.value.policy) == ("F17-other-agency", "F17-other-agency")
    assert told.asker.glass == glass.begun.id
    assert glass.until == NOW + HOUR


async def test_it_opens_nothing_to_anybody_else_and_for_nothing_else(night: Night) -> None:
    await night.broken()
    for access in (
        night.supervisor,
        replace(night.operator, purpose="public-safety"),
        replace(night.operator, legal_basis="PublicInterest"),
    ):
        with pytest.raises(Refused) as refused:
            await night.opened(access)
        assert refused.value.policy == "F17-other-agency"


async def test_it_ends_by_hand_by_oneself_or_by_whoever_reviews(night: Night) -> None:
    first = await night.broken()
    with pytest.raises(Conflict, match="stands still"):
        await night.broken()
    with pytest.raises(Refused):
        await night.here.glass.end(night.operator, first.begun.id)  # the guard has not found it to stand
    night.now += MINUTE
    ended = await night.here.glass.end(await night.under(night.operator), first.begun.id)
    with pytest.raises(Refused):
        await night.opened(night.operator)
    second = await night.broken()
    night.now += MINUTE
    await night.here.glass.end(night.supervisor, second.begun.id)
    again = await night.here.glass.end(night.supervisor, second.begun.id)

    assert ended.until == first.begun.at + MINUTE
    assert again.until == second.begun.at + MINUTE
    assert len(night.here.events("break-glass-ended@1")) == 2


async def test_another_person_reviews_it_once(night: Night) -> None:
    glass = await night.here.glass.begin(night.supervisor, "a child is in the house")
    officer = await night.somebody(Role.PRIVACY_OFFICER)
    with pytest.raises(Refused, match="You proposed or did this yourself"):
        await night.here.glass.review(night.supervisor, glass.begun.id, fine=True, reason="it was")
    with pytest.raises(Refused, match="you did this yourself"):
        await night.here.glass.glasses.review(glass.begun.id, night.supervisor.agent.id, fine=True, reason="r")
    with pytest.raises(Refused):
        await night.here.glass.review(night.operator, glass.begun.id, fine=True, reason="it was")
    with pytest.raises(Conflict, match="stands still, and more may be read"):
        await night.here.glass.review(officer, glass.begun.id, fine=True, reason="r")
    night.now += HOUR
    assert glass.overdue(NOW + REVIEW)
    assert not glass.overdue(NOW + REVIEW - 1)

    reviewed = await night.here.glass.review(officer, glass.begun.id, fine=False, reason="the house was empty")
    with pytest.raises(Conflict, match="reviewed already"):
        await night.here.glass.review(officer, glass.begun.id, fine=True, reason="r")

    assert reviewed.review is not None
    assert (reviewed.review.fine, reviewed.review.reason) == (False, "the house was empty")
    assert not reviewed.overdue(NOW + 2 * REVIEW)


async def test_a_second_person_sees_it_at_once_and_until_somebody_reviewed_it(night: Night) -> None:
    officer, bystander = await night.somebody(Role.PRIVACY_OFFICER), await night.somebody(Role.OPERATOR)
    glass = await night.broken(10)

    async def seen(access: Access) -> list[str]:
        return [one.begun.reason for one in await night.here.glass.noticed(await night.under(access))]

    everybody = (night.operator, night.supervisor, officer, bystander)
    during = [await seen(one) for one in everybody]
    night.now += HOUR
    after = [await seen(one) for one in everybody]
    await night.here.glass.review(officer, glass.begun.id, fine=True, reason="it was")
    last = [await seen(one) for one in everybody]

    assert during == [["a child is in the house"]] * 3 + [[]]
    assert after == [[], ["a child is in the house"], ["a child is in the house"], []]
    assert last == [[], [], [], []]


async def test_words_are_sealed_and_the_list_is_read_for_a_purpose(night: Night) -> None:
    glass = await night.broken()
    night.now += HOUR
    await night.here.glass.review(night.supervisor, glass.begun.id, fine=True, reason="canary-review")
    raw = b"".join(event.body for event in night.here.facts.store.events.values())

    (found,) = await night.here.glass.listed(await night.somebody(Role.AUDITOR))
    with pytest.raises(Refused):
        await night.here.glass.listed(night.operator)

    assert found.begun.reason == "a child is in the house"
    assert b"a child" not in raw
    assert b"canary-review" not in raw


async def test_only_for_life_and_limb_with_a_reason_and_for_an_hour(night: Night) -> None:
    with pytest.raises(Refused) as refused:
        await night.here.glass.begin(replace(night.operator, purpose="public-safety"), "r")
    for reason, minutes in ((" ", 5), ("r" * (WORDS + 1), 5), ("r", 0), ("r", LONGEST + 1)):
        with pytest.raises(BadInput):
            await night.here.glass.begin(night.operator, reason, minutes)
    with pytest.raises(NotFound, match="there is no break-glass 'x'"):
        await night.here.glass.end(night.supervisor, "x")

    assert refused.value.policy == "G26-life-and-limb"
    assert night.here.events("break-glass@1") == []


async def test_whoever_follows_the_log_for_ever_does_so_without_it(night: Night) -> None:
    """A stream goes on after the hour is over."""
    fire = replace(night.supervisor, agent=replace(night.supervisor.agent, agency="fire"))
    made = await night.here.incidents.open_from_call(fire, night.call, "key")
    await night.here.incidents.involve(fire, made.id, ["fire"], "again")
    await night.here.seal()
    await night.broken()
    access = await night.under(night.operator)

    page = await anext(night.here.reads.log.follow(access, "live"))
    whole = await night.here.reads.log.events(access, "live")

    def seen(page: Page) -> int:
        return sum(one.event.subject == made.id for one in page.events)

    assert (seen(whole), seen(page)) == (2, 0)
