"""Tokens in PostgreSQL: of a source or of one Thing of it, and of nothing that the register does not have."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tutela.backends.migrate import migrate
from tutela.backends.postgres.facts import PostgresFacts
from tutela.backends.postgres.tokens import PostgresTokens
from tutela.errors import NotFound
from tutela.flow.entering import define, enter
from tutela.model.flow import Sender
from tutela.model.install import Install
from tutela.model.register import Source, Thing

pytestmark = pytest.mark.integration

AIR, WATER = (
    Source(
        name=name,
        owner="city",
        kind="mqtt",
        purposes=("environment",),
        legal_basis="PublicInterest",
        personal_data=False,
        place="x",
    )
    for name in ("air", "water")
)


@pytest.fixture
async def tokens(pg_dsn: str) -> AsyncIterator[PostgresTokens]:
    await migrate(pg_dsn, 1)
    facts = await PostgresFacts.open(pg_dsn)
    await facts.install(Install(id="00000000-0000-0000-0000-000000000001", zone="UTC", city="x", at=1))
    for source in (AIR, WATER):
        await enter(facts, source, "install", 0)
    await define(facts, [Thing(id=0, name="yard", kind="mast", source="air")], [], "install", 0)
    yield PostgresTokens(facts.db)
    await facts.close()


@pytest.mark.parametrize("sender", [Sender("air"), Sender("air", "yard")])
async def test_whoever_was_given_a_token_holds_it(tokens: PostgresTokens, sender: Sender) -> None:
    await tokens.allow(b"hash", sender, 5)

    assert await tokens.holder(b"hash") == sender
    assert await tokens.holder(b"other") is None


@pytest.mark.parametrize("sender", [Sender("fire"), Sender("air", "roof"), Sender("water", "yard")])
async def test_nobody_gets_a_token_who_is_not_in_the_register(tokens: PostgresTokens, sender: Sender) -> None:
    with pytest.raises(NotFound, match="enter it first"):
        await tokens.allow(b"hash", sender, 5)
    assert await tokens.holder(b"hash") is None
