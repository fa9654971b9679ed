"""One decision per group, one event per query, one per refusal, and no event means no read."""

from __future__ import annotations

import msgspec
import pytest
from msgspec.structs import replace
from tests.flow.read_support import City, access, city

from tutela.errors import Refused
from tutela.flow import ledger
from tutela.flow.ledger import Denial
from tutela.model.access import Ask
from tutela.model.people import Factor, Role
from tutela.model.when import SECOND
from tutela.policy.purposes import Action, ask


@pytest.fixture
async def here() -> City:
    return await city()


async def test_a_decision_is_made_once_for_all_who_ask_the_same(here: City) -> None:
    one = ask(access(), Action.READ, "alerts", here.now[0])
    colleague = replace(one, access=replace(one.access, agent=replace(one.access.agent, id="other", name="Oskari")))

    assert here.ledger.may(one)
    assert here.ledger.may(replace(colleague, now=one.now + 1))

    assert len(here.policy.asked) == 1


async def test_another_question_is_another_decision(here: City) -> None:
    one = ask(access(), Action.READ, "alerts", here.now[0])

    assert here.ledger.may(one)
    assert here.ledger.may(replace(one, expires=one.now + 1))
    assert not here.ledger.may(replace(one, expires=one.now))
    assert not here.ledger.may(replace(one, record_purposes=("neighbourhood",)))
    assert here.ledger.may(replace(one, access=replace(one.access, factor=Factor.PASSKEY)))

    assert len(here.policy.asked) == 4


async def test_a_decision_holds_for_five_seconds(here: City) -> None:
    one = ask(access(), Action.READ, "alerts", here.now[0])
    here.ledger.may(one)

    here.now[0] += 5 * SECOND
    here.ledger.may(one)
    assert len(here.policy.asked) == 1

    here.now[0] += 1
    here.ledger.may(one)
    assert len(here.policy.asked) == 2


async def test_a_clock_that_goes_back_keeps_no_decision_alive(here: City) -> None:
    one = ask(access(), Action.READ, "alerts", here.now[0])
    here.ledger.may(one)

    here.now[0] -= SECOND
    here.ledger.may(one)

    assert len(here.policy.asked) == 2


async def test_a_decision_in_a_joint_case_holds_for_no_other_question(here: City) -> None:
    theirs = ask(access(agency="police"), Action.READ, "incidents", here.now[0], agency="fire")

    assert here.ledger.may(replace(theirs, joint=True))
    assert not here.ledger.may(theirs)


async def test_decisions_need_bounded_memory(here: City, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "MOST", 2)
    for purpose in ("A", "B", "C", "A"):
        here.ledger.may(ask(access(purpose=purpose), Action.READ, "alerts", here.now[0]))

    assert len(here.policy.asked) == 4
    assert len(here.ledger._decided) <= 2


async def test_what_is_permitted_leaves_no_refusal(here: City) -> None:
    await here.ledger.must(ask(access(), Action.READ, "alerts", here.now[0]), "live", "open alerts")

    assert not here.facts.store.events


async def test_a_refusal_is_written_down_and_raised(here: City) -> None:
    for _ in range(2):
        with pytest.raises(Refused, match="collected for another purpose"):
            await here.ledger.must(
                ask(access(purpose="curiosity"), Action.READ, "alerts", here.now[0]), "live", "open alerts"
            )

    (denial, again) = here.denials()
    assert denial == again
    assert denial.policy == "F06-purpose-limitation"
    assert denial.query == "open alerts"
    assert denial.asker.agent == "operator-1"
    assert denial.asker.purpose == "curiosity"
    (event, _) = here.events("refusal@1")
    assert (event.by, event.timeline, event.at) == ("operator-1", "live", here.now[0])


async def test_a_query_is_written_down_without_names_of_people(here: City) -> None:
    who = replace(access(Role.SUPERVISOR), case="C-17")

    await here.ledger.wrote(who, "live", "two calls", ("b", "a"), persons=("a",))
    await here.ledger.wrote(who, "live", "two calls", ("a", "b"), persons=("a",))

    (first, second) = here.queries()
    assert (first.count, first.persons, first.asker.case) == (2, ("a",), "C-17")
    assert first.ids != second.ids
    assert b"Aino" not in here.events("query@1")[0].body


async def test_when_it_can_not_be_written_down_nothing_is_shown(here: City) -> None:
    here.facts.down = True

    with pytest.raises(Refused) as query:
        await here.ledger.wrote(access(), "live", "open alerts", ())
    with pytest.raises(Refused) as refusal:
        await here.ledger.must(ask(access(purpose="curiosity"), Action.READ, "alerts", here.now[0]), "live", "alerts")

    assert query.value.policy == refusal.value.policy == "G33-audit"


async def test_the_log_says_which_policies_decided(here: City) -> None:
    await here.ledger.wrote(access(), "live", "everything", ["a"])
    with pytest.raises(Refused):
        await here.ledger.must(ask(access(Role.ANALYST), Action.ACT, "alerts", here.now[0]), "live", "acting")

    assert [one.policies for one in here.queries()] == [here.policy.digest]
    assert [one.policies for one in here.denials()] == [here.policy.digest]


async def test_what_is_refused_at_the_machine_is_written_down_as_of_whoever_holds_it(here: City) -> None:
    await here.ledger.refuse_here("install", "enter air.toml", Refused("No.", policy="R01-person-scores"))

    [event], [told] = here.events("refusal@1"), here.denials()
    assert (event.by, event.timeline) == ("install", "live")
    assert (told.asker.agent, told.asker.role, told.query) == ("install", "", "enter air.toml")
    assert (told.policy, told.says) == ("R01-person-scores", "No.")


async def test_a_refusal_tells_the_question_and_all_policies_that_refuse(here: City) -> None:
    def wanted(role: Role, purpose: str) -> Ask:
        return ask(access(role, purpose), Action.READ, "call-contents", here.now[0])

    for role, purpose in ((Role.ANALYST, "curiosity"), (Role.ANALYST, "curiosity"), (Role.AUDITOR, "curiosity")):
        with pytest.raises(Refused):
            await here.ledger.must(wanted(role, purpose), "live", "calls")
    one, same, other = (msgspec.json.decode(event.body, type=Denial) for event in here.events("refusal@1"))

    assert (one.policy, one.also) == ("F06-purpose-limitation", ("F16-personal-data-duty",))
    assert (len(one.request), one.request) == (64, same.request)
    assert other.request != one.request
