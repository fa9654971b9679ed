"""What a shift hands over is what the log says, as far as somebody may read it; signed once, taken over by somebody else."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from tests.screens.town import GRAVE, MINOR, NOW, source, town

from tutela.errors import BadInput, Conflict, NotFound, Refused
from tutela.flow import changes
from tutela.flow.entering import connect, enter
from tutela.flow.handover import SHOWN, WORDS
from tutela.flow.handover_lines import (
    CHANGED,
    LONGEST,
    OFF,
    OPEN,
    SECTIONS,
    SHELVED,
    SHIFT,
    SILENT,
    SOURCES,
    UNITS,
    WAITING,
    Line,
    Written,
    did,
    down,
    work_of,
)
from tutela.flow.health import SourceHealth
from tutela.flow.read_health import SourceNow
from tutela.model.access import Access
from tutela.model.alert import AlertStatus
from tutela.model.event import Event
from tutela.model.flow import encode
from tutela.model.handover import KIND, SUBJECT, TAKEN, ShiftHandover, ShiftTaken, signed
from tutela.model.people import Role
from tutela.model.register import Connection, Reach
from tutela.model.resource import UnitStatus
from tutela.model.when import HOUR, SECOND


class Shift:
    """A town whose time moves, and who works in it."""

    def __init__(self) -> None:
        self.now = NOW

    async def begin(self) -> Shift:
        self.here = await town(lambda: self.now)
        self.aino = await self.person("Aino")
        self.bo = await self.person("Bo")
        self.acts = self.here.shift_desk.acts
        return self

    async def person(self, name: str, role: Role = Role.OPERATOR, agency: str = "city") -> Access:
        return self.here.access((await self.here.person(role, name, agency))[0])

    async def written(self, who: Access | None = None, since: int | None = None) -> Written:
        await self.here.seal()
        return await self.acts.write(who or self.aino, since)

    async def busy(self) -> str:
        """Some of everything; the incident."""
        here, until = self.here, NOW + HOUR
        await here.alert("loud", MINOR)
        rests = await here.alert("silence", MINOR)
        self.now += SECOND
        await here.acts.shelve(self.aino, rests.id, "shelve", "works till nine", until)
        fire, call = await here.alert("fire", GRAVE), await here.call()
        incident = await here.incidents.open_from_alert(self.aino, fire.id, "open")
        await here.incidents.add_call(self.aino, incident.id, call.id, "add")
        await here.acts.dismiss(self.bo, (await here.alert("crowd")).id, "dismiss", "a market")
        unit, _ = await here.unit("H11"), await here.unit("A21")
        await here.console.units.set_status(self.aino, unit.id, UnitStatus.OUT_OF_SERVICE, "oos")
        return incident.id


@pytest.fixture
async def shift() -> Shift:
    return await Shift().begin()


def of(written: Written, section: str) -> list[Line]:
    return [one for one in written.lines if one.section == section]


async def test_each_line_names_an_event_that_is_in_the_log(shift: Shift) -> None:
    incident = await shift.busy()
    written = await shift.written()
    events = shift.here.facts.store.events

    assert [one for one in written.lines if one.section != OFF and one.event not in events] == []
    assert [(one.about, one.agency) for one in of(written, OPEN)] == [(incident, "")]
    assert [one.name for one in of(written, WAITING)] == ["loud"]
    (rests,) = of(written, SHELVED)
    assert (rests.name, rests.says, rests.until, rests.by) == (
        "silence",
        "works till nine",
        NOW + HOUR,
        shift.aino.agent.id,
    )
    assert [(one.name, one.agency, one.place) for one in of(written, UNITS)] == [("H11", "fire", None)]


async def test_what_people_did_is_told_in_order_with_who_did_it_and_what_the_desk_did_is_not(shift: Shift) -> None:
    await shift.busy()
    written = await shift.written()
    aino, bo = shift.aino.agent.id, shift.bo.agent.id

    assert [(one.name, one.says, one.by) for one in of(written, CHANGED) if one.by in (aino, bo)] == [
        ("silence", "shelved", aino),
        ("fire", "opened", aino),
        ("fire", "made part of an incident", aino),
        ("fire", "changed; it is New", aino),
        ("crowd", "dismissed", bo),
        ("H11", "now OutOfService", aino),
    ]
    assert (written.did[aino], written.did[bo]) == (5, 1)
    assert "desk" not in written.did
    assert written.counts[CHANGED] == sum(written.did.values())
    assert tuple(written.counts) == SECTIONS


async def test_what_was_before_that_time_is_open_still_and_not_told_as_changed(shift: Shift) -> None:
    await shift.busy()
    shift.now += 2 * HOUR
    written = await shift.written(since=NOW + HOUR)

    assert of(written, CHANGED) == []
    assert len(of(written, OPEN)) == 1


async def test_the_same_log_gives_the_same_digest_and_one_more_act_another(shift: Shift) -> None:
    await shift.busy()
    first, again = await shift.written(), await shift.written()
    (waits,) = of(first, WAITING)
    await shift.here.acts.acknowledge(shift.aino, waits.about, "ack")
    other = await shift.written()

    assert (first.digest, len({first.digest, other.digest})) == (again.digest, 2)
    assert of(other, WAITING)[0].says == "acknowledged, and not closed, ×1"


async def test_another_agencys_incident_is_in_it_only_where_both_work_on_it(shift: Shift) -> None:
    await shift.busy()
    chief = await shift.person("Kaarina", agency="fire")
    (incident,) = of(await shift.written(), OPEN)
    police = await shift.person("Pekka", agency="police")
    await shift.here.incidents.involve(police, incident.about, [], "own")
    before = await shift.written(chief)
    await shift.here.incidents.involve(police, incident.about, ["fire"], "involve")
    after = await shift.written(chief)

    assert (len(of(before, OPEN)), len(of(after, OPEN))) == (0, 1)
    assert "fire" in of(after, OPEN)[0].agency


async def test_sources_from_which_nothing_comes_are_told_whether_they_are_silent_or_not_reachable(
    shift: Shift,
) -> None:
    here = shift.here
    for name in ("quiet", "broken"):
        await enter(here.facts, source(name, "environment"), "install", NOW)
    await connect(here.facts, here.keys, Connection(source="broken", part="poll"), {}, "install", NOW)
    epoch = await here.facts.attend("connecting")
    assert epoch is not None
    gone = Reach(source="broken", at=NOW, reachable=False, troubles=3, says="connection refused")
    await here.facts.report(epoch, [gone])
    here.health.stored("quiet", 1, NOW)
    here.health.stored("stranger", 1, NOW)
    await here.known.refresh()
    shift.now += SILENT + 1
    found = {one.name: one.says for one in of(await shift.written(), SOURCES)}

    assert found == {"quiet": "silent", "broken": "not reachable: connection refused"}


async def test_capabilities_that_are_off_are_told_with_why_and_with_what_was_decided_about_them(shift: Shift) -> None:
    before = {one.name: one for one in of(await shift.written(), OFF)}
    await shift.here.arming.disarm("loud", "no need", shift.aino.agent.id)
    shift.now += 10 * SECOND
    after = {one.name: one for one in of(await shift.written(), OFF)}

    assert "loud" not in before
    assert after["loud"].says == "it was disarmed"
    assert after["loud"].event in shift.here.facts.store.events
    assert {one.event for one in before.values()} == {""}


async def test_it_looks_two_days_back_and_not_into_what_is_to_come(shift: Shift) -> None:
    assert (await shift.written()).since == NOW - SHIFT
    for wrong in (NOW - LONGEST - 1, NOW + 1):
        with pytest.raises(BadInput, match="the last two days at most"):
            await shift.written(since=wrong)


async def test_more_than_one_look_reads_is_refused(shift: Shift, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "MOST", 1)
    with pytest.raises(BadInput, match="more than 1 events since then; choose a later time"):
        await shift.written()


async def test_it_is_signed_once_with_words_that_are_sealed_and_the_next_one_begins_there(shift: Shift) -> None:
    await shift.busy()
    await shift.here.seal()
    signed = [await shift.acts.sign(shift.aino, " The market ends at nine. ", "key") for _ in range(2)]
    wordless = await shift.acts.sign(shift.bo, "  ", "key")
    (event,) = [one for one in shift.here.events(KIND) if one.by == shift.aino.agent.id]
    shift.now += HOUR

    assert signed[0] == signed[1]
    assert (signed[0].words, signed[0].counts[OPEN], wordless.words) == ("The market ends at nine.", 1, "")
    assert b"market" not in event.body
    assert event.subject == SUBJECT
    assert (await shift.written()).since == signed[0].at
    assert [one.words for one in await shift.acts.listed(shift.bo)] == ["", "The market ends at nine."]
    shift.now += 2 * LONGEST
    assert (await shift.written()).since == shift.now - LONGEST


async def test_words_have_an_end(shift: Shift) -> None:
    with pytest.raises(BadInput, match="these words have 5001 letters"):
        await shift.acts.sign(shift.aino, "x" * (WORDS + 1), "key")


async def test_somebody_else_takes_it_over_and_only_one_person_does(shift: Shift) -> None:
    signed = await shift.acts.sign(shift.aino, "", "key")
    with pytest.raises(Conflict, match="you signed this handover yourself"):
        await shift.acts.take(shift.aino, signed.id)
    shift.now += SECOND
    taken = await shift.acts.take(shift.bo, signed.id)
    again = await shift.acts.take(shift.bo, signed.id)
    with pytest.raises(Conflict, match="took this handover over already"):
        await shift.acts.take(await shift.person("Ci"), signed.id)
    with pytest.raises(NotFound, match="there is no handover 'x'"):
        await shift.acts.take(shift.bo, "x")

    assert (taken.taken_by, taken.taken_at) == (shift.bo.agent.id, NOW + SECOND)
    assert taken == again
    assert len(shift.here.events(TAKEN)) == 1


async def test_the_newest_handovers_are_listed_first_and_no_more_than_a_page(shift: Shift) -> None:
    for number in range(SHOWN + 2):
        shift.now += SECOND
        await shift.acts.sign(shift.aino, str(number), str(number))
    found = [one.words for one in await shift.acts.listed(shift.bo)]

    assert found == [str(number) for number in range(SHOWN + 1, 1, -1)]


async def test_whoever_is_not_here_for_a_shifts_work_reads_and_signs_nothing(shift: Shift) -> None:
    it = replace(await shift.person("Ira", Role.IT), purpose="system-operation")
    auditor = replace(await shift.person("Maija", Role.AUDITOR), purpose="oversight")
    for act in (
        shift.acts.write(it),
        shift.acts.listed(it),
        shift.acts.write(auditor),
        shift.acts.sign(auditor, "", "key"),
    ):
        with pytest.raises(Refused):
            await act

    assert await shift.acts.listed(auditor) == []


def test_what_is_taken_over_or_told_twice_stays_as_it_was_first() -> None:
    def event(kind: str, by: str, at: int, said: ShiftHandover | ShiftTaken) -> Event:
        return Event(id=f"{at}", at=at, by=by, cause=None, kind=kind, timeline="live", body=encode(said))

    made = ShiftHandover(id="h", by="a", since=0, at=1, counts={}, lines="")
    told = [
        event(TAKEN, "b", 1, ShiftTaken(id="h")),
        event(KIND, "a", 2, made),
        event("query@1", "a", 3, made),
        event(TAKEN, "b", 4, ShiftTaken(id="h")),
        event(TAKEN, "c", 5, ShiftTaken(id="h")),
    ]

    assert signed(told) == {"h": replace(made, taken_by="b", taken_at=4)}


def test_a_source_that_is_heard_or_was_never_heard_is_not_told_as_down() -> None:
    def now(name: str, last: int | None) -> SourceNow:
        health = SourceHealth(source=name, rows=0, rows_per_second=0.0, last=last, refused={})
        return SourceNow(health=health, entry=source(name, "environment"))

    reached = {"fine": Reach(source="fine", at=NOW, reachable=True)}
    assert list(down([now("fine", NOW), now("fresh", NOW), now("never", None)], reached, NOW + 1)) == []


async def test_events_of_other_timelines_and_kinds_are_no_changes(shift: Shift) -> None:
    alert = await shift.here.alert()
    event = replace(shift.here.events("alert@1")[0], by=shift.aino.agent.id)

    assert work_of(event) == alert
    assert work_of(replace(event, timeline="replay/x")) is None
    assert work_of(replace(event, kind="query@1")) is None
    assert {work_of(replace(event, by=nobody)) for nobody in ("desk", "install")} == {None}
    assert did(replace(alert, status=AlertStatus.HELD), event).says == "held"
