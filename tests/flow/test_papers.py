"""A paper stands from when to when its authority said, and no longer; who is in it is sealed; what it lets through is its scope."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from msgspec.structs import replace
from tests.screens.town import NOW, Town, agreed, town

from tutela.errors import BadInput, Conflict, NotFound, Refused
from tutela.flow.evidence import Export
from tutela.flow.paper_acts import PaperActs
from tutela.flow.papers import SEALED
from tutela.model.access import Access
from tutela.model.evidence import Handover
from tutela.model.paper import (
    LONGEST,
    About,
    Agreement,
    Authorisation,
    Compatibility,
    Consent,
    Dpia,
    ForecastCard,
    Fria,
    Paper,
    filed,
    standing,
)
from tutela.model.people import Role
from tutela.model.when import DAY, HOUR

AGREED = Agreement(recipient="The court", classes=("incidents",), purposes=("public-safety",))
ORDERED = Authorisation(objective="find Mrs Korhonen", area="Kallio", targets=("target 7",), case="R 26/9")
CHANGED = Compatibility(collected_for="traffic", used_for="public-health", reason="Dr Virtanen counts falls")
EACH: tuple[About, ...] = (
    Dpia(covers=("smoke",)),
    Fria(covers=("smoke",)),
    ForecastCard(covers=("demand",)),
    ORDERED,
    AGREED,
    Consent(person="FI 131052-308T", purpose="traffic"),
    CHANGED,
)
HASH = "0f" * 32


class Case:
    """A town whose clock is moved by hand."""

    here: Town
    now: int = NOW

    async def begin(self) -> Case:
        self.here = await town(lambda: self.now)
        return self

    def paper(self, about: About, **changes: object) -> Paper:
        made = Paper(
            number="R 26/1",
            authority="The court",
            signed="Judge Virtanen",
            about=about,
            since=NOW,
            until=NOW + 30 * DAY,
            sha256=HASH,
        )
        return replace(made, **changes)

    async def enter(self, about: About, by: str = "aino", **changes: object) -> str:
        return (await self.here.papers.enter(self.paper(about, **changes), by)).paper.id

    async def state(self, id_: str) -> str:
        return (await self.here.papers.one(id_)).state(self.now)

    async def stand(self) -> list[str]:
        return [one.paper.id for one in await self.here.papers.standing()]


@pytest.fixture
async def case() -> Case:
    return await Case().begin()


@pytest.mark.parametrize("about", EACH, ids=lambda about: type(about).__name__)
async def test_each_kind_stands_within_its_time_and_not_a_moment_longer(case: Case, about: About) -> None:
    kind = case.paper(about).kind
    id_ = await case.enter(about, since=NOW + HOUR, until=NOW + HOUR + LONGEST[kind])
    case.now += 1
    if isinstance(about, Compatibility):
        await case.here.papers.grant(id_, "eino")
    stood = []
    for case.now in (NOW + HOUR - 1, NOW + HOUR, NOW + HOUR + LONGEST[kind] - 1, NOW + HOUR + LONGEST[kind]):
        stood.append((await case.here.papers.one(id_)).stands(case.now))

    assert stood == [False, True, True, False]
    assert (await case.state(id_)).startswith("lapsed 20")


async def test_what_stands_is_told_by_the_events_alone(case: Case) -> None:
    first, second = await case.enter(AGREED), await case.enter(Dpia(covers=("smoke",)), until=NOW + DAY)
    events = [*case.here.events("paper@1"), replace(case.here.events("paper@1")[0], kind="another@1")]

    assert [one.paper.id for one in standing(events, NOW)] == [first, second]
    assert [one.paper.id for one in standing(events, NOW + DAY)] == [first]
    assert [one.paper.id for one in filed(events)] == [first, second]
    assert await case.stand() == [first, second]


async def test_the_one_that_replaces_another_ends_it_when_it_begins(case: Case) -> None:
    old = await case.enter(Dpia(covers=("smoke",)))
    new = await case.enter(Dpia(covers=("smoke", "loud")), since=NOW + DAY, replaces=old)

    assert (await case.stand(), await case.state(new)) == ([old], "begins 2026-11-26T08:00:00.000Z")
    case.now += DAY
    assert await case.stand() == [new]
    assert (await case.state(old)).startswith("ended ")
    with pytest.raises(BadInput, match=r"a fria replaces a fria, and .* is a dpia"):
        await case.enter(Fria(covers=("smoke",)), replaces=new)
    with pytest.raises(NotFound, match="tutela papers list"):
        await case.enter(Fria(covers=("smoke",)), replaces="nothing")


async def test_an_end_holds_at_once_and_an_earlier_one_is_not_put_off(case: Case) -> None:
    old = await case.enter(AGREED)
    await case.enter(AGREED, since=NOW + DAY, until=NOW + 2 * DAY, replaces=old)
    case.now += HOUR
    await case.here.papers.end(old, "Mrs Korhonen asked", "eino")

    assert await case.stand() == []
    assert (await case.here.papers.one(old)).ended == NOW + HOUR
    (event,) = case.here.events("paper-ended@1")
    assert b"Korhonen" not in event.body
    with pytest.raises(Conflict, match=r"ended .* already"):
        await case.here.papers.end(old, "again", "eino")
    for reason in (" ", "x" * 2001):
        with pytest.raises(BadInput, match="needs a reason"):
            await case.here.papers.end(old, reason, "eino")


# ── an urgent start ─────────────────────────────────────────────────────────────────────────────
async def test_an_urgent_start_ends_after_a_day_without_a_grant(case: Case) -> None:
    id_ = await case.enter(replace(ORDERED, urgent=True))

    assert (await case.state(id_)).startswith("urgent: ends 2026-11-26T08:00:00")
    case.now = NOW + DAY - 1
    assert await case.stand() == [id_]
    case.now += 1
    assert await case.stand() == []
    with pytest.raises(Conflict, match="can't be granted any more; enter a new one"):
        await case.here.papers.grant(id_, "eino")


async def test_an_urgent_start_that_is_granted_by_somebody_else_goes_on(case: Case) -> None:
    id_ = await case.enter(replace(ORDERED, urgent=True))
    case.now += HOUR
    with pytest.raises(Conflict, match="a second person grants it"):
        await case.here.papers.grant(id_, "aino", HASH)
    for none in ("", "the order", HASH[1:]):
        with pytest.raises(BadInput, match="name the order that grants"):
            await case.here.papers.grant(id_, "eino", none)
    granted = await case.here.papers.grant(id_, "eino", HASH)

    assert (granted.granted, granted.granted_by) == (case.now, "eino")
    case.now += 2 * DAY
    assert await case.stand() == [id_]
    assert (await case.here.papers.one(id_)).granted_by == "eino"
    with pytest.raises(Conflict, match="waits for no grant"):
        await case.here.papers.grant(id_, "eino")


async def test_an_urgent_start_that_is_refused_stops_at_once(case: Case) -> None:
    id_ = await case.enter(replace(ORDERED, urgent=True))
    await case.here.papers.end(id_, "the court refused", "eino")

    assert await case.stand() == []


URGENT = replace(ORDERED, urgent=True)


@pytest.mark.parametrize(
    ("about", "number"), [(replace(URGENT, case="R 1"), "R 26/1"), (URGENT, "R 26/2")], ids=["number", "case"]
)
async def test_an_urgent_start_that_nobody_granted_is_not_begun_anew_for_a_day(
    case: Case, about: Authorisation, number: str
) -> None:
    await case.enter(URGENT)
    for case.now in (NOW + HOUR, NOW + 2 * DAY - 1):
        with pytest.raises(Conflict, match=r"R 26/1 was not granted: .* begins after 2026-11-27T08:00:00"):
            await case.enter(about, number=number)
    await case.enter(replace(about, urgent=False), number=number)  # an order that was granted may come at any time
    await case.enter(replace(URGENT, case=""), number="R 26/3")
    await case.enter(replace(URGENT, case=""), number="R 26/4")  # another number, and neither is of a case
    case.now += 1

    assert await case.enter(about, number=number)


async def test_after_a_grant_the_next_urgent_start_is_one_of_its_own(case: Case) -> None:
    first = await case.enter(URGENT)
    await case.here.papers.grant(first, "eino", HASH)
    case.now += DAY

    assert await case.enter(URGENT)


async def test_a_purpose_change_waits_for_a_second_person(case: Case) -> None:
    id_ = await case.enter(CHANGED)

    assert (await case.state(id_), await case.stand()) == ("waits for a second person", [])
    with pytest.raises(Conflict, match="a second person grants it"):
        await case.here.papers.grant(id_, "aino")
    await case.here.papers.grant(id_, "eino")
    assert (await case.state(id_), await case.stand()) == ("stands until 2026-12-25T08:00:00.000Z", [id_])


# ── what can't be entered ───────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"until": NOW}, "a dpia stands for up to 366 days: give an end after"),
        ({"until": NOW + 367 * DAY}, "not after"),
        ({"since": NOW - 300 * DAY, "until": NOW + 67 * DAY}, "not after 2027-01-30"),
        ({"sha256": ""}, "name the document by its hash"),
        ({"sha256": "abc"}, "the paper R 26/1 can't be entered: .*sha256"),
        ({"signed": " "}, "signed"),
        ({"signed": "x" * 2001}, "give up to 2000 letters"),
        ({"number": ""}, "number"),
        ({"about": Dpia(covers=())}, "a dpia has at least one word under covers, and at most 100"),
        ({"about": Dpia(covers=("smoke", " "))}, "under covers"),
        ({"about": replace(ORDERED, targets=("x",) * 101)}, "under targets"),
        ({"about": replace(AGREED, classes=("secrets",))}, "no records of the class 'secrets'; there are: readings"),
        ({"about": replace(AGREED, purposes=("curiosity",))}, "no purpose called 'curiosity'"),
        ({"about": Consent(person="x", purpose="curiosity")}, "no purpose called 'curiosity'"),
        ({"about": replace(CHANGED, used_for="curiosity")}, "no purpose called 'curiosity'"),
        ({"about": replace(CHANGED, reason="x" * 2001)}, "give up to 2000 letters"),
        ({"about": replace(ORDERED, targets=("x" * 2001,))}, "give up to 2000 letters"),
        ({"about": ForecastCard(covers=("demand",)), "until": NOW + 91 * DAY}, "up to 90 days"),
    ],
)
async def test_what_can_t_be_is_told_with_what_to_do(case: Case, changes: dict[str, Any], says: str) -> None:
    with pytest.raises(BadInput, match=says):
        await case.here.papers.enter(replace(case.paper(Dpia(covers=("smoke",))), **changes), "aino")

    assert case.here.events("paper@1") == []


async def test_an_advertiser_gets_no_agreement(case: Case) -> None:
    with pytest.raises(Refused, match="Not a public-safety purpose"):
        await case.enter(replace(AGREED, purposes=("advertising",)))


# ── who is in it ────────────────────────────────────────────────────────────────────────────────
async def test_whoever_reads_the_database_learns_nobody_s_name(case: Case) -> None:
    for about in EACH:
        await case.enter(about)
    bodies = b"".join(event.body for event in case.here.events("paper@1"))

    for word in (b"Judge Virtanen", b"target 7", b"Dr Virtanen", b"131052"):
        assert word not in bodies


async def test_who_is_in_it_is_told_to_whoever_may_know_it_and_to_nobody_else(case: Case) -> None:
    for about in EACH:
        await case.enter(about)
    shown = {}
    for role, purpose in (
        (Role.SUPERVISOR, "public-safety"),
        (Role.SUPERVISOR, "system-operation"),
        (Role.AUDITOR, "oversight"),
    ):
        agent, _ = await case.here.person(role, "Bo")
        access = Access(agent=agent, purpose=purpose, legal_basis="LegalObligation")
        acts = PaperActs(ledger=case.here.ledger, papers=case.here.papers)
        shown[role, purpose] = msgspec.json.encode(await acts.listed(access)).decode()

    for who, text in shown.items():
        open_ = who == (Role.SUPERVISOR, "public-safety")
        assert [word in text for word in ("Judge Virtanen", "target 7", "Dr Virtanen")] == [open_] * 3
        assert (SEALED in text) != open_
    named = [msgspec.json.decode(event.body)["persons"] for event in case.here.events("query@1")]
    assert [len(persons) for persons in named] == [6, 0, 0]


async def test_a_consent_is_found_by_the_person_and_ends_at_once_when_they_take_it_back(case: Case) -> None:
    person = "FI 131052-308T"
    id_ = await case.enter(Consent(person=person, purpose="traffic"), sha256="")
    found = await case.here.papers.consent(person, "traffic")

    assert found is not None
    assert (found.paper.id, person in str(found)) == (id_, False)
    assert await case.here.papers.consent(person, "statistics") is None
    assert await case.here.papers.consent("somebody else", "traffic") is None
    assert await case.stand() == []  # a consent is no paper of the house
    await case.here.papers.end(id_, "taken back", "eino")
    assert await case.here.papers.consent(person, "traffic") is None


async def test_whose_duty_it_is_enters_grants_and_ends_them(case: Case) -> None:
    acts = PaperActs(ledger=case.here.ledger, papers=case.here.papers)
    officers = [(await case.here.person(Role.PRIVACY_OFFICER, name))[0] for name in ("Aino", "Eino")]
    one, other = (Access(agent=who, purpose="oversight", legal_basis="LegalObligation") for who in officers)
    entered = await acts.enter(one, case.paper(CHANGED))
    granted = await acts.grant(other, entered.paper.id, HASH)
    ended = await acts.end(one, entered.paper.id, "another law")
    receipt = await acts.enter(one, case.paper(Consent(person="x", purpose="traffic")))

    assert [entered.stands, granted.stands, ended.stands] == [False, True, False]
    assert (granted.granted_by, granted.paper.signed, ended.ended) == (officers[1].id, SEALED, NOW)
    assert [told.paper for told in await acts.listed(one, consents=True)] == [replace(receipt.paper, signed=SEALED)]


async def test_whose_duty_it_is_not_enters_grants_and_ends_nothing(case: Case) -> None:
    id_ = await case.enter(CHANGED)
    acts = PaperActs(ledger=case.here.ledger, papers=case.here.papers)
    auditor, operator = [(await case.here.person(role, "Bo"))[0] for role in (Role.AUDITOR, Role.OPERATOR)]
    for access in (
        Access(agent=auditor, purpose="oversight", legal_basis="LegalObligation"),
        Access(agent=operator, purpose="public-safety", legal_basis="LegalObligation"),
    ):
        for act in (acts.enter(access, case.paper(AGREED)), acts.grant(access, id_, ""), acts.end(access, id_, "r")):
            with pytest.raises(Refused, match="No policy lets"):
                await act

    assert len(case.here.events("refusal@1")) == 6
    assert len(case.here.events("paper@1")) == 1


# ── nothing leaves without an agreement (G20) ───────────────────────────────────────────────────
HANDED = Handover(recipient="The court", agreement="R 26/1", reason="The judge asked")


async def incident(case: Case) -> tuple[Access, str]:
    agent, _ = await case.here.person(Role.SUPERVISOR, "Aino")
    access = case.here.access(agent)
    alert = await case.here.alert()
    opened = await case.here.incidents.open_from_alert(access, alert.id, "one")
    call = await case.here.call("She fell.")
    await case.here.incidents.add_call(access, opened.id, call.id, "two")
    await case.here.signed()
    return access, opened.id


async def test_without_an_agreement_nothing_leaves_and_the_answer_says_which_and_how_to_enter_it(case: Case) -> None:
    access, id_ = await incident(case)

    with pytest.raises(Refused) as refused:
        await case.here.evidence.bundle(access, id_, HANDED)

    assert refused.value.policy == "G20-agreement"
    assert "There is no agreement 'R 26/1' with The court for public-safety" in refused.value.message
    assert "Enter it: `tutela papers enter FILE`" in refused.value.message
    assert case.here.events("export@1") == []


@pytest.mark.parametrize(
    "about",
    [
        replace(AGREED, recipient="The press"),
        replace(AGREED, purposes=("emergency-response",)),
        replace(AGREED, classes=("alerts",)),
        Dpia(covers=("smoke",)),
    ],
    ids=["another recipient", "another purpose", "other records", "another kind"],
)
async def test_an_agreement_about_something_else_is_none(case: Case, about: About) -> None:
    access, id_ = await incident(case)
    await case.enter(about)

    with pytest.raises(Refused, match=r"There is no agreement|does not cover incidents"):
        await case.here.evidence.bundle(access, id_, HANDED)


async def test_an_agreement_that_lapsed_lets_nothing_leave(case: Case) -> None:
    access, id_ = await incident(case)
    await case.enter(AGREED, until=NOW + DAY)
    assert await case.here.evidence.bundle(access, id_, HANDED)

    case.now += DAY
    with pytest.raises(Refused, match="The agreement R 26/1: lapsed 2026-11-26"):
        await case.here.evidence.bundle(access, id_, HANDED)


async def test_what_the_agreement_does_not_name_is_left_out(case: Case) -> None:
    access, id_ = await incident(case)
    paper = await case.here.papers.enter(agreed(NOW, "The court", "R 26/1", "incidents"), "aino")
    raw = await case.here.evidence.bundle(access, id_, HANDED)
    whole = await case.here.agreement("The press", "R 26/1")
    press = replace(HANDED, recipient="The press")
    parent = await case.here.evidence.bundle(access, id_, press)
    derived = await case.here.evidence.redacted(access, id_, HANDED, parent)

    assert b"She fell." not in raw
    assert b"She fell." in parent
    assert b"threshold.above" in parent
    assert b"threshold.above" not in raw + derived
    assert b"alerts.ndjson: the agreement does not cover alerts" in derived
    told = [msgspec.json.decode(event.body, type=Export).paper for event in case.here.events("export@1")]
    assert told == [paper.paper.id, whole.paper.id, paper.paper.id]


@pytest.mark.parametrize("number", ["R 26/1", "R 26/9"], ids=["its number", "its case"])
async def test_the_order_of_a_court_covers_what_the_court_asks_for(case: Case, number: str) -> None:
    access, id_ = await incident(case)
    order = await case.enter(ORDERED)
    handed = replace(HANDED, agreement=number)

    assert b"She fell." in await case.here.evidence.bundle(access, id_, handed)
    with pytest.raises(Refused, match="no authorisation of The press"):
        await case.here.evidence.bundle(access, id_, replace(handed, recipient="The press"))
    await case.here.papers.end(order, "the court took it back", "eino")
    with pytest.raises(Refused, match="The authorisation R 26/1: ended"):
        await case.here.evidence.bundle(access, id_, handed)


async def test_who_entered_a_paper_hands_nothing_out_under_it(case: Case) -> None:
    access, id_ = await incident(case)
    own = await case.enter(AGREED, access.agent.id)

    with pytest.raises(Refused, match="The agreement R 26/1 was entered by you: somebody else hands out") as refused:
        await case.here.evidence.bundle(access, id_, HANDED)
    assert refused.value.policy == "G20-agreement"
    assert case.here.events("export@1") == []
    other = case.here.access((await case.here.person(Role.SUPERVISOR, "Bo"))[0])
    assert await case.here.evidence.bundle(other, id_, HANDED)
    another = await case.enter(AGREED, other.agent.id, number="R 26/2")
    assert await case.here.evidence.bundle(access, id_, replace(HANDED, agreement="R 26/2"))
    told = [msgspec.json.decode(event.body, type=Export).paper for event in case.here.events("export@1")]
    assert told == [own, another]


async def test_under_an_urgent_start_nothing_leaves_before_it_is_granted(case: Case) -> None:
    access, id_ = await incident(case)
    order = await case.enter(URGENT)

    with pytest.raises(Refused, match="The authorisation R 26/1 is urgent and was not granted yet"):
        await case.here.evidence.bundle(access, id_, HANDED)
    await case.here.papers.grant(order, "eino", HASH)
    assert await case.here.evidence.bundle(access, id_, HANDED)
