"""A legal hold keeps what its case needs past its time, nothing outside of its scope, and is looked at again."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from tests.flow.test_retain import Copies
from tests.screens.town import Town, town

from tutela.backends.memory_lake import MemoryLake
from tutela.errors import BadInput, EngineDown, NotFound, Refused
from tutela.flow.ledger import Query
from tutela.flow.retain import Erased, Over, Retainer
from tutela.flow.spared import Spared
from tutela.model import wire
from tutela.model.access import Access
from tutela.model.approval import HOLD_LIFT, Wanted
from tutela.model.detection import Detection
from tutela.model.event import Event
from tutela.model.flow import Message
from tutela.model.hold import Hold, HoldLifted, standing
from tutela.model.people import Role
from tutela.model.register import Datastream, Source
from tutela.model.rows import Rows
from tutela.model.when import DAY, EVER, HOUR, MINUTE, iso, parse
from tutela.policy.purposes import Action, ask

START: int = parse("2026-11-25T08:00:00Z")
WANTED = Hold(
    id="", case="R 26/1234", authority="District court", reason="Mrs Korhonen asked", at=0, review=START + 30 * DAY
)


class Case:
    """An incident with an alert from telemetry and a call; a retainer; and a clock that is moved by hand."""

    here: Town
    incident: str
    call: Event
    other: Event
    now: int = START

    async def begin(self) -> Case:
        self.here = await town(lambda: self.now)
        await self.short("sensors", 30)
        agent, _ = await self.here.person(Role.SUPERVISOR, "Aino")
        self.access = self.here.access(agent)
        alert = await self.here.alert()
        self.incident = (await self.here.incidents.open_from_alert(self.access, alert.id, "one")).id
        self.call = await self.told()
        await self.here.incidents.add_call(self.access, self.incident, self.call.id, "two")
        self.now += 40 * DAY
        self.other = await self.told()
        self.now = START
        await self.archive(-60, -15, -1, 1, 15)
        self.gone: dict[str, int] = {}
        self.left: list[int] = []
        self.retainer = Retainer(
            register=self.here.facts,
            ages=self.here.facts,
            lake=self.here.lake,
            keys=self.here.keys,
            log=self.here.facts,
            spared=self.here.holds.spared,
            copying=Copies(),
            clock=lambda: self.now,
            gone=lambda name, rows: self.gone.update({name: rows}),
            left=self.left.append,
        )
        return self

    async def short(self, name: str, days: int) -> None:
        entry = self.here.facts.store.sources[name]
        self.here.facts.store.sources[name] = msgspec.structs.replace(entry, retention_days=days)

    async def told(self) -> Event:
        return await self.here.facts.telling((await self.here.call()).id)

    async def archive(self, *minutes: int) -> None:
        """Values of the alert's datastream and of another one, so many minutes after the start."""
        for stream in (1, 2):
            times = np.array([START + minute * MINUTE for minute in minutes], np.int64)
            kind, dtype = ("readings", np.float64) if stream == 1 else ("counts", np.int64)
            rows = Rows(kind, np.full(len(times), stream, np.int32), times, {"result": np.array(minutes, dtype)})
            message = Message(stream, f"obs.live.{kind}.{stream}", {"Schema": f"{kind}@1"}, wire.encode(rows), 0)
            await self.here.lake.archive("OBS-live", [message], stream - 1, stream)

    async def kept(self, stream: int) -> list[float]:
        lake: MemoryLake = self.here.lake
        kind = "readings" if stream == 1 else "counts"
        return [float(one) for one in (await lake.series("live", kind, stream, 0, 2**62, 100)).result.tolist()]

    async def place(self, **changes: object) -> Hold:
        wanted = msgspec.structs.replace(WANTED, incident=self.incident, **changes)
        return await self.here.holds.place(wanted, "somebody")


@pytest.fixture
async def case() -> Case:
    return await Case().begin()


async def test_what_an_incident_needs_is_kept_and_everything_else_goes_as_before(case: Case) -> None:
    await case.place()
    case.now = START + 500 * DAY

    await case.retainer.turn()

    assert await case.kept(1) == [-1, 1]  # ten minutes around what was detected
    assert await case.kept(2) == []
    assert (await case.here.keys.open(case.call.key or "", case.call.body)).startswith(b"{")
    with pytest.raises(Refused, match="erased"):
        await case.here.keys.open(case.other.key or "", case.other.body)
    assert case.left == [0]  # what is held is not overdue
    (over,) = case.here.events("retention@1")
    assert msgspec.json.decode(over.body, type=Over).rows == case.gone["sensors"] == 8


async def test_without_a_hold_all_of_it_goes(case: Case) -> None:
    case.now = START + 500 * DAY

    await case.retainer.turn()

    assert (await case.kept(1), await case.kept(2)) == ([], [])
    with pytest.raises(Refused, match="erased"):
        await case.here.keys.open(case.call.key or "", case.call.body)


async def test_what_was_held_goes_when_the_hold_is_lifted_and_an_event_tells_of_each_step(case: Case) -> None:
    hold = await case.place()
    case.now = START + 500 * DAY
    await case.retainer.turn()

    await case.here.holds.lift(hold.id, "the case is closed", "somebody")
    await case.retainer.turn()

    assert await case.kept(1) == []
    with pytest.raises(Refused, match="erased"):
        await case.here.keys.open(case.call.key or "", case.call.body)
    assert [len(case.here.events(kind)) for kind in ("hold@1", "hold-lifted@1", "erasure@1")] == [1, 1, 2]


async def test_a_call_that_is_added_later_is_held_as_well(case: Case) -> None:
    await case.place()
    await case.here.incidents.add_call(case.access, case.incident, case.other.id, "three")
    case.now = START + 900 * DAY

    await case.retainer.turn()

    assert (await case.here.keys.open(case.other.key or "", case.other.body)).startswith(b"{")


async def test_a_bucket_is_held_by_its_name_and_its_neighbour_is_not(case: Case) -> None:
    wanted = msgspec.structs.replace(WANTED, bucket="emergency-response/calls/2027-01")
    await case.here.holds.place(wanted, "somebody")
    case.now = START + 900 * DAY

    await case.retainer.turn()

    assert (await case.here.keys.open(case.other.key or "", case.other.body)).startswith(b"{")
    assert [msgspec.json.decode(one.body, type=Erased).bucket for one in case.here.events("erasure@1")] == [
        "emergency-response/calls/2026-11-25T07"
    ]


@pytest.mark.parametrize("changed", [None, START + DAY])
async def test_where_people_were_is_held_for_the_days_around_what_was_detected(case: Case, changed: int | None) -> None:
    """Also when the datastream has another purpose now than it may have had then."""
    radio = Source(
        name="buses",
        owner="o",
        kind="vehicles",
        purposes=("traffic",),
        legal_basis="PublicInterest",
        personal_data=True,
        place="x",
        retention_days=3,
    )
    stream = Datastream(
        id=0,
        name="bus/position",
        source="buses",
        thing="bus",
        kind="positions",
        observed_property="position",
        unit="deg",
        purpose="traffic" if changed is None else "public-safety",
    )
    case.here.facts.store.sources["buses"] = radio
    (defined,) = await case.here.facts.define((), [stream])
    case.here.facts.store.datastreams[stream.name] = msgspec.structs.replace(defined, changed=changed)
    for found in case.here.facts.store.detections.values():
        detection: Detection = found[0]
        found[0] = msgspec.structs.replace(detection, datastreams=(1, defined.id))
    days = [await case.here.keys.seal(f"traffic/positions/{iso(START + n * DAY)[:10]}", b"there") for n in (-1, 0, 1)]
    await case.place()
    case.now = START + 60 * DAY

    await case.retainer.turn()

    assert await case.here.keys.open(*days[1]) == b"there"
    for gone in (days[0], days[2]):
        with pytest.raises(Refused, match="erased"):
            await case.here.keys.open(*gone)


async def test_nothing_is_destroyed_while_nobody_knows_what_is_held(case: Case) -> None:
    async def fails() -> None:
        raise EngineDown("the log can't be read: this failure was asked for")

    case.retainer.spared = fails  # type: ignore[assignment]
    case.now = START + 500 * DAY
    with pytest.raises(EngineDown):
        await case.retainer.turn()

    assert len(await case.kept(1)) == 5


async def test_a_hold_past_its_review_stands_until_somebody_lifts_it(case: Case) -> None:
    await case.place()
    case.now = START + 500 * DAY

    assert [one.review < case.now for one in await case.here.holds.standing()] == [True]
    await case.retainer.turn()
    assert await case.kept(1)


async def test_a_review_moves_the_next_one_and_says_why(case: Case) -> None:
    hold = await case.place()
    case.now = START + 20 * DAY

    await case.here.holds.review(hold.id, case.now + 90 * DAY, "the trial is in March", "somebody")

    (stands,) = await case.here.holds.listed()
    assert (stands.id, stands.at, stands.review) == (hold.id, START, case.now + 90 * DAY)
    assert stands.reason == "the trial is in March"
    assert len(case.here.events("hold@1")) == 2


async def test_the_reason_is_sealed_where_it_is_stored(case: Case) -> None:
    await case.place()

    (event,) = case.here.events("hold@1")
    assert b"Korhonen" not in event.body
    assert (await case.here.holds.listed())[0].reason == WANTED.reason


WRONG = [
    ({"case": " "}, "case"),
    ({"authority": ""}, "authority"),
    ({"reason": "x" * 3000}, "reason"),
    ({"review": START}, "within 90 days"),
    ({"review": START + 90 * DAY + HOUR}, "within 90 days"),
    ({"bucket": "a/b/c"}, "the one or the other"),
    ({"incident": None}, "the one or the other"),
    ({"incident": None, "bucket": "nonsense"}, "is no bucket"),
]


@pytest.mark.parametrize(("changes", "says"), WRONG)
async def test_a_hold_that_says_too_little_is_refused(case: Case, changes: dict[str, object], says: str) -> None:
    wanted = msgspec.structs.replace(WANTED, incident=case.incident)
    with pytest.raises(BadInput, match=says):
        await case.here.holds.place(msgspec.structs.replace(wanted, **changes), "somebody")

    assert case.here.events("hold@1") == []


async def test_what_there_is_not_can_neither_be_held_nor_reviewed_nor_lifted(case: Case) -> None:
    with pytest.raises(NotFound):
        await case.here.holds.place(msgspec.structs.replace(WANTED, incident="nothing"), "somebody")
    hold = await case.place()
    await case.here.holds.lift(hold.id, "closed", "somebody")
    with pytest.raises(NotFound):
        await case.here.holds.lift(hold.id, "closed", "somebody")
    with pytest.raises(NotFound):
        await case.here.holds.review(hold.id, START + DAY, "why", "somebody")


async def lifted(case: Case, hold: Hold) -> None:
    """As two people do it."""
    acts = case.here.hold_acts
    officer, _ = await case.here.person(Role.PRIVACY_OFFICER, "Cai")
    access = Access(agent=officer, purpose="oversight", legal_basis="PublicInterest")
    proposal = await acts.propose_lift(case.access, hold.id, "closed")
    await case.here.approvals.vote(access, proposal.id, yes=True, reason="it is")
    case.now += DAY
    await acts.lift(case.access, hold.id, "closed", proposal.id)


async def test_a_hold_is_lifted_by_two_people_after_a_day_once_and_as_it_was(case: Case) -> None:
    acts = case.here.hold_acts
    hold, other = await case.place(), await case.place(case="R 2")
    proposal = await acts.propose_lift(case.access, other.id, "closed")
    for approval, says in ((None, "Lifting a legal hold takes two people"), (proposal.id, "is of something else")):
        with pytest.raises(Refused, match=says) as refused:
            await acts.lift(case.access, hold.id, "closed", approval)
        assert refused.value.policy == "G27-second-person"
    assert len(case.here.events("refusal@1")) == 2

    await lifted(case, hold)

    assert [one.id for one in await acts.standing(case.access)] == [other.id]
    done = msgspec.json.decode(case.here.events("hold-lifted@1")[0].body, type=HoldLifted)
    assert done.approval in {one.proposal.id for one in await case.here.approvals.listed(case.access)}


async def test_a_hold_is_placed_by_one_person_at_once(case: Case) -> None:
    hold = await case.here.hold_acts.place(case.access, msgspec.structs.replace(WANTED, incident=case.incident))

    assert [one.id for one in await case.here.holds.standing()] == [hold.id]


async def test_who_may_not_hold_may_not_propose_to_lift_and_who_may_not_act_takes_nothing(case: Case) -> None:
    hold = await case.place()
    operator, _ = await case.here.person(Role.OPERATOR, "Bo")
    with pytest.raises(Refused):
        await case.here.hold_acts.propose_lift(case.here.access(operator), hold.id, "x")
    proposal = await case.here.hold_acts.propose_lift(case.access, hold.id, "x")
    officer, _ = await case.here.person(Role.PRIVACY_OFFICER, "Cai")
    access = Access(agent=officer, purpose="oversight", legal_basis="PublicInterest")
    await case.here.approvals.vote(access, proposal.id, yes=True, reason="it is")
    case.now += DAY
    asked = ask(case.here.access(operator), Action.WIDEN, "incidents", case.now)
    what = Wanted(matter=HOLD_LIFT, target=hold.id, body=proposal.body, reason="")
    with pytest.raises(Refused) as refused:
        await case.here.approvals.take(asked, proposal.id, what, "q")

    assert refused.value.policy == "no-permit"
    assert case.here.events("proposal-taken@1") == []


async def test_only_who_has_the_duty_places_reviews_and_lifts_and_reading_them_is_an_event(case: Case) -> None:
    acts = case.here.hold_acts
    wanted = msgspec.structs.replace(WANTED, incident=case.incident)
    operator, _ = await case.here.person(Role.OPERATOR, "Bo")
    with pytest.raises(Refused):
        await acts.place(case.here.access(operator), wanted)
    hold = await acts.place(case.access, wanted)
    for wrong in (
        acts.review(case.here.access(operator), hold.id, START + DAY, "x"),
        acts.lift(case.here.access(operator), hold.id, "x"),
    ):
        with pytest.raises(Refused):
            await wrong

    assert [one.id for one in await acts.standing(case.access)] == [hold.id]
    assert (await acts.review(case.access, hold.id, START + DAY, "still")).review == START + DAY
    await lifted(case, hold)
    assert await acts.standing(case.access) == []
    asked = [msgspec.json.decode(event.body, type=Query).query for event in case.here.events("query@1")]
    assert asked[-2:] == ["legal-holds", "legal-holds"]
    assert len(case.here.events("refusal@1")) == 3


async def test_what_a_detection_rests_on_that_nobody_told_keeps_nothing(case: Case) -> None:
    (id_, revisions), *_ = case.here.facts.store.detections.items()
    case.here.facts.store.detections[id_] = {0: msgspec.structs.replace(revisions[0], facts=("nobody",))}
    await case.here.holds.place(msgspec.structs.replace(WANTED, incident=case.incident), "install")

    assert (await case.here.holds.spared()).keys == {case.call.key}


def test_times_that_overlap_are_kept_once_and_those_after_the_limit_change_nothing() -> None:
    spared = Spared(rows={1: [(5, 20), (0, 10), (200, 300)]})

    assert spared.between(1, 100) == [(EVER, 0), (20, 100)]


def test_what_is_no_hold_changes_none() -> None:
    other = Event(id="1", at=0, by="a", cause=None, kind="note@1", timeline="live", body=b"{}", subject="holds")
    assert standing([other]) == ()
