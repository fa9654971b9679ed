"""MQTT on the real processes, with the clients that devices use: durable before it is acknowledged, and nobody spoofed."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import psutil
import pytest
from paho.mqtt.client import Client, MQTTMessageInfo
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.reasoncodes import ReasonCode
from tests.integration.running import Device, Instance, Person, datastream, entry, now, running, until
from tests.standards import mqtt_client as packets

pytestmark = pytest.mark.integration

PUB = shutil.which("mosquitto_pub")
needs_mosquitto_pub = pytest.mark.skipif(
    PUB is None, reason="mosquitto_pub is not installed (Debian: mosquitto-clients)"
)
SOURCE, THING = "shore", "shore mast"
FIELDS = ("level", "wave", "count", "kept", "other")
HOST = "127.0.0.1"


@pytest.fixture(scope="module")
def shore(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """An instance of its own, whose door may be killed."""
    with running(tmp_path_factory.mktemp("shore") / "data", "--empty") as instance:
        yield instance


@pytest.fixture(scope="module")
def source(shore: Instance) -> Device:
    """The whole source."""
    streams = [named(f"{THING}/{field}", kind="counts" if field == "count" else "readings") for field in FIELDS]
    return shore.enter(SOURCE, *streams, named("elsewhere/level"))


@pytest.fixture(scope="module")
def token(shore: Instance, source: Device) -> str:
    """The token of the one device."""
    told = shore.told("sources", "device", SOURCE, THING)
    assert told["user"] == f"{SOURCE}/{THING}"
    assert source.post(b"").status_code == 200
    return str(told["token"])


@pytest.fixture(scope="module")
def reader(shore: Instance) -> Person:
    return shore.come_in(shore.codes["operator"], "Aino")


def named(name: str, kind: str = "readings") -> str:
    return datastream(name, kind=kind).replace(f"{name.partition('/')[0]} mast", THING)


class Publisher:
    """Paho, as a device uses it: it connects again by itself, and keeps what was not acknowledged."""

    def __init__(self, shore: Instance, token: str, version: MQTTProtocolVersion, name: str) -> None:
        self.reasons: dict[int, int] = {}
        self.connected = threading.Event()
        self.refused: ReasonCode | None = None
        self._client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=name,
            clean_session=None if version == MQTTProtocolVersion.MQTTv5 else False,
            protocol=version,
        )
        self._client.username_pw_set(f"{SOURCE}/{THING}", token)
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = lambda _, __, ___, reason, ____: self._answered(reason)
        self._client.on_publish = lambda _, __, mid, reason, ___: self.reasons.update({mid: reason.value})
        self._client.connect(HOST, shore.mqtt)
        self._client.loop_start()
        assert self.connected.wait(30)

    def _answered(self, reason: ReasonCode) -> None:
        self.refused = reason if reason.is_failure else None
        self.connected.set()

    def publish(self, topic: str, payload: str) -> MQTTMessageInfo:
        return self._client.publish(topic, payload, qos=1)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@pytest.fixture(params=[MQTTProtocolVersion.MQTTv311, MQTTProtocolVersion.MQTTv5], ids=["3.1.1", "5"])
def version(request: pytest.FixtureRequest) -> MQTTProtocolVersion:
    return MQTTProtocolVersion(request.param)


@pytest.fixture
def paho(shore: Instance, token: str, version: MQTTProtocolVersion) -> Iterator[Publisher]:
    one = Publisher(shore, token, version, f"paho-{version.name}")
    yield one
    one.close()


def observation(result: float, at: str) -> str:
    return json.dumps({"result": result, "phenomenonTime": at})


@needs_mosquitto_pub
@pytest.mark.parametrize("spoken", ["mqttv311", "mqttv5"])
def test_what_mosquitto_pub_publishes_is_there(shore: Instance, token: str, reader: Person, spoken: str) -> None:
    assert PUB is not None
    value = "21.5" if spoken == "mqttv5" else "22.5"
    where = ("-h", HOST, "-p", str(shore.mqtt), "-V", spoken, "-u", f"{SOURCE}/{THING}", "-P", token)
    subprocess.run([PUB, *where, "-t", f"{SOURCE}/{THING}/level", "-m", value, "-q", "1"], check=True)

    until(lambda: reader.newest(f"{THING}/level") == {f"{THING}/level": float(value)}, "the value is shown")


def test_what_paho_publishes_is_there_also_in_the_way_of_sensorthings(
    shore: Instance, paho: Publisher, reader: Person
) -> None:
    number = shore.numbers()[f"{THING}/count"]
    value = random.randrange(1_000_000)
    sent = [
        paho.publish(f"{SOURCE}/{THING}/wave", observation(value, now())),
        paho.publish(f"v1.1/Datastreams({number})/Observations", observation(value, now())),
    ]
    for one in sent:
        one.wait_for_publish(30)

    assert [paho.reasons[one.mid] for one in sent] == [0, 0]
    until(lambda: reader.newest(f"{THING}/wave") == {f"{THING}/wave": value}, "the wave is shown")
    until(lambda: reader.newest(f"{THING}/count", kind="counts") == {f"{THING}/count": value}, "the count is shown")


def test_a_device_is_told_in_version_5_why_something_was_not_taken(shore: Instance, token: str) -> None:
    one = Publisher(shore, token, MQTTProtocolVersion.MQTTv5, "told")
    sent = [
        one.publish(f"{SOURCE}/{THING}/level", "high"),
        one.publish(f"{SOURCE}/{THING}/nowhere", "1"),
        one.publish(f"{SOURCE}/elsewhere/level", "1"),
        one.publish(f"{SOURCE}/{THING}/level", observation(1, "2020-01-01T00:00:00Z")),
    ]
    for info in sent:
        info.wait_for_publish(30)
    one.close()

    assert [one.reasons[info.mid] for info in sent] == [0x99, 0x90, 0x87, 0x99]


def test_a_token_of_a_device_does_not_open_the_http_door(shore: Instance, token: str) -> None:
    answer = shore.client(token).post("/v1/observations", content=b"")

    assert answer.status_code == 403
    assert "the token of one device" in answer.text


def test_nothing_acknowledged_is_lost_when_the_door_is_killed_again_and_again(
    shore: Instance, paho: Publisher, reader: Person, version: MQTTProtocolVersion
) -> None:
    field = "kept" if version == MQTTProtocolVersion.MQTTv5 else "other"
    begun, sent = now(-60), dict[int, MQTTMessageInfo]()
    for turn in range(3):
        before = shore.run_file("serve")
        for number in range(turn * 400, turn * 400 + 400):
            sent[number] = paho.publish(f"{SOURCE}/{THING}/{field}", observation(number, now()))
        until(lambda turn=turn: len(paho.reasons) > turn * 400 + 50, "some are acknowledged")  # type: ignore[misc]  # a default binds the name
        acknowledged = {number for number, info in sent.items() if info.mid in paho.reasons}
        os.kill(before["pid"], signal.SIGKILL)
        until(lambda before=before: _anew(shore, before["pid"]), "the door is back")  # type: ignore[misc]  # as above
        until(lambda kept=acknowledged: kept <= _there(reader, field, begun), "what was acknowledged is there")  # type: ignore[misc]  # as above
    # Not `wait_for_publish`: that raises for what was published while the door was down, and is sent once it is back.
    until(lambda: {info.mid for info in sent.values()} <= set(paho.reasons), "all are acknowledged", 60)
    until(lambda: _there(reader, field, begun) == set(sent), "all of them are there")


def _anew(shore: Instance, pid: int) -> bool:
    try:
        return bool(shore.run_file("serve")["pid"] != pid and psutil.pid_exists(shore.run_file("serve")["pid"]))
    except (OSError, json.JSONDecodeError):
        return False


def _there(reader: Person, field: str, begun: str) -> set[int]:
    try:
        reader.http.get("/ready").raise_for_status()
    except httpx.HTTPError:  # the HTTP door was killed with the other one
        return set()
    return {int(result) for _, result in reader.series(f"{THING}/{field}", begun, now(60))}


def _dialogue(port: int, *stream: bytes) -> bytes:
    """Send, and read until the server closes."""
    said = b""
    with socket.create_connection((HOST, port), timeout=60) as line:
        try:
            line.sendall(b"".join(stream))
            while data := line.recv(4096):
                said += data
        except ConnectionResetError:
            pass
    return said


def test_a_thousand_who_show_no_token_are_refused_a_thousand_times(shore: Instance) -> None:
    hello = [packets.connect(level, f"nobody-{level}", None, None) for level in (packets.V311, packets.V5)]
    with ThreadPoolExecutor(20) as pool:
        said = list(pool.map(lambda number: _dialogue(shore.mqtt, hello[number % 2]), range(1000)))

    assert [answer[:2] + answer[3:4] for answer in said[::2]] == [b"\x20\x02\x05"] * 500
    assert [answer[3] for answer in said[1::2]] == [0x87] * 500


def test_a_thousand_topics_that_are_not_its_own_are_refused_to_a_device_a_thousand_times(
    shore: Instance, token: str, reader: Person
) -> None:
    hello = packets.connect(packets.V5, "spoofer", f"{SOURCE}/{THING}", token)
    topics = [f"{SOURCE}/elsewhere/level", f"{SOURCE}/{THING}x/level", "other/mast/level", f"{THING}/level", SOURCE]
    acks = b""
    with socket.create_connection((HOST, shore.mqtt), timeout=60) as line:
        for number in range(1, 1001):
            line.sendall((hello if number == 1 else b"") + packets.publish(topics[number % 5], b"666", number))
        while len(found := packets.split(acks)) < 1001:
            data = line.recv(65536)
            assert data, "the connection was closed"
            acks += data

    assert [(packet[0], packet[4]) for packet in found[1:]] == [(0x40, 0x87)] * 1000
    old = packets.connect(packets.V311, "spoofer", f"{SOURCE}/{THING}", token)
    assert _dialogue(shore.mqtt, old, packets.publish(topics[0], b"666", version=packets.V311)) == b"\x20\x02\x00\x00"
    assert reader.newest("elsewhere/level") == {}


def test_garbage_and_half_a_hello_stop_nobody(shore: Instance, paho: Publisher) -> None:
    chance = random.Random(5)
    half = [socket.create_connection((HOST, shore.mqtt)) for _ in range(100)]
    for line in half:
        line.sendall(packets.connect()[:7])
    with ThreadPoolExecutor(20) as pool:
        list(pool.map(lambda size: _dialogue(shore.mqtt, b"\xff" + chance.randbytes(size)), range(0, 40_000, 200)))
    info = paho.publish(f"{SOURCE}/{THING}/level", "5")
    info.wait_for_publish(30)

    assert paho.reasons[info.mid] == 0
    for line in half:
        line.settimeout(60)
        assert line.recv(1) == b""  # let go, after ten seconds
        line.close()


def test_a_device_must_be_a_thing_of_the_register(shore: Instance, source: Device) -> None:
    assert source.http.headers["authorization"]
    told = shore.tutela("sources", "device", SOURCE, "nobody")

    assert told.returncode == 1
    assert "has no Thing called 'nobody'" in told.stderr
    assert entry(SOURCE)
