"""Dead letters: seen, sent once more as they were, and not lost when that fails."""

from __future__ import annotations

import pytest

from tutela.backends.memory import MemoryStreams
from tutela.backends.memory_facts import MemoryFacts, Store
from tutela.errors import BadInput, NotFound, StorageFull
from tutela.flow import hop
from tutela.flow.letters import Letters
from tutela.model.dead_letter import DeadLetter

LETTER = DeadLetter(
    id="4c8a0f5e-6d0e-4a51-9d43-0e3c0c1f8a11",
    source="live detect 3",
    at=5,
    reason="unreadable",
    says="…",
    body=b"\xff\x00",
    subject="obs.live.readings.3",
    headers={"Schema": "readings@1"},
)


def clock() -> int:
    return 9


@pytest.fixture
def facts() -> MemoryFacts:
    return MemoryFacts(Store(clock))


async def opened() -> MemoryStreams:
    streams = MemoryStreams(clock)
    for stream, subjects in hop.everything("live").items():
        await streams.open(stream, subjects)
    return streams


async def test_a_letter_is_sent_again_as_it_was_and_that_is_logged(facts: MemoryFacts) -> None:
    streams = await opened()
    letters = Letters(facts, streams, clock)
    await facts.dead([LETTER], [])
    assert await letters.waiting(9) == [LETTER]

    revived = await letters.revive(LETTER.id, "install")

    assert (revived.tries, revived.replayed_at) == (1, 9)
    assert await letters.waiting(9) == []
    reader = await streams.read("OBS-live", ("obs.live.readings.3",), 0)
    [message] = await reader.fetch(9, 0)
    assert message.body == LETTER.body
    assert message.headers["Schema"] == "readings@1"
    [event] = await facts.about(LETTER.id)
    assert (event.kind, event.by, event.at) == ("letter@1", "install", 9)

    await letters.revive(LETTER.id, "install")
    assert await streams.last("OBS-live") == 2


async def test_a_letter_that_can_not_be_sent_waits_again(facts: MemoryFacts) -> None:
    class Full(MemoryStreams):
        async def publish(self, *_: object) -> int:
            raise StorageFull("the disk is full")

    letters = Letters(facts, Full(clock), clock)
    await facts.dead([LETTER], [])

    with pytest.raises(StorageFull):
        await letters.revive(LETTER.id, "install")

    assert [letter.id for letter in await letters.waiting(9)] == [LETTER.id]
    assert await facts.about(LETTER.id) == []


async def test_a_letter_without_a_subject_or_that_nobody_knows_is_a_clear_error(facts: MemoryFacts) -> None:
    letters = Letters(facts, await opened(), clock)
    await facts.dead([DeadLetter(id="old", source="a", at=1, reason="b", says="c", body=b"")], [])

    with pytest.raises(BadInput, match="where it was"):
        await letters.revive("old", "install")
    with pytest.raises(NotFound):
        await letters.revive("nothing", "install")

    assert [letter.id for letter in await letters.waiting(9)] == ["old"]
