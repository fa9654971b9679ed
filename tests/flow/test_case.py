"""A case gives nothing before two people said so, nothing after its end, and only to those whom it names."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace
from tests.flow.case_support import SCOPE, CaseTown, case_town
from tests.screens.town import NOW, SQUARE

from tutela.errors import BadInput, Conflict, NotFound, Refused, WrongStep
from tutela.flow.case import MEMBERS, NAMED
from tutela.model.access import Ask
from tutela.model.area import Circle
from tutela.model.case import STEPS, CaseStatus, InScope, Member, MemberRole, newest
from tutela.model.link import Vote
from tutela.model.when import DAY


@pytest.fixture
async def there() -> CaseTown:
    return await case_town()


async def test_a_case_that_only_one_person_wants_finds_nothing(there: CaseTown) -> None:
    await there.here.call()
    asked = await there.here.case_acts.open(there.opener, there.wanted())

    with pytest.raises(Refused) as refused:
        await there.aid.read(there.investigator, asked.id)
    assert refused.value.policy == "G28-case"
    with pytest.raises(WrongStep, match="who asked can't approve it as well"):
        await there.here.case_acts.approve(there.opener, asked.id)

    case = await there.here.case_acts.approve(there.approver, asked.id)
    assert (case.status, case.opened_by, case.approved_by) == (
        CaseStatus.OPEN,
        there.opener.agent.id,
        there.approver.agent.id,
    )
    assert len((await there.graph(case.id)).items) == 1


async def test_after_its_end_and_after_it_is_closed_a_case_finds_nothing(there: CaseTown) -> None:
    await there.here.call()
    ended, closed = await there.case(days=1), await there.case(days=3)
    assert (await there.graph(ended)).items

    there.now[0] += DAY
    with pytest.raises(Refused, match="only in a case that stands"):
        await there.aid.search(there.investigator, ended, "stairs")
    assert (await there.graph(closed)).items
    await there.here.case_acts.close(there.opener, closed)
    with pytest.raises(Refused, match="only in a case that stands"):
        await there.aid.read(there.investigator, closed)


async def test_a_later_end_is_asked_for_by_one_person_and_approved_by_another(there: CaseTown) -> None:
    case, acts = await there.case(days=1), there.here.case_acts
    asked = await acts.extend(there.approver, case, NOW + 60 * DAY)
    assert asked.expires == NOW + DAY
    with pytest.raises(WrongStep, match="who asked"):
        await acts.approve(there.approver, case)
    there.now[0] += 2 * DAY
    with pytest.raises(Refused):
        await there.aid.read(there.investigator, case)

    assert (await acts.approve(there.opener, case)).expires == NOW + 60 * DAY
    assert (await there.graph(case)).items == ()
    with pytest.raises(WrongStep, match="nothing waits"):
        await acts.approve(there.opener, case)
    with pytest.raises(BadInput, match="ends within 90 days"):
        await acts.extend(there.approver, case, there.now[0] + 91 * DAY)


async def test_what_ended_is_not_extended_and_an_end_that_is_over_is_not_approved(there: CaseTown) -> None:
    case = await there.case(days=1)
    there.now[0] += 1
    asked = await there.here.case_acts.open(there.opener, there.wanted(days=1))
    there.now[0] += DAY

    with pytest.raises(WrongStep, match="the end that was asked for is over"):
        await there.here.case_acts.approve(there.approver, asked.id)
    with pytest.raises(WrongStep, match="does not stand"):
        await there.here.case_acts.extend(there.opener, case, there.now[0] + DAY)
    with pytest.raises(WrongStep, match="a case that is closed can't become open"):
        (await there.here.case_acts.close(there.opener, asked.id)).to(CaseStatus.OPEN, "somebody")
    assert STEPS[CaseStatus.CLOSED] == set()


async def test_whoever_is_no_member_is_refused_and_learns_not_even_whether_there_is_one(there: CaseTown) -> None:
    case = await there.case()
    messages = set()
    for access, id_ in ((there.stranger, case), (there.opener, case), (there.stranger, "none")):
        with pytest.raises(Refused) as refused:
            await there.aid.read(access, id_)
        messages.add((refused.value.policy, refused.value.message))

    assert len(messages) == 1
    assert len(there.here.events("refusal@1")) == 3


async def test_policies_that_permit_everything_do_not_open_a_case(there: CaseTown) -> None:
    """The code asks for itself as well: a set of policies that lost the rule opens nothing."""

    class Lax:
        digest = "lax"

        def check(self, ask: Ask) -> None:
            del ask

    case = await there.case()
    there.here.ledger._policy = Lax()

    with pytest.raises(Refused, match="Only a member of a case that stands"):
        await there.aid.read(there.stranger, case)


async def test_an_operator_sees_their_own_cases_and_a_supervisor_all_of_the_agency(there: CaseTown) -> None:
    case, listed = await there.case(), there.here.case_acts.listed
    chief = there.here.access((await there.here.person(there.opener.agent.role, "Kaarina", "fire"))[0])
    theirs = await there.here.case_acts.open(chief, there.wanted())

    assert [one.id for one in await listed(there.investigator)] == [case]
    assert [one.reason for one in await listed(there.opener)] == ["A caller saw who took it"]
    assert await listed(there.stranger) == []
    assert [one.id for one in await listed(chief)] == [case, theirs.id]  # what is the city's is everybody's
    with pytest.raises(Refused, match="another agency's"):
        await there.here.case_acts.approve(there.approver, theirs.id)


async def test_what_a_case_says_is_sealed_in_the_log(there: CaseTown) -> None:
    await there.case()

    told = there.here.events("case@1")
    assert [one.revision for one in newest(told)] == [1]
    assert all(b"van" not in event.body and b"caller" not in event.body for event in told)
    assert newest([*reversed(told), *told]) == newest(told)


async def test_of_two_steps_at_one_moment_one_is_taken_and_the_other_one_is_told(there: CaseTown) -> None:
    asked = await there.here.case_acts.open(there.opener, there.wanted())
    before = await there.here.cases.one(asked.id)
    await there.here.case_acts.approve(there.approver, asked.id)

    with pytest.raises(Conflict, match="changed this case"):
        await there.here.cases.tell(before.to(CaseStatus.CLOSED, "x"), "x")
    with pytest.raises(Conflict, match="was done already"):
        await vote_twice(there, asked.id)
    with pytest.raises(NotFound, match="there is no case 'none'"):
        await there.here.case_acts.approve(there.approver, "none")


async def vote_twice(there: CaseTown, case: str) -> None:
    for verdict in ("one", "another"):
        await there.here.cases.write("case-vote@1", "somebody", case, Vote(link="l", verdict=verdict), NAMED_ID)


NAMED_ID = "0189d0f3-0000-8000-8000-000000000000"
MEMBER = Member(agent="a", role=MemberRole.REVIEWER)
WRONG = (
    ({"offence": " "}, "needs its offence"),
    ({"reference": "x" * 2001}, "needs its reference"),
    ({"members": ()}, "names its members"),
    ({"members": (MEMBER, MEMBER)}, "nobody with the id 'a'"),
    ({"members": tuple(replace(MEMBER, agent=str(one)) for one in range(MEMBERS + 1))}, "nobody with the id '0'"),
    ({"wanted": NOW}, "ends within 90 days"),
    ({"wanted": NOW + 91 * DAY}, "ends within 90 days"),
    ({"wanted": None}, "ends within 90 days"),
    ({"scope": replace(SCOPE, kinds=())}, "names the sorts"),
    ({"scope": replace(SCOPE, kinds=(InScope.CALL, InScope.CALL))}, "names the sorts"),
    ({"scope": replace(SCOPE, area=None)}, "nobody searches everything"),
    ({"scope": replace(SCOPE, ids=tuple(map(str, range(NAMED + 1))))}, "nobody searches everything"),
    ({"scope": replace(SCOPE, until=SCOPE.since)}, "begins before it ends"),
    ({"scope": replace(SCOPE, since=NOW - 800 * DAY)}, "begins before it ends"),
    ({"scope": replace(SCOPE, area=Circle(centre=SQUARE, radius=5001.0))}, "reaches 5 km at most"),
    ({"scope": replace(SCOPE, area=Circle(centre=SQUARE, radius=50_000.0))}, "cut it into parts"),
)


@pytest.mark.parametrize(("changes", "says"), WRONG)
async def test_a_case_that_lacks_something_or_reaches_too_far_is_refused(
    there: CaseTown, changes: dict[str, Any], says: str
) -> None:
    with pytest.raises(BadInput, match=says):
        await there.here.case_acts.open(there.opener, there.wanted(**changes))
    assert there.here.events("case@1") == []


async def test_a_member_is_named_once(there: CaseTown) -> None:
    one = Member(agent=there.investigator.agent.id, role=MemberRole.REVIEWER)

    with pytest.raises(BadInput, match="each once"):
        await there.here.case_acts.open(there.opener, there.wanted(members=(one, one)))


async def test_a_case_of_a_named_record_needs_no_area(there: CaseTown) -> None:
    call = await there.here.call()
    await there.here.call()
    case = await there.case(replace(SCOPE, area=None, ids=(call.id,)))

    assert [item.id for item in (await there.graph(case)).items] == [call.id]
