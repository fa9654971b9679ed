"""People, reads and history once more, on PostgreSQL and NATS."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from msgspec.structs import replace
from tests.flow.read_support import NOW, PARTITIONS, POLICIES, LakeInMemory, access, datastream, readings, source

from tutela.backends.memory_keys import MemoryKeys
from tutela.backends.migrate import migrate
from tutela.backends.nats import NatsStreams
from tutela.backends.postgres.facts import PostgresFacts
from tutela.errors import Conflict, Refused
from tutela.flow import hop
from tutela.flow.catalogue import Known
from tutela.flow.history import History
from tutela.flow.ledger import Ledger
from tutela.flow.people import SESSION_LASTS, Staff
from tutela.flow.read import reads
from tutela.model import wire
from tutela.model.event import Event
from tutela.model.flow import encode
from tutela.model.install import Install
from tutela.model.people import Role
from tutela.model.when import HOUR, SECOND

pytestmark = pytest.mark.integration


@pytest.fixture
async def facts(pg_dsn: str) -> AsyncIterator[PostgresFacts]:
    await migrate(pg_dsn, 1)
    facts = await PostgresFacts.open(pg_dsn)
    await facts.install(Install(id=str(uuid4()), partitions=PARTITIONS, zone="UTC", city="Helsinki", at=1))
    yield facts
    await facts.close()


async def test_somebody_is_invited_enrols_signs_on_and_comes_again(facts: PostgresFacts) -> None:
    now, secret = [NOW], iter(range(1, 100))
    staff = Staff(
        ledger=Ledger(POLICIES, facts, lambda: now[0]),
        people=facts,
        desk=facts,
        log=facts,
        shifts=facts,
        keys=MemoryKeys(),
        chance=lambda size: next(secret).to_bytes(size, "big"),
    )
    code = await staff.invite_here(Role.SUPERVISOR, "city")
    agent, token = await staff.enrol(code, "Aino")
    own = replace(access(), agent=agent)

    assert await staff.named(await staff.who(token)) == agent
    async with facts.db.reading() as connection:
        assert "Aino" not in await connection.fetchval("select string_agg(entry::text, '') from agent")
    with pytest.raises(Conflict):
        await staff.enrol(code, "Oskari")
    begun = await staff.sign_on(own, 6)
    now[0] += HOUR
    assert (await staff.sign_off(own)).since == begun.since

    now[0] = NOW + SESSION_LASTS
    with pytest.raises(Refused):
        await staff.who(token)
    again = await staff.invite_again(replace(own, purpose="system-operation"), agent.id)
    assert (await staff.enrol(again, "whoever"))[0] == agent


async def test_a_series_and_the_newest_value_are_read_from_the_engines(facts: PostgresFacts, nats_url: str) -> None:
    entry = source("air", "environment")
    event = Event(
        id=str(uuid4()), at=NOW, by="x", cause=None, kind="source@1", timeline="live", body=encode(entry), subject="air"
    )
    await facts.enter(entry, event)
    (defined,) = await facts.define((), [datastream("air/1", "air")])
    known, lake, keys = Known(facts, PARTITIONS), LakeInMemory(), MemoryKeys()
    async with NatsStreams(nats_url) as streams:
        for stream, subjects in hop.everything("live").items():
            await streams.open(stream, subjects)
        for number in range(3):
            rows = readings((defined.id, number, float(number)))
            subject = hop.observed("live", "readings", defined.id % PARTITIONS)
            await streams.publish(subject, wire.encode(rows), f"m{number}", {})
        await streams.publish(hop.ticks("live"), hop.tick(NOW), "tick", {})
        lake.put("live", "OBS-live", readings((defined.id, 0, 0.0)), 1)
        ledger = Ledger(POLICIES, facts, lambda: NOW)
        read = reads(ledger, facts, known, History(lake, streams, keys, PARTITIONS), keys)

        series = await read.observations.series(access(), "live", "air/1", NOW - SECOND, NOW + SECOND)
        newest = await read.observations.newest(access(), "live", "readings", ["air/1"])

        assert series.rows.result.tolist() == [0.0, 1.0, 2.0]
        assert len(newest.rows) == 0
        assert await streams.last("OBS-live", hop.observed("live", "counts", 0)) == 0
        assert await streams.last("OBS-live", hop.observed("live", "readings", defined.id % PARTITIONS)) == 3
