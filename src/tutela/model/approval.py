"""What two people have to decide (governance G03, G10, G27): a proposal, the votes on it, and what became of it.

A proposal names exactly what would be done, by a digest of it. It stands when enough other people said yes and, where it widens
something, a day has passed since; then just that one thing can be done, once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from hashlib import sha256

import msgspec

from tutela.errors import WrongStep

from .event import Event
from .noun import Noun
from .when import DAY

SUBJECT = "approvals"
"""What all events of approvals are about."""

ALONE = "widened-alone@1"
"""The kind of the event of what was widened at the machine."""

VOTE = "vote@1"
"""The kind of a vote's event. Log reads never show it: a blind vote would be seen too early."""

COOLING = DAY
"""How long what widens something waits after the deciding vote; whoever sees it may still say no."""

OPEN_FOR = 7 * DAY
"""How long a proposal can be voted on, when nobody says otherwise."""

GOOD_FOR = 7 * DAY
"""How long it can be done once it is in force."""

HOLD_LIFT = "hold-lift"
SOURCE_ENTRY = "source-entry"
INVITATION = "invitation"
CAPABILITY = "capability-widening"

MATTERS: Mapping[str, str] = {
    HOLD_LIFT: "Lifting a legal hold",
    INVITATION: "Inviting somebody to a role that answers for others",
    CAPABILITY: "Widening a capability",
    SOURCE_ENTRY: "Entering a source, or widening its entry in the register",
}
"""What is decided by two people, and how it is called for people."""


class Stage(StrEnum):
    """Where a proposal stands. `approved`: enough people said yes, and it waits for its cooling-off to end."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    IN_FORCE = "in force"
    REFUSED = "refused"
    LAPSED = "lapsed"
    WITHDRAWN = "withdrawn"
    TAKEN = "taken"


STEPS: Mapping[Stage, frozenset[Stage]] = {
    Stage.PROPOSED: frozenset({Stage.APPROVED, Stage.IN_FORCE, Stage.REFUSED, Stage.LAPSED, Stage.WITHDRAWN}),
    Stage.APPROVED: frozenset({Stage.IN_FORCE, Stage.REFUSED, Stage.WITHDRAWN}),
    Stage.IN_FORCE: frozenset({Stage.TAKEN, Stage.LAPSED, Stage.WITHDRAWN}),
    Stage.REFUSED: frozenset(),
    Stage.LAPSED: frozenset(),
    Stage.WITHDRAWN: frozenset(),
    Stage.TAKEN: frozenset(),
}


class Wanted(Noun, frozen=True, kw_only=True):
    """What somebody wants to propose: a matter of `MATTERS`, its target, and exactly what would be done (`body_of`).

    `needs`: how many other people must say yes; `blind`: nobody sees another's vote before they voted; `widens`: it permits
    more than before. `until`: when voting ends (microseconds; None: in a week). `agency`: whose matter it is; "" or "city": everybody's.
    `invites`: the role that somebody would have by it, else "".
    """

    matter: str
    target: str
    body: str
    reason: str
    needs: int = 1
    blind: bool = False
    widens: bool = True
    until: int | None = None
    agency: str = ""
    invites: str = ""


class Proposal(Noun, frozen=True, kw_only=True):
    """Body of `proposal@1`: what would be done, why, by whom it was proposed and when; times in microseconds.

    `digest` is of `body`, and nothing else may be done by it. `cools` is how long it waits after the deciding vote.
    `reason` is sealed where it is stored. `agency` and `invites` as in what was wanted: they say who may vote.
    """

    id: str
    matter: str
    target: str
    body: str
    digest: str
    reason: str
    by: str
    at: int
    until: int
    needs: int = 1
    blind: bool = False
    widens: bool = True
    cools: int = COOLING
    agency: str = ""
    invites: str = ""


class Vote(Noun, frozen=True, kw_only=True):
    """Body of `vote@1`: somebody, in that role, said yes or no to a proposal, and why (sealed)."""

    proposal: str
    by: str
    role: str
    agency: str
    yes: bool
    reason: str
    at: int


class Withdrawn(Noun, frozen=True, kw_only=True):
    """Body of `proposal-withdrawn@1`: who proposed it wants it no more, and why (sealed)."""

    proposal: str
    reason: str
    at: int


class Taken(Noun, frozen=True, kw_only=True):
    """Body of `proposal-taken@1`: what was approved is being done now, by whom. `once` tells two who try at once apart."""

    proposal: str
    by: str
    at: int
    once: str


class Alone(Noun, frozen=True, kw_only=True):
    """Body of `widened-alone@1`: whoever holds the machine is about to widen something there, without a second person."""

    matter: str
    target: str
    says: str


class Approval(Noun, frozen=True, kw_only=True):
    """A proposal with what became of it: the votes that count, and whether it was withdrawn or taken."""

    proposal: Proposal
    votes: tuple[Vote, ...] = ()
    withdrawn: Withdrawn | None = None
    taken: Taken | None = None

    @property
    def decided(self) -> int | None:
        """When enough other people had said yes."""
        ayes = sorted(vote.at for vote in self.votes if vote.yes)
        return ayes[self.proposal.needs - 1] if len(ayes) >= self.proposal.needs else None

    @property
    def in_force(self) -> int | None:
        """From when on it can be done, as far as that is decided."""
        return None if self.decided is None else self.decided + self.proposal.cools

    def stage(self, now: int) -> Stage:
        """Where it stands at that moment."""
        ended = self._ended()
        if ended is not None:
            return ended
        begins = self.in_force
        if begins is None:
            return Stage.LAPSED if now >= self.proposal.until else Stage.PROPOSED
        if now < begins:
            return Stage.APPROVED
        return Stage.IN_FORCE if now < begins + GOOD_FOR else Stage.LAPSED

    def must(self, step: Stage, now: int) -> None:
        """Returns when that is a step from where it stands; raises WrongStep."""
        here = self.stage(now)
        if step not in STEPS[here]:
            raise WrongStep(f"the proposal {self.proposal.id} is {here}, and can't become {step}", proposal=here)

    def seen_by(self, agent: str, now: int) -> tuple[Vote, ...]:
        """The votes that somebody may see: while a blind one is open, none before they voted themselves."""
        hidden = self.proposal.blind and self.stage(now) is Stage.PROPOSED
        return () if hidden and all(vote.by != agent for vote in self.votes) else self.votes

    def _ended(self) -> Stage | None:
        """What was done stays done, whatever was said in the same moment."""
        if self.taken is not None:
            return Stage.TAKEN
        if self.withdrawn is not None:
            return Stage.WITHDRAWN
        return None if all(vote.yes for vote in self.votes) else Stage.REFUSED

    def voted(self, vote: Vote) -> Approval:
        """With one vote more, if it counts: of another person, who has not voted, and a yes in time."""
        own = self.proposal
        if vote.by in {own.by, *(one.by for one in self.votes)} or (vote.yes and vote.at >= own.until):
            return self
        return msgspec.structs.replace(self, votes=(*self.votes, vote))


_proposal = msgspec.json.Decoder(Proposal).decode
_vote = msgspec.json.Decoder(Vote).decode
_withdrawn = msgspec.json.Decoder(Withdrawn).decode
_taken = msgspec.json.Decoder(Taken).decode


def standing(told: Iterable[Event]) -> dict[str, Approval]:
    """All approvals by these events, by id, in the order in which they were proposed.

    Where each of them stands does not depend on the order of the events about it.
    """
    events = list(told)
    found = {
        one.id: Approval(proposal=one)
        for one in (_proposal(event.body) for event in events if event.kind == "proposal@1")
    }
    for event in events:
        if event.kind == VOTE:
            vote = _vote(event.body)
            found[vote.proposal] = found[vote.proposal].voted(vote)
        elif event.kind == "proposal-withdrawn@1":
            said = _withdrawn(event.body)
            found[said.proposal] = msgspec.structs.replace(found[said.proposal], withdrawn=said)
        elif event.kind == "proposal-taken@1":
            done = _taken(event.body)
            found[done.proposal] = msgspec.structs.replace(found[done.proposal], taken=done)
    return found


def body_of(noun: Noun) -> str:
    """Exactly what would be done, as JSON: the same noun gives the same text."""
    return msgspec.json.encode(noun, order="deterministic").decode()


def digest_of(body: str) -> str:
    """SHA-256 of what would be done, in hex: what people vote on."""
    return sha256(body.encode()).hexdigest()
