"""On PostgreSQL, with two processes: of all who take an approval at once, one does; and nobody's second vote is kept."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from secrets import token_bytes
from uuid import uuid4

import pytest

from tutela.backends.memory_keys import MemoryKeys
from tutela.backends.migrate import migrate
from tutela.backends.postgres.facts import PostgresFacts
from tutela.errors import Conflict, Refused
from tutela.flow.approve import Approvals
from tutela.flow.prose import Prose
from tutela.model.approval import HOLD_LIFT, Approval, Proposal, Wanted
from tutela.model.install import Install
from tutela.model.people import Agent, Role
from tutela.model.when import parse

pytestmark = pytest.mark.integration

START: int = parse("2026-11-25T08:00:00Z")
BO = Agent(id="bo", name="", role=Role.SUPERVISOR, agency="city")
ROUNDS = 20


@pytest.fixture
async def two(pg_dsn: str) -> AsyncIterator[tuple[Approvals, Approvals]]:
    """Two processes of one instance."""
    await migrate(pg_dsn, 1)
    both = [await PostgresFacts.open(pg_dsn), await PostgresFacts.open(pg_dsn)]
    await both[0].install(Install(id=str(uuid4()), zone="UTC", city="Helsinki", at=1))
    keys = MemoryKeys()
    one, other = (Approvals(log=facts, prose=Prose(keys), clock=lambda: START, chance=token_bytes) for facts in both)
    yield one, other
    for facts in both:
        await facts.close()


async def test_of_all_who_take_and_vote_at_once_one_does(two: tuple[Approvals, Approvals]) -> None:
    for n in range(ROUNDS):
        wanted = Wanted(matter=HOLD_LIFT, target=str(n), body="{}", reason="r", widens=False)
        own = await two[0].propose(wanted, "aino")

        voted = await asyncio.gather(
            *(two[n % 2].vote(own.id, BO, yes=True, reason=f"r{n}") for n in range(4)), return_exceptions=True
        )
        taken = await asyncio.gather(
            *(two[n % 2].taken(own.id, HOLD_LIFT, own.target, own.digest, f"by{n}") for n in range(8)),
            return_exceptions=True,
        )

        assert sorted(type(one).__name__ for one in voted) == sorted([Approval.__name__, *[Conflict.__name__] * 3])
        assert sorted(type(one).__name__ for one in taken) == sorted([Proposal.__name__, *[Refused.__name__] * 7])
        assert len((await two[1].one(own.id)).votes) == 1
