"""A session that was ended is over, on every engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from tutela.errors import NotFound, Refused
from tutela.model.people import Agent, Role, Session

if TYPE_CHECKING:
    from tests.backends.conftest import Make

    from tutela.flow.ports import Facts

ANNA = Agent(id="anna", name="Anna", role=Role.OPERATOR, agency="city")


async def test_a_session_ends_once_with_its_event(facts: Facts, make: Make) -> None:
    await facts.invite(b"code", Role.OPERATOR, 1000, make.event("code"))
    await facts.enrol(b"code", ANNA, make.event("anna", at=10))
    await facts.begin(b"token", Session(agent=ANNA.id, until=100), 10)
    await facts.begin(b"other", Session(agent=ANNA.id, until=100), 10)

    await facts.end(b"token", make.event("first", at=20))
    await facts.end(b"token", make.event("second", at=30))
    await facts.end(b"never was", make.event("third", at=30))

    with pytest.raises(Refused):
        await facts.who(b"token", 20)
    assert (await facts.who(b"other", 20)).agent == ANNA
    assert await facts.lasts(ANNA.id) == 100
    await facts.end(b"other", make.event("fourth", at=40))
    assert await facts.lasts(ANNA.id) == 40
    assert await facts.lasts("nobody") == 0
    assert len(await facts.about("first")) == 1
    assert not await facts.about("second")
    assert not await facts.about("third")


async def test_whoever_is_suspended_has_no_session_that_holds_until_they_are_not(facts: Facts, make: Make) -> None:
    await facts.invite(b"code", Role.OPERATOR, 1000, make.event("code"))
    await facts.enrol(b"code", ANNA, make.event("anna", at=10))
    await facts.begin(b"token", Session(agent=ANNA.id, until=100), 10)

    await facts.restate(replace(ANNA, suspended=True), make.event("suspended", at=20))
    with pytest.raises(Refused):
        await facts.who(b"token", 20)
    await facts.restate(ANNA, make.event("restored", at=30))
    assert (await facts.who(b"token", 30)).agent == ANNA
    with pytest.raises(NotFound):
        await facts.restate(replace(ANNA, id="nobody"), make.event("unknown", at=40))
    assert not await facts.about("unknown")


async def test_the_sessions_that_hold_are_told_and_all_but_one_are_ended(facts: Facts, make: Make) -> None:
    await facts.invite(b"code", Role.OPERATOR, 1000, make.event("code"))
    await facts.enrol(b"code", ANNA, make.event("anna", at=10))
    for token, at, until in ((b"old", 5, 20), (b"one", 10, 100), (b"two", 11, 100)):
        await facts.begin(token, Session(agent=ANNA.id, until=until), at)

    assert [(one.own, one.active) for one in await facts.sittings(ANNA.id, b"one", 20)] == [(False, 11), (True, 10)]
    await facts.end_others(b"one", replace(make.event("others", at=30), subject=ANNA.id))

    assert [one.own for one in await facts.sittings(ANNA.id, b"one", 30)] == [True]
    with pytest.raises(Refused):
        await facts.who(b"two", 30)
    assert await facts.sittings("nobody", b"", 0) == []
