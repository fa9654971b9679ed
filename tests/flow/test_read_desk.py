"""Alerts, incidents and calls: each purpose sees its own, people's records only where a duty needs them."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from tests.flow.read_support import NOW, City, access, city, source

from tutela.errors import NotFound, Refused
from tutela.model.alert import Alert, AlertStatus
from tutela.model.call import Call
from tutela.model.detection import Detection
from tutela.model.flow import encode
from tutela.model.incident import Incident, IncidentStatus
from tutela.model.people import Role
from tutela.model.place import Place
from tutela.model.scales import Scale
from tutela.model.when import DAY
from tutela.model.why import Fewer, Why

PLACE = Place(lat=60.17, lon=24.94)
DETECTION = Detection(
    id="d1",
    timeline="live",
    detector="burst",
    version=1,
    options="o",
    type="burst",
    key="k",
    since=NOW,
    at=NOW,
    place=PLACE,
    cell=1,
    scale=Scale(),
    confidence=0.9,
    purpose="public-safety",
    why=Why(message="burst", inputs={"calls": 5}, unless=Fewer(by=2, of=("c1",))),
)
ALERT = Alert(
    id="a1",
    timeline="live",
    type="burst",
    status=AlertStatus.NEW,
    scale=Scale(),
    rank=10,
    place=PLACE,
    cell=1,
    since=NOW,
    last=NOW,
    count=1,
    detections=("d1",),
    sources=("112",),
    purpose="public-safety",
    message="burst",
    parameters={"calls": 5},
)
INCIDENT = Incident(
    id="i1",
    timeline="live",
    type="fire",
    status=IncidentStatus.NEW,
    place=PLACE,
    opened_at=NOW,
    opened_by="operator-1",
    purpose="public-safety",
)
CALL = Call(
    id="their-17",
    timeline="live",
    source="112",
    at=NOW,
    place=PLACE,
    cell=0,
    category="fire",
    said="it burns",
    caller="+358 1",
)


@pytest.fixture
async def here() -> City:
    here = await city()
    await here.define([source("112", "emergency-response", personal_data=True)], [])
    return here


async def told(here: City, call: Call = CALL, id_: str = "c1", *, sealed: bool = True) -> str:
    """Record a call as flow/record.py does; the key of its bucket."""
    key, body = await here.keys.seal(f"emergency-response/calls/{id_}", encode(call))
    event = here.event("call@1", id_, body, id=id_, key=key)
    if not sealed:
        event = replace(event, body=encode(call), key=None)
    await here.facts.tell(replace(call, id=id_), event, ())
    return key


async def test_an_operator_sees_the_queue_and_one_event_tells_so(here: City) -> None:
    lower = replace(ALERT, id="a2", rank=5)
    await here.facts.act((), (lower, ALERT), (), ())

    assert await here.reads.desk.alerts(access(), "live") == [ALERT, lower]

    (query,) = here.queries()
    assert (query.query, query.count, query.persons) == ("open alerts", 2, ())
    assert len(here.facts.store.events) == 2  # and the source's entry


async def test_an_empty_queue_is_decided_and_written_down_too(here: City) -> None:
    assert list(await here.reads.desk.alerts(access(), "live")) == []
    assert [query.count for query in here.queries()] == [0]

    with pytest.raises(Refused):
        await here.reads.desk.alerts(access(Role.AUDITOR, "oversight"), "live")
    assert [denial.policy for denial in here.denials()] == ["no-permit"]


async def test_alerts_of_another_purpose_are_left_out(here: City) -> None:
    neighbours = replace(ALERT, id="a2", purpose="neighbourhood")
    await here.facts.act((), (ALERT, neighbours), (), ())

    assert await here.reads.desk.alerts(access(), "live") == [ALERT]


async def test_a_queue_of_which_nothing_may_be_seen_is_refused(here: City) -> None:
    await here.facts.act((), (replace(ALERT, purpose="neighbourhood"),), (), ())

    with pytest.raises(Refused, match="another purpose"):
        await here.reads.desk.alerts(access(), "live")

    assert [denial.query for denial in here.denials()] == ["open alerts"]
    assert not here.queries()


async def test_an_alert_comes_with_its_reasons(here: City) -> None:
    await here.facts.act((), (ALERT,), (), ())
    here.facts.store.detections["d1"] = {0: DETECTION}

    detail = await here.reads.desk.alert(access(), "a1")

    assert detail.alert == ALERT
    assert detail.detections == (DETECTION,)
    assert [query.query for query in here.queries()] == ["alert a1"]


async def test_an_alert_of_another_purpose_is_refused(here: City) -> None:
    await here.facts.act((), (ALERT,), (), ())

    with pytest.raises(Refused):
        await here.reads.desk.alert(access(Role.IT, "system-operation"), "a1")

    assert [denial.query for denial in here.denials()] == ["alert a1"]


async def test_an_alert_that_is_not_there_is_not_found(here: City) -> None:
    with pytest.raises(NotFound):
        await here.reads.desk.alert(access(), "a9")


async def test_incidents_are_named_one_by_one(here: City) -> None:
    earlier = replace(INCIDENT, id="i2", opened_at=NOW - 1)
    await here.facts.act((), (), (INCIDENT, earlier), ())

    assert await here.reads.desk.incidents(access(), "live") == [INCIDENT, earlier]
    assert await here.reads.desk.incident(access(), "i1") == INCIDENT

    assert [query.persons for query in here.queries()] == [("i1", "i2"), ("i1",)]


def some(count: int, **changes: object) -> list[Incident]:
    """Incidents, newest first."""
    return [replace(INCIDENT, id=f"i{n}", opened_at=NOW - n, **changes) for n in range(count)]


async def test_a_read_of_incidents_names_no_more_than_it_shows(here: City) -> None:
    incidents = some(5)
    over = [replace(one, id=f"over-{one.id}", status=IncidentStatus.CLOSED) for one in some(3)]
    await here.facts.act((), (), (*incidents, *over), ())
    desk = here.reads.desk

    assert await desk.incidents(access(), "live", 2) == incidents[:2]
    assert await desk.incidents(access(), "live", 2, after="i1") == incidents[2:4]
    assert await desk.incidents(access(), "live", 2, over=True) == over[:2]
    with pytest.raises(NotFound):
        await desk.incidents(access(), "live", 2, after="i9")

    assert [(query.query, query.persons) for query in here.queries()] == [
        ("2 incidents under way", ("i0", "i1")),
        ("2 incidents under way after i1", ("i2", "i3")),
        ("2 incidents that are over", ("over-i0", "over-i1")),
    ]


async def test_a_page_of_incidents_is_filled_with_those_that_may_be_seen(here: City) -> None:
    theirs = some(5, agencies=("fire",))
    ours = [replace(one, id=f"ours-{one.id}", opened_at=one.opened_at - 100, agencies=("ems",)) for one in theirs]
    await here.facts.act((), (), (*theirs, *ours), ())

    assert await here.reads.desk.incidents(access(agency="ems"), "live", 2) == ours[:2]
    with pytest.raises(Refused) as refused:
        await here.reads.desk.incidents(access(agency="police"), "live", 2)

    assert refused.value.policy == "F17-other-agency"
    assert len(here.denials()) == 1


async def test_the_incident_of_a_call_is_the_one_under_way_that_may_be_seen(here: City) -> None:
    over = replace(INCIDENT, id="over", status=IncidentStatus.CLOSED, opened_at=NOW + 1, calls=("c1", "c2"))
    theirs = replace(INCIDENT, id="theirs", opened_at=NOW + 2, agencies=("fire",), calls=("c1", "c3"))
    ours = replace(INCIDENT, calls=("c1",))
    await here.facts.act((), (), (over, theirs, ours, replace(INCIDENT, id="other", calls=("c9",))), ())

    found = await here.reads.desk.incidents_of(access(agency="ems"), "live", ["c1", "c2", "c3", "c4"])

    assert found == {"c1": ours, "c2": over}
    assert [(query.query, query.persons) for query in here.queries()] == [
        ("the incidents of 4 calls", ("i1", "over")),
    ]
    with pytest.raises(Refused):
        await here.reads.desk.incidents_of(access(Role.AUDITOR, "oversight"), "live", ["c1"])


async def test_an_incident_is_open_to_the_agencies_that_are_named_on_it(here: City) -> None:
    theirs = replace(INCIDENT, agencies=("fire", "ems"))
    await here.facts.act((), (), (theirs,), ())
    police = access(agency="police")

    for case in (None, "", " ", "-", "C-17", "i1"):
        with pytest.raises(Refused) as refused:
            await here.reads.desk.incident(replace(police, case=case), "i1")
        assert refused.value.policy == "F17-other-agency"

    assert await here.reads.desk.incident(access(agency="ems"), "i1") == theirs


async def test_an_incident_is_not_shown_past_its_retention(here: City) -> None:
    await here.facts.act((), (), (INCIDENT,), ())
    here.now[0] = NOW + 7 * 365 * DAY

    with pytest.raises(Refused) as refused:
        await here.reads.desk.incident(access(), "i1")

    assert refused.value.policy == "F07-retention"


async def test_an_operator_sees_calls_whole_and_the_log_names_them(here: City) -> None:
    await told(here)

    (call,) = await here.reads.desk.calls(access(purpose="emergency-response"), "live")

    assert (call.id, call.said, call.caller) == ("c1", "it burns", "+358 1")
    assert call.cell
    assert [query.persons for query in here.queries()] == [("c1",)]


async def test_an_analyst_sees_calls_without_the_people_in_them(here: City) -> None:
    await told(here)

    (call,) = await here.reads.desk.calls(access(Role.ANALYST, "statistics"), "live")

    assert (call.category, call.said, call.caller) == ("fire", "", "")
    (query,) = here.queries()
    assert (query.count, query.persons) == (1, ())


async def test_an_erased_call_is_shown_bare(here: City) -> None:
    await here.keys.destroy(await told(here))

    (call,) = await here.reads.desk.calls(access(), "live")

    assert (call.said, call.caller) == ("", "")
    with pytest.raises(Refused, match="erased"):
        await here.reads.desk.call(access(), "c1")


async def test_an_old_call_is_shown_bare(here: City) -> None:
    await told(here)
    here.now[0] = NOW + 365 * DAY

    (call,) = await here.reads.desk.calls(access(), "live")

    assert call.said == ""


async def test_a_call_of_another_agency_is_shown_bare(here: City) -> None:
    await here.define([source("112", "emergency-response", personal_data=True, agency="fire")], [])
    await told(here)

    (call,) = await here.reads.desk.calls(access(agency="police"), "live")

    assert call.said == ""


async def test_one_call_is_read_whole_and_named(here: City) -> None:
    await told(here)

    call = await here.reads.desk.call(access(), "c1")

    assert (call.id, call.said) == ("c1", "it burns")
    assert [query.persons for query in here.queries()] == [("c1",)]


async def test_a_call_is_not_opened_for_somebody_without_the_duty(here: City) -> None:
    key = await told(here)
    await here.keys.destroy(key)  # so that opening it would say "erased"

    with pytest.raises(Refused) as refused:
        await here.reads.desk.call(access(Role.ANALYST, "statistics"), "c1")

    assert refused.value.policy == "F16-personal-data-duty"


async def test_a_call_says_itself_whose_it_is(here: City) -> None:
    await here.define([source("112", "emergency-response", personal_data=True, agency="fire")], [])
    await told(here)

    with pytest.raises(Refused) as refused:
        await here.reads.desk.call(access(agency="police"), "c1")

    assert refused.value.policy == "F17-other-agency"


CASE = replace(INCIDENT, agencies=("fire", "police"), calls=("c1",))


async def test_a_call_of_another_agency_is_read_in_the_case_of_both(here: City) -> None:
    await here.define([source("112", "emergency-response", personal_data=True, agency="fire")], [])
    await told(here)
    await told(here, id_="c2")
    await here.facts.act((), (), (CASE,), ())
    police = replace(access(agency="police"), case="i1")

    assert (await here.reads.desk.call(police, "c1")).said == "it burns"
    assert {call.id: call.said for call in await here.reads.desk.calls(police, "live")} == {"c1": "it burns", "c2": ""}


@pytest.mark.parametrize("case", [None, "", " ", "-", "C-17"])
async def test_a_case_that_is_no_incident_opens_nothing(here: City, case: str | None) -> None:
    await here.define([source("112", "emergency-response", personal_data=True, agency="fire")], [])
    await told(here)

    with pytest.raises(Refused) as refused:
        await here.reads.desk.call(replace(access(agency="police"), case=case), "c1")

    assert refused.value.policy == "F17-other-agency"


@pytest.mark.parametrize(
    "case",
    [
        replace(CASE, agencies=()),
        replace(CASE, agencies=("fire",)),
        replace(CASE, agencies=("police", "ems")),
        replace(CASE, calls=("c2",)),
    ],
)
async def test_a_case_opens_only_what_it_holds_and_only_to_the_agencies_named_on_it(here: City, case: Incident) -> None:
    await here.define([source("112", "emergency-response", personal_data=True, agency="fire")], [])
    await told(here)
    await here.facts.act((), (), (case,), ())

    with pytest.raises(Refused) as refused:
        await here.reads.desk.call(replace(access(agency="police"), case="i1"), "c1")

    assert refused.value.policy == "F17-other-agency"


async def test_a_call_that_was_never_sealed_is_read_as_it_is(here: City) -> None:
    await told(here, replace(CALL, source="gone"), sealed=False)

    assert (await here.reads.desk.call(access(), "c1")).said == "it burns"


async def test_nothing_is_shown_when_the_log_is_down(here: City) -> None:
    await here.facts.act((), (ALERT,), (INCIDENT,), ())
    await told(here)
    here.facts.down = True

    for read in (
        here.reads.desk.alerts(access(), "live"),
        here.reads.desk.alert(access(), "a1"),
        here.reads.desk.incidents(access(), "live"),
        here.reads.desk.incident(access(), "i1"),
        here.reads.desk.calls(access(), "live"),
        here.reads.desk.call(access(), "c1"),
    ):
        with pytest.raises(Refused) as refused:
            await read
        assert refused.value.policy == "G33-audit"
