"""One trace follows a batch over the real processes, from the post to the committed alert; and a collector stops nobody."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from secrets import token_hex

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion
from tests.integration.collector import Collector, Span, collecting
from tests.integration.connected import BLOCKS, connected, enter
from tests.integration.running import Device, Instance, Person, datastream, line, now, running, until
from tests.integration.test_timelines import MAPPING

pytestmark = pytest.mark.integration

ENVIRONMENT = {"OTEL_BSP_SCHEDULE_DELAY": "200", "OTEL_EXPORTER_OTLP_TIMEOUT": "1"}
SECRET = "canary-street-5e1"
"""In names of datastreams and Things, as nothing that leaves for a collector."""
NAMES = [f"traces/{SECRET}/{number}" for number in range(4)]
PLACES = [(60.16 + 0.01 * number, 24.95) for number in range(4)]
SAID, CALLER, NAME = "canary-said-77c", "canary-caller-77c", "Canary Operator 77c"
ACKNOWLEDGED = 2.0
"""Seconds within which a post is durable, whatever becomes of spans."""

WAY = ["POST /v1/observations", "offer", "publish", "detect", "detection", "hop", "desk", "alert"]
"""How the alert of a post came to be, from the outermost on; `gate` is beside `publish`."""

SERVICES = ["serve", "serve", "serve", "work", "work", "keep", "work", "work"]


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with collecting() as own:
        yield own


@pytest.fixture(scope="module")
def city(collector: Collector, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.address)
        for name, value in ENVIRONMENT.items():
            environment.setenv(name, value)
        with running(tmp_path_factory.mktemp("traced") / "data", "--empty") as instance:
            yield instance


@pytest.fixture(scope="module")
def operator(city: Instance) -> Person:
    person = city.come_in(city.codes["operator"], NAME)
    person.do("/v1/shift", {"budget": 600})
    return person


@pytest.fixture(scope="module")
def sensors(city: Instance) -> Device:
    streams = [datastream(name, "pm25", unit="ug/m3", place=place) for name, place in zip(NAMES, PLACES, strict=True)]
    device = city.enter("traces", *streams)
    device.known(NAMES[-1])
    return device


def chain(collector: Collector, last: Span) -> list[Span]:
    """The span and all that it follows from, the outermost first."""
    spans = {one.id: one for one in collector.trace(last.trace)}
    found = [last]
    while found[0].parent in spans:
        found.insert(0, spans[found[0].parent])
    return found


def begun(collector: Collector, name: str) -> Span:
    """A trace that begins with such a span, and has gone on to a turn."""

    def found() -> list[Span]:
        roots = [one for one in tuple(collector.spans) if one.name == name and not one.parent]
        return [one for one in roots if any(span.kind == "CONSUMER" for span in collector.trace(one.trace))]

    first: Span = until(found, f"a trace that begins with {name}")[0]
    return first


def posted(collector: Collector, device: Device, name: str) -> list[Span]:
    """The trace of a post that became an alert; whoever sent it had begun it."""
    trace, sender = token_hex(16), token_hex(8)
    began = time.monotonic()
    answer = device.post(line(name, 320.5, unit="ug/m3"), traceparent=f"00-{trace}-{sender}-01")
    assert time.monotonic() - began < ACKNOWLEDGED
    assert answer.json()["accepted"] == 1
    until(
        lambda: any(one.told.get("tutela.status") == "new" for one in collector.trace(trace)),
        "the trace has come to the shown alert",
    )
    return collector.trace(trace)


def test_one_trace_spans_the_post_the_worker_and_the_alert(
    collector: Collector, sensors: Device, operator: Person
) -> None:
    found = posted(collector, sensors, NAMES[0])

    held = next(one for one in found if one.told.get("tutela.status") == "held")
    way = chain(collector, held)
    assert [one.name for one in way] == WAY
    assert [one.service for one in way] == [f"tutela-{name}" for name in SERVICES]
    assert [one.kind for one in way if one.kind != "INTERNAL"] == [
        "SERVER", "PRODUCER", "CONSUMER", "PRODUCER", "CONSUMER",
    ]  # fmt: skip
    # what is below is over when it is durable, and begins no sooner than what it follows from
    assert all(before.began <= after.began for before, after in pairwise(way))
    shown = next(one for one in found if one.told.get("tutela.status") == "new")
    assert [one.name for one in chain(collector, shown)] == [*WAY, "desk", "alert"]
    gate = next(one for one in found if one.name == "gate")
    assert (gate.parent, gate.told["tutela.accepted"], gate.told["tutela.refused"]) == (way[1].id, 1, 0)
    publish = way[2]
    assert publish.told == {
        "tutela.timeline": "live",
        "tutela.kind": "readings",
        "tutela.partition": publish.told["tutela.partition"],
        "tutela.rows": 1,
    }
    assert not any(one.failed for one in found)
    assert any(one["status"] == "new" for one in operator.queue())


def test_a_trace_begins_at_each_door(city: Instance, collector: Collector, sensors: Device, tmp_path: Path) -> None:
    token = sensors.http.headers["authorization"].partition(" ")[2]
    client = Client(CallbackAPIVersion.VERSION2, client_id="traced")
    client.username_pw_set("traces", token)
    client.connect("127.0.0.1", city.mqtt)
    client.loop_start()
    client.publish(f"traces/{NAMES[1]}", "3.5", qos=1).wait_for_publish(30)
    client.disconnect()
    client.loop_stop()
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "1.csv").write_text(f"taken,station,pm25\n{now(-60)},{SECRET},1\n")
    options = {"path": str(folder), "every": 0.2, "settle": 0.2, "done": "done"}
    enter(city, connected("traced", "directory", standard="table", options=options, reading=BLOCKS), "traced")
    call = {"id": "2026-1", "at": now(), "lat": 60.18, "lon": 24.93, "category": "fall"}
    taker = city.enter("traced-calls", kind="calls", purposes=["emergency-response"], personal_data=True)
    assert taker.call(**call, said=SAID, caller=CALLER).status_code == 201

    (tmp_path / "recorded.csv").write_text("when,station,pm25\n2026-03-01T00:00:00Z,talks,10\n")
    (tmp_path / "recorded.toml").write_text(MAPPING)
    files = tmp_path / "recorded.csv", "--mapping", tmp_path / "recorded.toml"
    assert city.told("import", *files, "--timeline", "import/traced")["observations"] == 1

    assert begun(collector, "import").service == "tutela-import"
    assert begun(collector, "mqtt").service == "tutela-serve"
    assert begun(collector, "connection").service == "tutela-connect"
    called = begun(collector, "POST /v1/calls").trace
    until(lambda: [one for one in collector.trace(called) if one.name == "hop"], "the call goes out of the box")
    turn = until(lambda: [one for one in collector.trace(called) if one.name == "correlate"], "and comes to a turn")[0]
    assert [one.name for one in chain(collector, turn)] == ["POST /v1/calls", "tell", "hop", "correlate"]
    assert not any(one.parent == "" and one.name in ("gate", "publish", "hop") for one in collector.spans)


def test_tracing_changes_nothing_that_is_replayed(city: Instance, collector: Collector) -> None:
    assert collector.named("detection")
    city.keeper_again()
    report = city.told("replay", "live", "--stage", "detect")
    assert report["differences"] == 0
    assert report["compared"] >= 1


def test_no_name_no_place_and_nothing_that_was_said_leaves_for_the_collector(collector: Collector) -> None:
    assert {f"tutela-{name}" for name in ("serve", "connect", "work", "keep", "import")} == set(collector.resources)
    assert all(set(one) == RESOURCE for one in collector.resources.values())
    raw = b"".join(collector.raw)
    assert [word for word in (SECRET, SAID, CALLER, NAME, "320.5", "60.1", "127.0.0.1") if word.encode() in raw] == []
    assert {key for one in collector.spans for key in one.told} <= TOLD


RESOURCE = {
    "service.name", "service.namespace", "service.instance.id", "service.version",
    "telemetry.sdk.language", "telemetry.sdk.name", "telemetry.sdk.version",
}  # fmt: skip
TOLD = {
    "http.request.method", "http.route", "http.response.status_code", "error.type",
    *(f"tutela.{name}" for name in (
        "accepted", "detector", "facts", "found", "kind", "messages", "partition", "refused", "revision", "rows",
        "status", "subject", "timeline", "type",
    )),
}  # fmt: skip
"""Every attribute that docs/how-to/trace.md names."""


def test_a_collector_that_does_not_answer_stops_nobody_and_is_told_once(
    city: Instance, collector: Collector, sensors: Device, operator: Person
) -> None:
    logs = [city.data / "log" / f"{name}.log" for name in ("serve", "work-1", "keep")]
    collector.holds.set()
    before, took = collector.asked, []
    for number in range(20):
        began = time.monotonic()
        sensors.take(line(NAMES[2], float(number)))
        took.append(time.monotonic() - began)
    sensors.take(line(NAMES[3], 320.5, unit="ug/m3"))
    assert max(took) < ACKNOWLEDGED
    until(lambda: operator.newest(NAMES[2], NAMES[3]) == {NAMES[2]: 19.0, NAMES[3]: 320.5}, "all is worked off")
    until(lambda: len([one for one in operator.queue() if one["type"] == "smoke"]) == 2, "the alert is shown")

    def tried() -> bool:
        sensors.take(line(NAMES[2], 1.0))
        return collector.asked >= before + 12

    until(tried, "they have tried several times")
    until(lambda: all("takes no spans" in log.read_text() for log in logs), "each has told it")
    assert [log.read_text().count("takes no spans") for log in logs] == [1, 1, 1]
    assert not any("opentelemetry" in log.read_text() for log in logs)

    collector.holds.clear()
    trace = token_hex(16)
    sensors.post(line(NAMES[2], 1.0), traceparent=f"00-{trace}-{token_hex(8)}-01")
    until(lambda: {"tutela-serve", "tutela-work"} <= collector.services(trace), "spans come again")
    assert [log.read_text().count("takes no spans") for log in logs] == [1, 1, 1]
