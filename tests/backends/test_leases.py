"""Leases: never two owners under one epoch, and only the owner commits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from tutela.backends.memory_facts import MemoryFacts, Store
from tutela.backends.migrate import migrate
from tutela.backends.postgres.facts import PostgresFacts
from tutela.errors import Fenced
from tutela.flow.ports import Facts
from tutela.model.flow import Effects, Lease
from tutela.model.install import Install

if TYPE_CHECKING:
    from tests.backends.conftest import Lab

Result = TypeVar("Result")
INSTALL = Install(id="00000000-0000-0000-0000-000000000001", partitions=3, ways=1, zone="UTC", city="x", at=1)
WORKERS = st.sampled_from(("a", "b", "c"))


async def test_living_workers_are_counted(lab: Lab) -> None:
    assert [await lab.facts.heartbeat(worker) for worker in ("a", "b", "a")] == [1, 2, 2]

    await lab.later()

    assert await lab.facts.heartbeat("c") == 1


async def test_a_worker_counts_itself_on_a_machine_that_stalls(
    pg_facts: PostgresFacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its heartbeat may have run out before the living are counted, and nothing can be shared among none."""
    monkeypatch.setattr("tutela.backends.postgres.leases.LEASE", 0.0)

    assert [await pg_facts.heartbeat(worker) for worker in ("a", "b")] == [1, 1]


async def test_a_partition_has_one_owner_until_its_time_is_over(lab: Lab) -> None:
    facts = lab.facts
    mine = await facts.take("a", "detect", 3)
    theirs = await facts.take("b", "detect", 3)

    assert [lease.partition for lease in mine] == [0, 1, 2]
    assert [lease.partition for lease in theirs] == [3]

    await lab.later()
    assert await facts.renew(mine[:1]) == mine[:1]
    taken = await facts.take("b", "detect", 9)

    assert [lease.partition for lease in taken] == [1, 2, 3]
    assert await facts.renew([*mine, *taken]) == [mine[0], *taken]
    assert await facts.take("c", "detect", 0) == []


async def test_what_is_given_back_is_free_at_once(lab: Lab) -> None:
    facts = lab.facts
    mine = await facts.take("a", "detect", 4)
    await facts.release(mine[1:3])

    assert await facts.renew(mine) == [mine[0], mine[3]]
    assert [(lease.partition, lease.epoch) for lease in await facts.take("b", "detect", 4)] == [(1, 2), (2, 2)]

    await facts.release(mine)

    assert await facts.take("c", "detect", 4) != []


async def test_many_who_take_at_once_never_share(lab: Lab) -> None:
    taken = await asyncio.gather(*(lab.facts.take(f"w{n}", "detect", 1) for n in range(8)))

    places = [lease.partition for leases in taken for lease in leases]
    assert sorted(places) == sorted(set(places))


class Leasing(RuleBasedStateMachine):
    """Workers that take, stall, give back and commit, against a plain model of who holds what."""

    def __init__(self, runner: asyncio.Runner, facts: Facts, pass_time: Callable[[], Coroutine[Any, Any, Any]]) -> None:
        super().__init__()
        self.runner, self.facts, self.pass_time = runner, facts, pass_time
        self.now(self.pass_time())
        leases = self.now(self.facts.take("start", "detect", 9))
        self.holds: dict[int, tuple[str | None, int]] = {lease.partition: ("start", lease.epoch) for lease in leases}
        self.over = set(self.holds)
        self.handed = [("start", lease) for lease in leases]
        self.now(self.pass_time())

    def now(self, what: Coroutine[Any, Any, Result]) -> Result:
        return self.runner.run(what)

    def held(self, worker: str, lease: Lease) -> bool:
        return self.holds[lease.partition] == (worker, lease.epoch)

    @rule(worker=WORKERS, most=st.integers(0, 3))
    def take(self, worker: str, most: int) -> None:
        taken = self.now(self.facts.take(worker, "detect", most))

        assert [lease.partition for lease in taken] == sorted(self.over)[:most]
        for lease in taken:
            assert lease.epoch == self.holds[lease.partition][1] + 1
            self.holds[lease.partition] = (worker, lease.epoch)
            self.over.discard(lease.partition)
            self.handed.append((worker, lease))

    @rule()
    def stall(self) -> None:
        self.now(self.pass_time())
        self.over = set(self.holds)

    @rule(worker=WORKERS)
    def renew(self, worker: str) -> None:
        mine = [lease for by, lease in self.handed if by == worker]
        kept = self.now(self.facts.renew(mine))

        assert kept == [lease for lease in mine if self.held(worker, lease)]
        self.over -= {lease.partition for lease in kept}

    @precondition(lambda self: self.handed)
    @rule(data=st.data())
    def give_back(self, data: st.DataObject) -> None:
        worker, lease = data.draw(st.sampled_from(self.handed))
        self.now(self.facts.release([lease]))
        if self.held(worker, lease):
            self.holds[lease.partition] = (None, lease.epoch)
            self.over.add(lease.partition)

    @precondition(lambda self: self.handed)
    @rule(data=st.data())
    def commit(self, data: st.DataObject) -> None:
        worker, lease = data.draw(st.sampled_from(self.handed))
        done = False
        with suppress(Fenced):
            self.now(self.facts.commit(lease, Effects(sequence=1)))
            done = True

        assert done == self.held(worker, lease)
        if done:
            self.over.discard(lease.partition)


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture
def long_leases(monkeypatch: pytest.MonkeyPatch) -> None:
    """No lease runs out by itself, however slow the machine is."""
    for module in ("leases", "turns"):
        monkeypatch.setattr(f"tutela.backends.postgres.{module}.LEASE", 3600.0)


@pytest.mark.usefixtures("long_leases")
def test_one_owner_for_each_epoch_and_only_the_owner_commits(dsn: str, runner: asyncio.Runner) -> None:
    now = 0

    async def start() -> tuple[Facts, Any]:
        if not dsn:
            return MemoryFacts(Store(lambda: now)), later
        await migrate(dsn, 1)
        facts = await PostgresFacts.open(dsn)
        return facts, lambda: facts.db.pool.execute("update lease set lease_until = 'epoch'")

    async def later() -> None:
        nonlocal now
        now += 10_000_000

    facts, pass_time = runner.run(start())
    runner.run(facts.install(INSTALL))
    run_state_machine_as_test(
        lambda: Leasing(runner, facts, pass_time),  # type: ignore[arg-type]  # a factory serves as well as a class
        settings=settings(
            max_examples=40 if dsn else 100,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    if isinstance(facts, PostgresFacts):
        runner.run(facts.close())
