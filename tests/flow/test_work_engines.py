"""The worker once more, on PostgreSQL and NATS."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from tests.flow.stage_support import Every, Pairs, datastream, lease, observed

from tutela.backends.memory_keys import MemoryKeys
from tutela.backends.migrate import migrate
from tutela.backends.nats import NatsStreams
from tutela.backends.postgres.facts import PostgresFacts
from tutela.flow import hop
from tutela.flow.catalogue import Known
from tutela.flow.correlating import CorrelateStage
from tutela.flow.detecting import DetectStage
from tutela.flow.leased import Rhythm
from tutela.flow.outbox import Relay
from tutela.flow.work import Worker
from tutela.model.event import Event
from tutela.model.install import Install
from tutela.model.register import Source, Thing
from tutela.model.when import SECOND

pytestmark = pytest.mark.integration

P, WAYS, SECONDS = 4, 2, 16
START = 1_767_571_200 * SECOND
SOURCE = Source(
    name="air",
    owner="city",
    kind="http",
    purposes=("public-safety",),
    legal_basis="PublicInterest",
    personal_data=False,
    place="Helsinki",
)


@pytest.fixture
async def facts(pg_dsn: str) -> AsyncIterator[PostgresFacts]:
    await migrate(pg_dsn, 1)
    facts = await PostgresFacts.open(pg_dsn)
    await facts.install(Install(id=str(uuid4()), partitions=P, ways=WAYS, zone="UTC", city="Helsinki", at=1))
    event = Event(id=str(uuid4()), at=1, by="test", cause=None, kind="source@1", timeline="live", body=b"{}")
    await facts.enter(SOURCE, event)
    things = [Thing(id=0, name=f"t{number}", kind="sensor", source="air") for number in range(1, 9)]
    await facts.define(things, [datastream(number) for number in range(1, 9)])
    yield facts
    await facts.close()


async def feed(streams: NatsStreams) -> None:
    """Rows of eight datastreams, some late, some doubled, and one message of no sense; a tick each second."""
    for second in range(SECONDS):
        at = START + second * SECOND
        for partition in range(P):
            late = 3 * SECOND if second % 7 == 3 else 0
            told = [(number, at - late, float(second)) for number in range(1, 9) if number % P == partition]
            made = observed(1, "readings", *told, partition=partition)
            for again in range(1 + (second % 5 == 0)):
                await streams.publish(made.subject, made.body, f"{second}/{partition}/{again}", {})
        if second == 5:
            await streams.publish(hop.observed("live", "readings", 1), b"\xff", "nonsense", {})
        await streams.publish(hop.ticks("live"), hop.tick(at + SECOND), f"tick {second}", {})
        await asyncio.sleep(0.1)


async def expected(streams: NatsStreams, stage: DetectStage) -> set[str]:
    """What one fold a partition finds in all that was recorded."""
    found: set[str] = set()
    for partition in range(P):
        here = lease(partition=partition)
        fold = await stage.begin(here, {})
        reader = await streams.read(stage.stream(here), stage.subjects(here), 0)
        while messages := await reader.fetch(500, 0.2):
            effects = await fold.turn([message for message in messages if message.body != b"\xff"])
            found |= {detection.id for detection in effects.detections}
        await reader.close()
    return found


async def test_workers_that_come_and_go_find_what_was_recorded_once_each(facts: PostgresFacts, nats_url: str) -> None:
    async with NatsStreams(nats_url) as streams:
        for stream, subjects in hop.everything("live").items():
            await streams.open(stream, subjects)
        detect = DetectStage((Every(), Every(name="patient", nth=2, lateness=2.0)), Known(facts, P), MemoryKeys(), WAYS)
        stages = (detect, CorrelateStage((Pairs(needs=("every",)),), WAYS))
        workers = {name: _started(name, stages, streams, facts) for name in ("one", "two")}
        relay = asyncio.create_task(Relay(facts, streams).run())
        feeding = asyncio.create_task(feed(streams))
        await asyncio.sleep(0.6)
        workers["one"].cancel()
        await asyncio.gather(workers["one"], return_exceptions=True)
        workers["three"] = _started("three", stages, streams, facts)
        await feeding
        async with asyncio.timeout(20):
            while (await facts.ticks("detect"))["live"] < START + SECONDS * SECOND:  # noqa: ASYNC110  told by the database alone
                await asyncio.sleep(0.1)
        for task in (relay, *workers.values()):
            task.cancel()
        await asyncio.gather(relay, *workers.values(), return_exceptions=True)

        async with facts.db.reading() as connection:
            rows = await connection.fetch("select subject as id from event where event.by = 'every'")
            logged = await connection.fetch("select kind, count(*) as n from event group by 1")
        events = {row["kind"]: row["n"] for row in logged}
        assert {row["id"] for row in rows} == await expected(streams, detect)
        assert events["dead-letter@1"] == 1
        assert [letter.body for letter in await facts.dead_letters(9)] == [b"\xff"]
        assert await facts.take("four", "detect", P) != []


def _started(
    name: str, stages: tuple[DetectStage, CorrelateStage], streams: NatsStreams, facts: PostgresFacts
) -> asyncio.Task[None]:
    return asyncio.create_task(Worker(name, stages, streams, facts, Rhythm(most=5)).run(), name=name)
