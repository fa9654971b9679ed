"""Streams go into the lake once, and JetStream forgets only what nobody will ask it for."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import numpy as np
import pytest

from tutela.backends.memory import MemoryStreams
from tutela.backends.memory_facts import MemoryFacts, Store
from tutela.backends.memory_facts.snapshots import MemorySnapshots
from tutela.backends.memory_lake import MemoryLake
from tutela.errors import EngineDown
from tutela.flow import hop
from tutela.flow.archive import Archiver, Follower, Rhythm, check
from tutela.model import wire
from tutela.model.flow import Message
from tutela.model.install import Install
from tutela.model.rows import Rows

Virtually = Callable[[Coroutine[Any, Any, Any]], Any]

INSTALL = Install(id=str(uuid4()), partitions=2, ways=1, zone="Europe/Helsinki", city="Helsinki", at=1)


def rows(kind: str = "readings", count: int = 10) -> bytes:
    values: dict[str, Any] = {"result": np.zeros(count, np.float64 if kind == "readings" else np.int64)}
    return wire.encode(Rows(kind, np.full(count, 2, np.int32), np.arange(count, dtype=np.int64), values))


@dataclass
class City:
    """Streams, a lake and leases, in virtual time."""

    rhythm: Rhythm = field(default_factory=Rhythm)
    lake: MemoryLake = field(default_factory=MemoryLake)
    store: Store = field(default_factory=Store)
    stop: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.streams = MemoryStreams(lambda: round(self.loop.time() * 1e6))
        self.facts = MemoryFacts(self.store)
        self.count = 0

    def follower(self) -> Follower:
        stream = hop.observations("live")
        return Follower(
            "live",
            stream,
            hop.everything("live")[stream],
            self.streams,
            self.lake,
            MemorySnapshots(self.store),
            self.loop.time,
            self.rhythm,
        )

    def archive(self) -> Archiver:
        snapshots = MemorySnapshots(self.store)
        return Archiver(
            self.facts,
            self.streams,
            self.lake,
            snapshots,
            lambda: round(self.loop.time() * 1e6),
            self.loop.time,
            self.rhythm,
        )

    async def open(self) -> None:
        await self.facts.install(INSTALL)
        for stream, subjects in hop.everything("live").items():
            await self.streams.open(stream, subjects)

    async def send(self, count: int, body: bytes | None = None, subject: str = "obs.live.readings.0") -> None:
        for _ in range(count):
            self.count += 1
            await self.streams.publish(subject, body or rows(), f"m{self.count}", {})

    def saved(self, sequence: int) -> None:
        for place, held in self.store.leases.items():
            if place[1] == "detect":
                held.snapshot = sequence

    async def left(self) -> list[int]:
        reader = await self.streams.read("OBS-live", ["obs.live.>"], 0)
        return [message.sequence for message in await reader.fetch(10_000, 0)]

    def kept(self, stream: str = "OBS-live") -> list[int]:
        return [message.sequence for message in self.lake.kept.get(stream, [])]


def in_city(virtually: Virtually, test: Callable[[City], Coroutine[Any, Any, None]], **rhythm: int) -> None:
    """Run a test in a city whose streams are open."""

    async def main() -> None:
        city = City(Rhythm(**rhythm))
        await city.open()
        await test(city)

    virtually(main())


async def followed(city: City, seconds: float) -> None:
    """Let a follower run for so long, and stop it."""
    running = asyncio.create_task(city.follower().run(city.stop))
    await asyncio.sleep(seconds)
    city.stop.set()
    await running


def test_messages_are_archived_after_so_long(virtually: Virtually) -> None:
    async def test(city: City) -> None:
        running = asyncio.create_task(city.follower().run(city.stop))
        await city.send(5)
        await asyncio.sleep(50)
        assert city.kept() == []

        await asyncio.sleep(15.5)

        assert city.kept() == [1, 2, 3, 4, 5]
        assert await city.lake.offset("OBS-live") == 5
        city.stop.set()
        await city.send(1)
        await running
        assert city.kept() == [1, 2, 3, 4, 5, 6]

    in_city(virtually, test)


def test_messages_are_archived_when_there_is_enough(virtually: Virtually) -> None:
    async def test(city: City) -> None:
        running = asyncio.create_task(city.follower().run(city.stop))
        await city.send(20)
        await asyncio.sleep(2)

        assert city.kept() == list(range(1, 21))
        city.stop.set()
        await running

    in_city(virtually, test, most=5000, fetch=10)


def test_what_was_gathered_is_archived_at_the_stop(virtually: Virtually) -> None:
    async def test(city: City) -> None:
        await city.send(3)
        await followed(city, 2)

        assert city.kept() == [1, 2, 3]

    in_city(virtually, test)


def test_a_restart_goes_on_where_the_lake_ends(virtually: Virtually) -> None:
    async def test(city: City) -> None:
        await city.send(3)
        await followed(city, 2)
        await city.send(2)
        city.stop.clear()
        await followed(city, 2)

        assert city.kept() == [1, 2, 3, 4, 5]

    in_city(virtually, test)


def test_a_lake_that_fails_loses_and_doubles_nothing(virtually: Virtually) -> None:
    async def test(city: City) -> None:
        city.lake.fail = 2
        await city.send(3)
        await followed(city, 300)

        assert city.kept() == [1, 2, 3]

    in_city(virtually, test)


def test_a_second_archiver_doubles_nothing(virtually: Virtually) -> None:
    async def test(city: City) -> None:
        await city.send(3)
        await asyncio.gather(followed(city, 100), followed(city, 100))

        assert city.kept() == [1, 2, 3]

    in_city(virtually, test)


def test_jetstream_forgets_what_is_archived_saved_and_old(virtually: Virtually) -> None:
    async def test(city: City) -> None:
        city.saved(4)
        await city.send(6)
        running = asyncio.create_task(city.follower().run(city.stop))
        await asyncio.sleep(200)
        assert await city.left() == [1, 2, 3, 4, 5, 6]

        await asyncio.sleep(130)
        assert await city.left() == [5, 6]
        city.saved(6)
        await asyncio.sleep(100)

        assert await city.left() == []
        city.stop.set()
        await running

    in_city(virtually, test, keep=200)


def test_jetstream_keeps_what_a_worker_has_not_saved(virtually: Virtually) -> None:
    async def test(city: City) -> None:
        city.saved(6)
        city.store.leases["live", "detect", 1].snapshot = 0
        await city.send(6)
        await followed(city, 1000)

        assert await city.left() == [1, 2, 3, 4, 5, 6]

    in_city(virtually, test)


def test_jetstream_keeps_what_is_not_archived(virtually: Virtually) -> None:
    async def test(city: City) -> None:
        city.saved(100)
        city.lake.fail = 1000
        await city.send(6)
        running = asyncio.create_task(city.follower().run(city.stop))
        await asyncio.sleep(1000)

        assert await city.left() == [1, 2, 3, 4, 5, 6]
        city.stop.set()
        await running
        assert city.kept() == []

    in_city(virtually, test)


def test_each_stream_of_each_timeline_is_followed(virtually: Virtually) -> None:
    async def test(city: City) -> None:
        running = asyncio.create_task(city.archive().run(city.stop))
        await city.send(1)
        await city.streams.publish("det.live.0", b"{}", "d1", {})
        await asyncio.sleep(5)
        await city.facts.open_timeline("import/x", 1)
        await asyncio.sleep(5)
        await city.streams.publish("obs.import-x.tick", hop.tick(5), "t1", {})
        await asyncio.sleep(70)
        city.stop.set()
        await running

        assert {stream: city.kept(stream) for stream in city.lake.kept} == {
            "OBS-live": [1],
            "DET-live": [1],
            "OBS-import-x": [1],
        }

    in_city(virtually, test)


def test_the_lake_is_tidied_now_and_then(virtually: Virtually) -> None:
    async def test(city: City) -> None:
        running = asyncio.create_task(city.archive().run(city.stop))
        await asyncio.sleep(250)
        city.stop.set()
        await running

        assert [round(before / 1e6) for before in city.lake.tidied] == [100, 200]

    in_city(virtually, test, tidy=100, past=0)


def test_an_archive_outlives_a_restart_of_the_database(virtually: Virtually) -> None:
    class Away(MemoryFacts):
        async def timelines(self) -> list[str]:
            if asyncio.get_running_loop().time() < 10:
                raise EngineDown("PostgreSQL does not answer")
            return ["live"]

    async def test(city: City) -> None:
        city.facts = Away(city.store)
        await city.send(1)
        running = asyncio.create_task(city.archive().run(city.stop))
        await asyncio.sleep(80)
        city.stop.set()
        await running

        assert city.kept() == [1]

    in_city(virtually, test)


GOOD = [
    Message(1, "obs.live.readings.0", {}, rows(), 0),
    Message(1, "obs.import-x.counts.3", {}, rows("counts"), 0),
    Message(1, "obs.live.tick", {}, b'{"at":5}', 0),
    Message(1, "obs.live.positions.3", {"Key": "k", "Bucket": "traffic/positions/2026-11-25"}, b"sealed", 0),
    Message(1, "det.live.3.copy", {}, b"anything", 0),
]
BAD = [
    Message(1, "obs.live.readings.0", {}, b"noise", 0),
    Message(1, "obs.live.counts.0", {}, rows("readings"), 0),
    Message(1, "obs.live.readings", {}, rows(), 0),
    Message(1, "obs.live.readings.x", {}, rows(), 0),
    Message(1, "obs.live.readings.-1", {}, rows(), 0),
    Message(1, "obs.live.unheard-of.1", {}, rows(), 0),
    Message(1, "obs.live.tick", {}, b"noise", 0),
    Message(1, "det.live.tick", {}, b"noise", 0),
    Message(1, "obs.live.readings.1024", {}, rows(), 0),
    Message(1, "obs.live.positions.3", {"Bucket": "a/2026-11-25"}, b"sealed", 0),
    Message(1, "obs.live.positions.3", {"Key": "k"}, b"sealed", 0),
    Message(1, "obs.live.positions.3", {"Key": "k", "Bucket": "b"}, b"sealed", 0),
    Message(1, "obs.live.positions.3", {"Key": "k", "Bucket": "a/2026-11-25", "Rows": "many"}, b"sealed", 0),
    Message(1, "obs.live.positions.3", {"Key": "k", "Bucket": "a/2026-11-25", "Rows": "2147483648"}, b"sealed", 0),
    Message(1, "obs.live.unheard-of.3", {"Key": "k", "Bucket": "a/2026-11-25"}, b"sealed", 0),
    Message(1, "obs.live.readings.0", {"Key": "k"}, b"sealed", 0),
]


@pytest.mark.parametrize("message", GOOD, ids=lambda message: message.subject)
def test_what_the_gateway_and_the_relay_write_is_archived(message: Message) -> None:
    check(message)


@pytest.mark.parametrize("number", range(len(BAD)))
def test_what_no_gateway_wrote_is_left_out_and_told(
    virtually: Virtually, number: int, caplog: pytest.LogCaptureFixture
) -> None:
    async def test(city: City) -> None:
        follower = city.follower()
        reader = await city.streams.read("OBS-live", ["obs.live.>"], 0)
        await city.send(1)
        (good,) = await reader.fetch(1, 0)
        follower._take(Message(7, BAD[number].subject, BAD[number].headers, BAD[number].body, 0))
        follower._take(Message(8, good.subject, good.headers, good.body, 0))
        await follower.flush()

        assert follower.skipped == 1
        assert city.kept() == [8]

    with caplog.at_level(logging.WARNING):
        in_city(virtually, test)
    assert "message 7 of OBS-live is not archived" in caplog.text


def test_personal_data_in_the_clear_is_not_archived(virtually: Virtually) -> None:
    place = {"lat": np.zeros(1), "lon": np.zeros(1)}
    body = wire.encode(Rows("positions", np.ones(1, np.int32), np.zeros(1, np.int64), place))

    async def test(city: City) -> None:
        await city.send(1, body, "obs.live.positions.0")
        await city.send(1)
        await followed(city, 100)

        assert city.kept() == [2]
        assert await city.lake.offset("OBS-live") == 2

    in_city(virtually, test)
