"""The life of one observation over the real processes: from a source's post to a sealed log and its replay."""

from __future__ import annotations

import time
from statistics import median

import pytest
from tests.integration.running import Device, Instance, Person, datastream, line, now, until

pytestmark = pytest.mark.integration

SEEN = 2.0
"""Seconds from the acknowledgement of an observation to its alert before the operator's eyes."""

SMOKE = [f"life/pm25-{number}" for number in range(5)]
PLACES = [(60.16 + 0.01 * number, 24.95) for number in range(5)]  # a kilometre apart: an alert for each
SAID = "canary-said-7f3a the stairs are full of smoke"
CALLER = "canary-caller-9d41"
CATEGORY = "canary-category-52ce: fall"


@pytest.fixture(scope="module")
def sensors(city: Instance) -> Device:
    streams = [datastream(name, "pm25", unit="ug/m3", place=place) for name, place in zip(SMOKE, PLACES, strict=True)]
    device = city.enter("life", *streams)
    device.known(SMOKE[-1])
    return device


@pytest.fixture(scope="module")
def call_taker(city: Instance) -> Device:
    return city.enter("life-calls", kind="calls", purposes=["emergency-response"], personal_data=True)


def test_an_observation_becomes_an_alert_that_a_person_makes_an_incident(
    sensors: Device, operator: Person, auditor: Person
) -> None:
    took = []
    for name in SMOKE[:3]:
        with operator.following() as follower:
            sensors.take(line(name, 320.5, unit="ug/m3"))
            acknowledged = time.monotonic()
            came, event = follower.wait(
                lambda one: one["kind"] == "alert@1" and one["body"]["status"] == "new", f"the alert of {name}"
            )
            took.append(came - acknowledged)
    assert median(took) < SEEN, took

    alert = event["body"]
    assert alert["type"] == "smoke"
    assert alert["sources"] == ["life"]
    assert any(row["id"] == alert["id"] for row in operator.queue())
    told = operator.get(f"/v1/alerts/{alert['id']}")
    assert "320.5" in told["detections"][0]["why"]
    assert "225.5" in told["detections"][0]["unless"]

    # a person sees to it, twice with one key: once
    seen = [operator.do(f"/v1/alerts/{alert['id']}/acknowledge", Idempotency_Key="life-1") for _ in range(2)]
    assert seen[0] == seen[1]
    assert seen[0]["status"] == "acknowledged"
    assert seen[0]["by"] == operator.id
    incident = operator.do("/v1/incidents", {"alert": alert["id"]}, Idempotency_Key="life-2")
    assert incident["opened_by"] == operator.id
    assert incident["alerts"] == [alert["id"]]
    noted = operator.do(f"/v1/incidents/{incident['id']}/notes", {"text": "Looked from the window: a barbecue."})
    assert noted["notes"][0]["by"] == operator.id

    # every step is in the log, each with its cause, and nobody but a person opened it
    history = operator.get(f"/v1/events/about/{alert['id']}")
    assert [one["body"]["status"] for one in history] == ["held", "new", "acknowledged", "incident"]
    assert [one["by"] for one in history] == ["desk", "desk", operator.id, operator.id]
    assert all(one["cause"] for one in history)
    opened = operator.get(f"/v1/events/about/{incident['id']}")
    assert [one["kind"] for one in opened] == ["incident@1", "incident@1"]
    assert {one["by"] for one in opened} == {operator.id}

    # reading it was written down too
    reads = [one for one in auditor.log() if one["kind"] == "query@1" and one["by"] == operator.id]
    assert any(one["body"]["query"] == f"alert {alert['id']}" for one in reads)


def test_the_log_of_it_all_is_sound(city: Instance, sensors: Device) -> None:
    sensors.take(line(SMOKE[0], 1.0))
    city.keeper_again()  # it signs a checkpoint when it stops
    report = city.told("verify")
    assert report["findings"] == []
    assert report["checkpoints"] > 0
    assert report["witnessed"] + report["unwitnessed"] > 10


def test_history_is_archived_and_replayed_to_the_same(city: Instance, sensors: Device, operator: Person) -> None:
    since, low, high = now(-1), 11.25, 271.5
    for result in (low, high, low, high):
        sensors.take(line(SMOKE[3], result))
    expected = [low, high, low, high]
    # at once: the lake and what is not in it yet
    assert [result for _, result in operator.series(SMOKE[3], since, now(1))] == expected
    until(
        lambda: any(alert["type"] == "smoke" and alert["count"] == 2 for alert in operator.queue()), "both detections"
    )
    city.keeper_again()
    assert [result for _, result in operator.series(SMOKE[3], since, now(1))] == expected

    reports = [
        city.told("replay", "live", "--stage", stage, *how)
        for stage in ("detect", "correlate")
        for how in ((), ("--batch", "1", "--backwards"))
    ]
    assert {report["differences"] for report in reports} == {0}, reports
    detects, correlates = reports[:2], reports[2:]
    assert len({report["digest"] for report in detects}) == 1
    assert len({report["digest"] for report in correlates}) == 1
    assert detects[0]["compared"] >= 2


def test_what_was_said_in_a_call_lies_nowhere_in_plain(city: Instance, call_taker: Device, operator: Person) -> None:
    call = {"id": "2026-1", "at": now(), "lat": 60.18, "lon": 24.93, "category": CATEGORY}
    answers = [call_taker.call(**call, said=SAID, caller=CALLER) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    event = answers[0].json()["event"]
    assert answers[1].json()["event"] == event

    told = operator.get(f"/v1/calls/{event}")
    assert (told["said"], told["caller"]) == (SAID, CALLER)
    envelope = operator.get(f"/v1/events/about/{event}")
    assert [(one["kind"], one["sealed"], one["body"]) for one in envelope] == [("call@1", True, None)]

    # so it is with a report and with a post: what is written is read by whoever has a duty, and lies in no file
    resident = city.enter(
        "life-residents", kind="portal", purposes=["city-operations", "public-safety"], personal_data=True
    )
    at, place = now(), {"lat": 60.18, "lon": 24.93}
    resident.tell(
        "/v1/reports",
        service_request_id="1",
        service_code="Trees",
        description=SAID,
        requested_datetime=at,
        long=24.93,
        lat=60.18,
    )
    resident.tell("/v1/posts", id="1", at=at, subject="Fire", said=SAID, account=CALLER, **place)
    (report,), (post,) = operator.get("/v1/reports/newest"), operator.get("/v1/posts/newest")
    assert (report["said"], post["said"], "account" in post) == (SAID, SAID, False)
    assert (post["place"]["lat"], post["place"]["lon"]) != (60.18, 24.93)

    # the category is no personal data: where it can be found, the rest would be found as well
    until(lambda: found(city, CATEGORY), "the category is on the disk")
    city.keeper_again()
    assert found(city, CATEGORY)
    assert found(city, SAID) == found(city, CALLER) == []


def found(city: Instance, text: str) -> list[str]:
    """The files that hold it."""
    return city.holding(text.encode())


def test_of_an_unregistered_token_nothing_is_left_but_a_count(city: Instance, keeper: Person) -> None:
    stranger = Device(city.client("nobody-knows-this-token"))
    answer = stranger.post(line("canary-stranger-31b8", 1))
    assert answer.status_code == 403
    assert "token" in answer.json()["detail"]
    assert stranger.call(id="canary-stranger-31b8", at=now(), lat=60, lon=24, category="x").status_code == 403
    assert found(city, "canary-stranger-31b8") == []
    counted = until(
        lambda: [
            one["health"]["refused"]
            for one in keeper.get("/v1/health")["sources"]
            if one["entry"] is None and one["health"]["refused"]
        ],
        "the refusal is counted",
    )
    assert counted[0]["quarantined"] >= 2
