"""Step 8: one sealer, one tree, signed checkpoints that the database alone can't undo."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutela.backends.checkpoints import Checkpoints
from tutela.backends.memory_audit import MemoryWitness
from tutela.backends.memory_facts import MemoryFacts, Store
from tutela.errors import Broken, EngineDown, Fenced, StorageFull
from tutela.flow.seal import Rhythm, Sealer, Signer, leaf_bytes, leaf_of, read_witnessed
from tutela.maths.ids import uuid_of
from tutela.maths.merkle import Tree, leaf_hash
from tutela.model import note
from tutela.model.event import Event


def event(number: int, **changes: object) -> Event:
    made = Event(
        id=uuid_of("event", number),
        at=1_780_000_000_000_000 + number,
        by="threshold",
        cause=None,
        kind="detection@1",
        timeline="live",
        body=b'{"n":%d}' % number,
        salt=b"salt",
    )
    return msgspec.structs.replace(made, **changes)


def events(count: int, start: int = 0) -> list[Event]:
    return [event(number) for number in range(start, start + count)]


def sign(text: bytes) -> bytes:
    return sha256(b"secret" + text).digest() * 2


@dataclass
class City:
    """A log, a witness, and a clock that is moved by hand."""

    facts: MemoryFacts = field(default_factory=lambda: MemoryFacts(Store(lambda: 0)))
    witness: MemoryWitness = field(default_factory=MemoryWitness)
    now: float = 0.0
    told: list[tuple[int, float]] = field(default_factory=list)

    def sealer(self, worker: str = "one", monotonic: Callable[[], float] | None = None, **rhythm: int) -> Sealer:
        return Sealer(
            worker,
            self.facts,
            self.facts,
            self.witness,
            Signer("helsinki.example/log", b"p" * 32, sign),
            clock=lambda: 1_780_000_000_000_000,
            monotonic=monotonic or (lambda: self.now),
            told=lambda count, lag: self.told.append((count, lag)),
            rhythm=Rhythm(**rhythm),
        )


def lines(city: City) -> list[note.Witnessed]:
    return [read_witnessed(line) for line in city.witness.kept]


def sizes(city: City) -> list[int]:
    return [note.read(line.note).size for line in lines(city)]


async def test_a_leaf_hashes_the_envelope_in_canonical_json_and_the_body_by_its_hash() -> None:
    made = event(7, cause="b", key="k", subject="Kamppi €")

    assert json.loads(leaf_bytes(made)) == {
        "id": made.id,
        "at": made.at,
        "by": "threshold",
        "cause": "b",
        "kind": "detection@1",
        "timeline": "live",
        "subject": "Kamppi €",
        "key": "k",
        "salt": b"salt".hex(),
        "sha256": sha256(made.body).hexdigest(),
    }
    assert leaf_of(made) == leaf_hash(leaf_bytes(made))


@given(by=st.text(), subject=st.text())
def test_the_leaf_is_the_json_of_rfc_8785(by: str, subject: str) -> None:
    made = event(1, by=by, subject=subject)
    plain = json.loads(leaf_bytes(made))

    wanted = json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    assert leaf_bytes(made) == wanted.encode()


async def test_events_are_sealed_in_the_order_of_commit() -> None:
    city = City()
    await city.facts.append(events(5))
    sealer = city.sealer()

    assert await sealer.step() == 5
    assert await sealer.step() == 0
    assert [place.event for place in await city.facts.sealed(-1, 10)] == events(5)
    assert [place.leaf for place in await city.facts.sealed(-1, 10)] == [leaf_of(one) for one in events(5)]


async def test_a_round_takes_a_bounded_number_of_events() -> None:
    city = City()
    await city.facts.append(events(5))
    sealer = city.sealer(most=2)

    assert [await sealer.step() for _ in range(4)] == [2, 2, 1, 0]


async def test_a_checkpoint_comes_after_so_many_leaves() -> None:
    city = City()
    sealer = city.sealer(leaves=3)
    await city.facts.append(events(2))
    await sealer.step()
    assert sizes(city) == []

    await city.facts.append(events(2, 2))
    await sealer.step()

    assert sizes(city) == [4]
    assert [point.size for point in await city.facts.checkpoints()] == [4]


async def test_a_checkpoint_comes_after_so_long_and_only_when_something_was_sealed() -> None:
    city = City()
    sealer = city.sealer(every=60)
    await sealer.step()
    city.now = 61
    await sealer.step()
    assert sizes(city) == []

    await city.facts.append(events(1))
    await sealer.step()

    assert sizes(city) == [1]


async def test_a_log_in_which_nothing_happens_says_so_and_signs_it() -> None:
    city = City()
    sealer = city.sealer(every=60, quiet=300)
    await city.facts.append(events(1))
    await sealer.step()
    city.now = 60
    await sealer.step()
    for city.now in range(61, 1000, 1):
        await sealer.step()

    # Each is signed at once, since a minute is over, and the next one is due 300 s after that.
    assert sizes(city) == [1, 2, 3, 4]
    told = [(sealed.event.kind, sealed.event.body) for sealed in await city.facts.sealed(0, 9)]
    assert told == [("quiet@1", b'{"seconds":300}')] * 3


async def test_a_checkpoint_is_signed_over_its_note_and_tells_its_leaves() -> None:
    city = City()
    sealer = city.sealer()
    await city.facts.append(events(3))
    await sealer.step()
    await sealer.checkpoint()
    await city.facts.append(events(2, 3))
    await sealer.step()
    await sealer.checkpoint()
    await sealer.checkpoint()

    leaves = [leaf_of(one) for one in events(5)]
    first, second = lines(city)
    point = note.read(second.note)
    assert point.root == Tree(leaves).root()
    assert point.signature == sign(note.text(point))
    assert (first.before, first.leaves) == ((), b"".join(leaves[:3]))
    assert second.leaves == b"".join(leaves[3:])
    assert list(await city.facts.checkpoints()) == [note.read(first.note), point]


async def test_a_restart_goes_on_from_the_last_checkpoint() -> None:
    city = City()
    first = city.sealer()
    await city.facts.append(events(3))
    await first.step()
    await first.checkpoint()
    await city.facts.append(events(4, 3))
    await first.step()

    second = city.sealer()
    await city.facts.append(events(2, 7))
    await second.step()
    await second.checkpoint()

    assert sizes(city) == [3, 9]
    assert note.read(lines(city)[-1].note).root == Tree(leaf_of(one) for one in events(9)).root()


async def test_a_restart_signs_at_once_what_a_lost_witness_line_leaves_open() -> None:
    city = City()
    first = city.sealer(leaves=1000)
    await city.facts.append(events(5))
    await first.step()

    await city.sealer(leaves=2, most=2).step()

    assert sizes(city) == [2, 4]


async def test_only_one_seals_and_the_other_waits() -> None:
    city = City()
    assert await city.sealer("one").step() == 0
    two = city.sealer("two")
    await city.facts.append(events(1))

    assert await two.step() is None
    await two.checkpoint()

    assert sizes(city) == []


async def test_the_lead_is_confirmed_again_and_again() -> None:
    city = City()
    sealer = city.sealer(renew=1)
    await sealer.step()
    city.now = 2

    assert await sealer.step() == 0


async def test_who_takes_the_lead_again_starts_from_the_last_checkpoint() -> None:
    city = City()
    one = city.sealer("one", renew=1)
    await city.facts.append(events(2))
    await one.step()
    held = city.facts.store.sealer
    held.owner, held.epoch, held.until = None, 7, -1
    city.now = 2

    assert await one.step() == 0
    await one.checkpoint()

    assert sizes(city) == [2]


async def test_a_sealer_that_lost_the_lead_signs_nothing() -> None:
    city = City()
    one = city.sealer("one")
    await city.facts.append(events(2))
    await one.step()
    city.facts.store.sealer.owner, city.facts.store.sealer.until = "two", 1

    with pytest.raises(Fenced, match="another sealer leads"):
        await one.checkpoint()
    assert sizes(city) == []


async def test_a_database_that_was_cut_short_is_not_signed() -> None:
    city = City()
    sealer = city.sealer(leaves=1)
    await city.facts.append(events(3))
    await sealer.step()
    del city.facts.store.sealed[2:]

    with pytest.raises(Broken, match="sealed 2 events, the signed log 3"):
        await city.sealer().step()


async def test_a_witness_that_was_cut_short_stops_the_sealer() -> None:
    city = City()
    sealer = city.sealer(leaves=1)
    await city.facts.append(events(3))
    await sealer.step()
    city.witness.kept.clear()

    with pytest.raises(Broken, match="put the witness' file back"):
        await city.sealer().step()


@pytest.mark.parametrize("part", ["note", "leaves", "json"])
async def test_a_witness_that_was_changed_stops_the_sealer(part: str) -> None:
    city = City()
    sealer = city.sealer(leaves=1)
    await city.facts.append(events(3))
    await sealer.step()
    (line,) = lines(city)
    changed = {
        "note": msgspec.json.encode(msgspec.structs.replace(line, note="no note")),
        "leaves": msgspec.json.encode(msgspec.structs.replace(line, leaves=b"x" * 96)),
        "json": b"{",
    }
    city.witness.kept[-1] = changed[part]

    with pytest.raises(Broken, match="last checkpoint of the witness"):
        await city.sealer().step()


async def test_the_lag_told_is_an_upper_bound_of_every_wait() -> None:
    city = City()
    sealer = city.sealer()
    await sealer.step()
    city.now = 0.3
    await city.facts.append(events(4))
    city.now = 0.5
    await sealer.step()
    city.now = 0.6
    await sealer.step()
    await city.facts.append(events(1, 4))
    city.now = 0.7
    await sealer.step()

    assert [count for count, _ in city.told] == [4, 1]
    assert [lag for _, lag in city.told] == pytest.approx([0.5, 0.1])


Virtually = Callable[[object], object]


def test_the_sealer_runs_until_told_to_stop_and_signs_what_is_left(virtually: Virtually) -> None:
    async def main() -> City:
        city = City(MemoryFacts(Store(lambda: round(asyncio.get_running_loop().time() * 1e6))))
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        running = asyncio.create_task(city.sealer(monotonic=loop.time).run(stop))
        for number in range(5):
            await asyncio.sleep(1)
            await city.facts.append(events(10, number * 10))
        await asyncio.sleep(0.5)
        assert len(await city.facts.sealed(-1, 100)) == 50
        await city.facts.append(events(1, 50))
        stop.set()
        await running
        return city

    city = virtually(main())

    assert isinstance(city, City)
    assert sizes(city) == [51]
    assert max(lag for _, lag in city.told) < 1.0


def test_a_sealer_that_waits_takes_over_when_the_lead_is_free(virtually: Virtually) -> None:
    async def main() -> City:
        loop = asyncio.get_running_loop()
        city = City(MemoryFacts(Store(lambda: round(loop.time() * 1e6))))
        await city.facts.append(events(1))
        await city.sealer("one", monotonic=loop.time).step()
        stop = asyncio.Event()
        running = asyncio.create_task(city.sealer("two", monotonic=loop.time).run(stop))
        await city.facts.append(events(1, 1))
        await asyncio.sleep(5)
        stop.set()
        await running
        return city

    city = virtually(main())

    assert isinstance(city, City)
    assert sizes(city) == [2]


class Failing(MemoryFacts):
    """The first rounds fail, as when PostgreSQL restarts."""

    failures = 2

    async def round(self, epoch: int, leaf_of: Callable[[Event], bytes], most: int) -> tuple[int, Sequence[bytes]]:
        if self.failures:
            self.failures -= 1
            raise EngineDown("PostgreSQL does not answer")
        return await super().round(epoch, leaf_of, most)


def test_a_sealer_outlives_a_restart_of_its_database(virtually: Virtually) -> None:
    async def main() -> City:
        loop = asyncio.get_running_loop()
        city = City(Failing(Store(lambda: round(loop.time() * 1e6))))
        await city.facts.append(events(3))
        stop = asyncio.Event()
        running = asyncio.create_task(city.sealer(monotonic=loop.time).run(stop))
        await asyncio.sleep(5)
        stop.set()
        await running
        return city

    city = virtually(main())

    assert isinstance(city, City)
    assert sizes(city) == [3]


class Watched(Checkpoints):
    """A witness on a real disk that tells when it was full, and when a line is kept."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.full, self.kept = asyncio.Event(), asyncio.Event()

    async def append(self, line: bytes) -> None:
        try:
            await super().append(line)
        except StorageFull:
            self.full.set()
            raise
        self.kept.set()


async def test_a_full_disk_of_the_witness_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "checkpoints.jsonl"
    path.symlink_to("/dev/full")
    city, witness, stop = City(), Watched(path), asyncio.Event()
    await city.facts.append(events(3))
    running = asyncio.create_task(replace(city.sealer(leaves=1, idle=0), witness=witness).run(stop))

    await asyncio.wait_for(witness.full.wait(), 10)
    path.unlink()
    await asyncio.wait_for(witness.kept.wait(), 10)
    stop.set()
    await running

    (line,) = [line async for line in witness.lines()]
    assert note.read(read_witnessed(line).note).size == 3


async def test_a_log_that_goes_on_from_a_copy_signs_under_a_new_epoch() -> None:
    city = City()
    await city.facts.append(events(3))
    first = city.sealer()
    await first.step()
    await first.checkpoint()
    await city.facts.append(events(2, 3))

    await city.sealer().begin_epoch()

    assert sizes(city) == [3, 5]
    assert [note.read(line.note).epoch for line in lines(city)] == [1, 2]
    assert [point.epoch for point in await city.facts.checkpoints()] == [1, 2]


def test_a_new_epoch_waits_for_the_lead_that_the_copy_still_shows(virtually: Virtually) -> None:
    async def main() -> City:
        loop = asyncio.get_running_loop()
        city = City(MemoryFacts(Store(lambda: round(loop.time() * 1e6))))
        await city.facts.append(events(1))
        await city.sealer("one", monotonic=loop.time).step()
        await city.sealer("two", monotonic=loop.time).begin_epoch()
        return city

    city = virtually(main())

    assert isinstance(city, City)
    assert [note.read(line.note).epoch for line in lines(city)] == [2]
