"""A broker that somebody else keeps: what it has is acknowledged when it is durable, and comes again when it is not."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion
from tests.docs_support.pages import ROOT
from tests.sources.mosquitto import Mosquitto, certified, mosquitto, needs_mosquitto, people

from tutela import parts
from tutela.errors import BadInput
from tutela.model.flow import Offer, Receipt, Sender
from tutela.model.register import Datastream
from tutela.sources.broker import Broker
from tutela.sources.mqtt import Door
from tutela_promises.intake import FakeIntake

Version = Literal["3.1.1", "5"]
TOPIC = "city/yard/pm25"


@dataclass
class Gate(FakeIntake):
    """Takes everything, or waits until it is let go."""

    taken: list[bytes] = field(default_factory=list)
    tried: int = 0
    open: asyncio.Event = field(default_factory=asyncio.Event)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.open.set()

    async def take(self, body: bytes, topic: str = "") -> Receipt:
        self.tried += 1
        self.news.set()
        await self.open.wait()
        self.taken.append(body)
        self.kept.topics.append(topic)
        self.news.set()
        return Receipt(1)

    def well(self) -> None:
        super().well()
        self.news.set()

    def trouble(self, says: str) -> None:
        super().trouble(says)
        self.news.set()

    async def until(self, true: Callable[[], object], do: Callable[[], Awaitable[object]] | None = None) -> None:
        """Wait until it is true; `do` is done again and again meanwhile."""
        async with asyncio.timeout(30):
            while not true():
                self.news.clear()
                if do is None:
                    await self.news.wait()
                else:
                    await do()

    async def has(self, *bodies: bytes) -> None:
        await self.until(lambda: set(bodies) <= set(self.taken))


def ours(broker: Mosquitto, **more: object) -> Broker:
    told = {"host": "127.0.0.1", "port": broker.port, "topics": ["city/#"], **more}
    part = parts.make("sources", "broker", told)
    assert isinstance(part, Broker)
    return part


@asynccontextmanager
async def running(part: Broker, gate: Gate) -> AsyncIterator[Gate]:
    task = asyncio.create_task(part.run(gate))
    try:
        yield gate
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@asynccontextmanager
async def taking(broker: Mosquitto, gate: Gate, version: Version = "5") -> AsyncIterator[None]:
    """Our side, running; its session is at the broker before the body begins."""
    async with running(ours(broker, version=version), gate):
        await gate.until(lambda: gate.wells)
        yield


async def published(broker: Mosquitto, payload: str, *options: str, topic: str = TOPIC) -> None:
    await asyncio.to_thread(broker.publish, topic, payload, *options)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with mosquitto(tmp_path) as one:
        yield one


pytestmark = [pytest.mark.integration, needs_mosquitto]
left_to_be_cleared_away = pytest.mark.filterwarnings(
    "ignore:Exception ignored in. <ssl.SSLSocket:pytest.PytestUnraisableExceptionWarning"
)
"""Paho does so with the socket of a handshake that failed."""


# ── what comes ──────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("version", ["3.1.1", "5"])
async def test_what_is_published_comes_in_with_its_topic(broker: Mosquitto, version: Version) -> None:
    gate = Gate()
    async with taking(broker, gate, version):
        for topic, payload in ((TOPIC, "2"), ("city/nowhere", "1"), ("elsewhere", "0"), (TOPIC, "3\n4")):
            await published(broker, payload, topic=topic)
        await gate.has(b"2", b"1", b"3\n4")

    assert sorted(gate.kept.topics) == ["city/nowhere", TOPIC, TOPIC]
    assert gate.troubles == []
    assert gate.kept.remembered == b"met"


async def test_what_was_not_durable_when_we_left_comes_again(broker: Mosquitto) -> None:
    before, after = Gate(), Gate()
    async with taking(broker, before):
        before.open.clear()
        await published(broker, "7")
        await before.until(lambda: before.tried)
    await published(broker, "8")  # while nobody is here
    async with taking(broker, after):
        await after.has(b"7", b"8")

    assert before.taken == []


async def test_an_old_value_that_the_broker_keeps_is_left(broker: Mosquitto) -> None:
    await published(broker, "9", "-r")
    gate = Gate()
    async with taking(broker, gate):
        await published(broker, "7")
        await gate.has(b"7")

    assert gate.taken == [b"7"]


@pytest.mark.parametrize("version", ["3.1.1", "5"])
async def test_a_broker_that_is_killed_is_found_again_with_all_that_it_wrote_down_and_nothing_comes_twice(
    broker: Mosquitto, version: Version
) -> None:
    gate = Gate()
    async with taking(broker, gate, version):
        gate.open.clear()
        for number in range(5):
            await published(broker, str(number))
        await gate.until(lambda: gate.tried)
        await asyncio.to_thread(broker.save)
        await asyncio.to_thread(broker.kill)
        await asyncio.to_thread(broker.start)
        await gate.until(lambda: gate.wells == 2)
        gate.open.set()  # those that were under way are durable only now, and the broker sends them once more
        await published(broker, "5")
        await gate.has(b"5")

    assert sorted(gate.taken) == [b"0", b"1", b"2", b"3", b"4", b"5"]
    assert "is gone, trying again" in gate.troubles[0]


@pytest.mark.parametrize("version", ["3.1.1", "5"])
async def test_what_was_acknowledged_when_the_broker_had_written_it_down_does_not_come_twice(
    broker: Mosquitto, version: Version
) -> None:
    gate = Gate()
    async with taking(broker, gate, version):
        gate.open.clear()
        await published(broker, "1")
        await gate.until(lambda: gate.tried)
        await asyncio.to_thread(broker.save)
        gate.open.set()  # durable and acknowledged, which the broker does not write down any more
        await gate.has(b"1")
        await asyncio.to_thread(broker.kill)
        await asyncio.to_thread(broker.start)
        await gate.until(lambda: gate.wells == 2)
        await published(broker, "2")
        await gate.has(b"2")

    assert gate.taken == [b"1", b"2"]


async def test_a_session_that_the_broker_has_lost_is_told(broker: Mosquitto) -> None:
    gate = Gate()
    async with taking(broker, gate):
        await asyncio.to_thread(broker.kill)  # and nothing was written down
        (broker.folder / "mosquitto.db").unlink(missing_ok=True)
        await asyncio.to_thread(broker.start)
        await gate.until(lambda: gate.wells == 2)
        await published(broker, "1")
        await gate.has(b"1")

    assert any("kept nothing for us while we were away" in says for says in gate.troubles)


# ── what people are told ────────────────────────────────────────────────────────────────────────
async def test_an_address_where_nobody_listens_is_told_and_tried_again(broker: Mosquitto) -> None:
    await asyncio.to_thread(broker.kill)
    async with running(ours(broker), gate := Gate()):
        await gate.until(lambda: gate.troubles)
        await asyncio.to_thread(broker.start)
        await gate.until(lambda: gate.wells)

    assert f"127.0.0.1:{broker.port} can't be reached" in gate.troubles[0]
    assert "refused" in gate.troubles[0]


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a..b"])
async def test_a_name_that_leads_nowhere_is_told(broker: Mosquitto, host: str) -> None:
    async with running(ours(broker, host=host), gate := Gate()):
        await gate.until(lambda: gate.troubles)

    assert f"{host}:{broker.port} can't be reached" in gate.troubles[0]


@pytest.mark.parametrize("version", ["3.1.1", "5"])
async def test_who_is_not_let_in_is_told_where_the_password_goes(tmp_path: Path, version: Version) -> None:
    with mosquitto(tmp_path, people(tmp_path, kim="sesame-1")) as broker:
        right = {"user": "kim", "password": "sesame-1"}
        async with running(ours(broker, version=version, **right | {"password": "sesame-2"}), gate := Gate()):
            await gate.until(lambda: gate.troubles)
        async with running(ours(broker, version=version, **right), known := Gate()):
            await known.until(lambda: known.wells)

    assert "does not let us in: Not authorized; put user and password into [connection.secret]" in gate.troubles[0]
    assert (gate.wells, known.troubles) == (0, [])


@left_to_be_cleared_away
async def test_over_tls_a_broker_is_believed_only_when_it_is_certified(tmp_path: Path) -> None:
    ca, door = certified(tmp_path)
    with mosquitto(tmp_path, door) as broker:
        async with running(ours(broker, tls=True), stranger := Gate()):
            await stranger.until(lambda: stranger.troubles)
        for told in (str(ca), ca.read_text()):
            async with running(ours(broker, tls=True, ca=told), known := Gate()):
                await known.until(lambda known=known: known.wells)  # type: ignore[misc]  # a default binds the name

    assert "certificate verify failed" in stranger.troubles[0]
    assert stranger.wells == 0


@pytest.mark.parametrize(
    "ca", ["ca.pem", "none.pem", "-----BEGIN CERTIFICATE-----\nnothing of the sort", "-----BEGIN ü"]
)
async def test_what_holds_no_certificates_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ca: str) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ca.pem").write_text("nothing of the sort")
    part = parts.make("sources", "broker", {"host": "x", "topics": ["a"], "tls": True, "ca": ca})

    with pytest.raises(BadInput, match=r"ca = .* holds no certificates"):
        await part.run(Gate())


@pytest.mark.parametrize("version", ["3.1.1", "5"])
async def test_a_topic_that_we_may_not_subscribe_to_is_told(version: Version) -> None:
    async def give(_: Offer) -> Receipt:
        return Receipt(0)

    async def identify(_: str) -> Sender:
        return Sender("air")

    door = Door(give, Nobody(), identify, lambda: 0)  # where nobody reads
    async with door.listening("127.0.0.1", 0) as port:
        told = {
            "host": "127.0.0.1",
            "port": port,
            "topics": ["air/#"],
            "user": "air",
            "password": "x",
            "version": version,
        }
        async with running(parts.make("sources", "broker", told), gate := Gate()):
            await gate.until(lambda: gate.troubles)

    assert "does not let us subscribe to 'air/#'" in gate.troubles[0]
    assert gate.wells == 0


class Nobody:
    def number(self, _: str) -> int | None:
        return None

    def datastream(self, number: int) -> Datastream:
        raise AssertionError(number)


async def test_another_client_with_our_identifier_is_told(broker: Mosquitto) -> None:
    async with running(ours(broker, client="same"), one := Gate()):
        await one.until(lambda: one.wells)
        async with running(ours(broker, client="same"), other := Gate()):
            await one.until(lambda: one.troubles)
            await other.until(lambda: other.wells)

    assert "another client has our identifier 'same'" in one.troubles[0]


async def test_what_is_no_mqtt_is_told_and_not_waited_for_in_silence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]

        def answers() -> None:
            line, _ = other.accept()
            with line:
                line.recv(1000)
                line.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n" + bytes(200))

        async with running(
            parts.make("sources", "broker", {"host": "127.0.0.1", "port": port, "topics": ["a"]}), gate := Gate()
        ):
            await asyncio.to_thread(answers)
            await gate.until(lambda: gate.troubles)

    assert gate.wells == 0


@left_to_be_cleared_away
async def test_a_connection_is_left_at_once_though_the_broker_says_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        told = {"host": "127.0.0.1", "port": silent.getsockname()[1], "topics": ["a"], "tls": True}
        async with asyncio.timeout(15), running(parts.make("sources", "broker", told), Gate()):
            line, _ = await asyncio.to_thread(silent.accept)  # a handshake has half a minute
        (left,) = [thread for thread in threading.enumerate() if thread.name == "mqtt 127.0.0.1"]
        line.close()
        await asyncio.to_thread(left.join, 10)

    assert not left.is_alive()


# ── what a part can be ──────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"topics": []}, "topics"),
        ({"topics": ["city/#/pm25"]}, r"# stands for all levels at the end"),
        ({"topics": ["city/pm+"]}, r"\+ stands for one whole level"),
        ({"topics": [""]}, "is no topic"),
        ({"prot": 1}, "prot"),
        ({"host": "mqtt://broker.example.org"}, "leave out mqtt://"),
        ({"password": "sesame"}, "a password needs a user"),
        ({"ca": "/etc/ca.pem"}, "set tls = true"),
        ({"version": "4"}, "version"),
        ({"days": 0}, "days"),
    ],
)
def test_what_no_broker_could_understand_is_refused_by_name(wrong: dict[str, object], says: str) -> None:
    with pytest.raises(BadInput, match=says) as told:
        parts.make("sources", "broker", {"host": "x", "topics": ["a"], **wrong})

    assert "sesame" not in told.value.message


# ── when we are killed ──────────────────────────────────────────────────────────────────────────
def until_durable(file: Path, least: int) -> None:
    end = time.monotonic() + 60
    while len(set(file.read_text().split())) < least:
        assert time.monotonic() < end, f"not {least} of them within 60 s"
        time.sleep(0.01)


@pytest.mark.parametrize("version", ["3.1.1", "5"])
def test_nothing_acknowledged_is_lost_when_we_are_killed_again_and_again(
    broker: Mosquitto, tmp_path: Path, version: Version
) -> None:
    file, many, acknowledged = tmp_path / "durable", 3000, set[int]()
    file.touch()
    publisher = Client(CallbackAPIVersion.VERSION2)
    publisher.on_publish = lambda _, __, mid, ___, ____: acknowledged.add(mid)
    publisher.connect("127.0.0.1", broker.port)
    publisher.loop_start()
    command = [sys.executable, "-m", "tests.sources.broker_program", str(broker.port), str(file), version]
    paths = os.pathsep.join(str(path) for path in (ROOT, ROOT / "promises" / "src"))
    env = {**os.environ, "PYTHONPATH": paths}
    we = subprocess.Popen(command, cwd=ROOT, env=env)
    try:
        while not file.read_text():  # until the session is there
            assert we.poll() is None, "it runs"
            publisher.publish(TOPIC, "0", 1).wait_for_publish(30)
        for number in range(1, many + 1):
            publisher.publish(TOPIC, str(number), 1)
        for least in (many // 10, many // 3, many // 2):
            until_durable(file, least)
            we.kill()
            we.wait()
            we = subprocess.Popen(command, cwd=ROOT, env=env)
        until_durable(file, many + 1)
    finally:
        we.kill()
        we.wait()
        publisher.disconnect()
        publisher.loop_stop()

    assert len(acknowledged) >= many
    assert {int(one) for one in file.read_text().split()} == set(range(many + 1))
