"""A search for oneself, for a colleague, or far more often than usual needs a reason, and those who oversee are told (G28)."""

from __future__ import annotations

import msgspec
import pytest
from tests.flow.case_support import CaseTown, case_town

from tutela.errors import BadInput, Refused
from tutela.flow.lookups import FLAGS, LEAST
from tutela.flow.oversee import Oversight
from tutela.model.access import Access
from tutela.model.flow import encode
from tutela.model.link import Flag
from tutela.model.people import Role
from tutela.model.when import DAY


@pytest.fixture
async def there() -> CaseTown:
    return await case_town()


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("cai carlsson", "own-name"),
        ("Carlsson", "own-name"),
        ("Berg, Bo", "colleague"),
        ("bo berg 040", "colleague"),
        ("carlsson.", "own-name"),
        ("(Carlsson)", "own-name"),
        ("Carlsson040", "own-name"),
        ("cai_carlsson", "own-name"),
    ],
)
async def test_ones_own_and_a_colleagues_name_need_a_reason_and_are_flagged(
    there: CaseTown, words: str, why: str
) -> None:
    case = await there.case()

    with pytest.raises(Refused, match="Say in `reason` why you need it") as refused:
        await there.aid.search(there.investigator, case, words)
    assert refused.value.policy == "G28-reason"
    assert there.here.events("lookup-flag@1") == []
    assert there.here.events("case-search@1") == []
    (denial,) = there.here.events("refusal@1")
    assert why.encode() in denial.body
    assert b"arlsson" not in denial.body

    await there.aid.search(there.investigator, case, words, "A witness named this person")
    (event,) = await there.here.facts.about(FLAGS)
    flag = msgspec.json.decode(event.body, type=Flag)
    assert (flag.case, flag.agent, flag.why) == (case, there.investigator.agent.id, why)
    assert await there.here.cases.prose.words(flag.reason) == "A witness named this person"
    assert b"witness" not in event.body


async def test_nobody_elses_name_needs_one(there: CaseTown) -> None:
    case, aid = await there.case(), there.aid

    for _ in range(2):
        await aid.search(there.investigator, case, "Onni Olli")

    assert there.here.events("lookup-flag@1") == []


async def test_a_name_that_was_erased_is_nobodys(there: CaseTown) -> None:
    told = [one for one in await there.here.facts.about(there.approver.agent.id) if one.kind == "agent@1"]
    await there.here.keys.destroy(told[0].key or "")
    there.here.facts.store.agents["somebody"] = there.approver.agent

    await there.aid.search(there.investigator, await there.case(), "Bo Berg")

    assert there.here.events("lookup-flag@1") == []


async def test_far_more_searches_than_usual_need_a_reason(there: CaseTown) -> None:
    case = await there.case()
    for _ in range(LEAST):
        await there.aid.search(there.investigator, case, "van")

    with pytest.raises(Refused, match="far more often today"):
        await there.aid.search(there.investigator, case, "van")
    await there.aid.search(there.investigator, case, "van", "The court sits today")

    (event,) = there.here.events("lookup-flag@1")
    assert msgspec.json.decode(event.body, type=Flag).why == "rate"
    await there.aid.search(there.reviewer, case, "van")  # others go on


async def test_what_is_usual_for_somebody_is_what_they_did_on_other_days(there: CaseTown) -> None:
    case = await there.case()
    for _ in range(3):
        for _ in range(10):
            await there.aid.search(there.investigator, case, "van")
        there.now[0] += DAY
    for _ in range(30):
        await there.aid.search(there.investigator, case, "van")

    with pytest.raises(Refused, match="far more often today"):
        await there.aid.search(there.investigator, case, "van")


@pytest.mark.parametrize("words", ["carlsso", "arlsson", "arls", "carl sson"])
async def test_a_piece_of_a_name_needs_no_reason_and_finds_nothing(there: CaseTown, words: str) -> None:
    await there.here.call("My name is Cai Carlsson, and I saw it.")

    assert (await there.aid.search(there.investigator, await there.case(), words)).items == ()
    assert there.here.events("lookup-flag@1") == []


@pytest.mark.parametrize(
    ("words", "reason"), [(" x ", ""), (",", ""), (" ., -- ", ""), ("a,", ""), ("x" * 201, ""), ("van", "r" * 201)]
)
async def test_a_search_has_two_to_two_hundred_letters(there: CaseTown, words: str, reason: str) -> None:
    with pytest.raises(BadInput, match="search for 2 to 200 letters"):
        await there.aid.search(there.investigator, await there.case(), words, reason)


async def test_those_who_oversee_see_each_flag_and_no_word_of_what_was_searched(there: CaseTown) -> None:
    case = await there.case()
    await there.aid.search(there.investigator, case, "Bo Berg", "A witness named this person")
    await there.here.seal()
    agent, _ = await there.here.person(Role.AUDITOR, "Maija")
    access = Access(agent=agent, purpose="oversight", legal_basis="LegalObligation")

    found = await Oversight(
        ledger=there.here.ledger, log=there.here.facts, chance=bytes, named=there.here.staff.named
    ).look(access, 1, 0)

    assert [(one.by, one.case, one.why) for one in found.flags] == [(there.investigator.agent.id, case, "colleague")]
    assert b"Berg" not in encode(found)
