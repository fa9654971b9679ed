"""A broker that somebody else keeps, over the real processes: entered once, mapped, and killed in between."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion
from tests.integration.connected import condition, connected, enter, kill, newest, series
from tests.integration.running import Instance, Person, now, until
from tests.sources.mosquitto import Mosquitto, mosquitto, needs_mosquitto, people
from tests.standards.messages import UP, UPLINK

pytestmark = [pytest.mark.integration, needs_mosquitto]

PASSWORD = "canary-secret-72bd"
PLAIN = [{"topic": "city/+/pm25", "thing": "{topic/1}", "observed_property": "pm25", "unit": "ug/m3"}]
STA = "v1.1/Datastreams(12)/Observations"
MAP = {
    "datastream": [
        {"thing": "{topic/1}", "result": "/temperature", "observed_property": "temperature", "unit": "Cel"},
        {"thing": "{topic/1}", "result": "/battery", "observed_property": "battery", "unit": "%", "optional": True},
    ]
}


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    folder = tmp_path_factory.mktemp("mosquitto")
    with mosquitto(folder, people(folder, kim=PASSWORD)) as one:
        yield one


def reached(
    broker: Mosquitto, name: str, standard: str, reading: object, *topics: str, password: str = PASSWORD
) -> str:
    options = {"host": "127.0.0.1", "port": broker.port, "topics": [*topics]}
    secret = {"user": "kim", "password": password}
    return connected(name, "broker", standard=standard, options=options, reading=reading, secret=secret)


def listening(city: Instance, name: str) -> None:
    until(lambda: condition(city, name).get("reachable"), f"{name} listens")


def say(broker: Mosquitto, topic: str, message: object) -> None:
    broker.publish(topic, json.dumps(message), "-u", "kim", "-P", PASSWORD)


def observed(result: float) -> dict[str, object]:
    return {"result": result, "phenomenonTime": now()}


def test_what_is_published_becomes_observations_by_the_standard_of_its_connection(
    city: Instance, operator: Person, broker: Mosquitto
) -> None:
    sensorthings = {"topic": STA, "thing": "library", "observed_property": "pm25", "unit": "ug/m3"}
    for name, standard, reading, topics in (
        ("plain", "topics", {"datastream": [*PLAIN, sensorthings]}, ("city/#", STA)),
        ("zigbee", "json_map", {"mapping": MAP}, ("zigbee2mqtt/+",)),
        ("lora", "chirpstack", {"units": {"temperature": "Cel"}}, ("application/+/device/+/event/up",)),
        ("things", "ttn", {"units": {"temperature": "Cel"}}, ("v3/+/devices/+/up",)),
    ):
        assert enter(city, reached(broker, name, standard, reading, *topics), name) == {"source": name, "token": None}
        listening(city, name)

    say(broker, "city/yard/pm25", 12.5)
    say(broker, "city/yard/noise", 70)  # which no block takes
    say(
        broker,
        STA,
        {"@iot.id": 5, "@iot.selfLink": "http://x/v1.1/Observations(5)", "resultTime": None, **observed(7)},
    )
    say(broker, "zigbee2mqtt/kitchen", {"temperature": 21.25, "linkquality": 90})
    say(broker, "application/a/device/70b3d57ed0000001/event/up", {**UP, "time": now()})
    uplink = {**UPLINK["uplink_message"], "received_at": now()}
    say(broker, "v3/a/devices/b/up", {**UPLINK, "received_at": now(), "uplink_message": uplink})

    expected = {
        "plain/yard/pm25": 12.5,
        "plain/library/pm25": 7.0,
        "zigbee/kitchen/temperature": 21.25,
        "lora/70b3d57ed0000001/temperature": 4.25,
    }
    until(lambda: newest(operator, *expected) == expected, "all of it is there")
    thing = f"things/{UPLINK['end_device_ids']['device_id']}"
    until(lambda: newest(operator, f"{thing}/temperature"), "what The Things Stack sent is there")
    until(lambda: "no block takes the topic 'city/yard/noise'" in condition(city, "plain")["says"], "the rest is told")


@pytest.mark.long
def test_a_broker_and_a_connection_that_are_killed_lose_nothing_and_show_nothing_twice(
    city: Instance, operator: Person, broker: Mosquitto
) -> None:
    enter(city, reached(broker, "killed", "topics", {"datastream": PLAIN}, "city/#"), "killed")
    listening(city, "killed")
    publisher = Client(CallbackAPIVersion.VERSION2, client_id="device", clean_session=False)
    publisher.username_pw_set("kim", PASSWORD)
    publisher.reconnect_delay_set(1, 1)
    acknowledged = set[int]()
    publisher.on_publish = lambda _, __, mid, ___, ____: acknowledged.add(mid)
    publisher.connect("127.0.0.1", broker.port)
    publisher.loop_start()
    sent = list[int]()

    def publish(first: int, count: int, *, timed: bool = True) -> None:
        infos = []
        for number in range(first, first + count):
            payload = json.dumps(observed(number)) if timed else str(number)
            infos.append(publisher.publish("city/tower/pm25", payload, qos=1))
            sent.append(number)
        until(lambda: {info.mid for info in infos} <= acknowledged, "the broker has them")

    publish(0, 200)
    kill(city)  # the process that runs the connections
    publish(200, 200)
    until(lambda: len(series(operator, "killed/tower/pm25")) >= 300, "it goes on")
    publish(400, 200)
    broker.save()
    broker.kill()
    broker.start()
    publish(600, 200, timed=False)
    until(lambda: set(series(operator, "killed/tower/pm25")) == set(sent), "all of them are there")
    publisher.disconnect()
    publisher.loop_stop()

    assert series(operator, "killed/tower/pm25") == sent
    assert condition(city, "killed")["reachable"]
    until(
        lambda: newest(operator, "killed/connection/reachable") == {"killed/connection/reachable": 1.0},
        "its health is observed",
        60,
    )


def test_what_is_wrong_with_a_broker_is_told_and_no_secret_with_it(
    city: Instance, auditor: Person, broker: Mosquitto
) -> None:
    wrong = "canary-secret-0000"
    enter(city, reached(broker, "shut-out", "topics", {"datastream": PLAIN}, "city/#", password=wrong), "shut-out")
    says = until(lambda: condition(city, "shut-out").get("says"), "it was tried")
    for name in ("shut-out", "plain", "killed", "zigbee", "lora", "things"):
        (city.data.parent / f"{name}.toml").unlink(missing_ok=True)

    assert "does not let us in" in says
    assert "[connection.secret]" in says
    for secret in (wrong, PASSWORD):
        assert secret not in json.dumps(city.told("sources", "list"))
        assert secret not in json.dumps(list(auditor.log()))
        assert city.holding(secret.encode()) == []


def test_a_topic_that_can_not_be_is_refused_before_anything_is_entered(city: Instance, broker: Mosquitto) -> None:
    path = city.data.parent / "no-topic.toml"
    path.write_text(reached(broker, "no-topic", "topics", {"datastream": PLAIN}, "city/#/pm25"))
    ran = city.tutela("sources", "enter", path)

    assert ran.returncode == 1
    assert "# stands for all levels at the end" in ran.stderr
    assert "no-topic" not in {one["name"] for one in city.told("sources", "list")}
