"""Promises of incidents: opened by people, fused without loss, and told by their events as they are stored."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from itertools import count, pairwise
from typing import Any, TypeVar

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, MultipleResults, RuleBasedStateMachine, initialize, invariant, multiple, rule
from tests.flow.act_support import ANNA, BO, Room, access, room
from tests.flow.read_support import NOW

from tutela.errors import BadInput, Broken, Conflict, NotFound, Refused, TutelaError, WrongStep
from tutela.flow import incident as step
from tutela.model.alert import Alert, AlertStatus
from tutela.model.event import Event
from tutela.model.flow import encode
from tutela.model.incident import STEPS, Incident, IncidentStatus, Note
from tutela.model.people import Role
from tutela.model.place import Place

Result = TypeVar("Result")


@pytest.fixture(name="here")
def _here() -> Room:
    return room()


async def opened(here: Room, alert: str = "a1") -> Incident:
    await here.alert(alert)
    return await here.incidents.open_from_alert(ANNA, alert, here.key())


# ── opening ─────────────────────────────────────────────────────────────────────────────────────────


async def test_a_person_makes_an_alert_an_incident(here: Room) -> None:
    alert = await here.alert()

    incident = await here.incidents.open_from_alert(ANNA, "a1", "k")

    joined = await here.facts.alert("a1")
    assert (incident.status, incident.type, incident.alerts) == (IncidentStatus.NEW, "noise", ("a1",))
    assert (incident.opened_by, incident.opened_at, incident.place) == ("anna", NOW, alert.place)
    assert (joined.status, joined.incident, joined.by) == (AlertStatus.INCIDENT, incident.id, "anna")
    assert [event.kind for event in await here.events(incident.id)] == ["incident@1"]
    assert (await here.events("a1"))[-1].cause == alert.event


SEEN = Place(lat=60.17, lon=24.94)


async def test_somebody_on_the_street_tells_what_and_where_and_it_is_an_incident(here: Room) -> None:
    incident = await here.incidents.open_at(ANNA, " gas  leak ", SEEN, "k")
    again = await here.incidents.open_at(ANNA, " gas  leak ", SEEN, "k")

    assert (incident.type, incident.place, incident.status) == ("gas leak", SEEN, IncidentStatus.NEW)
    assert (incident.alerts, incident.calls, incident.purpose) == ((), (), ANNA.purpose)
    assert again.id == incident.id
    assert len(await here.events(incident.id)) == 1


@pytest.mark.parametrize("type_", ["", "  ", "x" * 61, "bell\x07"])
async def test_an_incident_says_what_it_is_in_a_few_words(here: Room, type_: str) -> None:
    with pytest.raises(BadInput, match="say what happened"):
        await here.incidents.open_at(ANNA, type_, SEEN, "k")


async def test_whoever_may_not_act_opens_no_incident_anywhere(here: Room) -> None:
    with pytest.raises(Refused):
        await here.incidents.open_at(access("ida", Role.ANALYST, "statistics"), "fire", SEEN, "k")


async def test_whoever_took_a_call_makes_it_an_incident(here: Room) -> None:
    call = await here.call()

    incident = await here.incidents.open_from_call(ANNA, "c1", "k")

    assert (incident.calls, incident.type, incident.place) == (("c1",), "FIRE", call.place)
    assert incident.purpose == "emergency-response"


async def test_an_incident_is_opened_once_under_its_key(here: Room) -> None:
    await here.alert()
    await here.call()

    for _ in range(2):
        one = await here.incidents.open_from_alert(ANNA, "a1", "k")
        other = await here.incidents.open_from_call(ANNA, "c1", "k")

    assert {incident.id for incident in await here.facts.incidents("live", 10)} == {one.id, other.id}


async def test_two_people_can_not_open_two_incidents_from_one_alert(here: Room) -> None:
    await here.alert()
    here.facts.together = asyncio.Barrier(2)

    results = await asyncio.gather(
        here.incidents.open_from_alert(ANNA, "a1", "k"),
        here.incidents.open_from_alert(BO, "a1", "k"),
        return_exceptions=True,
    )

    (won,) = (one for one in results if isinstance(one, Incident))
    (lost,) = (one for one in results if isinstance(one, Conflict))
    assert won.opened_by in lost.message
    assert await here.facts.incidents("live", 10) == [won]


async def test_an_analyst_opens_no_incident(here: Room) -> None:
    await here.call()

    with pytest.raises(Refused):
        await here.incidents.open_from_call(access("ida", Role.ANALYST, "statistics"), "c1", "k")
    assert await here.facts.incidents("live", 10) == []


async def test_whoever_says_which_agencies_work_on_it_is_never_locked_out(here: Room) -> None:
    incident = await opened(here)
    involved = await here.incidents.involve(ANNA, incident.id, ["police"], here.key())

    assert involved.agencies == ("police", "city")
    assert await here.incidents.note(ANNA, incident.id, "still here", here.key())


async def test_an_incident_of_other_agencies_is_not_touched_without_a_case(here: Room) -> None:
    incident = await opened(here)
    await here.incidents.involve(ANNA, incident.id, ["police"], here.key())

    with pytest.raises(Refused):
        await here.incidents.note(access("eve", agency="rescue"), incident.id, "hello", here.key())
    assert await here.incidents.note(access("kim", agency="police"), incident.id, "hello", here.key())


# ── adding and taking out ───────────────────────────────────────────────────────────────────────────


async def test_an_alert_is_added_and_taken_out_again(here: Room) -> None:
    incident = await opened(here)
    await here.alert("a2")

    added = await here.incidents.add_alert(ANNA, incident.id, "a2", here.key())
    taken = await here.incidents.take_out_alert(BO, incident.id, "a1", here.key())

    one, other = await here.facts.alert("a1"), await here.facts.alert("a2")
    assert (added.alerts, taken.alerts) == (("a1", "a2"), ("a2",))
    assert (one.status, one.incident, one.by) == (AlertStatus.ACKNOWLEDGED, None, "bo")
    assert (other.status, other.incident) == (AlertStatus.INCIDENT, incident.id)


async def test_a_call_is_added_once_and_taken_out_again(here: Room) -> None:
    incident = await opened(here)
    await here.call()

    added = await here.incidents.add_call(ANNA, incident.id, "c1", here.key())
    with pytest.raises(WrongStep, match="in this incident already"):
        await here.incidents.add_call(ANNA, incident.id, "c1", here.key())
    taken = await here.incidents.take_out_call(ANNA, incident.id, "c1", here.key())

    assert (added.calls, taken.calls) == (("c1",), ())
    with pytest.raises(WrongStep, match=r"the call c1 is not in this incident$"):
        await here.incidents.take_out_call(ANNA, incident.id, "c1", here.key())


async def test_an_alert_is_in_one_incident_at_most(here: Room) -> None:
    one, other = await opened(here, "a1"), await opened(here, "a2")

    with pytest.raises(WrongStep, match="can't become incident"):
        await here.incidents.add_alert(ANNA, one.id, "a2", here.key())
    assert (await here.facts.incident(other.id)).alerts == ("a2",)


async def test_timelines_do_not_mix(here: Room) -> None:
    incident = await opened(here)
    await here.alert("a2", timeline="import/x")
    await here.call("c2", timeline="import/x")

    with pytest.raises(BadInput, match="keep them apart"):
        await here.incidents.add_alert(ANNA, incident.id, "a2", here.key())
    with pytest.raises(BadInput, match="keep them apart"):
        await here.incidents.add_call(ANNA, incident.id, "c2", here.key())


async def test_what_is_not_there_is_not_found(here: Room) -> None:
    incident = await opened(here)

    with pytest.raises(NotFound, match="call"):
        await here.incidents.add_call(ANNA, incident.id, "c9", here.key())
    with pytest.raises(NotFound, match="incident"):
        await here.incidents.note(ANNA, "i9", "hello", here.key())


# ── fusing ──────────────────────────────────────────────────────────────────────────────────────────


async def test_two_incidents_are_fused_and_show_everything_together(here: Room) -> None:
    one, other = await opened(here, "a1"), await opened(here, "a2")
    await here.call()
    await here.incidents.add_call(ANNA, other.id, "c1", here.key())
    await here.incidents.note(ANNA, other.id, "second", here.key())
    here.now[0] -= 1
    await here.incidents.note(BO, one.id, "first", here.key())
    await here.incidents.involve(BO, one.id, ["rescue", "city"], here.key())
    await here.incidents.involve(BO, other.id, ["city", "police"], here.key())

    fused = await here.incidents.fuse(ANNA, one.id, other.id, here.key())
    everything = await here.incidents.whole(fused)

    assert ((await here.facts.incident(other.id)).status, fused.fused) == (IncidentStatus.FUSED, (other.id,))
    assert (everything.alerts, everything.calls) == (("a1", "a2"), ("c1",))
    assert everything.agencies == ("rescue", "city", "police")
    assert [note.text for note in everything.notes] == ["first", "second"]


async def test_taking_apart_gives_everything_back(here: Room) -> None:
    one, other, third = await opened(here, "a1"), await opened(here, "a2"), await opened(here, "a3")
    fused = await here.incidents.fuse(ANNA, other.id, third.id, here.key())
    both = await here.incidents.fuse(ANNA, one.id, other.id, here.key())

    everything = await here.incidents.whole(both)
    apart = await here.incidents.take_apart(BO, one.id, other.id, here.key())
    back = await here.facts.incident(other.id)

    assert (everything.alerts, everything.fused) == (("a1", "a2", "a3"), (other.id, third.id))
    assert (await here.incidents.whole(apart)).alerts == ("a1",)
    assert (await here.incidents.whole(back)).alerts == ("a2", "a3")
    assert (back.status, back.fused_into, back.fused) == (IncidentStatus.ACTIVE, None, fused.fused)


async def test_what_is_fused_is_worked_on_where_it_is(here: Room) -> None:
    one, other = await opened(here, "a1"), await opened(here, "a2")
    await here.incidents.fuse(ANNA, one.id, other.id, here.key())

    with pytest.raises(WrongStep, match=f"part of {one.id}"):
        await here.incidents.note(ANNA, other.id, "hello", here.key())
    with pytest.raises(WrongStep, match=f"part of {one.id}"):
        await here.incidents.fuse(ANNA, other.id, one.id, here.key())
    with pytest.raises(WrongStep, match="fused into it"):
        await here.incidents.take_out_alert(ANNA, one.id, "a2", here.key())


async def test_an_incident_is_not_fused_with_itself_nor_apart_from_what_it_is_not(here: Room) -> None:
    one, other = await opened(here, "a1"), await opened(here, "a2")

    with pytest.raises(WrongStep, match="with itself"):
        await here.incidents.fuse(ANNA, one.id, one.id, here.key())
    with pytest.raises(WrongStep, match="is not in this incident"):
        await here.incidents.take_apart(ANNA, one.id, other.id, here.key())


# ── the lifecycle ───────────────────────────────────────────────────────────────────────────────────


async def test_an_incident_goes_through_its_life_and_ends_with_a_disposition(here: Room) -> None:
    incident = await opened(here)
    for status in (IncidentStatus.ACTIVE, IncidentStatus.RESOLVED):
        incident = await here.incidents.move(ANNA, incident.id, status, here.key())

    closed = await here.incidents.close(ANNA, incident.id, " false alarm ", here.key())

    assert (closed.status, closed.disposition) == (IncidentStatus.CLOSED, "false alarm")
    with pytest.raises(WrongStep, match="is closed"):
        await here.incidents.note(ANNA, incident.id, "hello", here.key())


@pytest.mark.parametrize("status", [IncidentStatus.CLOSED, IncidentStatus.FUSED])
async def test_closing_and_fusing_have_their_own_commands(here: Room, status: IncidentStatus) -> None:
    incident = await opened(here)

    with pytest.raises(BadInput, match="with a disposition, or fuse it"):
        await here.incidents.move(ANNA, incident.id, status, here.key())


@pytest.mark.parametrize("text", ["", " ", "x" * (step.TEXT + 1)])
async def test_a_text_says_something_and_has_an_end(here: Room, text: str) -> None:
    incident = await opened(here)

    for command in (here.incidents.note, here.incidents.close):
        with pytest.raises(BadInput, match="characters"):
            await command(ANNA, incident.id, text, here.key())
    with pytest.raises(BadInput, match="name of each agency"):
        await here.incidents.involve(ANNA, incident.id, [text], here.key())


async def test_a_note_is_written_once_under_its_key(here: Room) -> None:
    incident = await opened(here)
    for _ in range(2):
        incident = await here.incidents.note(ANNA, incident.id, "hello", "k")

    assert incident.notes == (Note(at=NOW, by="anna", text="hello"),)


# ── the log ─────────────────────────────────────────────────────────────────────────────────────────


def told(incident: Incident) -> Event:
    body = encode(incident)
    return Event(id=incident.event, at=NOW, by="anna", cause=None, kind="incident@1", timeline="live", body=body)


async def test_a_log_that_does_not_follow_is_noticed(here: Room) -> None:
    first = await opened(here)
    active = first.to(IncidentStatus.ACTIVE)

    assert step.folded([told(first), told(active)]) == active
    for wrong in (
        msgspec.structs.replace(active, id="other"),
        msgspec.structs.replace(active, revision=2),
        msgspec.structs.replace(active, status=IncidentStatus.ON_SCENE),
    ):
        with pytest.raises(Broken, match="can't go from New"):
            step.folded([told(first), told(wrong)])
    with pytest.raises(Broken, match="without an event"):
        step.folded([])


class Work(RuleBasedStateMachine):
    """All commands in any order: the log tells the same as what is stored, and nothing gets lost or doubled."""

    incidents: Bundle[str] = Bundle("incidents")
    alerts: Bundle[str] = Bundle("alerts")
    calls: Bundle[str] = Bundle("calls")

    @initialize()
    def begin(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.here = room()
        self.number = count()

    def teardown(self) -> None:
        self.loop.close()

    def run(self, doing: Coroutine[Any, Any, Result]) -> Result:
        return self.loop.run_until_complete(doing)

    def attempt(self, doing: Coroutine[Any, Any, Incident]) -> Incident | None:
        """Do it if it can be done; what can't leaves everything as it was."""
        before = dict(self.here.facts.store.incidents), dict(self.here.facts.store.alerts)
        self.here.now[0] += 1
        try:
            return self.run(doing)
        except TutelaError:
            assert before == (self.here.facts.store.incidents, self.here.facts.store.alerts)
            return None

    @rule(target=alerts)
    def alert(self) -> str:
        return self.run(self.here.alert(f"a{next(self.number)}")).id

    @rule(target=calls)
    def call(self) -> str:
        return self.run(self.here.call(f"c{next(self.number)}")).id

    @rule(target=incidents, alert=alerts)
    def open_from_alert(self, alert: str) -> str | MultipleResults[str]:
        opened = self.attempt(self.here.incidents.open_from_alert(ANNA, alert, self.here.key()))
        return opened.id if opened else multiple()

    @rule(target=incidents, call=calls)
    def open_from_call(self, call: str) -> str:
        return self.run(self.here.incidents.open_from_call(BO, call, self.here.key())).id

    @rule(incident=incidents, alert=alerts)
    def add_alert(self, incident: str, alert: str) -> None:
        self.attempt(self.here.incidents.add_alert(ANNA, incident, alert, self.here.key()))

    @rule(incident=incidents, data=st.data())
    def take_out_alert(self, incident: str, data: st.DataObject) -> None:
        stored = self.here.facts.store
        alert = data.draw(st.sampled_from(stored.incidents[incident].alerts or tuple(stored.alerts) or ("none",)))
        self.attempt(self.here.incidents.take_out_alert(ANNA, incident, alert, self.here.key()))

    @rule(incident=incidents, call=calls)
    def add_call(self, incident: str, call: str) -> None:
        self.attempt(self.here.incidents.add_call(ANNA, incident, call, self.here.key()))

    @rule(incident=incidents, call=calls)
    def take_out_call(self, incident: str, call: str) -> None:
        self.attempt(self.here.incidents.take_out_call(ANNA, incident, call, self.here.key()))

    @rule(one=incidents, other=incidents)
    def fuse(self, one: str, other: str) -> None:
        before = {id_: self.whole(id_) for id_ in (one, other)}
        fused = self.attempt(self.here.incidents.fuse(ANNA, one, other, self.here.key()))
        if fused is not None:
            both = before[one].alerts + before[other].alerts, before[one].calls + before[other].calls
            assert set(self.whole(one).alerts) == set(both[0])
            assert set(self.whole(one).calls) == set(both[1])

    @rule(other=incidents)
    def take_apart(self, other: str) -> None:
        before = self.here.facts.store.incidents[other]
        everything = self.whole(other)
        into = before.fused_into or other
        if self.attempt(self.here.incidents.take_apart(BO, into, other, self.here.key())) is not None:
            back = self.here.facts.store.incidents[other]
            assert (back.alerts, back.calls, back.notes) == (before.alerts, before.calls, before.notes)
            assert (self.whole(other).alerts, self.whole(other).calls) == (everything.alerts, everything.calls)
            assert set(self.whole(into).alerts).isdisjoint(back.alerts)

    @rule(incident=incidents, status=st.sampled_from(IncidentStatus))
    def move(self, incident: str, status: IncidentStatus) -> None:
        self.attempt(self.here.incidents.move(ANNA, incident, status, self.here.key()))

    @rule(incident=incidents)
    def close(self, incident: str) -> None:
        self.attempt(self.here.incidents.close(ANNA, incident, "done", self.here.key()))

    @rule(incident=incidents)
    def note(self, incident: str) -> None:
        self.attempt(self.here.incidents.note(ANNA, incident, "seen", self.here.key()))

    @rule(incident=incidents, agencies=st.lists(st.sampled_from(["police", "rescue", "city"])))
    def involve(self, incident: str, agencies: list[str]) -> None:
        self.attempt(self.here.incidents.involve(ANNA, incident, agencies, self.here.key()))

    def whole(self, id_: str) -> Incident:
        return self.run(self.here.incidents.whole(self.here.facts.store.incidents[id_]))

    @invariant()
    def the_log_tells_what_is_stored(self) -> None:
        for incident in self.here.facts.store.incidents.values():
            assert step.folded(self.here.facts.store.about(incident.id)) == incident
        for alert in self.here.facts.store.alerts.values():
            assert msgspec.json.decode(self.here.facts.store.about(alert.id)[-1].body, type=Alert) == alert

    @invariant()
    def each_life_is_a_path_of_the_table(self) -> None:
        for id_ in self.here.facts.store.incidents:
            life = [msgspec.json.decode(event.body, type=Incident) for event in self.here.facts.store.about(id_)]
            assert life[0].status is IncidentStatus.NEW
            for before, after in pairwise(life):
                assert after.status is before.status or after.status in STEPS[before.status]
                assert (after.disposition is not None) == (after.status is IncidentStatus.CLOSED)

    @invariant()
    def an_alert_is_in_the_incident_that_it_names(self) -> None:
        stored = self.here.facts.store
        named = {alert.id: alert.incident for alert in stored.alerts.values() if alert.incident}
        held = [(alert, incident.id) for incident in stored.incidents.values() for alert in incident.alerts]
        assert dict(held) == named
        assert len(held) == len(named)

    @invariant()
    def each_cause_is_an_earlier_event(self) -> None:
        seen: set[str] = set()
        for event in self.here.facts.store.events.values():
            assert event.cause is None or event.cause in seen or event.kind == "alert@1"
            seen.add(event.id)


TestWork = Work.TestCase
TestWork.settings = settings(max_examples=80, stateful_step_count=50, deadline=None)
