"""How far the log is sealed can be seen at any time, without taking part in the sealing."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from tutela.model.event import Checkpoint, Event

if TYPE_CHECKING:
    from tests.backends.conftest import Make

    from tutela.flow.ports import Facts


def leaf_of(event: Event) -> bytes:
    return sha256(event.id.encode()).digest()


async def seen(facts: Facts) -> tuple[int, int, int | None]:
    """Size, how many wait, and since when the oldest does."""
    found = await facts.progress()
    return found.size, found.waiting, found.oldest


async def test_what_is_committed_waits_until_it_is_sealed(facts: Facts, make: Make) -> None:
    assert await seen(facts) == (0, 0, None)

    await facts.append([make.event("a", at=20), make.event("b", at=10), make.event("c", at=30)])
    assert await seen(facts) == (0, 3, 10)

    epoch = await facts.lead("s") or 0
    await facts.round(epoch, leaf_of, 2)
    assert await seen(facts) == (2, 1, 30)

    await facts.append([make.event("d", at=40)])
    assert await seen(facts) == (2, 2, 30)

    await facts.round(epoch, leaf_of, 10)
    await facts.round(epoch, leaf_of, 10)
    assert await seen(facts) == (4, 0, None)


async def test_only_the_live_timeline_tells_since_when_something_waits(facts: Facts, make: Make) -> None:
    await facts.append([make.event("a", at=20, timeline="import/x")])

    assert await seen(facts) == (0, 1, None)


async def test_the_newest_checkpoint_is_told(facts: Facts) -> None:
    assert (await facts.progress()).checkpoint is None

    points = [
        Checkpoint(origin="o", epoch=epoch, size=size, root=bytes([size]) * 32, at=size, signature=b"s")
        for epoch, size in ((1, 5), (2, 3), (1, 9))
    ]
    for point in points:
        await facts.checkpoint(point)

    assert (await facts.progress()).checkpoint == points[1]
