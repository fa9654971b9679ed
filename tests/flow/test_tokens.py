"""Tokens of sources and devices: shown once, kept as a hash, refused when unknown, forgotten soon after they are taken back."""

from __future__ import annotations

from itertools import count

import pytest

from tutela.backends.memory_facts import MemoryFacts, Store
from tutela.errors import EngineDown, Quarantined
from tutela.flow.catalogue import Known
from tutela.flow.entering import define, enter
from tutela.flow.health import Health
from tutela.flow.tokens import HOLDS, NOBODY, OUTAGE, Doorkeeper, Tokens
from tutela.model.flow import Sender
from tutela.model.register import Datastream, Source

LAMPS = Source(
    name="lamps",
    owner="City",
    kind="lamps",
    purposes=("city-operations",),
    legal_basis="PublicInterest",
    personal_data=False,
    place="Here",
)
LAMP = Datastream(
    id=0, source="lamps", name="lamps/one", thing="one", kind="readings", observed_property="power", unit="W"
)


class Holders:
    def __init__(self) -> None:
        self.kept: dict[bytes, Sender] = {}
        self.asked = 0

    async def allow(self, hash_: bytes, sender: Sender, at: int) -> None:
        assert at >= 0
        self.kept[hash_] = sender

    async def holder(self, hash_: bytes) -> Sender | None:
        self.asked += 1
        return self.kept.get(hash_)


class Time:
    now = 0

    def __call__(self) -> int:
        return self.now


async def test_whoever_shows_a_token_is_its_source_and_only_the_hash_is_kept() -> None:
    holders = Holders()
    tokens = Tokens(holders, Time(), lambda size: b"\x07" * size)
    token = await tokens.issue("lamps")

    assert await tokens.identify(token) == "lamps"
    assert all(token.encode() not in hash_ for hash_ in holders.kept)


async def test_the_token_of_a_device_is_that_device_and_no_source() -> None:
    tokens = Tokens(Holders(), Time(), lambda size: b"\x07" * size)
    token = await tokens.issue("lamps", "one")

    assert await tokens.sender(token) == Sender("lamps", "one")
    assert (await tokens.sender(token)).name == "lamps/one"
    with pytest.raises(Quarantined, match="one device, lamps/one"):
        await tokens.identify(token)


async def test_the_token_of_a_source_is_the_whole_source() -> None:
    tokens = Tokens(Holders(), Time(), lambda size: b"\x07" * size)

    assert await tokens.sender(await tokens.issue("lamps")) == Sender("lamps")
    assert Sender("lamps").name == "lamps"


async def test_nobody_is_asked_about_a_token_that_is_none() -> None:
    holders = Holders()

    with pytest.raises(Quarantined):
        await Tokens(holders, Time(), bytes).sender("")
    assert holders.asked == 0


async def test_an_unknown_token_is_quarantined_with_what_to_do() -> None:
    with pytest.raises(Quarantined, match="tutela sources enter"):
        await Tokens(Holders(), Time(), bytes).identify("")


async def test_a_token_is_not_asked_for_again_within_five_seconds_and_works_no_longer_once_taken_back() -> None:
    holders, time = Holders(), Time()
    tokens = Tokens(holders, time, lambda size: b"\x07" * size)
    token = await tokens.issue("lamps")
    await tokens.identify(token)
    holders.kept.clear()

    assert await tokens.identify(token) == "lamps"
    assert holders.asked == 1
    time.now = HOLDS
    with pytest.raises(Quarantined):
        await tokens.identify(token)


async def test_whoever_comes_without_a_token_is_counted_and_nothing_else_is_kept() -> None:
    time, health = Time(), Health()
    door = Doorkeeper(
        Tokens(Holders(), time, lambda size: b"\x07" * size), Known(MemoryFacts(Store(time)), 4), health, time
    )

    for who in (door.identify, door.sender):
        with pytest.raises(Quarantined):
            await who("made-up")

    assert health.take() == {(NOBODY, 0, "quarantined"): 2}


async def test_a_device_that_was_just_given_its_token_is_known_at_the_door() -> None:
    time, facts = Time(), MemoryFacts(Store(Time()))
    tokens, known = Tokens(Holders(), time, lambda size: b"\x07" * size), Known(facts, 4)
    door = Doorkeeper(tokens, known, Health(), time)
    await enter(facts, LAMPS, "install", 0)
    await define(facts, [], [LAMP], "install", 0)

    assert await door.sender(await tokens.issue("lamps", "one")) == Sender("lamps", "one")
    assert known.number("lamps/one") is not None


async def test_a_source_that_was_just_entered_is_known_at_the_door() -> None:
    time, facts = Time(), MemoryFacts(Store(Time()))
    tokens, known = Tokens(Holders(), time, lambda size: b"\x07" * size), Known(facts, 4)
    door = Doorkeeper(tokens, known, Health(), time)
    token = await tokens.issue("lamps")
    await enter(facts, LAMPS, "install", 0)

    assert await door.identify(token) == "lamps"
    assert known.sources == {"lamps": LAMPS}
    assert await door.identify(token) == "lamps"


async def test_what_a_source_was_just_entered_with_is_known_at_the_door_even_if_the_register_was_read_in_between() -> (
    None
):
    time, facts = Time(), MemoryFacts(Store(Time()))
    tokens, known = Tokens(Holders(), time, lambda size: b"\x07" * size), Known(facts, 4)
    door = Doorkeeper(tokens, known, Health(), time)
    await enter(facts, LAMPS, "install", 0)
    await known.refresh()
    await define(facts, [], [LAMP], "install", 0)

    await door.identify(await tokens.issue("lamps"))

    assert known.number("lamps/one") is not None


async def test_while_nobody_can_be_asked_a_token_that_was_good_is_good_for_an_hour_and_no_other() -> None:
    class Away(Holders):
        down = False

        async def holder(self, hash_: bytes) -> Sender | None:
            if self.down:
                raise EngineDown("PostgreSQL does not answer")
            return await super().holder(hash_)

    holders, time, numbers = Away(), Time(), count(1)
    tokens = Tokens(holders, time, lambda size: bytes([next(numbers)]) * size)
    met, new = await tokens.issue("lamps"), await tokens.issue("lamps")
    await tokens.identify(met)
    holders.down = True

    time.now = OUTAGE - 1
    assert await tokens.identify(met) == "lamps"
    with pytest.raises(EngineDown):
        await tokens.identify(new)
    time.now = OUTAGE
    with pytest.raises(EngineDown):
        await tokens.identify(met)
