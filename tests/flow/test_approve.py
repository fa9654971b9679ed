"""Nothing that takes two people is done on one person's word, and a blind vote is seen by nobody too early."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random

import pytest
from msgspec.structs import replace
from tests.screens.town import chance

from tutela.app.core import policies
from tutela.backends.memory_facts import MemoryFacts, Store
from tutela.backends.memory_keys import MemoryKeys
from tutela.errors import BadInput, Conflict, NotFound, Refused, TutelaError, WrongStep
from tutela.flow.approve import BODY, MOST, WORDS, Approvals
from tutela.flow.approve_acts import ApprovalActs, Shown
from tutela.flow.ledger import Ledger
from tutela.flow.prose import Prose
from tutela.flow.read_log import LogReads
from tutela.model.access import Access
from tutela.model.approval import COOLING, GOOD_FOR, OPEN_FOR, SUBJECT, VOTE, Proposal, Stage, Wanted, digest_of
from tutela.model.event import Event
from tutela.model.people import Agent, Role
from tutela.model.when import DAY, HOUR, MINUTE, parse

START: int = parse("2026-11-25T08:00:00Z")
WANTED = Wanted(matter="hold-lift", target="h", body='{"hold":"h"}', reason="Mrs Korhonen asked")
DIGEST = digest_of(WANTED.body)
POLICIES = policies()

ORDERS = 1000
STEPS = 24
"""Random orders of the property test, and acts in each."""


@dataclass
class Slow:
    """The log, whose reads and writes let others go first: what two do at once is mixed in every way."""

    facts: MemoryFacts
    random: Random
    turns: int = 0

    async def wait(self) -> None:
        for _ in range(self.random.randrange(self.turns + 1)):
            await asyncio.sleep(0)

    async def append(self, events: Sequence[Event]) -> None:
        await self.wait()
        await self.facts.append(events)
        await self.wait()

    async def event(self, id_: str) -> Event:
        await self.wait()
        return await self.facts.event(id_)

    async def about(self, subject: str) -> Sequence[Event]:
        await self.wait()
        return await self.facts.about(subject)


@dataclass
class Council:
    """People who propose and vote; and a clock that is moved by hand."""

    random: Random = field(default_factory=lambda: Random(1))
    now: int = START

    def __post_init__(self) -> None:
        self.facts = MemoryFacts(Store(lambda: self.now))
        self.log = Slow(self.facts, self.random)
        prose = Prose(MemoryKeys(lambda: self.now))
        self.ledger = Ledger(POLICIES, self.facts, lambda: self.now)
        self.approvals = Approvals(log=self.log, prose=prose, clock=lambda: self.now, chance=chance())  # type: ignore[arg-type]  # only what approvals ask of a log
        self.acts = ApprovalActs(ledger=self.ledger, approvals=self.approvals)
        self.reads = LogReads(ledger=self.ledger, log=self.facts, prose=prose)
        roles = [Role.SUPERVISOR, Role.SUPERVISOR, Role.PRIVACY_OFFICER, Role.SUPERVISOR]
        self.people = {
            name: Agent(id=name, name=name, role=role, agency="city")
            for name, role in zip(("aino", "bo", "cai", "dan"), roles, strict=True)
        }

    def access(self, name: str) -> Access:
        agent = self.people[name]
        purpose = "oversight" if agent.role is Role.PRIVACY_OFFICER else "system-operation"
        return Access(agent=agent, purpose=purpose, legal_basis="PublicInterest")

    async def propose(self, by: str = "aino", **changes: object) -> Proposal:
        return await self.approvals.propose(replace(WANTED, **changes), by)

    async def vote(self, proposal: Proposal, name: str, *, yes: bool = True) -> Shown:
        return await self.acts.vote(self.access(name), proposal.id, yes=yes, reason="I looked at it")

    async def take(self, proposal: Proposal, by: str = "aino", **other: str) -> Proposal:
        own = {"matter": proposal.matter, "target": proposal.target, "digest": proposal.digest, **other}
        return await self.approvals.taken(proposal.id, **own, by=by)


@pytest.fixture
def council() -> Council:
    return Council()


async def test_what_another_person_approved_is_done_once_after_a_day(council: Council) -> None:
    proposal = await council.propose()
    seen = await council.vote(proposal, "bo")
    assert (seen.stage, seen.in_force, seen.says) == (Stage.APPROVED, START + DAY, "Lifting a legal hold")

    council.now += COOLING - 1
    with pytest.raises(Refused, match=r"is approved: it is in force from 2026-11-26T08:00:00\.000Z on") as early:
        await council.take(proposal)
    council.now += 1
    assert await council.approvals.ready(proposal.id, "hold-lift", "h", DIGEST)
    done = await council.take(proposal)
    with pytest.raises(Refused, match="is taken"):
        await council.take(proposal)

    assert early.value.policy == "G27-second-person"
    assert (done.by, done.digest) == ("aino", DIGEST)
    assert [len(await told(council, kind)) for kind in ("proposal@1", VOTE, "proposal-taken@1")] == [1, 1, 1]


async def told(council: Council, kind: str) -> list[Event]:
    return [event for event in await council.facts.about(SUBJECT) if event.kind == kind]


async def test_what_narrows_is_in_force_with_the_deciding_vote(council: Council) -> None:
    proposal = await council.propose(widens=False)
    await council.vote(proposal, "bo")

    assert (await council.take(proposal)).cools == 0


async def test_nobody_acts_alone(council: Council) -> None:
    proposal = await council.propose()

    with pytest.raises(Refused, match="You proposed or did this yourself") as refused:
        await council.vote(proposal, "aino")
    with pytest.raises(Refused, match="you proposed this yourself"):
        await council.approvals.vote(proposal.id, council.people["aino"], yes=True, reason="r")
    with pytest.raises(Refused, match=r"is proposed: another person must say yes before 2026-12-02T08:00:00\.000Z"):
        await council.take(proposal)
    with pytest.raises(Refused, match="takes two people, and no approval was named"):
        await council.approvals.taken(None, "hold-lift", "h", DIGEST, "aino")
    with pytest.raises(Refused, match="nothing was proposed under the id 'x'"):
        await council.approvals.taken("x", "hold-lift", "h", DIGEST, "aino")
    assert refused.value.policy == "G27-own-proposal"


@pytest.mark.parametrize("other", [{"target": "another"}, {"digest": "0"}, {"matter": "source-entry"}])
async def test_an_approval_is_good_for_exactly_one_thing(council: Council, other: dict[str, str]) -> None:
    proposal = await council.propose(widens=False)
    await council.vote(proposal, "bo")

    with pytest.raises(Refused, match="is of something else than what was sent"):
        await council.take(proposal, **other)
    await council.take(proposal)


async def test_two_of_two_are_needed_where_two_are_asked(council: Council) -> None:
    proposal = await council.propose(needs=2, widens=False)
    await council.vote(proposal, "bo")

    with pytest.raises(Conflict, match="you voted on this already"):
        await council.vote(proposal, "bo")
    with pytest.raises(Refused, match=r"2 other people must say yes before .*, and 1 did"):
        await council.take(proposal)
    await council.vote(proposal, "cai")
    await council.take(proposal)


@pytest.mark.parametrize("changes", [{"suspended": True}, {"until": START}])
async def test_whoever_is_suspended_or_gone_votes_no_more(council: Council, changes: dict[str, object]) -> None:
    proposal = await council.propose()
    council.people["bo"] = replace(council.people["bo"], **changes)

    with pytest.raises(Refused, match="suspended") as refused:
        await council.vote(proposal, "bo")
    assert refused.value.policy == "F09-suspended"
    assert await told(council, VOTE) == []


async def test_roles_that_do_not_answer_for_it_do_not_vote(council: Council) -> None:
    proposal = await council.propose()
    for role in (Role.OPERATOR, Role.ANALYST, Role.AUDITOR, Role.IT):
        council.people["bo"] = replace(council.people["bo"], role=role)
        with pytest.raises(Refused):
            await council.vote(proposal, "bo")
    assert await told(council, VOTE) == []


async def test_a_no_ends_it_also_while_it_cools(council: Council) -> None:
    proposal = await council.propose()
    await council.vote(proposal, "bo")

    seen = await council.vote(proposal, "cai", yes=False)

    assert (seen.stage, seen.lacks) == (Stage.REFUSED, "propose it anew if it is still wanted")
    with pytest.raises(WrongStep, match="is refused"):
        await council.vote(proposal, "dan", yes=False)
    with pytest.raises(Conflict, match="is refused, so it needs no further yes"):
        await council.vote(proposal, "dan")
    council.now += COOLING
    with pytest.raises(Refused, match="is refused"):
        await council.take(proposal)


async def test_only_who_proposed_it_withdraws_it(council: Council) -> None:
    proposal = await council.propose()
    await council.vote(proposal, "bo")

    with pytest.raises(Refused, match="vote no instead"):
        await council.acts.withdraw(council.access("bo"), proposal.id, "r")
    seen = await council.acts.withdraw(council.access("aino"), proposal.id, "not needed")
    with pytest.raises(WrongStep):
        await council.acts.withdraw(council.access("aino"), proposal.id, "r")

    assert seen.stage is Stage.WITHDRAWN
    shown = await council.approvals.shown(await council.approvals.one(proposal.id))
    assert shown.withdrawn is not None
    assert shown.withdrawn.reason == "not needed"


async def test_what_nobody_decides_lapses_and_so_does_what_nobody_does(council: Council) -> None:
    first, second = await council.propose(), await council.propose(target="h2")
    await council.vote(second, "bo")

    council.now = START + OPEN_FOR
    assert [one.stage for one in await council.acts.listed(council.access("aino"))] == [Stage.IN_FORCE, Stage.LAPSED]
    council.now = START + COOLING + GOOD_FOR
    with pytest.raises(Refused, match="is lapsed"):
        await council.take(second)
    with pytest.raises(Conflict, match="is lapsed"):
        await council.vote(first, "bo")


async def test_words_are_sealed_and_opened_for_whoever_may_read_them(council: Council) -> None:
    proposal = await council.propose()
    await council.vote(proposal, "bo")

    raw = b"".join(event.body for event in await council.facts.about(SUBJECT))
    seen = await council.acts.one(council.access("cai"), proposal.id)

    assert b"Korhonen" not in raw
    assert b"looked" not in raw
    assert (seen.proposal.reason, seen.votes[0].reason) == ("Mrs Korhonen asked", "I looked at it")
    assert [event.kind for event in council.facts.store.events.values()][-1] == "query@1"


async def test_a_blind_vote_is_seen_by_nobody_before_they_voted_or_it_is_decided(council: Council) -> None:
    proposal = await council.propose(needs=2, blind=True)
    before = {name: await council.acts.one(council.access(name), proposal.id) for name in council.people}
    await council.vote(proposal, "bo")

    seen = {name: await council.acts.one(council.access(name), proposal.id) for name in council.people}
    with pytest.raises(Refused) as refused:
        await council.take(proposal)

    assert {name for name in seen if seen[name] != before[name]} == {"bo"}
    assert "did" not in refused.value.message
    await council.vote(proposal, "cai")
    assert len((await council.acts.one(council.access("aino"), proposal.id)).votes) == 2


async def test_no_read_of_the_log_tells_that_somebody_voted(council: Council) -> None:
    """Whoever oversees sees an envelope of all other events."""
    proposal = await council.propose(needs=2, blind=True)
    await council.vote(proposal, "bo")
    assert await council.facts.lead("sealer") == 1
    await council.facts.round(1, lambda event: event.id.encode(), 100)

    access = council.access("cai")
    page = await council.reads.events(access, "live")
    about = await council.reads.about(access, "live", SUBJECT)

    assert "proposal@1" in {sealed.event.kind for sealed in page.events}
    assert VOTE not in {sealed.event.kind for sealed in page.events}
    assert [event.kind for event in about] == ["proposal@1"]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"reason": " "}, "give a reason"),
        ({"reason": "r" * (WORDS + 1)}, "give a reason"),
        ({"matter": "lunch"}, "'lunch' is nothing that two people decide"),
        ({"needs": 0}, "0 other people can't be asked"),
        ({"needs": MOST + 1}, "can't be asked"),
        ({"body": "x" * (BODY + 1)}, "longer than 50000"),
        ({"until": START}, "voting ends within 30 days"),
        ({"until": START + 31 * DAY}, "voting ends within 30 days"),
    ],
)
async def test_what_can_not_be_voted_on_is_not_proposed(
    council: Council, changes: dict[str, object], says: str
) -> None:
    with pytest.raises(BadInput, match=says):
        await council.propose("aino", **changes)
    assert await council.approvals.all() == ()


async def test_what_was_never_proposed_is_not_found(council: Council) -> None:
    with pytest.raises(NotFound, match="tutela approvals list"):
        await council.acts.one(council.access("aino"), "x")


async def at_once(council: Council, *works: object) -> list[object]:
    council.log.turns = 5
    found = await asyncio.gather(*works, return_exceptions=True)  # type: ignore[call-overload]  # works of several kinds
    council.log.turns = 0
    return list(found)


async def test_of_many_who_take_it_at_once_one_does(council: Council) -> None:
    for _ in range(50):
        proposal = await council.propose(widens=False)
        await council.vote(proposal, "bo")

        found = await at_once(council, *(council.take(proposal, by) for by in ("aino", "bo", "cai", "aino")))

        assert [type(one) for one in found].count(Proposal) == 1
        assert [type(one) for one in found].count(Refused) == 3
        council.now += MINUTE


async def test_of_one_person_who_votes_twice_at_once_one_vote_counts(council: Council) -> None:
    for _ in range(50):
        proposal = await council.propose(needs=2)

        found = await at_once(council, council.vote(proposal, "bo"), council.vote(proposal, "bo", yes=False))

        assert [type(one) for one in found].count(Conflict) == 1
        assert len((await council.approvals.one(proposal.id)).votes) == 1
        council.now += MINUTE


async def test_who_withdraws_or_says_no_in_the_moment_in_which_it_is_taken_is_not_told_that_it_was_stopped(
    council: Council,
) -> None:
    """Either it is done, and they are told; or it is not done."""
    seen: Counter[tuple[str, str]] = Counter()
    for _ in range(200):
        proposal = await council.propose(widens=False)
        await council.vote(proposal, "bo")
        stops = council.approvals.withdraw(proposal.id, "r", "aino")

        taken, stopped = await at_once(council, council.take(proposal, "bo"), stops)

        done = isinstance(taken, Proposal)
        assert not (done and not isinstance(stopped, TutelaError))
        seen[type(taken).__name__, type(stopped).__name__] += 1
        council.now += MINUTE
    assert len(seen) >= 3


@dataclass
class Order:
    """One random order of acts, and what the people in it really did: the judge, which knows nothing of the code."""

    council: Council
    random: Random
    proposals: list[Proposal] = field(default_factory=list)
    ayes: dict[str, dict[str, int]] = field(default_factory=dict)
    over: set[str] = field(default_factory=set)
    done: Counter[str] = field(default_factory=Counter)

    async def step(self) -> None:
        acts = [
            self.propose,
            self.vote,
            self.vote,
            self.vote,
            self.take,
            self.take,
            self.withdraw,
            self.suspend,
            self.wait,
        ]
        with suppress(TutelaError):
            await self.random.choice(acts)()
        await self.look()

    def some(self) -> Proposal:
        return self.random.choice(self.proposals)

    def who(self) -> str:
        return self.random.choice(list(self.council.people))

    async def propose(self) -> None:
        needs, random = self.random.choice([1, 1, 2]), self.random
        made = await self.council.propose(
            self.who(), needs=needs, blind=random.random() < 0.5, widens=random.random() < 0.7
        )
        if made.id not in self.ayes:
            self.proposals.append(made)
            self.ayes[made.id] = {}

    async def vote(self) -> None:
        own, name, yes = self.some(), self.who(), self.random.random() < 0.85
        suspended = self.council.people[name].suspended
        await self.council.vote(own, name, yes=yes)
        assert not suspended
        assert name != own.by
        assert name not in self.ayes[own.id]
        if yes:
            self.ayes[own.id][name] = self.council.now
        else:
            self.over.add(own.id)

    async def take(self) -> None:
        own = self.some()
        await self.council.take(own, self.who())
        ayes = sorted(self.ayes[own.id].values())
        assert len({own.by, *self.ayes[own.id]}) >= own.needs + 1 >= 2
        assert self.council.now >= ayes[own.needs - 1] + (COOLING if own.widens else 0)
        assert own.id not in self.over
        self.done[own.id] += 1

    async def withdraw(self) -> None:
        own = self.some()
        await self.council.approvals.withdraw(own.id, "r", self.who())
        self.over.add(own.id)

    async def suspend(self) -> None:
        agent = self.council.people[self.who()]
        self.council.people[agent.id] = replace(agent, suspended=not agent.suspended)

    async def wait(self) -> None:
        self.council.now += self.random.choice([MINUTE, HOUR, 12 * HOUR, DAY, 2 * DAY])

    async def look(self) -> None:
        """What anybody sees now of each blind proposal that is open."""
        for one in await self.council.approvals.all():
            own, now = one.proposal, self.council.now
            if own.blind and len(self.ayes[own.id]) < own.needs and own.id not in self.over and now < own.until:
                for name in self.council.people:
                    assert name in self.ayes[own.id] or one.seen_by(name, now) == ()


async def test_of_a_thousand_random_orders_none_acts_on_one_persons_vote() -> None:
    done = early = 0
    for seed in range(ORDERS):
        random = Random(seed)
        order = Order(Council(random), random)
        await order.propose()
        for _ in range(STEPS):
            await order.step()
        assert set(order.done.values()) <= {1}
        done += len(order.done)
        early += sum(own.blind for own in order.proposals)

    assert done > 200
    assert early > 1000
