"""The promises of the telemetry lane, kept in memory and by the real server alike."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from nats.js.api import DiscardPolicy

from tutela.backends.link import Link
from tutela.backends.memory import MemoryStreams
from tutela.backends.nats import NatsStreams
from tutela.errors import BadInput, EngineDown, NotFound, StorageFull, TutelaError
from tutela.flow.ports import Reader, Streams
from tutela.model.flow import Message

STREAM = "OBS-test"


@pytest.fixture(params=["memory", pytest.param("nats", marks=pytest.mark.integration)])
async def streams(request: pytest.FixtureRequest) -> AsyncIterator[Streams]:
    if request.param == "memory":
        memory = MemoryStreams()
        await memory.open(STREAM, ["obs.test.>"])
        yield memory
        return
    async with NatsStreams(request.getfixturevalue("nats_url")) as streams:
        await streams.open(STREAM, ["obs.test.>"])
        yield streams


async def all_of(reader: Reader, count: int) -> list[Message]:
    found: list[Message] = []
    while len(found) < count and (more := await reader.fetch(100, 5)):
        found += more
    await reader.close()
    return found


async def test_sequences_count_from_one_in_the_order_of_publishing(streams: Streams) -> None:
    given = [await streams.publish("obs.test.tick", b"x", f"id-{n}", {}) for n in range(3)]

    assert given == [1, 2, 3]
    assert await streams.last(STREAM) == 3


async def test_the_same_id_is_stored_once_and_tells_its_first_sequence(streams: Streams) -> None:
    first = await streams.publish("obs.test.tick", b"x", "same", {})
    await streams.publish("obs.test.tick", b"y", "other", {})

    assert await streams.publish("obs.test.tick", b"x", "same", {}) == first
    assert await streams.last(STREAM) == 2


async def test_a_message_comes_back_as_it_was_given(streams: Streams) -> None:
    await streams.publish("obs.test.readings.3", bytes(range(256)), "a", {"Schema": "readings@1", "Bucket": "a/b"})

    (message,) = await all_of(await streams.read(STREAM, ["obs.test.readings.3"], 0), 1)

    assert (message.sequence, message.subject, message.body) == (1, "obs.test.readings.3", bytes(range(256)))
    assert message.headers == {"Schema": "readings@1", "Bucket": "a/b", "Nats-Msg-Id": "a"}
    assert message.at > 1_700_000_000_000_000


async def test_opening_twice_keeps_what_is_there_and_takes_new_subjects(streams: Streams) -> None:
    await streams.publish("obs.test.tick", b"x", "a", {})

    await streams.open(STREAM, ["obs.test.>"])
    await streams.open(STREAM, ["obs.test.>", "more.>"])

    assert await streams.publish("more.of.it", b"x", "b", {}) == 2


@pytest.mark.parametrize(
    ("subjects", "expected"),
    [
        (["obs.test.readings.1"], [1]),
        (["obs.test.readings.1", "obs.test.tick"], [1, 3]),
        (["obs.test.*.2"], [2]),
        (["obs.test.>"], [1, 2, 3]),
        (["obs.test.readings.*", "obs.test.tick"], [1, 2, 3]),
    ],
)
async def test_a_reader_sees_only_its_subjects(streams: Streams, subjects: list[str], expected: list[int]) -> None:
    for n, subject in enumerate(["obs.test.readings.1", "obs.test.readings.2", "obs.test.tick"]):
        await streams.publish(subject, b"x", str(n), {})

    found = await all_of(await streams.read(STREAM, subjects, 0), len(expected))

    assert [message.sequence for message in found] == expected


async def test_a_reader_starts_after_the_sequence_it_is_given(streams: Streams) -> None:
    for n in range(5):
        await streams.publish("obs.test.tick", b"x", str(n), {})

    found = await all_of(await streams.read(STREAM, ["obs.test.tick"], 3), 2)

    assert [message.sequence for message in found] == [4, 5]


async def test_fetch_gives_at_most_what_is_asked_and_loses_nothing(streams: Streams) -> None:
    for n in range(5):
        await streams.publish("obs.test.tick", b"x", str(n), {})
    reader = await streams.read(STREAM, ["obs.test.tick"], 0)

    found: list[int] = []
    while len(found) < 5:
        batch = await reader.fetch(2, 5)
        assert 1 <= len(batch) <= 2
        found += [message.sequence for message in batch]
    await reader.close()

    assert found == [1, 2, 3, 4, 5]


async def test_fetch_returns_at_once_with_the_little_that_is_there(streams: Streams) -> None:
    await streams.publish("obs.test.tick", b"x", "a", {})
    reader = await streams.read(STREAM, ["obs.test.tick"], 0)

    async with asyncio.timeout(5):
        found = await reader.fetch(1000, 60)
    await reader.close()

    assert len(found) == 1


async def test_fetch_wakes_when_something_comes(streams: Streams) -> None:
    reader = await streams.read(STREAM, ["obs.test.tick"], 0)
    waiting = asyncio.create_task(reader.fetch(10, 60))
    await asyncio.wait({waiting}, timeout=0.05)

    await streams.publish("obs.test.tick", b"x", "a", {})
    async with asyncio.timeout(5):
        found = await waiting
    await reader.close()

    assert len(found) == 1


async def test_fetch_gives_nothing_when_nothing_comes_in_time(streams: Streams) -> None:
    reader = await streams.read(STREAM, ["obs.test.tick"], 0)

    assert list(await reader.fetch(10, 0.05)) == []
    await reader.close()


async def test_readers_do_not_take_from_one_another(streams: Streams) -> None:
    await streams.publish("obs.test.tick", b"x", "a", {})
    one, other = (await streams.read(STREAM, ["obs.test.>"], 0), await streams.read(STREAM, ["obs.test.>"], 0))

    assert len(await all_of(one, 1)) == len(await all_of(other, 1)) == 1


async def test_has_finds_an_id_only_after_the_given_sequence(streams: Streams) -> None:
    for n in range(3):
        await streams.publish("obs.test.tick", b"x", f"id-{n}", {})

    assert await streams.has(STREAM, "id-1", 0)
    assert await streams.has(STREAM, "id-1", 1)
    assert not await streams.has(STREAM, "id-1", 2)
    assert not await streams.has(STREAM, "never", 0)


async def test_purging_forgets_what_is_below_and_counts_on(streams: Streams) -> None:
    for n in range(4):
        await streams.publish("obs.test.tick", b"x", str(n), {})

    await streams.purge(STREAM, 3)
    found = await all_of(await streams.read(STREAM, ["obs.test.>"], 0), 2)
    await streams.purge(STREAM, 100)

    assert [message.sequence for message in found] == [3, 4]
    assert not await streams.has(STREAM, "3", 0)
    assert await streams.publish("obs.test.tick", b"x", "5", {}) == 5


async def test_the_newest_on_a_subject_is_told_apart_from_the_newest_of_all(streams: Streams) -> None:
    await streams.publish("obs.test.tick", b"x", "1", {})
    await streams.publish("obs.test.readings.1", b"x", "2", {})

    assert await streams.last(STREAM) == 2
    assert await streams.last(STREAM, "obs.test.tick") == 1
    assert await streams.last(STREAM, "obs.test.counts.1") == 0


async def test_a_stream_that_is_not_there_is_named(streams: Streams) -> None:
    for asked in (streams.last("OBS-no"), streams.read("OBS-no", ["a"], 0), streams.has("OBS-no", "a", 0)):
        with pytest.raises(NotFound, match="OBS-no"):
            await asked


async def test_a_message_beyond_the_limit_is_refused_with_the_limit(streams: Streams) -> None:
    with pytest.raises(BadInput, match="8388608"):
        await streams.publish("obs.test.tick", bytes(9_000_000), "a", {})


async def test_a_thousand_small_messages_come_in_a_few_fetches(streams: Streams) -> None:
    await asyncio.gather(*(streams.publish("obs.test.tick", b"x", str(n), {}) for n in range(1000)))
    reader = await streams.read(STREAM, ["obs.test.tick"], 0)

    fetches, found = 0, 0
    while found < 1000:
        found += len(await reader.fetch(1000, 5))
        fetches += 1
    await reader.close()

    assert fetches <= 100


async def test_memory_loses_a_publish_or_its_answer_on_demand() -> None:
    memory = MemoryStreams()
    await memory.open(STREAM, ["a"])

    memory.fail = 1
    with pytest.raises(EngineDown):
        await memory.publish("a", b"", "1", {})
    memory.lose_acks = 1
    with pytest.raises(EngineDown):
        await memory.publish("a", b"", "2", {})
    memory.full = True
    with pytest.raises(TutelaError) as full:
        await memory.publish("a", b"", "3", {})

    assert full.value.status == 507
    assert (await memory.has(STREAM, "1", 0), await memory.has(STREAM, "2", 0)) == (False, True)


async def test_memory_forgets_an_id_after_its_window() -> None:
    now = 0
    memory = MemoryStreams(clock=lambda: now, window=120)
    await memory.open(STREAM, ["a"])
    first = await memory.publish("a", b"", "same", {})
    now = 121_000_000

    assert await memory.publish("a", b"", "same", {}) == first + 1


async def test_a_subject_that_no_stream_keeps_is_an_engine_that_does_not_answer() -> None:
    with pytest.raises(EngineDown, match="nobody"):
        await MemoryStreams().publish("nobody", b"", "1", {})


@pytest.mark.integration
async def test_a_server_that_lacks_the_stream_is_an_engine_that_does_not_answer(nats_url: str) -> None:
    async with NatsStreams(nats_url, patience=0.3) as streams:
        with pytest.raises(EngineDown, match="nobody"):
            await streams.publish("nobody", b"", "1", {})


@pytest.mark.integration
async def test_a_stream_at_its_limit_is_full_and_heals_when_it_is_purged(nats_url: str) -> None:
    link = await Link(nats_url, "test").open(10)
    await link.jetstream.add_stream(name="SMALL", subjects=["small"], max_bytes=10_000, discard=DiscardPolicy.NEW)
    await link.close()
    async with NatsStreams(nats_url) as streams:
        await streams.publish("small", bytes(9_000), "1", {})
        with pytest.raises(StorageFull, match="maximum bytes"):
            await streams.publish("small", bytes(9_000), "2", {})

        await streams.purge("SMALL", 2)

        assert await streams.publish("small", bytes(9_000), "2", {}) == 2


async def test_an_address_that_is_none_is_refused_with_an_example() -> None:
    with pytest.raises(EngineDown, match="nats://user"):
        await Link("nats://host:port", "test").open(1)
