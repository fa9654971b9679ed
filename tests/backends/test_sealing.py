"""Sealing: no event is missed, none is sealed twice, places are dense, whatever is open at the time."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tutela.backends.migrate import migrate
from tutela.backends.postgres import log
from tutela.backends.postgres.facts import PostgresFacts
from tutela.errors import Broken, Fenced
from tutela.flow.ports import Facts
from tutela.model.event import Checkpoint, Event

if TYPE_CHECKING:
    from tests.backends.conftest import Lab, Make


def leaf_of(event: Event) -> bytes:
    return sha256(event.id.encode()).digest()


async def seal_all(facts: Facts, worker: str = "s", most: int = 3) -> None:
    epoch = await facts.lead(worker)
    assert epoch is not None
    while (await facts.round(epoch, leaf_of, most))[1]:
        pass


async def check(facts: Facts, expected: set[str]) -> None:
    """Exactly these events are sealed, at places 0, 1, 2, …, each with its leaf."""
    places = await facts.sealed(-1, 100_000)
    assert [place.position for place in places] == list(range(len(expected)))
    assert {place.event.id for place in places} == expected
    assert [place.leaf for place in places] == [leaf_of(place.event) for place in places]
    assert await facts.leaves(-1, 100_000) == [place.leaf for place in places]


async def test_events_are_sealed_in_order_of_commit_a_few_at_a_time(facts: Facts, make: Make) -> None:
    events = [make.event(str(n)) for n in range(7)]
    await facts.append(events[:4])
    epoch = await facts.lead("s") or 0
    first = await facts.round(epoch, leaf_of, 3)
    await facts.append(events[4:])
    second = await facts.round(epoch, leaf_of, 3)
    third = await facts.round(epoch, leaf_of, 3)
    fourth = await facts.round(epoch, leaf_of, 3)

    rounds = [first, second, third, fourth]
    assert [leaf for _, leaves in rounds for leaf in leaves] == [leaf_of(event) for event in events]
    assert [size for size, _ in rounds] == [sum(len(leaves) for _, leaves in rounds[:n]) for n in range(4)]
    assert [place.event.subject for place in await facts.sealed(1, 2)] == ["2", "3"]
    await seal_all(facts)
    assert await facts.round(epoch, leaf_of, 3) == (7, [])


async def test_only_one_sealer_leads_and_the_old_one_is_fenced(lab: Lab, make: Make) -> None:
    facts = lab.facts
    await facts.append([make.event()])
    old = await facts.lead("old") or 0

    assert await facts.lead("new") is None
    assert await facts.lead("old") == old

    await lab.later()
    new = await facts.lead("new") or 0

    assert new == old + 1
    with pytest.raises(Fenced, match="no longer leads"):
        await facts.round(old, leaf_of, 3)
    assert await facts.round(new, leaf_of, 3) != (0, [])


async def test_a_checkpoint_is_kept_once_and_never_with_another_root(facts: Facts) -> None:
    def point(size: int, root: bytes = b"r") -> Checkpoint:
        return Checkpoint(origin="x/log", epoch=1, size=size, root=root, at=5, signature=b"s")

    for size in (20, 10, 20):
        await facts.checkpoint(point(size))

    assert await facts.checkpoints() == [point(10), point(20)]
    with pytest.raises(Broken, match="a checkpoint of size 20 with another root"):
        await facts.checkpoint(point(20, b"other"))


# ── the trap: what is written first may become visible last ─────────────────────────────────────
@pytest.mark.integration
async def test_an_open_transaction_delays_only_itself(pg_facts: PostgresFacts, pg_dsn: str, make: Make) -> None:
    early, late, after = make.event("early"), make.event("late"), make.event("after")
    slow = await asyncpg.connect(pg_dsn)
    transaction = slow.transaction()
    await transaction.start()
    await log.append(slow, [early])
    await pg_facts.append([late])
    await seal_all(pg_facts)

    assert [place.event for place in await pg_facts.sealed(-1, 9)] == [late]

    await transaction.commit()
    await pg_facts.append([after])
    await seal_all(pg_facts)

    assert [place.event for place in await pg_facts.sealed(-1, 9)] == [late, early, after]
    await slow.close()


@pytest.mark.integration
async def test_a_database_from_a_dump_is_not_sealed_on(pg_facts: PostgresFacts) -> None:
    await pg_facts.db.pool.execute("update sealer set snap = '999999999:999999999:'")
    epoch = await pg_facts.lead("s") or 0

    with pytest.raises(Broken, match="restored from a dump"):
        await pg_facts.round(epoch, leaf_of, 3)


@pytest.mark.integration
@pytest.mark.parametrize("table", ["event", "sealed", "checkpoint"])
@pytest.mark.parametrize("act", ["update {} set {} = {}", "delete from {}", "truncate {} cascade"])
async def test_the_log_is_append_only(pg_facts: PostgresFacts, make: Make, table: str, act: str) -> None:
    await pg_facts.append([make.event()])
    await seal_all(pg_facts)
    column = {"event": "at", "sealed": "position", "checkpoint": "at"}[table]

    with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="append-only"):
        await pg_facts.db.pool.execute(act.format(table, column, column))


class Writers:
    """Four connections that write, commit and roll back as they are told, and a sealer that runs in between."""

    def __init__(self, facts: PostgresFacts, connections: list[asyncpg.Connection], make: Make) -> None:
        self.facts, self.connections, self.make = facts, connections, make
        self.open: dict[int, tuple[Any, set[str]]] = {}
        self.committed: set[str] = set()

    async def write(self, who: int) -> None:
        if who not in self.open:
            self.open[who] = (self.connections[who].transaction(), set())
            await self.open[who][0].start()
        event = self.make.event()
        await log.append(self.connections[who], [event])
        self.open[who][1].add(event.id)

    async def commit(self, who: int) -> None:
        if who in self.open:
            transaction, written = self.open.pop(who)
            await transaction.commit()
            self.committed |= written

    async def roll_back(self, who: int) -> None:
        if who in self.open:
            await self.open.pop(who)[0].rollback()

    async def seal(self, most: int) -> None:
        epoch = await self.facts.lead("s")
        await self.facts.round(epoch or 0, leaf_of, most + 1)

    async def end(self) -> None:
        for who in list(self.open):
            await self.commit(who)
        await seal_all(self.facts)


STEPS = st.lists(
    st.tuples(st.sampled_from(("write", "write", "commit", "roll_back", "seal", "seal")), st.integers(0, 3)),
    max_size=40,
)


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.mark.integration
def test_nothing_is_missed_however_transactions_overlap(pg_dsn: str, runner: asyncio.Runner, make: Make) -> None:
    async def start() -> Writers:
        await migrate(pg_dsn, 1)
        facts = await PostgresFacts.open(pg_dsn)
        return Writers(facts, [await asyncpg.connect(pg_dsn) for _ in range(4)], make)

    writers = runner.run(start())

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(STEPS)
    def overlap(steps: list[tuple[str, int]]) -> None:
        async def run() -> None:
            for step, who in steps:
                await getattr(writers, step)(who)
            await writers.end()
            await check(writers.facts, writers.committed)

        runner.run(run())

    overlap()

    async def end() -> None:
        for connection in writers.connections:
            await connection.close()
        await writers.facts.close()

    runner.run(end())


@pytest.mark.integration
async def test_nothing_is_missed_while_many_write_at_full_speed(pg_facts: PostgresFacts, make: Make) -> None:
    chance = random.Random(7)
    committed: set[str] = set()
    writing = asyncio.Event()

    async def write() -> None:
        for _ in range(60):
            events = [make.event() for _ in range(chance.randint(1, 9))]
            async with pg_facts.db.writing() as connection:
                for event in events:
                    await log.append(connection, [event])
            committed.update(event.id for event in events)

    async def seal() -> None:
        epoch = await pg_facts.lead("s") or 0
        while not writing.is_set():
            await pg_facts.round(epoch, leaf_of, chance.randint(1, 20))
            await pg_facts.lead("s")

    sealing = asyncio.create_task(seal())
    await asyncio.gather(*(write() for _ in range(4)))
    writing.set()
    await sealing
    await seal_all(pg_facts, most=500)

    await check(pg_facts, committed)
