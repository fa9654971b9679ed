"""Passkeys and challenges, on every engine."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from tutela.backends.memory_facts import MemoryFacts
from tutela.backends.memory_facts.passkeys import MemoryPasskeys
from tutela.backends.postgres.facts import PostgresFacts
from tutela.backends.postgres.passkeys import PostgresPasskeys
from tutela.errors import Conflict, NotFound, Refused
from tutela.model.people import Agent, Factor, Passkey, Role, Session

if TYPE_CHECKING:
    from tests.backends.conftest import Make

    from tutela.flow.passkeys import Store
    from tutela.flow.ports import Facts

ANNA = Agent(id="anna", name="", role=Role.OPERATOR, agency="city", until=500)
KEY = Passkey(id="k1", agent="anna", credential=b"c1", public_key=b"p1", count=0, at=20)


@pytest.fixture
async def store(facts: Facts, make: Make) -> Store:
    await facts.invite(b"code", Role.OPERATOR, 1000, make.event())
    await facts.enrol(b"code", ANNA, make.event(at=10))
    return passkeys(facts)


def passkeys(facts: Facts) -> Store:
    if isinstance(facts, PostgresFacts):
        return PostgresPasskeys(facts.db)
    assert isinstance(facts, MemoryFacts)
    return MemoryPasskeys(facts.store)


async def test_of_two_answers_to_one_challenge_exactly_one_counts(store: Store) -> None:
    await store.challenge(b"h", "anna", 100, 10)

    done = await asyncio.gather(*(store.answered(b"h", "anna", 50) for _ in range(5)), return_exceptions=True)

    assert sorted(type(one).__name__ for one in done) == ["NoneType"] + ["Refused"] * 4


async def test_a_challenge_is_for_one_person_or_for_nobody_and_has_an_end(store: Store) -> None:
    for hash_, agent, until in ((b"1", "anna", 100), (b"2", None, 100), (b"3", None, 60)):
        await store.challenge(hash_, agent, until, 10)

    for hash_, agent, now in ((b"1", None, 50), (b"2", "anna", 50), (b"3", None, 60), (b"4", None, 50)):
        with pytest.raises(Refused, match="begin again"):
            await store.answered(hash_, agent, now)
    await store.challenge(b"5", None, 100, 10)
    await store.challenge(b"6", None, 200, 100)  # what is over is forgotten then
    with pytest.raises(Refused):
        await store.answered(b"5", None, 50)


async def test_a_passkey_is_kept_found_counted_and_removed(facts: Facts, store: Store, make: Make) -> None:
    other = replace(KEY, id="k2", credential=b"c2", at=15)
    await store.add(KEY, make.event("added", at=20))
    await store.add(other, make.event(at=21))
    with pytest.raises(Conflict, match="is here already"):
        await store.add(replace(KEY, id="k3"), make.event("never", at=22))

    assert list(await store.passkeys("anna")) == [other, KEY]
    assert (await store.passkey(b"c1"), await store.passkey(b"c9")) == (KEY, None)
    assert await store.used("k1", 3, 30) == ANNA
    assert await store.passkey(b"c1") == replace(KEY, count=3, used_at=30)
    for count in (0, 2, 3):
        with pytest.raises(Refused) as copied:
            await store.used("k1", count, 40)
        assert copied.value.policy == "passkey-copied"
    assert [await store.used("k2", 0, 40) for _ in range(2)] == [ANNA, ANNA]
    with pytest.raises(Refused, match="your role here"):
        await store.used("k2", 0, 500)

    await store.remove("anna", "k1", make.event("removed", at=50))
    for removed in (store.remove("anna", "k1", make.event(at=51)), store.remove("bo", "k2", make.event(at=51))):
        with pytest.raises(NotFound):
            await removed
    with pytest.raises(NotFound):
        await store.used("k1", 9, 60)
    assert [len(await facts.about(subject)) for subject in ("added", "never", "removed")] == [1, 0, 1]


async def test_of_two_uses_with_one_count_exactly_one_is_believed(store: Store, make: Make) -> None:
    await store.add(KEY, make.event(at=20))

    done = await asyncio.gather(*(store.used("k1", 7, 30) for _ in range(5)), return_exceptions=True)

    assert sorted(type(one).__name__ for one in done) == ["Agent"] + ["Refused"] * 4


async def test_a_passkey_that_is_removed_ends_its_sessions_and_no_others(
    facts: Facts, store: Store, make: Make
) -> None:
    await store.add(KEY, make.event(at=20))
    by_key = Session(agent="anna", until=200, factor=Factor.PASSKEY, passkey="k1")
    await facts.begin(b"by key", by_key, 30)
    await facts.begin(b"by code", Session(agent="anna", until=200), 30)
    await facts.active(b"by key", 40)
    await facts.active(b"by key", 35)
    assert ((await facts.who(b"by key", 41)).factor, (await facts.who(b"by key", 41)).active) == (Factor.PASSKEY, 40)

    await store.remove("anna", "k1", make.event(at=50))

    with pytest.raises(Refused, match="over"):
        await facts.who(b"by key", 51)
    assert (await facts.who(b"by code", 51)).factor == Factor.CODE


async def test_a_passkey_of_somebody_who_is_suspended_lets_nobody_in(facts: Facts, make: Make) -> None:
    await facts.invite(b"code", Role.OPERATOR, 1000, make.event())
    await facts.enrol(b"code", replace(ANNA, suspended=True), make.event(at=10))
    store = passkeys(facts)
    await store.add(KEY, make.event(at=20))

    with pytest.raises(Refused, match="suspended"):
        await store.used("k1", 1, 30)
    assert (await store.passkey(b"c1")) == KEY
