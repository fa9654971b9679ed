"""A person gets all that is kept of them and may be shown, each record named in the log, and nothing of anybody else."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.flow.test_rights import Case
from tests.screens.town import SQUARE, source

from tutela.errors import Refused, WrongStep
from tutela.flow.entering import enter
from tutela.flow.ledger import Denial, Query
from tutela.flow.redact import LEFT_OUT
from tutela.flow.subject_access import Wanted, Yours, numbers, plain
from tutela.model.people import Role
from tutela.model.reporting import Filing
from tutela.model.rights import Claim, Right
from tutela.model.when import DAY

LIISA = Claim(
    name="Liisa Mäki",
    contact="liisa@example.org",
    words="What is kept of me?",
    names=("Liisa Virtanen",),
    phones=("040 000 0000",),
)


class Known(Case):
    """Calls, reports, a post and an incident, of her and of others; her request, with who she is checked."""

    async def begin(self, right: Right = Right.ACCESS) -> Known:
        await super().begin(right)
        self.filed = await self.here.rights.file(right, LIISA)
        self.call = (await self.here.call("My stairs are on fire, ask Pekka next door.")).id
        self.other = await self.here.report("LIISA  MAKI's hedge is over the pavement, says Pekka.")
        self.stranger = await self.here.report("A tree lies across the pavement of Liisankatu.")
        self.post = await self.here.post("Everybody knows that Liisa Virtanen burns rubbish")
        agent, _ = await self.here.person(Role.OPERATOR, "Aino")
        self.access = access = self.here.access(agent)
        self.incident = (await self.here.incidents.open_from_call(access, self.call, "1")).id
        await self.here.incidents.note(access, self.incident, "Liisa Mäki is safe. Pekka is not.", "2")
        await self.here.incidents.open_from_call(access, (await self.here.call("Smoke!")).id, "3")
        await self.here.rights_acts.identify(self.me, self.id, "passport")
        await self.here.seal()
        return self

    async def found(self, *own: str) -> Yours:
        return await self.here.rights_acts.answer(self.me, self.id, own)


@pytest.fixture
async def known() -> Known:
    return await Known().begin()


async def test_nothing_of_anybody_is_shown_before_it_was_checked_who_asks(known: Known) -> None:
    known.filed = await known.here.rights.file(Right.ACCESS, LIISA)
    with pytest.raises(WrongStep, match="first check who asks, and say how"):
        await known.found()


async def test_everything_that_names_her_is_found_and_nothing_else(known: Known) -> None:
    found = await known.found()

    # The second call is by the same number: the tests have one caller.
    assert {one.id for one in found.records} >= {known.call, known.other, known.post, known.incident}
    assert known.stranger not in {one.id for one in found.records}
    assert found.searched == {"call": 2, "incident": 2, "post": 1, "report": 2}
    assert (found.erased, found.not_shown) == (0, {})


async def test_every_record_that_is_shown_is_named_singly_in_the_log(known: Known) -> None:
    found = await known.found()
    said = msgspec.json.decode(known.here.events("query@1")[-1].body, type=Query)

    assert said.persons == found.persons == tuple(one.id for one in found.records)
    assert said.asker.purpose == "rights-request"
    assert known.id in said.query


async def test_what_is_said_to_be_hers_is_whole_and_of_all_else_words_place_and_person_are_left_out(
    known: Known,
) -> None:
    found = {one.id: one for one in (await known.found(known.call)).records}

    assert found[known.call].own
    assert found[known.call].record["said"] == "My stairs are on fire, ask Pekka next door."
    for id_ in (known.other, known.post, known.incident):
        assert not found[id_].own
        assert "Pekka" not in str(found[id_].record)
        assert "60.16" not in str(found[id_].record)
    assert found[known.other].record["said"] == LEFT_OUT
    assert found[known.other].record["category"] == "Trees: fallen tree"


@pytest.mark.parametrize("claimed", [{"name": "358"}, {"phones": ("400 000 000",)}])
async def test_a_call_is_not_hers_because_a_word_or_the_end_of_a_number_matches_its_caller(
    known: Known, claimed: dict[str, Any]
) -> None:
    claim = msgspec.structs.replace(Claim(name="Eva", contact="eva@example.org", words="Mine?"), **claimed)
    known.filed = await known.here.rights.file(Right.ACCESS, claim)
    await known.here.rights_acts.identify(known.me, known.id, "passport")
    found = await known.found()

    assert known.call in found.persons
    assert not any(one.own for one in found.records)
    assert "stairs" not in str(found.records)
    assert "+358" not in str(found.records)


async def test_a_person_says_which_records_are_hers_and_it_is_written_down_that_they_did(known: Known) -> None:
    found = {one.id: one for one in (await known.found(known.other)).records}

    assert "hedge" in found[known.other].record["said"]
    said = msgspec.json.decode(known.here.events("query@1")[-1].body, type=Query)
    assert said.query.endswith(f", whole: {known.other}")


async def test_a_record_that_does_not_name_her_is_not_hers_whoever_says_so(known: Known) -> None:
    assert known.stranger not in {one.id for one in (await known.found(known.stranger)).records}


async def test_what_may_not_be_shown_is_counted_by_the_policy_that_says_so(known: Known) -> None:
    await enter(
        known.here.facts,
        msgspec.structs.replace(source("calls", "emergency-response", personal=True), agency="fire"),
        "install",
        known.now,
    )
    await known.here.known.refresh()
    known.now += 2 * DAY  # the post's time is over

    found = await known.found()
    assert found.not_shown == {"F07-retention": 1, "F17-other-agency": 2}
    assert {one.kind for one in found.records} == {"report", "incident"}
    said = [msgspec.json.decode(one.body, type=Denial) for one in known.here.events("refusal@1")]
    assert sorted((one.policy, one.query.partition(" ")[0]) for one in said) == [
        ("F07-retention", "1"),
        ("F17-other-agency", "2"),
    ]
    assert {one.asker.agent for one in said} == {known.me.agent.id}


async def test_what_is_past_its_time_is_counted_and_not_shown_to_anybody(known: Known) -> None:
    known.now += 8 * 365 * DAY

    found = await known.found()
    assert (found.records, found.not_shown) == ((), {"F07-retention": 5})


async def test_what_is_erased_is_counted_and_not_guessed(known: Known) -> None:
    for key in await known.here.keys.in_use():
        if "/calls/" in key.bucket:
            await known.here.keys.destroy(key.id)

    found = await known.found()
    assert found.erased == 2
    assert "call" not in {one.kind for one in found.records}


async def test_only_for_the_purpose_of_a_request(known: Known) -> None:
    with pytest.raises(Refused):
        await known.here.rights_acts.answer(known.here.access(known.me.agent), known.id)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("the sister of LIISA MÄKI called", True),
        ("Liisa-Maki", True),
        ("Liisa Mäkinen", False),
        ("Anneliisa Mäki", False),
        ("write to liisa@example.org", True),
        ("call +358 40 000 0000 or come", True),
        ("call 0400000000", True),
        ("call +358 40 000 0001", False),
        ("at 12:30 on 2026-11-25, 40 people", False),
    ],
)
def test_a_name_is_found_in_other_letters_and_a_number_however_it_is_written(text: str, *, named: bool) -> None:
    assert Wanted.of(LIISA).names(text) is named


@given(st.text())
def test_any_text_can_be_looked_through(text: str) -> None:
    assert plain(plain(text)) == plain(text)
    assert all(one.isdigit() and len(one) >= 7 for one in numbers(text))
    Wanted.of(LIISA).names(text)


async def test_a_claim_without_a_single_letter_finds_nobody(known: Known) -> None:
    known.filed = await known.here.rights.file(Right.ACCESS, Claim(name="…", contact="!", words="me"))
    await known.here.rights_acts.identify(known.me, known.id, "passport")

    assert (await known.found()).records == ()


async def test_a_report_is_found_by_how_its_reporter_is_reached_and_says_where_it_is_to_them_alone(
    known: Known,
) -> None:
    wanted = Filing(
        category="Lighting: lamp out",
        place=SQUARE,
        words="Dark since Monday.",
        contact="liisa@example.org",
        key="form-1",
        blur=True,
    )
    sent = await known.here.reporting.file(wanted)
    report, _ = await known.here.handlings.numbered(sent.number)
    await known.here.seal()

    (mine,) = [one for one in (await known.found(report.id)).records if one.id == report.id]
    (others,) = [one for one in (await known.found()).records if one.id == report.id]

    assert (mine.record["contact"], mine.record["exact"]["lat"]) == ("liisa@example.org", SQUARE.lat)
    assert (others.record["contact"], others.record["exact"], others.record["said"]) == (LEFT_OUT,) * 3
