"""A capability runs when its papers stand, it was published for long enough, and every comment has an answer; and never otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace
from tests.screens.town import NOW, Town, town

from tutela.errors import BadInput, Conflict, NotFound, Refused, TooOften, WrongStep
from tutela.flow.arming import MOST, OFF, ON
from tutela.flow.arming_acts import ArmingActs, patience
from tutela.flow.at_work import standing
from tutela.model.access import Access
from tutela.model.approval import CAPABILITY
from tutela.model.arming import OPEN_FOR, CapabilityOff, Comment, Extent
from tutela.model.event import Event
from tutela.model.paper import Dpia, Paper
from tutela.model.people import Role
from tutela.model.when import DAY, MINUTE

GATHER = "units-gather"
"""It is given positions of units, so it needs a DPIA."""

LOUD = "loud"
"""It is given no data about people."""

EXTENT = Extent(areas=("Kallio",), purposes=("emergency-response",), classes=("positions",), days=1)
AIR = Extent(areas=("Kallio",), purposes=("environment", "public-safety"), classes=(), days=1)


class Case:
    """A town whose clock is moved by hand."""

    here: Town
    now: int = NOW

    async def begin(self) -> Case:
        self.here = await town(lambda: self.now)
        self.arming = self.here.arming
        return self

    @property
    def acts(self) -> ArmingActs:
        return ArmingActs(
            ledger=self.here.ledger,
            arming=self.arming,
            approvals=self.here.approvals,
            rates=patience(self.here.clock),
        )

    async def person(self, role: Role, name: str, purpose: str) -> Access:
        agent, _ = await self.here.person(role, name)
        return Access(agent=agent, purpose=purpose, legal_basis="LegalObligation")

    async def assessed(self, lasts: int = 100 * DAY) -> str:
        made = Paper(
            number="DPIA 1",
            authority="The town",
            signed="Aino",
            about=Dpia(covers=(GATHER,)),
            since=self.now,
            until=self.now + lasts,
            sha256="0f" * 32,
        )
        return (await self.here.papers.enter(made, "aino")).paper.id

    async def state(self, name: str = GATHER) -> tuple[str, str]:
        return next((one.state, one.why) for one in await self.arming.all() if one.name == name)

    async def publish(self, name: str = GATHER, extent: Extent = EXTENT) -> None:
        await self.arming.publish(name, "It counts units.", extent, "aino")

    async def armed(self, lasts: int = 100 * DAY) -> str:
        id_ = await self.assessed(lasts)
        await self.publish()
        self.now += OPEN_FOR
        await self.arming.arm(GATHER, "aino")
        self.now += MINUTE
        return id_


@pytest.fixture
async def case() -> Case:
    return await Case().begin()


async def test_it_is_armed_after_a_fortnight_when_its_paper_stands(case: Case) -> None:
    assert await case.state() == ("drafted", "it has no dpia; it was not published")
    with pytest.raises(WrongStep, match="is drafted, and can't become armed"):
        await case.arming.arm(GATHER, "aino")
    await case.publish()
    with pytest.raises(Conflict, match="it has no dpia; residents can comment on it until 2026-12-09T08:00:00"):
        await case.arming.arm(GATHER, "aino")
    await case.assessed()
    case.now = NOW + OPEN_FOR - 1
    with pytest.raises(Conflict, match="can't be armed yet: residents can comment on it until"):
        await case.arming.arm(GATHER, "aino")
    case.now += 1
    await case.arming.arm(GATHER, "aino")
    case.now += MINUTE

    assert await case.state() == ("armed", "")


async def test_a_comment_without_an_answer_keeps_it_from_being_armed(case: Case) -> None:
    await case.assessed()
    await case.publish()
    said = await case.arming.comment(GATHER, "My husband drives one of these, Mrs Korhonen")
    case.now += OPEN_FOR

    with pytest.raises(Conflict, match="1 comments wait for an answer"):
        await case.arming.arm(GATHER, "aino")
    assert [one.text for one in await case.arming.comments()] == [said.text]
    (event,) = case.here.events("capability-comment@1")
    assert b"Korhonen" not in event.body
    other = await case.arming.comment(GATHER, "And mine?")
    await case.arming.answer(other.id, "No.", "Eino Laine", "eino")
    await case.arming.answer(said.id, "It counts, and names nobody.", "Eino Laine, privacy officer", "eino")
    assert await case.arming.comments() == []
    await case.arming.arm(GATHER, "aino")
    with pytest.raises(NotFound, match=r"no comment .* waits"):
        await case.arming.answer(said.id, "again", "Eino", "eino")
    shown = next(standing(one) for one in await case.arming.all() if one.name == GATHER)
    assert [(one.text, one.signed) for one in shown.answers] == [
        ("No.", "Eino Laine"),
        ("It counts, and names nobody.", "Eino Laine, privacy officer"),
    ]


async def test_a_comment_that_comes_too_late_waits_for_its_answer_and_keeps_nothing_off(case: Case) -> None:
    await case.assessed()
    await case.publish()
    case.now += OPEN_FOR - 1
    in_time = await case.arming.comment(GATHER, "Whose?")
    case.now += 1
    late = await case.arming.comment(GATHER, "And whose are these?")

    with pytest.raises(Conflict, match="1 comments wait for an answer"):
        await case.arming.arm(GATHER, "aino")
    await case.arming.answer(in_time.id, "The city's.", "Eino Laine", "eino")
    await case.arming.arm(GATHER, "aino")
    assert [one.id for one in await case.arming.comments()] == [late.id]


async def test_whether_it_is_off_is_told_without_reading_what_residents_say(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    await case.publish()
    said = await case.arming.comment(GATHER, "Whose?")
    await case.arming.answer(said.id, "The city's.", "Eino Laine", "eino")
    await case.arming.comment(GATHER, "And whose are these?")
    log, read = case.here.facts, list[Event]()
    about = log.about

    async def reads(subject: str) -> Sequence[Event]:
        read.extend(found := await about(subject))
        return found

    monkeypatch.setattr(log, "about", reads)
    off, told = await case.arming.off(), await case.arming.tell()

    assert off[GATHER] == next(one.why for one in told if one.name == GATHER) != ""
    assert {event.kind for event in read} == {"capability-published@1"}
    shown = next(standing(one) for one in await case.arming.all() if one.name == GATHER)
    assert (shown.comments, [one.text for one in shown.answers]) == (1, ["The city's."])


async def test_what_lapsed_is_off_says_so_once_and_is_on_again_with_a_new_paper(case: Case) -> None:
    await case.armed(lasts=20 * DAY)
    first = await case.arming.tell()
    assert await case.arming.tell() == []
    case.now = NOW + 20 * DAY
    lapsed = await case.arming.tell()
    assert await case.state() == ("lapsed", "its dpia DPIA 1 lapsed 2026-12-15T08:00:00.000Z")
    assert (await case.arming.off())[GATHER] == "its dpia DPIA 1 lapsed 2026-12-15T08:00:00.000Z"
    assert await case.arming.tell() == []
    await case.assessed()
    assert await case.arming.tell() == []  # it begins in a few seconds, and that is not told
    case.now += MINUTE
    again = await case.arming.tell()

    assert [one.name for one in first if one.name == GATHER] == []
    assert [(one.name, one.why) for one in lapsed] == [(GATHER, "its dpia DPIA 1 lapsed 2026-12-15T08:00:00.000Z")]
    assert [(one.name, one.why) for one in again] == [(GATHER, "")]
    told = [(event.kind, msgspec.json.decode(event.body, type=CapabilityOff).name) for event in case.here.events(OFF)]
    assert told.count((OFF, GATHER)) == 1
    assert [msgspec.json.decode(event.body, type=CapabilityOff).name for event in case.here.events(ON)] == [GATHER]


async def test_a_paper_that_is_ended_switches_it_off(case: Case) -> None:
    await case.here.papers.end(await case.armed(), "it was wrong", "eino")
    case.now += MINUTE

    assert (await case.state())[0] == "lapsed"


async def test_one_person_disarms_it_and_arms_it_again(case: Case) -> None:
    await case.armed()
    await case.arming.disarm(GATHER, "Mrs Korhonen asked", "eino")
    case.now += MINUTE
    off = await case.state()
    with pytest.raises(WrongStep, match="is disarmed, and can't become disarmed"):
        await case.arming.disarm(GATHER, "again", "eino")
    await case.arming.arm(GATHER, "aino")
    case.now += MINUTE

    assert (off, await case.state()) == (("disarmed", "it was disarmed"), ("armed", ""))
    (event,) = case.here.events("capability-disarmed@1")
    assert b"Korhonen" not in event.body


async def test_what_needs_no_paper_is_armed_until_somebody_disarms_it(case: Case) -> None:
    assert await case.state(LOUD) == ("armed", "")
    await case.publish(LOUD, AIR)
    assert await case.state(LOUD) == ("armed", "")
    await case.arming.disarm(LOUD, "too loud", "eino")
    case.now += MINUTE
    assert await case.state(LOUD) == ("disarmed", "it was disarmed")
    await case.arming.disarm("smoke", "never published", "eino")
    await case.arming.arm("smoke", "eino")
    case.now += MINUTE
    assert await case.state("smoke") == ("armed", "")


@pytest.mark.parametrize(
    ("name", "text", "extent", "says"),
    [
        (GATHER, " ", EXTENT, "the text is missing"),
        (GATHER, "x" * 5001, EXTENT, "more than 5000 letters"),
        (GATHER, "t", replace(EXTENT, purposes=()), "is for emergency-response: name emergency-response as well"),
        (GATHER, "t", replace(EXTENT, purposes=("emergency-response", "x")), "no purpose called 'x'"),
        (GATHER, "t", replace(EXTENT, areas=()), "in which areas"),
        (GATHER, "t", replace(EXTENT, classes=()), "which classes of data"),
    ],
)
async def test_what_can_t_be_published_is_told(case: Case, name: str, text: str, extent: Extent, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        await case.arming.publish(name, text, extent, "aino")

    assert case.here.events("capability-published@1") == []


async def test_what_there_is_not_is_named(case: Case) -> None:
    acts: list[Any] = [
        case.arming.publish("nothing", "t", EXTENT, "aino"),
        case.arming.arm("nothing", "aino"),
        case.arming.disarm("nothing", "r", "aino"),
        case.arming.comment("nothing", "t"),
        case.arming.comment(GATHER, "it is not published yet"),
        case.arming.comment(LOUD, "nor is this"),
    ]
    for act in acts:
        with pytest.raises(NotFound):
            await act


async def test_comments_have_an_end(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    await case.publish()
    for text in (" ", "x" * 2001):
        with pytest.raises(BadInput, match="the comment is missing, or has more than 2000 letters"):
            await case.arming.comment(GATHER, text)
    monkeypatch.setattr("tutela.flow.arming.MOST", 2)
    ids = {(await case.arming.comment(GATHER, "t")).id for _ in range(2)}
    with pytest.raises(Conflict, match="come again"):
        await case.arming.comment(GATHER, "t")

    assert (len(ids), MOST) == (2, 1000)


async def test_whose_duty_it_is_does_it_and_nobody_else(case: Case) -> None:
    acts = case.acts
    officer, operator = [(await case.here.person(role, "Bo"))[0] for role in (Role.PRIVACY_OFFICER, Role.OPERATOR)]
    own = Access(agent=officer, purpose="oversight", legal_basis="LegalObligation")
    strange = Access(agent=operator, purpose="public-safety", legal_basis="LegalObligation")
    await case.assessed()
    published = await acts.publish(own, GATHER, "It counts units.", EXTENT)
    said: Comment = await acts.comment("10.0.0.1", GATHER, "Whose?")
    waiting = await acts.comments(own)
    await acts.answer(own, said.id, "The city's.", "Bo")
    case.now += OPEN_FOR
    armed = await acts.arm(own, GATHER)
    disarmed = await acts.disarm(own, GATHER, "no need")
    refused: list[Any] = [
        acts.publish(strange, GATHER, "t", EXTENT),
        acts.arm(strange, GATHER),
        acts.disarm(strange, GATHER, "r"),
        acts.comments(strange),
        acts.answer(strange, said.id, "t", "s"),
    ]
    for act in refused:
        with pytest.raises(Refused, match="No policy lets operator arm register"):
            await act

    assert (published.state, armed.state, disarmed.state) == ("published", "armed", "disarmed")
    assert [one.text for one in waiting] == ["Whose?"]
    assert next(one for one in await acts.listed(strange) if one.name == GATHER).answers[0].signed == "Bo"
    assert [msgspec.json.decode(event.body)["persons"] for event in case.here.events("query@1")] == [[said.id], []]


async def test_an_address_comments_five_times_and_then_once_a_minute(case: Case) -> None:
    acts = case.acts  # one for all: it counts
    await case.publish()
    for _ in range(5):
        await acts.comment("10.0.0.1", GATHER, "t")
    with pytest.raises(TooOften):
        await acts.comment("10.0.0.1", GATHER, "t")
    await acts.comment("10.0.0.2", GATHER, "t")
    case.now += MINUTE
    await acts.comment("10.0.0.1", GATHER, "t")

    assert len(await case.arming.comments()) == 7


# ── widening takes two people and a day ─────────────────────────────────────────────────────────
WIDER = {
    "areas": ("Kallio", "Pasila"),
    "purposes": ("emergency-response", "public-safety"),
    "classes": ("positions", "counts"),
    "days": 2,
}


@pytest.mark.parametrize("field", WIDER)
async def test_what_reaches_further_waits_for_a_second_person_and_a_day(case: Case, field: str) -> None:
    await case.armed()
    await case.publish(extent=replace(EXTENT, **{field: WIDER[field]}))
    acts = case.acts
    own = await case.person(Role.SUPERVISOR, "Aino", "system-operation")
    other = await case.person(Role.SUPERVISOR, "Eino", "system-operation")
    assert await case.state() == ("armed", "")  # by what was published before
    with pytest.raises(Conflict, match="residents can comment"):
        await acts.arm(own, GATHER)
    proposed = await acts.propose(own, GATHER, "Pasila asked")
    case.now += OPEN_FOR
    with pytest.raises(Refused, match="no approval was named") as alone:
        await acts.arm(own, GATHER)
    proposed = await acts.propose(own, GATHER, "Pasila asked, and voting took too long")
    await case.here.approvals.vote(other, proposed.id, yes=True, reason="I looked")
    with pytest.raises(Refused, match="in force from"):
        await acts.arm(own, GATHER, proposed.id)
    case.now += DAY
    armed = await acts.arm(own, GATHER, proposed.id)

    assert (alone.value.policy, armed.state) == ("G27-second-person", "armed")
    assert len(case.here.events("capability-armed@1")) == 2
    with pytest.raises(BadInput, match="widens nothing"):
        await acts.propose(own, GATHER, "again")


async def test_what_runs_without_a_paper_reaches_further_by_two_people_as_well(case: Case) -> None:
    await case.publish(LOUD, AIR)
    await case.publish(LOUD, replace(AIR, areas=("Kallio", "Pasila")))
    case.now += OPEN_FOR
    own = await case.person(Role.SUPERVISOR, "Aino", "system-operation")

    with pytest.raises(Refused, match="no approval was named"):
        await case.acts.arm(own, LOUD)
    assert (await case.acts.propose(own, LOUD, "Pasila asked")).matter == CAPABILITY
    assert case.here.events("capability-armed@1") == []


async def test_an_approval_of_another_widening_is_none(case: Case) -> None:
    await case.armed()
    acts = case.acts
    own = await case.person(Role.SUPERVISOR, "Aino", "system-operation")
    other = await case.person(Role.SUPERVISOR, "Eino", "system-operation")
    await case.publish(extent=replace(EXTENT, days=2))
    proposed = await acts.propose(own, GATHER, "two days")
    await case.here.approvals.vote(other, proposed.id, yes=True, reason="I looked")
    await case.publish(extent=replace(EXTENT, days=9))
    case.now += OPEN_FOR

    with pytest.raises(Refused, match="of something else"):
        await acts.arm(own, GATHER, proposed.id)


async def test_narrowing_takes_one_person_and_no_day(case: Case) -> None:
    await case.armed()
    await case.publish(extent=replace(EXTENT, days=0))
    case.now += OPEN_FOR
    own = await case.person(Role.SUPERVISOR, "Aino", "system-operation")
    narrowed = await case.acts.arm(own, GATHER)

    assert (narrowed.state, narrowed.extent) == ("armed", replace(EXTENT, days=0))
    with pytest.raises(BadInput, match="widens nothing"):
        await case.acts.propose(own, LOUD, "never published")
