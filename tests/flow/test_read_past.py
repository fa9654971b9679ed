"""The city as it was: what stood at a moment, and the log from then on at a chosen speed, until it is now."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from msgspec.structs import replace
from tests.flow.read_support import NOW, City, access, city
from tests.flow.test_read_desk import ALERT, INCIDENT

from tutela.errors import BadInput, Refused
from tutela.flow.read_past import BACK, Moment, PastReads, Stood
from tutela.model.alert import Alert, AlertStatus
from tutela.model.flow import encode
from tutela.model.incident import Incident, IncidentStatus
from tutela.model.people import Role
from tutela.model.resource import EmergencyResource, ResourceKind, UnitStatus
from tutela.model.scales import Scale, Severity
from tutela.model.when import HOUR, MINUTE, SECOND

OPERATOR = access()
ENGINE = EmergencyResource(
    id="u1",
    timeline="live",
    name="H11",
    agency="city",
    kind=ResourceKind.ENGINE,
    status=UnitStatus.AVAILABLE,
    since=NOW,
    by="it",
)
LATER = NOW + 3 * HOUR


@dataclass
class Time:
    """Rests by letting the city's clock go on."""

    here: City
    rested: list[float] = field(default_factory=list)

    async def rest(self, seconds: float) -> None:
        self.rested.append(seconds)
        self.here.now[0] += int(seconds * SECOND)


@dataclass
class Past:
    here: City
    reads: PastReads

    async def happened(self, at: int, noun: Alert | Incident, **changes: object) -> None:
        kind = "alert@1" if isinstance(noun, Alert) else "incident@1"
        event = self.here.event(kind, noun.id, encode(noun), id=f"{noun.id}-{at}", at=at)
        await self.here.facts.append([replace(event, **changes)])
        await self.seal()

    async def seal(self) -> None:
        self.here.now[0] = max(self.here.now[0], NOW) + MINUTE
        epoch = await self.here.facts.lead("sealer")
        assert epoch is not None
        await self.here.facts.round(epoch, lambda _: b"leaf", 1000)

    async def at(self, at: int) -> Stood:
        self.here.now[0] = LATER
        return await self.reads.state(OPERATOR, "live", at)


@pytest.fixture
async def past() -> Past:
    """At eight an alert; at nine it is acknowledged; at ten it is an incident. Another one is shelved at nine."""
    here = await city()
    past = Past(here, PastReads(reads=here.reads.log, rest=Time(here).rest))
    new = replace(ALERT, id="a1", status=AlertStatus.NEW, shown_at=NOW, rank=5)
    await past.happened(NOW, new)
    await past.happened(NOW + MINUTE, replace(new, id="a2", rank=9, scale=Scale(severity=Severity.SEVERE)))
    await here.facts.append([here.event("unit@1", "u1", encode(ENGINE), at=NOW + 2 * MINUTE)])
    await past.happened(NOW + HOUR, new.to(AlertStatus.ACKNOWLEDGED))
    await past.happened(NOW + 2 * HOUR, new.to(AlertStatus.INCIDENT, incident="i1"))
    await past.happened(NOW + 2 * HOUR, replace(INCIDENT, id="i1", status=IncidentStatus.ACTIVE))
    return past


async def test_before_anything_happened_nothing_stood(past: Past) -> None:
    found = await past.at(NOW - HOUR)

    assert (found.alerts, found.incidents, found.units) == ((), (), ())


async def test_each_moment_has_what_stood_then(past: Past) -> None:
    first = await past.at(NOW + 30 * MINUTE)
    second = await past.at(NOW + 90 * MINUTE)
    third = await past.at(LATER)

    assert [(one.id, one.status) for one in first.alerts] == [("a2", "new"), ("a1", "new")]
    assert [(one.id, one.status) for one in second.alerts] == [("a2", "new"), ("a1", "acknowledged")]
    assert [one.id for one in third.alerts] == ["a2"]
    assert [one.id for one in third.incidents] == ["i1"]
    assert not first.incidents
    assert [one.id for one in first.units] == [ENGINE.id]


async def test_an_incident_that_was_over_is_not_among_them(past: Past) -> None:
    await past.happened(NOW + 2 * HOUR + MINUTE, replace(INCIDENT, id="i1", status=IncidentStatus.CLOSED))

    assert (await past.at(LATER)).incidents == ()


async def test_whoever_may_not_read_it_now_does_not_read_how_it_stood(past: Past) -> None:
    theirs = replace(INCIDENT, id="i1", status=IncidentStatus.ACTIVE, agencies=("elsewhere",))
    await past.happened(NOW + 2 * HOUR + MINUTE, theirs)

    assert (await past.at(NOW + 2 * HOUR + SECOND)).incidents == ()


async def test_a_look_at_the_past_is_one_event_that_names_the_moment_and_the_incidents(past: Past) -> None:
    before = len(past.here.events("query@1"))

    await past.at(LATER)

    (query,) = past.here.events("query@1")[before:]
    assert b"what stood at 2026-11-25T11:00:00.000Z" in query.body
    assert b'"persons":["i1"]' in query.body


async def test_the_bars_count_each_alert_once_where_it_was_first_shown(past: Past) -> None:
    past.here.now[0] = LATER
    later = replace(ALERT, id="a3", status=AlertStatus.NEW, shown_at=NOW + 7 * MINUTE, scale=Scale())
    await past.happened(NOW + 7 * MINUTE, later)
    past.here.now[0] = LATER

    bars = await past.reads.bars(OPERATOR, "live", NOW, LATER)

    assert [(bar.at - NOW, sum(bar.shown.values())) for bar in bars] == [(0, 2), (5 * MINUTE, 1)]
    assert bars[0].shown["Severe"] == 1
    assert bars[1].shown == {"Unknown": 1}


async def test_an_alert_that_was_shown_before_is_in_no_bar(past: Past) -> None:
    past.here.now[0] = LATER

    assert await past.reads.bars(OPERATOR, "live", NOW + HOUR, LATER) == ()


async def follow(past: Past, since: int, speed: int) -> list[Moment]:
    past.here.now[0] = LATER
    return [moment async for moment in await past.reads.follow(OPERATOR, "live", since, speed)]


@pytest.mark.parametrize("speed", [60, 120])
async def test_the_past_passes_at_the_chosen_speed_until_it_is_now(past: Past, speed: int) -> None:
    moments = await follow(past, NOW - MINUTE, speed)

    steps = {later.at - sooner.at for sooner, later in pairwise(moments[:-1])}
    assert steps == {speed * SECOND // 4}
    assert moments[-1].at == past.here.now[0]
    for moment in moments:
        assert all(moment.at - speed * SECOND // 4 < sealed.event.at <= moment.at for sealed in moment.events)
    told = [sealed.event.id for moment in moments for sealed in moment.events]
    assert told == [
        *(f"{one}-{at}" for one, at in (("a1", NOW), ("a2", NOW + MINUTE))),
        "unit@1-u1",
        f"a1-{NOW + HOUR}",
        f"a1-{NOW + 2 * HOUR}",
        f"i1-{NOW + 2 * HOUR}",
    ]


async def test_what_nothing_happened_in_passes_as_well(past: Past) -> None:
    moments = await follow(past, LATER - MINUTE, 120)

    assert moments
    assert not any(moment.events for moment in moments)


@pytest.mark.parametrize("at", [LATER + SECOND, LATER - BACK - SECOND])
async def test_a_moment_that_is_to_come_or_too_long_ago_is_named(past: Past, at: int) -> None:
    with pytest.raises(
        BadInput, match=r"choose a moment between 2026-11-18T11:00:00\.000Z and 2026-11-25T11:00:00\.000Z"
    ):
        await past.at(at)
    with pytest.raises(BadInput):
        await follow(past, at, 1)
    with pytest.raises(BadInput):
        await past.reads.bars(OPERATOR, "live", at, LATER)


async def test_whoever_may_see_nothing_of_the_log_sees_no_past_either(past: Past) -> None:
    nobody = access(Role.OPERATOR, "advertising")
    past.here.now[0] = LATER

    with pytest.raises(Refused):
        await past.reads.state(nobody, "live", NOW)
    with pytest.raises(Refused):
        await past.reads.follow(nobody, "live", NOW, 1)


async def test_whoever_sees_what_happened_without_its_content_sees_nothing_stand(past: Past) -> None:
    past.here.now[0] = LATER

    stood = await past.reads.state(access(Role.AUDITOR, "oversight"), "live", NOW + 30 * MINUTE)

    assert (stood.alerts, stood.incidents, stood.units) == ((), (), ())
