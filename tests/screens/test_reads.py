"""Every read over the API is answered from what there is, and leaves exactly one event."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import numpy as np
import pytest
from litestar import Litestar
from litestar.testing import AsyncTestClient
from tests.screens.town import GRAVE, MINOR, WHY, Town

from tutela.flow import hop, read_observations
from tutela.flow.ledger import Query
from tutela.model import wire
from tutela.model.alert import AlertStatus
from tutela.model.rows import Rows
from tutela.model.when import MINUTE

Client = AsyncTestClient[Litestar]
SERIES = "&datastream=Railway Square mast 1/noise&since=2026-11-25T07:00:00Z&until=2026-11-25T08:00:00Z"

READS: Mapping[str, str] = {
    "/v1/sources": "sources",
    "/v1/observations/series": "readings of Railway Square mast 1/noise",
    "/v1/alerts": "open alerts",
    "/v1/alerts/{alert}": "alert {alert}",
    "/v1/incidents": "100 incidents under way",
    "/v1/incidents/{incident}": "incident {incident}",
    "/v1/calls/newest": "the newest 50 calls",
    "/v1/calls/{call}": "call {call}",
    "/v1/reports/newest": "the newest 50 reports",
    "/v1/posts/newest": "the newest 50 posts",
    "/v1/events": "100 events after -1",
    "/v1/events/about/{alert}": "events about {alert}",
    "/v1/shift": "own shift",
    "/v1/health": "health",
    "/v1/rules": "rules in force",
    "/v1/staged": "staged events and alerts of the last day",
}


def queries(here: Town) -> list[str]:
    return [msgspec.json.decode(event.body, type=Query).query for event in here.events("query@1")]


@pytest.mark.parametrize("path", READS)
async def test_a_read_leaves_one_event_that_says_what_was_read(here: Town, operator: Client, path: str) -> None:
    alert, call = await here.alert(), await here.call()
    opened = await operator.post(f"/v1/incidents{WHY}", json={"call": call.id})
    ids = {"alert": alert.id, "call": call.id, "incident": opened.json()["id"]}

    answer = await operator.get(path.format(**ids) + WHY + (SERIES if path.endswith("series") else ""))

    assert answer.status_code == 200, answer.text
    assert len(queries(here)) == 1
    assert queries(here)[0].startswith(READS[path].format(**ids))


async def test_incidents_are_read_a_page_at_a_time(here: Town, operator: Client) -> None:
    opened = [
        (await operator.post(f"/v1/incidents{WHY}", json={"call": (await here.call()).id})).json()["id"]
        for _ in range(3)
    ]
    await operator.post(f"/v1/incidents/{opened[0]}/disposition{WHY}", json={"disposition": "Nobody was there."})

    async def read(more: str) -> list[str]:
        return [one["id"] for one in (await operator.get(f"/v1/incidents{WHY}{more}")).json()]

    first = await read("&most=1")
    rest = await read(f"&after={first[0]}")

    assert sorted([*first, *rest]) == sorted(opened[1:])
    assert await read("&which=over") == opened[:1]
    assert (await operator.get(f"/v1/incidents{WHY}&after=nobody")).status_code == 404


async def test_newest_values_are_read_at_once_and_leave_one_event(here: Town, operator: Client) -> None:
    answer = await operator.post(f"/v1/observations/newest{WHY}", json={"kind": "readings"})

    assert len(answer.json()["datastream"]) == 3
    assert queries(here) == ["newest readings of all"]


async def test_a_long_series_says_where_it_goes_on(
    here: Town, operator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read_observations, "MOST", 2)
    times = [here.clock() - MINUTE + n for n in range(3)]
    (number,) = [one.id for one in here.facts.store.datastreams.values() if one.name == "Railway Square mast 1/noise"]
    rows = Rows("readings", np.full(3, number, np.int32), np.array(times), {"result": np.arange(3.0)})
    subject = hop.observed("live", "readings", number % here.known.partitions)
    await here.streams.publish(subject, wire.encode(rows), "m", {})
    path = f"/v1/observations/series{WHY}&datastream=Railway Square mast 1/noise&until=2026-11-26T00:00:00Z"

    first = (await operator.get(f"{path}&since=2026-11-25T00:00:00Z")).json()
    then = (await operator.get(f"{path}&since={first['more_since']}")).json()

    assert (first["time"], then["time"]) == (times[:2], times[2:])
    assert then["more_since"] is None


async def test_the_newest_values_of_very_many_datastreams_may_be_asked_for_by_name(operator: Client) -> None:
    names = [f"a long name of a datastream/{number}" for number in range(20_000)]  # more than other bodies may have

    answer = await operator.post(f"/v1/observations/newest{WHY}", json={"datastreams": names})

    assert "a long name of a datastream/0" in answer.json()["detail"]


async def test_a_stranger_is_not_read_at_length(stranger: Client) -> None:
    answer = await stranger.post("/v1/enrol", content=b" " * 300_000)

    assert answer.status_code == 413


async def test_the_queue_is_ranked_with_its_measures_and_its_words(here: Town, operator: Client) -> None:
    await here.alert("noise", MINOR)
    await here.alert("fire", GRAVE)
    await here.alert("crowd", MINOR, status=AlertStatus.HELD, shown_at=None)

    queue = (await operator.get(f"/v1/alerts{WHY}")).json()

    assert [row["alert"]["type"] for row in queue["alerts"]] == ["fire", "noise", "crowd"]
    assert queue["measures"] == {"lately": 2, "flood": False, "waiting": 2, "standing": 0, "shelved": 0, "held": 1}
    assert "noise is 91.5 dB(A), above 85 dB(A)" in queue["alerts"][0]["says"]


async def test_an_alert_tells_why_and_what_would_have_kept_it_silent(here: Town, operator: Client) -> None:
    alert = await here.alert()

    detail = (await operator.get(f"/v1/alerts/{alert.id}{WHY}")).json()

    assert [one["detection"]["id"] for one in detail["detections"]] == list(alert.detections)
    assert detail["detections"][0]["why"].startswith("Railway Square mast 1: noise is 91.5 dB(A)")
    assert detail["detections"][0]["unless"].startswith("It would not have fired if Railway Square mast 1 had told 75")


@pytest.mark.parametrize("path", ["alerts/x", "incidents/x", "calls/x", "alerts/%00", "calls/" + "x" * 5000])
async def test_what_is_not_there_is_not_found(operator: Client, path: str) -> None:
    answer = await operator.get(f"/v1/{path}{WHY}")

    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "tutela:NotFound"


async def test_ready_says_what_is_wrong(here: Town, stranger: Client) -> None:
    well = await stranger.get("/ready")
    here.streams._streams.clear()
    ill = await stranger.get("/ready")

    assert (well.status_code, well.json()["engines"]) == (200, ["PostgreSQL", "NATS"])
    assert (ill.status_code, ill.headers["content-type"]) == (503, "application/problem+json")
    assert ill.json()["detail"].startswith("NATS: there is no stream OBS-live")


async def test_health_tells_of_every_source_and_how_far_the_log_is(here: Town, operator: Client) -> None:
    here.health.stored("sensors", 20, here.clock())

    vitals = (await operator.get(f"/v1/health{WHY}")).json()

    assert [(one["health"]["source"], one["health"]["rows"]) for one in vitals["sources"]] == [
        ("calls", 0),
        ("feed", 0),
        ("lamps", 0),
        ("portal", 0),
        ("resident-portal", 0),
        ("sensors", 20),
    ]
    assert vitals["sealing"]["size"] >= 0
    assert vitals["lag"] == 0


async def test_what_residents_tell_is_read_whole_by_an_operator(here: Town, operator: Client) -> None:
    report, post = await here.report("In front of my door."), await here.post("Smoke!")

    (reported,) = (await operator.get(f"/v1/reports/newest{WHY}")).json()
    (posted,) = (await operator.get(f"/v1/posts/newest{WHY}")).json()

    assert (reported["id"], reported["said"], reported["noun"]) == (report, "In front of my door.", "report")
    assert (posted["id"], posted["said"], posted["category"]) == (post, "Smoke!", "Fire")
