"""What was collected for one purpose is read for another only while a decision of two people stands."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from msgspec.structs import replace
from tests.flow.test_papers import CHANGED, Case

from tutela.app.core import policies
from tutela.backends.memory_facts import MemoryFacts, Store
from tutela.errors import EngineDown, Refused
from tutela.flow.compatible import Compatible
from tutela.flow.ledger import Ledger
from tutela.flow.papers import Papers
from tutela.model.access import Access
from tutela.model.event import Event
from tutela.model.paper import Dpia
from tutela.model.people import Agent, Role
from tutela.model.when import DAY, SECOND
from tutela.policy.purposes import Action, ask

ANALYST = Agent(id="a", name="", role=Role.ANALYST, agency="city")
WHY = Access(agent=ANALYST, purpose="public-health", legal_basis="PublicInterest")


@pytest.fixture
async def case() -> Case:
    return await Case().begin()


class Reads:
    """Whether the analyst may read counts that were collected for these, as the policies that ship have it."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.compatible = Compatible(policies(), case.here.papers)
        self.ledger = Ledger(self.compatible, case.here.facts, lambda: case.now)

    async def may(self, *collected_for: str) -> bool:
        await self.compatible.refresh()
        self.case.now += 10 * SECOND  # no decision is remembered for so long
        return self.ledger.may(ask(WHY, Action.READ, "counts", self.case.now, collected_for=collected_for))


async def test_a_purpose_change_counts_from_the_second_person_until_it_lapses(case: Case) -> None:
    reads = Reads(case)
    await case.enter(Dpia(covers=("smoke",)))
    id_ = await case.enter(CHANGED)
    proposed = await reads.may("traffic")
    await case.here.papers.grant(id_, "eino")
    granted = await reads.may("traffic")
    others = [await reads.may(*other) for other in (("city-operations",), ("traffic", "city-operations"), ())]
    case.now += 30 * DAY

    assert (proposed, granted, await reads.may("traffic")) == (False, True, False)
    assert others == [False, False, False]


async def test_it_ends_at_once_when_somebody_ends_it(case: Case) -> None:
    reads, id_ = Reads(case), await case.enter(CHANGED)
    await case.here.papers.grant(id_, "eino")
    before = await reads.may("traffic")
    await case.here.papers.end(id_, "the law changed", "eino")

    assert (before, await reads.may("traffic")) == (True, False)


async def test_it_opens_nothing_about_people_and_no_act(case: Case) -> None:
    reads, id_ = Reads(case), await case.enter(replace(CHANGED, collected_for="emergency-response"))
    await case.here.papers.grant(id_, "eino")
    await reads.compatible.refresh()
    for action, of in ((Action.READ, "call-contents"), (Action.ACT, "alerts")):
        with pytest.raises(Refused):
            reads.compatible.check(ask(WHY, action, of, case.now, collected_for=("emergency-response",)))

    assert reads.compatible.digest == policies().digest


class Down(MemoryFacts):
    """A database that is away once it was told to be."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.away = False
        self.read, self.missed = asyncio.Event(), asyncio.Event()

    async def about(self, subject: str) -> Sequence[Event]:
        if self.away:
            self.missed.set()
            raise EngineDown("PostgreSQL does not answer", retry_after=1.0)
        self.read.set()
        return await super().about(subject)


async def test_while_the_database_is_away_what_was_decided_stands_until_its_end(case: Case) -> None:
    reads, id_ = Reads(case), await case.enter(CHANGED)
    await case.here.papers.grant(id_, "eino")
    down = Down(case.here.facts.store)
    reads.compatible.papers = Papers(log=down, keys=case.here.keys, clock=lambda: case.now)
    running = asyncio.ensure_future(reads.compatible.run(0.0))
    await down.read.wait()
    down.away = True
    await down.missed.wait()
    counts = ask(WHY, Action.READ, "counts", case.now, collected_for=("traffic",))
    reads.compatible.check(counts)
    running.cancel()

    with pytest.raises(Refused, match="collected for another purpose"):
        reads.compatible.check(replace(counts, now=case.now + 30 * DAY))
