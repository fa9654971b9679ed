"""Anybody asks about themselves; the clock is the law's; and only a named person's decision ends it."""

from __future__ import annotations

from collections import Counter
from datetime import date

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.screens.town import NOW, Town, town

from tutela.errors import BadInput, Conflict, NotFound, Refused, WrongStep
from tutela.flow.ledger import Query
from tutela.flow.rights import ANYBODY, MOST, Decision, Filed
from tutela.model.access import Access
from tutela.model.people import Role
from tutela.model.rights import EXEMPTIONS, KIND, OVER, STEPS, SUBJECT, Claim, Right, RightsStatus, months_on
from tutela.model.when import DAY, iso, parse

CLAIM = Claim(name="Liisa Mäki", contact="liisa@example.org", words="What is kept of me?")
REFUSED = Decision(
    outcome=RightsStatus.REFUSED, reasons="It is a case.", exemption="investigation", complain="The ombudsman"
)


class Case:
    """A town whose clock is moved by hand, a privacy officer, and a request."""

    here: Town
    now: int = NOW

    async def begin(self, right: Right = Right.ACCESS) -> Case:
        self.here = await town(lambda: self.now)
        agent, _ = await self.here.person(Role.PRIVACY_OFFICER, "Pia")
        self.me = Access(agent=agent, purpose="rights-request", legal_basis="LegalObligation")
        self.filed: Filed = await self.here.rights.file(right, CLAIM)
        return self

    @property
    def id(self) -> str:
        return self.filed.reference

    async def end(self, decision: Decision) -> None:
        await self.here.rights_acts.decide(self.me, self.id, decision)


@pytest.fixture
async def case() -> Case:
    return await Case().begin()


async def test_whoever_filed_sees_how_it_stands_by_reference_and_secret_and_nothing_that_they_wrote(case: Case) -> None:
    stands = await case.here.rights.status(f" {case.id.lower()} ", case.filed.secret.lower())

    assert (stands.right, stands.status, stands.days_left) == (Right.ACCESS, RightsStatus.RECEIVED, 30)
    assert "Mäki" not in str(stands)
    for reference, secret in ((case.id, "another"), ("AAAA-AAAA", case.filed.secret)):
        with pytest.raises(NotFound, match="no request has this reference and this secret"):
            await case.here.rights.status(reference, secret)


async def test_what_somebody_writes_is_sealed_and_their_secret_is_nowhere(case: Case) -> None:
    (event,) = await case.here.facts.about(SUBJECT)

    assert (event.by, event.kind) == (ANYBODY, KIND)
    assert not [word for word in ("Liisa", "liisa", "kept of me", case.filed.secret) if word.encode() in event.body]


@pytest.mark.parametrize(
    ("filed", "due"),
    [
        ("2026-11-25T08:00:00Z", "2026-12-25T22:00:00.000Z"),  # the end of the 25th in Helsinki
        ("2027-01-31T10:00:00Z", "2027-02-28T22:00:00.000Z"),  # there is no 31st of February
        ("2028-01-30T22:30:00Z", "2028-02-29T22:00:00.000Z"),  # it is the 31st in Helsinki, and 2028 has a 29th
        ("2027-02-28T10:00:00Z", "2027-03-28T21:00:00.000Z"),  # summer time begins that night
    ],
)
async def test_the_clock_is_a_calendar_month_of_the_city_to_the_end_of_its_last_day(filed: str, due: str) -> None:
    case = Case()
    case.now = parse(filed)
    await case.begin()

    assert iso(case.filed.due) == due


@given(st.dates(date(1970, 1, 1), date(2200, 1, 1)), st.integers(1, 36))
def test_months_on_is_the_same_day_or_the_last_of_a_shorter_month(day: date, months: int) -> None:
    later = months_on(day, months)

    assert (later.year * 12 + later.month) - (day.year * 12 + day.month) == months
    assert later.day == day.day or (later.day < day.day and months_on(later, 1).day == later.day)


async def test_a_request_is_put_off_once_by_two_months_and_the_reason_is_told_to_the_person(case: Case) -> None:
    await case.here.rights_acts.extend(case.me, case.id, "Six agencies have records.")
    stands = await case.here.rights.status(case.id, case.filed.secret)

    assert (iso(stands.due), stands.extended) == ("2027-02-25T22:00:00.000Z", "Six agencies have records.")
    with pytest.raises(WrongStep, match="put off once"):
        await case.here.rights_acts.extend(case.me, case.id, "More of them.")


async def test_a_request_is_not_put_off_when_its_time_is_over(case: Case) -> None:
    case.now = case.filed.due
    with pytest.raises(WrongStep, match="its time was over at 2026-12-25T22:00"):
        await case.here.rights_acts.extend(case.me, case.id, "We forgot.")


async def test_silence_ends_nothing_it_only_becomes_overdue(case: Case) -> None:
    for moved, pressing in ((0, ""), (24 * DAY, "soon"), (31 * DAY, "overdue"), (999 * DAY, "overdue")):
        case.now = NOW + moved
        (one,) = await case.here.rights_acts.listed(case.me)
        assert (one.status, one.pressing(case.now)) == (RightsStatus.RECEIVED, pressing)
    assert one.days_left(case.now) < 0


async def test_overdue_ones_come_first_and_answered_ones_last(case: Case) -> None:
    case.now += 10 * DAY
    late = await case.here.rights.file(Right.CONTEST, CLAIM)
    await case.here.rights_acts.extend(case.me, case.id, "Many records.")
    done = await case.here.rights.file(Right.ERASURE, CLAIM)
    await case.here.rights_acts.identify(case.me, done.reference, "passport")
    await case.here.rights_acts.decide(
        case.me, done.reference, Decision(outcome=RightsStatus.GRANTED, reasons="It is erased.")
    )

    listed = await case.here.rights_acts.listed(case.me)
    assert [one.id for one in listed] == [late.reference, case.id, done.reference]
    assert [one.secret + one.claim + one.reasons for one in listed] == ["", "", ""]
    assert listed[2].pressing(10**18) == ""


async def test_only_a_named_person_ends_a_request_with_reasons_that_the_filer_reads(case: Case) -> None:
    await case.here.rights_acts.identify(case.me, case.id, "passport, at the counter")
    await case.end(REFUSED)
    stands = await case.here.rights.status(case.id, case.filed.secret)
    (one,) = await case.here.rights_acts.listed(case.me)

    assert (stands.status, stands.reasons, stands.complain) == (RightsStatus.REFUSED, "It is a case.", "The ombudsman")
    assert stands.exemption == EXEMPTIONS["investigation"]
    assert (one.decided_by, one.checked_by, one.decided_at) == (case.me.agent.id, case.me.agent.id, NOW)
    with pytest.raises(WrongStep, match="it can become nothing: it is answered"):
        await case.end(Decision(outcome=RightsStatus.GRANTED, reasons="After all."))
    with pytest.raises(WrongStep, match="put off once, while it is open"):
        await case.here.rights_acts.extend(case.me, case.id, "Later.")


@pytest.mark.parametrize(
    ("decision", "says"),
    [
        (Decision(outcome=RightsStatus.IDENTIFIED, reasons="r"), "ends as one of: granted, partly-granted, refused"),
        (Decision(outcome=RightsStatus.GRANTED, reasons="r", exemption="excessive"), "needs no exemption"),
        (Decision(outcome=RightsStatus.REFUSED, reasons="r"), "say by which exemption; for a request of access"),
        (Decision(outcome=RightsStatus.REFUSED, reasons="r", exemption="legal-hold", complain="c"), "say by which"),
        (Decision(outcome=RightsStatus.REFUSED, reasons="r", exemption="excessive", complain="c"), "first check who"),
        (Decision(outcome=RightsStatus.REFUSED, reasons="r", exemption="identity-not-shown"), "where to complain"),
        (Decision(outcome=RightsStatus.GRANTED, reasons="r", complain="c" * 1001), "in up to 1000 letters"),
        (
            Decision(outcome=RightsStatus.REFUSED, reasons=" ", exemption="identity-not-shown", complain="c"),
            "needs 'reason'",
        ),
    ],
)
async def test_no_request_ends_without_what_the_law_asks_for(case: Case, decision: Decision, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        await case.end(decision)
    assert (await case.here.rights.one(case.id)).open


async def test_where_to_complain_is_not_kept_with_what_is_granted(case: Case) -> None:
    await case.here.rights_acts.identify(case.me, case.id, "passport")
    await case.end(Decision(outcome=RightsStatus.GRANTED, reasons="Here it is.", complain="Ask Pekka Mäki."))

    assert (await case.here.rights.one(case.id)).complain == ""
    assert not [event for event in case.here.events(KIND) if b"Pekka" in event.body]


async def test_whoever_does_not_show_who_they_are_can_be_refused_for_that_alone_and_is_never_granted(
    case: Case,
) -> None:
    with pytest.raises(WrongStep, match="it can become identified, refused"):
        await case.end(Decision(outcome=RightsStatus.GRANTED, reasons="Here it is."))
    await case.end(
        Decision(outcome=RightsStatus.REFUSED, reasons="Nobody came.", exemption="identity-not-shown", complain="there")
    )
    assert (await case.here.rights.one(case.id)).status is RightsStatus.REFUSED


async def test_of_two_who_change_a_request_at_once_the_second_is_told_so(case: Case) -> None:
    before = await case.here.rights.one(case.id)
    await case.here.rights.identify(case.id, "passport", "one")
    with pytest.raises(Conflict, match="somebody else has just changed this request"):
        await case.here.rights._step(before.to(RightsStatus.REFUSED), "other")
    assert (await case.here.rights.one(case.id)).status is RightsStatus.IDENTIFIED


@pytest.mark.parametrize(
    ("claim", "says"),
    [
        (Claim(name=" ", contact="c", words="w"), "a request needs 'name'"),
        (Claim(name="n", contact="c" * 201, words="w"), "a request needs 'contact', in up to 200"),
        (Claim(name="n", contact="c", words=""), "what you ask for"),
        (Claim(name="n", contact="c", words="w", names=("n" * 201,)), "too long to be looked for"),
        (Claim(name="n", contact="c", words="w", phones=("1234567",) * (MOST + 1)), "at most 10 names"),
    ],
)
async def test_a_request_that_nobody_could_answer_is_refused_with_what_it_lacks(claim: Claim, says: str) -> None:
    here = await town()
    with pytest.raises(BadInput, match=says):
        await here.rights.file(Right.ACCESS, claim)


async def test_staff_read_and_answer_requests_only_for_the_purpose_and_each_reading_is_written_down(case: Case) -> None:
    opened = await case.here.rights_acts.opened(case.me, case.id)
    assert opened.claim == CLAIM
    said = msgspec.json.decode(case.here.events("query@1")[-1].body, type=Query)
    assert (said.query, said.persons) == (f"request {case.id}", (case.id,))
    operator, _ = await case.here.person(Role.OPERATOR, "Bo")
    for access in (case.here.access(case.me.agent), case.here.access(operator)):
        with pytest.raises(Refused):
            await case.here.rights_acts.opened(access, case.id)
        with pytest.raises(Refused):
            await case.here.rights_acts.identify(access, case.id, "I know her")
    auditor, _ = await case.here.person(Role.AUDITOR, "Maija")
    eyes = Access(agent=auditor, purpose="oversight", legal_basis="LegalObligation")
    assert [one.id for one in await case.here.rights_acts.listed(eyes)] == [case.id]
    with pytest.raises(Refused):
        await case.here.rights_acts.opened(eyes, case.id)


async def test_a_request_that_there_is_not_is_not_found(case: Case) -> None:
    with pytest.raises(NotFound, match="there is no request 'AAAA-AAAA'"):
        await case.here.rights_acts.opened(case.me, "AAAA-AAAA")


async def test_what_its_filer_wrote_can_be_erased_and_the_clock_goes_on(case: Case) -> None:
    for key in await case.here.keys.in_use():
        if key.bucket == f"rights-request/requests/{case.id}":
            await case.here.keys.destroy(key.id)

    opened = await case.here.rights_acts.opened(case.me, case.id)
    assert (opened.claim, opened.request.status) == (None, RightsStatus.RECEIVED)
    await case.here.rights_acts.identify(case.me, case.id, "passport")
    with pytest.raises(WrongStep, match="nobody knows what to look for"):
        await case.here.rights_acts.answer(case.me, case.id)


def test_every_status_is_in_the_table_and_every_end_is_an_end() -> None:
    assert STEPS.keys() == set(RightsStatus)
    assert {status for status, after in STEPS.items() if not after} == OVER


def test_every_right_can_be_refused_only_by_an_exemption_that_names_its_law() -> None:
    of = Counter(right for one in EXEMPTIONS.values() for right in one.of)

    assert of.keys() == set(Right)
    assert min(of.values()) >= 3
    assert all("art." in one.law for one in EXEMPTIONS.values())
