"""What is kept for the public is the same on both engines."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import msgspec
import pytest

from tutela.backends.memory_facts import MemoryFacts
from tutela.errors import NotFound
from tutela.flow.witnesses import end, enter
from tutela.model import cosign, note
from tutela.model.cosign import Cosignature
from tutela.model.event import Checkpoint, Event
from tutela.model.when import SECOND

if TYPE_CHECKING:
    from tests.backends.conftest import Make

    from tutela.flow.ports import Facts

KEY = cosign.cosigner_key("one.example/w", b"1" * 32)
OTHER = cosign.cosigner_key("other.example/w", b"2" * 32)


@pytest.fixture
def kept(facts: Facts) -> MemoryFacts:
    """Both engines have the same methods; the types of one of them do for both."""
    return cast("MemoryFacts", facts)


def leaf_of(event: Event) -> bytes:
    return event.id.encode()[:32].ljust(32)


def point(size: int, epoch: int = 1, at: int = 0) -> Checkpoint:
    return Checkpoint(origin="x", epoch=epoch, size=size, root=b"r" * 32, at=at, signature=b"s" * 64)


def said(witness: str, at: int = 5) -> Cosignature:
    return Cosignature(witness=witness, key_id=b"kkkk", at=at, signature=b"c" * 64)


async def sealed(kept: MemoryFacts, *events: Event) -> None:
    await kept.append(events)
    await kept.round(await kept.lead("s") or 0, leaf_of, 100)


async def test_a_sealed_event_has_a_place(kept: MemoryFacts, make: Make) -> None:
    one, other = make.event(), make.event()
    await sealed(kept, one, other)

    assert await kept.place(other.id) == (1, leaf_of(other))
    for nothing in ("nothing", make.event().id):
        with pytest.raises(NotFound):
            await kept.place(nothing)


async def test_the_newest_checkpoint_is_that_of_the_newest_epoch(kept: MemoryFacts) -> None:
    assert await kept.newest_point(0) is None
    for one in (point(30), point(10, epoch=2), point(20, epoch=2)):
        await kept.checkpoint(one)

    assert await kept.newest_point(0) == point(20, epoch=2)
    assert await kept.newest_point(25) == point(30)
    assert await kept.newest_point(31) is None
    assert await kept.newest_point(0, cosigned=True) is None
    assert await kept.point(2, 10) == point(10, epoch=2)
    assert await kept.point(2, 30) is None


async def test_what_a_witness_says_first_of_a_checkpoint_stays(kept: MemoryFacts) -> None:
    await kept.checkpoint(point(10))
    await kept.checkpoint(point(20))
    await kept.cosign(point(10), said("b"))
    await kept.cosign(point(10), said("a"))
    await kept.cosign(point(10), said("a", at=99))

    assert await kept.cosignatures(point(10)) == [said("a"), said("b")]
    assert await kept.cosignatures(point(20)) == []
    assert await kept.newest_point(0, cosigned=True) is None  # nobody knows these two


async def test_only_a_witness_that_is_entered_now_makes_a_checkpoint_a_cosigned_one(kept: MemoryFacts) -> None:
    """Else a proof comes under a checkpoint of which its reader is told that nobody known cosigned it."""
    for size, key in ((10, KEY), (20, OTHER)):
        await enter(kept, key, "Somebody", "install", 1)
        await kept.checkpoint(point(size))
        name, key_id = note.decoded_id(key)
        await kept.cosign(point(size), msgspec.structs.replace(said(name), key_id=key_id))
    assert await kept.newest_point(0, cosigned=True) == point(20)
    await end(kept, "other.example/w", "gone", "install", 2)
    assert await kept.newest_point(0, cosigned=True) == point(10)
    assert await kept.newest_point(11, cosigned=True) is None

    await enter(kept, cosign.cosigner_key("one.example/w", b"3" * 32), "Somebody", "install", 3)
    assert await kept.newest_point(0, cosigned=True) is None
    assert len(await kept.cosignatures(point(10))) == 1  # what was said stays


async def test_roots_of_tiles_are_kept_in_a_row_and_the_last_word_counts(kept: MemoryFacts) -> None:
    await kept.keep_roots(0, [b"a" * 32, b"b" * 32])
    await kept.keep_roots(1, [b"x" * 32, b"c" * 32])
    await kept.keep_roots(0, [b"a" * 32])

    assert await kept.roots(0, 10) == [b"a" * 32, b"x" * 32, b"c" * 32]
    assert await kept.roots(1, 1) == [b"x" * 32]
    assert await kept.roots(3, 10) == []


async def test_witnesses_are_entered_changed_and_ended(kept: MemoryFacts) -> None:
    await enter(kept, OTHER, "Somebody", "install", 1)
    await enter(kept, KEY, "The ombudsman", "install", 2)
    await enter(kept, KEY, "The new ombudsman", "install", 3)
    await end(kept, "other.example/w", "gone", "install", 4)

    found = await kept.cosigners()
    assert [(one.name, one.owner, one.at) for one in found] == [("one.example/w", "The new ombudsman", 3)]
    assert [event.kind for event in await kept.about("other.example/w")] == ["witness@1", "witness-ended@1"]
    with pytest.raises(NotFound):
        await end(kept, "other.example/w", "gone", "install", 5)


async def test_how_far_a_witness_is_and_since_when_it_is_waited_for(kept: MemoryFacts) -> None:
    await enter(kept, KEY, "The ombudsman", "install", 1)
    (new,) = await kept.watched()
    await kept.checkpoint(point(10, at=100))
    await kept.checkpoint(point(20, at=200))
    (waiting,) = await kept.watched()
    await kept.cosign(point(10), said("one.example/w", at=7))
    (half,) = await kept.watched()
    await kept.cosign(point(20), said("one.example/w", at=8))
    (done,) = await kept.watched()

    assert [(one.size, one.at, one.waits) for one in (new, waiting, half, done)] == [
        (None, None, None),
        (None, None, 100),
        (10, 7 * SECOND, 200),
        (20, 8 * SECOND, None),
    ]


async def test_events_are_salted_when_they_are_not_yet(kept: MemoryFacts, make: Make) -> None:
    plain, salted = make.event(salt=b""), make.event(salt=b"own")
    await kept.append([plain, salted])

    assert len((await kept.event(plain.id)).salt) == 16
    assert (await kept.event(salted.id)).salt == b"own"
