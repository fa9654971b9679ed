"""Another root key loses nothing: killed at any step it goes on, and all is readable before, meanwhile and after."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path

import pytest

from tutela.backends import ring, rotation
from tutela.backends.keys import IDS, Keys
from tutela.backends.postgres.facts import PostgresFacts
from tutela.backends.rotation import Rotation
from tutela.errors import Broken, Refused

pytestmark = pytest.mark.integration

THEN = 1_795_593_600_000_000


class Killed(Exception):
    """The process is no more."""


@dataclass
class Steps:
    """Kills the process at the step of that number; calls `do` at each one before."""

    last: int = 10_000
    do: Callable[[str], None] = lambda _: None
    seen: list[str] = field(default_factory=list)

    def __call__(self, words: str) -> None:
        if len(self.seen) == self.last:
            raise Killed
        self.seen.append(words)
        self.do(words)


@dataclass
class Machine:
    """An instance's directory and database; each `process` knows what it has read since it began."""

    folder: Path
    facts: PostgresFacts
    told: dict[str, tuple[str, bytes]] = field(default_factory=dict)

    def process(self) -> Keys:
        """One that asks the database each time."""
        root, never = ring.root_key(self.folder / ring.CURRENT), count(0, 1000)
        return Keys(
            self.facts.db, root, lambda: THEN, monotonic=lambda: next(never), others=partial(ring.roots, self.folder)
        )

    async def seal(self, keys: Keys, bucket: str) -> None:
        self.told[bucket] = await keys.seal(bucket, f"what {bucket} holds".encode())

    async def readable(self, keys: Keys) -> None:
        for bucket, (key, sealed) in list(self.told.items()):
            assert await keys.open(key, sealed) == f"what {bucket} holds".encode()

    async def rotate(self, said: Callable[[str], object] = lambda _: None) -> tuple[str, str, int]:
        work = Rotation(self.folder, self.facts.db, self.process(), said)
        done = await work.wrap()
        await work.settle()
        return done


@pytest.fixture
async def machine(pg_facts: PostgresFacts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    monkeypatch.setattr(rotation, "BATCH", 4)
    made = Machine(tmp_path, pg_facts)
    keys = made.process()
    for number in range(10):
        await made.seal(keys, f"a/calls/2026-11-25T{number:02}")
    return made


async def test_all_is_wrapped_under_the_new_root_key_and_nothing_under_the_old_one(machine: Machine) -> None:
    before, old = machine.process(), ring.root_key(machine.folder / ring.CURRENT)

    was, now_, keys = await machine.rotate()

    new = ring.root_key(machine.folder / ring.CURRENT)
    assert (was, now_, keys) == (ring.name_of(old), ring.name_of(new), 11)  # the key of ids is one of them
    assert sorted(path.name for path in machine.folder.iterdir()) == sorted([ring.CURRENT, f"root-{was}.key"])
    after = machine.process()
    assert (await after.under(old), await after.under(new)) == (0, 11)
    await machine.readable(before)
    await machine.readable(after)
    await after.settle()
    assert before.keyed(b"c1") == after.keyed(b"c1") != b""


async def test_killed_at_any_step_it_loses_nothing_and_goes_on_when_it_is_begun_again(machine: Machine) -> None:
    steps = Steps()
    await machine.rotate(steps)
    assert len(steps.seen) > 8
    ids = machine.process()
    await ids.settle()

    for last in range(len(steps.seen)):
        old = ring.root_key(machine.folder / ring.CURRENT)
        running = machine.process()
        killed = Steps(last)
        with pytest.raises(Killed):
            await machine.rotate(killed)
        assert len(killed.seen) == last
        for name, process in (("before", running), ("after", machine.process())):
            await process.settle()
            await machine.readable(process)
            await machine.seal(process, f"a/reports/{last} {name}")
            assert process.keyed(b"c1") == ids.keyed(b"c1")
        await machine.readable(running)

        await machine.rotate()

        fresh = machine.process()
        await fresh.settle()
        await machine.readable(fresh)
        await machine.readable(running)
        assert await fresh.under(old) == 0
        assert fresh.keyed(b"c1") == ids.keyed(b"c1")
        assert not (machine.folder / ring.NEXT).exists()


async def test_readers_and_writers_go_on_meanwhile_and_none_writes_under_the_old_key_after_the_switch(
    machine: Machine,
) -> None:
    old, over, made = ring.root_key(machine.folder / ring.CURRENT), asyncio.Event(), count()
    processes = [machine.process() for _ in range(3)]

    async def works(number: int, keys: Keys) -> int:
        turns = 0
        while not over.is_set() or turns < 5:
            await machine.seal(keys, f"b/calls/{number}-{next(made)}")
            await machine.readable(keys)
            turns += 1
        return turns

    work = [asyncio.ensure_future(works(number, keys)) for number, keys in enumerate(processes)]
    for _ in range(3):
        await machine.rotate()
    over.set()

    assert min(await asyncio.gather(*work)) >= 5
    fresh = machine.process()
    await machine.readable(fresh)
    assert await fresh.under(old) == 0
    assert await fresh.under(ring.root_key(machine.folder / ring.CURRENT)) == len(machine.told) + 1


async def test_what_is_destroyed_meanwhile_stays_destroyed(machine: Machine) -> None:
    bucket, (key, sealed) = next(iter(machine.told.items()))
    other, destroyed = machine.process(), list[asyncio.Future[None]]()

    def destroys(words: str) -> None:
        if words.startswith("0 keys"):
            destroyed.append(asyncio.ensure_future(other.destroy(key)))

    await machine.rotate(Steps(do=destroys))
    await asyncio.gather(*destroyed)
    await machine.rotate()

    with pytest.raises(Refused, match="was erased"):
        await machine.process().open(key, sealed)
    del machine.told[bucket]
    await machine.readable(machine.process())


async def test_a_machine_without_the_new_root_key_makes_no_key_and_says_what_is_missing(
    machine: Machine, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / ring.CURRENT).write_bytes(ring.root_key(machine.folder / ring.CURRENT))
    (elsewhere / ring.CURRENT).chmod(0o600)
    far = Machine(elsewhere, machine.facts).process()
    await machine.rotate()

    with pytest.raises(Broken, match="restore the root key"):
        await far.seal("a/calls/new", b"a call")
    with pytest.raises(Broken, match="restore the root key"):
        await machine.readable(far)
    await far.settle()  # a lost root key keeps nobody from the rest


async def test_a_root_key_that_was_in_use_before_is_overwritten_and_removed(machine: Machine) -> None:
    was, _, _ = await machine.rotate()
    path = machine.folder / f"root-{was}.key"
    held = path.open("rb")

    assert ring.destroy(machine.folder, was)

    assert held.read() == bytes(ring.ROOT)
    held.close()
    assert not path.exists()
    assert not ring.destroy(machine.folder, was)
    await machine.readable(machine.process())


async def test_a_restore_takes_the_root_key_that_opens_the_backup(machine: Machine) -> None:
    old = ring.root_key(machine.folder / ring.CURRENT)
    (machine.folder / "root-aaaa.key").write_bytes(bytes(range(32)))
    (machine.folder / "root-aaaa.key").chmod(0o600)
    (machine.folder / ring.CURRENT).rename(machine.folder / "root-bbbb.key")
    ring.root_key(machine.folder / ring.CURRENT)  # a newer one, under which nothing is wrapped there

    found = await machine.process().fits()
    ring.take(machine.folder, ring.name_of(found))

    assert found == old
    assert [path.name for path in machine.folder.iterdir()] == [ring.CURRENT]
    await machine.readable(machine.process())


async def test_an_instance_without_any_key_takes_its_own_root_key(pg_facts: PostgresFacts, tmp_path: Path) -> None:
    machine = Machine(tmp_path, pg_facts)

    assert await machine.process().fits() == ring.root_key(tmp_path / ring.CURRENT)
    assert [key.bucket for key in await machine.process().in_use()] == []
    await machine.rotate()
    assert [key.bucket for key in await machine.process().in_use()] == [IDS]
