"""The desk once more, on PostgreSQL and NATS, while people act on the alerts that it changes."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import suppress
from itertools import pairwise
from random import Random
from uuid import uuid4

import msgspec
import pytest
from tests.flow.act_support import access
from tests.flow.desk_support import GRAVE, MINOR, START, detection
from tests.flow.read_support import POLICIES

from tutela.backends.memory_keys import MemoryKeys
from tutela.backends.migrate import migrate
from tutela.backends.nats import NatsStreams
from tutela.backends.postgres.facts import PostgresFacts
from tutela.errors import Conflict, WrongStep
from tutela.flow import hop
from tutela.flow.act import Acts
from tutela.flow.command import Incidents
from tutela.flow.deed import Deeds
from tutela.flow.desk import DeskStage
from tutela.flow.incident import folded
from tutela.flow.leased import Rhythm
from tutela.flow.ledger import Ledger
from tutela.flow.prose import Prose
from tutela.flow.work import Worker
from tutela.model.alert import STEPS, Alert
from tutela.model.flow import encode
from tutela.model.install import Install
from tutela.model.when import HOUR

pytestmark = pytest.mark.integration

MANY = 80
PLACES = 4
ACTS = 40


@pytest.fixture
async def facts(pg_dsn: str) -> AsyncIterator[PostgresFacts]:
    await migrate(pg_dsn, 1)
    facts = await PostgresFacts.open(pg_dsn)
    await facts.install(Install(id=str(uuid4()), zone="UTC", city="Helsinki", at=1))
    yield facts
    await facts.close()


class Person:
    """Somebody who does this and that, as fast as they can, for a while."""

    def __init__(self, facts: PostgresFacts, who: str) -> None:
        deeds = Deeds(Ledger(POLICIES, facts, lambda: START), facts, facts, Prose(MemoryKeys()))
        self.facts = facts
        self.acts, self.incidents = Acts(deeds), Incidents(deeds)
        self.access = access(who)
        self.chance = Random(who)
        self.done = 0

    async def run(self) -> None:
        while self.done < ACTS:
            alerts = await self.facts.alerts("live")
            if not alerts:
                await self.facts.wait(1)
                continue
            with suppress(Conflict, WrongStep):
                await self.one(self.chance.choice(alerts), str(uuid4()))
                self.done += 1

    async def one(self, alert: Alert, key: str) -> None:
        what = self.chance.randrange(6)
        if what <= 1:
            await self.acts.acknowledge(self.access, alert.id, key)
        elif what == 2 and not alert.scale.grave:
            await self.acts.shelve(self.access, alert.id, key, "roadworks", START + HOUR)
        elif what == 3:
            await self.acts.unshelve(self.access, alert.id, key)
        elif what == 4:
            await self.acts.dismiss(self.access, alert.id, key, "false")
        else:
            opened = await self.incidents.open_from_alert(self.access, alert.id, key)
            await self.incidents.take_out_alert(self.access, opened.id, alert.id, key)


async def lives(facts: PostgresFacts) -> dict[str, list[Alert]]:
    """Each alert's life, as the log has it."""
    epoch = await facts.lead("sealer")
    assert epoch is not None
    await facts.round(epoch, lambda event: event.id.encode(), 100_000)
    found: dict[str, list[Alert]] = defaultdict(list)
    for one in await facts.sealed(-1, 100_000):
        if one.event.kind == "alert@1":
            found[one.event.subject].append(msgspec.json.decode(one.event.body, type=Alert))
    return found


async def feed(streams: NatsStreams) -> list[str]:
    """Detections at a few places, ten times as many as one operator could look at; each message comes twice."""
    for stream, subjects in hop.everything("live").items():
        await streams.open(stream, subjects)
    ids = []
    for n in range(MANY):
        scale = GRAVE if n % 10 == 0 else MINOR
        found = detection(f"d{n}", n, lat=60.0 + n % PLACES, scale=scale)
        ids.append(found.id)
        for copy in ("first", "again"):
            await streams.publish("det.live.0", encode(found), f"{n} {copy}", {})
        await streams.publish(hop.settled("live"), hop.tick(START + n * 1_000_000), f"tick {n}", {})
    return ids


async def test_whatever_people_do_meanwhile_nothing_is_lost_and_every_life_is_whole(
    facts: PostgresFacts, nats_url: str
) -> None:
    async with NatsStreams(nats_url) as streams:
        stage = DeskStage(facts)
        rhythm = Rhythm(pause=0.01, commit=0.02, beat=0.05, most=3)
        people = [Person(facts, "anna"), Person(facts, "bo")]
        worker = Worker("w1", [stage], streams, facts, rhythm)
        running = [asyncio.create_task(doing) for doing in (worker.run(), *(person.run() for person in people))]
        ids = set(await feed(streams))
        async with asyncio.timeout(30):
            while {one for life in (await lives(facts)).values() for alert in life for one in alert.detections} != ids:
                await facts.wait(1)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    assert min(person.done for person in people) > 0
    found = await lives(facts)
    where = defaultdict(set)
    for id_, life in found.items():
        assert [alert.revision for alert in life] == list(range(len(life)))
        assert life[-1] == await facts.alert(id_)
        assert all(
            after.status is before.status or after.status in STEPS[before.status] for before, after in pairwise(life)
        )
        for alert in life:
            for one in alert.detections:
                where[one].add(id_)
    assert all(len(alerts) == 1 for alerts in where.values())
    assert sum(life[-1].count for life in found.values()) == MANY
    for incident in await facts.incidents("live", 1000):
        assert folded(await facts.about(incident.id)) == incident
