"""A broker that somebody else keeps: what it has is acknowledged when it is durable, and comes again when it is not."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Literal

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion
from tests.sources import broker_program
from tests.sources.broker_program import Names
from tests.sources.mosquitto import Mosquitto, mosquitto, needs_mosquitto

from tutela import parts
from tutela.errors import BadInput, EngineDown
from tutela.model.flow import Offer, Receipt
from tutela.sources.broker import Broker

Version = Literal["3.1.1", "5"]
TOPIC = "city/yard/pm25"


class Gateway:
    """Takes everything, or waits until it is let go; `down` tells how often it can't store before it can."""

    def __init__(self) -> None:
        self.results: list[float] = []
        self.refused: dict[str, int] = {}
        self.offers = 0
        self.down = 0
        self.open = asyncio.Event()
        self.open.set()
        self.news = asyncio.Event()

    async def give(self, offer: Offer) -> Receipt:
        self.offers += 1
        self.news.set()
        await self.open.wait()
        if self.down:
            self.down -= 1
            raise EngineDown("NATS does not answer", retry_after=0.01)
        if offer.rows is not None:
            self.results += offer.rows.result.tolist()
        for refusal in offer.refused:
            self.refused[refusal.reason] = self.refused.get(refusal.reason, 0) + refusal.count
        self.news.set()
        return Receipt(0 if offer.rows is None else len(offer.rows), offer.refused)

    async def until(self, results: set[float]) -> None:
        async with asyncio.timeout(30):
            while not results <= set(self.results):
                self.news.clear()
                await self.news.wait()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with mosquitto(tmp_path) as one:
        yield one


@asynccontextmanager
async def taking(broker: Mosquitto, gateway: Gateway, version: Version = "5") -> AsyncIterator[None]:
    """Our side, running; its session is at the broker before the body begins."""
    ours = Broker(
        source="air", host="127.0.0.1", port=broker.port, topics=("city/#",), prefix="city/", version=version, client="ours"
    )  # fmt: skip
    task = asyncio.create_task(ours.run(gateway.give, Names(), lambda: time.time_ns() // 1000))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def met(broker: Mosquitto, gateway: Gateway) -> None:
    """Publish until something arrives: from then on the subscription is there."""
    async with asyncio.timeout(30):
        while not gateway.offers:
            await asyncio.to_thread(broker.publish, TOPIC, "0")
    gateway.news.clear()


pytestmark = [pytest.mark.integration, needs_mosquitto]


@pytest.mark.parametrize("version", ["3.1.1", "5"])
async def test_what_is_published_comes_in_and_what_can_not_be_taken_is_counted(
    broker: Mosquitto, version: Version
) -> None:
    gateway = Gateway()
    async with taking(broker, gateway, version):
        await met(broker, gateway)
        for topic, payload in ((TOPIC, "bad"), ("city/nowhere", "1"), (TOPIC, '{"result": 2}'), (TOPIC, "3\n4")):
            await asyncio.to_thread(broker.publish, topic, payload)
        await gateway.until({2, 3, 4})

    assert gateway.refused == {"unreadable": 1, "unknown": 1}


async def test_what_was_not_durable_when_we_left_comes_again(broker: Mosquitto) -> None:
    before, after = Gateway(), Gateway()
    async with taking(broker, before):
        await met(broker, before)
        before.open.clear()
        await asyncio.to_thread(broker.publish, TOPIC, "7")
        await before.news.wait()
    await asyncio.to_thread(broker.publish, TOPIC, "8")  # while nobody is here
    async with taking(broker, after):
        await after.until({7, 8})

    assert 7 not in before.results


async def test_what_can_not_be_stored_is_offered_until_it_can(broker: Mosquitto) -> None:
    gateway = Gateway()
    async with taking(broker, gateway):
        await met(broker, gateway)
        gateway.down = 3
        await asyncio.to_thread(broker.publish, TOPIC, "7")
        await gateway.until({7})

    assert gateway.down == 0


async def test_an_old_value_that_the_broker_keeps_is_left(broker: Mosquitto) -> None:
    await asyncio.to_thread(broker.publish, TOPIC, "9", "-r")
    gateway = Gateway()
    async with taking(broker, gateway):
        await met(broker, gateway)
        await asyncio.to_thread(broker.publish, TOPIC, "7")
        await gateway.until({7})

    assert 9 not in gateway.results


@pytest.mark.parametrize("version", ["3.1.1", "5"])
async def test_a_broker_that_is_killed_is_found_again_with_all_that_it_wrote_down(
    broker: Mosquitto, version: Version
) -> None:
    gateway = Gateway()
    async with taking(broker, gateway, version):
        await met(broker, gateway)
        gateway.open.clear()
        for number in range(1, 6):
            await asyncio.to_thread(broker.publish, TOPIC, str(number))
        await asyncio.to_thread(broker.save)
        await asyncio.to_thread(broker.kill)
        await asyncio.to_thread(broker.start)
        gateway.open.set()
        await gateway.until({1, 2, 3, 4, 5})


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
    command = [sys.executable, str(broker_program.__file__), str(broker.port), str(file), version]
    ours = subprocess.Popen(command)
    try:
        while not file.read_text():  # until the session is there
            publisher.publish(TOPIC, "0", 1).wait_for_publish(30)
        for number in range(1, many + 1):
            publisher.publish(TOPIC, str(number), 1)
        for least in (many // 10, many // 3, many // 2):
            until_durable(file, least)
            ours.kill()
            ours.wait()
            ours = subprocess.Popen(command)
        until_durable(file, many + 1)
    finally:
        ours.kill()
        ours.wait()
        publisher.disconnect()
        publisher.loop_stop()

    assert len(acknowledged) >= many
    assert {int(one) for one in file.read_text().split()} == set(range(many + 1))


def test_the_options_of_a_broker_are_checked_by_name() -> None:
    made = parts.make("sources", "broker", {"source": "air", "host": "x", "topics": ["a"], "tls": True})

    assert (made.port, made.version, made.topics) == (1883, "5", ("a",))
    with pytest.raises(BadInput, match="prot"):
        parts.make("sources", "broker", {"source": "air", "host": "x", "topics": ["a"], "prot": 1})
