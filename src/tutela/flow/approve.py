"""Approvals: somebody proposes, others vote, and exactly what was approved is done, once.

How another part of the platform uses it, for a matter that is named in `model.approval.MATTERS`:

    body = body_of(what)                                        # a noun that says exactly what would be done
    proposal = await approvals.propose(Wanted(matter="hold-lift", target=id_, body=body, reason=why), by)
    …                                                           # others vote; what widens cools for a day
    await approvals.taken(proposal.id, "hold-lift", id_, digest_of(body), by)   # raises Refused with what is missing
    …                                                           # do it now: this returns once and never again

Ask the policies first (who may propose and do it is your matter), and look first whether it can be done at all: what was taken
and then fails is proposed anew. `ready` is `taken` without taking. What stands is what the log says; there is no table. A vote has an id made from its proposal
and person, and taking one from its proposal, so that of two at once only one is ever in the log, and the other one sees that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec

from tutela.errors import BadInput, Conflict, NotFound, Refused
from tutela.maths.ids import uuid_of
from tutela.model.approval import (
    ALONE,
    COOLING,
    MATTERS,
    OPEN_FOR,
    SUBJECT,
    VOTE,
    Alone,
    Approval,
    Proposal,
    Stage,
    Taken,
    Vote,
    Wanted,
    Withdrawn,
    digest_of,
    standing,
)
from tutela.model.noun import Noun
from tutela.model.people import Agent
from tutela.model.when import DAY, iso

from .once import tell, there
from .ports import Clock, Log
from .prose import Prose

LONGEST = 30 * DAY
"""Nothing can be voted on for longer."""

WORDS = 2000
BODY = 50_000
"""Characters of a reason, and of what would be done."""

MOST = 5
"""People who can be asked to say yes."""

SECOND_PERSON = "G27-second-person"
"""The policy that refuses what nobody approved."""

NONCE = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Approvals:
    """The approvals of an instance. `chance` gives random bytes; what widens waits for `cooling` microseconds."""

    log: Log
    prose: Prose
    clock: Clock
    chance: Callable[[int], bytes]
    cooling: int = COOLING

    async def all(self) -> Sequence[Approval]:
        """All that were ever proposed, in that order, with their reasons sealed."""
        return tuple(standing(await self.log.about(SUBJECT)).values())

    async def one(self, id_: str) -> Approval:
        """One of them; raises NotFound."""
        found = standing(await self.log.about(SUBJECT)).get(id_)
        if found is None:
            raise NotFound(f"nothing was proposed under the id {id_[:60]!r}; `tutela approvals list` names what was")
        return found

    async def propose(self, wanted: Wanted, by: str) -> Proposal:
        """Put it before others. Raises BadInput."""
        now = self.clock()
        until = now + OPEN_FOR if wanted.until is None else wanted.until
        _proper(wanted, now, until)
        digest = digest_of(wanted.body)
        made = Proposal(
            id=uuid_of("proposal", wanted.matter, wanted.target, digest, by, now),
            matter=wanted.matter,
            target=wanted.target,
            body=wanted.body,
            digest=digest,
            reason=wanted.reason,
            by=by,
            at=now,
            until=until,
            needs=wanted.needs,
            blind=wanted.blind,
            widens=wanted.widens,
            cools=self.cooling if wanted.widens else 0,
            agency=wanted.agency,
            invites=wanted.invites,
        )
        sealed = msgspec.structs.replace(made, reason=await self._sealed(made.id, made.reason))
        await self._tell("proposal@1", made.id, sealed, by)
        return made

    async def vote(self, id_: str, voter: Agent, *, yes: bool, reason: str) -> Approval:
        """Say yes or no to what somebody else proposed, once; a no ends it, also while it cools. Raises Refused, NotFound, WrongStep, Conflict, BadInput."""
        now, approval = self.clock(), await self.one(id_)
        _said(reason)
        _competent(voter, approval.proposal, now)
        mark = uuid_of(VOTE, id_, voter.id)
        if await there(self.log, mark):
            raise Conflict("you voted on this already, and nobody votes twice", proposal=id_)
        if yes and approval.stage(now) is not Stage.PROPOSED:
            raise Conflict(f"this is {approval.stage(now)}, so it needs no further yes", proposal=id_)
        if not yes:
            approval.must(Stage.REFUSED, now)
        told = Vote(
            proposal=id_,
            by=voter.id,
            role=voter.role,
            agency=voter.agency,
            yes=yes,
            reason=await self._sealed(id_, reason),
            at=now,
        )
        if not await self._tell(VOTE, mark, told, voter.id):
            raise Conflict("you voted on this already, and nobody votes twice", proposal=id_)
        return await self.one(id_)

    async def withdraw(self, id_: str, reason: str, by: str) -> Approval:
        """Who proposed it wants it no more. Raises Refused, NotFound, WrongStep, BadInput, and Conflict when it was done just now."""
        now, approval = self.clock(), await self.one(id_)
        _said(reason)
        if approval.proposal.by != by:
            raise Refused("only whoever proposed this withdraws it; vote no instead", policy="G27-own-proposal")
        approval.must(Stage.WITHDRAWN, now)
        told = Withdrawn(proposal=id_, reason=await self._sealed(id_, reason), at=now)
        await self._tell("proposal-withdrawn@1", uuid_of("proposal-withdrawn", id_), told, by)
        after = await self.one(id_)
        if after.taken is not None:
            raise Conflict(f"{after.taken.by} took this in the same moment: look what was done", proposal=id_)
        return after

    async def ready(self, id_: str | None, matter: str, target: str, digest: str) -> Approval:
        """The approval by which that one thing can be done now; raises Refused with what is missing."""
        if id_ is None:
            raise _missing(f"{MATTERS[matter]} takes two people, and no approval was named")
        try:
            approval = await self.one(id_)
        except NotFound as none:
            raise _missing(none.message) from none
        own = approval.proposal
        if (own.matter, own.target, own.digest) != (matter, target, digest):
            raise _missing(
                f"the approval {id_} is of something else than what was sent: send exactly what was proposed"
            )
        now = self.clock()
        if approval.stage(now) is not Stage.IN_FORCE:
            raise _missing(f"the proposal {id_} is {approval.stage(now)}: {lacking(approval, now)}")
        return approval

    async def taken(self, id_: str | None, matter: str, target: str, digest: str, by: str) -> Proposal:
        """Returns when just that thing may be done now, and never again for it; raises Refused with what is missing."""
        own = (await self.ready(id_, matter, target, digest)).proposal
        told = Taken(proposal=own.id, by=by, at=self.clock(), once=self.chance(NONCE).hex())
        if not await self._tell("proposal-taken@1", uuid_of("proposal-taken", own.id), told, by):
            raise _missing(f"what {own.id} approved was done already, and is done once")
        after = await self.one(own.id)
        if after.withdrawn is not None or not all(vote.yes for vote in after.votes):
            raise _missing(f"somebody withdrew {own.id}, or said no to it, in the same moment, so it was not done")
        return own

    async def alone(self, matter: str, target: str, how: str, by: str) -> None:
        """Write that whoever holds the machine is about to widen something there: oversight tells of it."""
        says = f"widened at the machine, without a second person: {how}"
        now, told = self.clock(), Alone(matter=matter, target=target, says=says)
        await self._tell(ALONE, uuid_of(ALONE, matter, target, how, now), told, by)

    async def shown(self, approval: Approval) -> Approval:
        """The same with its reasons as people read them."""
        own, votes = approval.proposal, approval.votes
        said = approval.withdrawn
        return msgspec.structs.replace(
            approval,
            proposal=msgspec.structs.replace(own, reason=await self.prose.words(own.reason)),
            votes=tuple([msgspec.structs.replace(one, reason=await self.prose.words(one.reason)) for one in votes]),
            withdrawn=said and msgspec.structs.replace(said, reason=await self.prose.words(said.reason)),
        )

    async def _sealed(self, id_: str, words: str) -> str:
        return await self.prose.kept_in(f"oversight/approvals/{id_}", words)

    async def _tell(self, kind: str, id_: str, said: Noun, by: str) -> bool:
        return await tell(self.log, kind, id_, said, about=SUBJECT, by=by, at=self.clock())


def lacking(approval: Approval, now: int) -> str:
    """What it needs before it can be done, in words. Of a blind one that is open it tells nothing about its votes."""
    own, stage = approval.proposal, approval.stage(now)
    if stage is Stage.APPROVED:
        return f"it is in force from {iso(approval.in_force or now)} on, unless somebody says no until then"
    if stage is not Stage.PROPOSED:
        return "propose it anew if it is still wanted"
    others = "another person" if own.needs == 1 else f"{own.needs} other people"
    have = "" if own.blind or own.needs == 1 else f", and {len(approval.votes)} did"
    return f"{others} must say yes before {iso(own.until)}{have}"


def _missing(says: str) -> Refused:
    return Refused(f"{says}.", policy=SECOND_PERSON)


def _competent(voter: Agent, proposal: Proposal, now: int) -> None:
    """Whatever the policies say: never who proposed it, who is suspended, or whose role has ended."""
    if voter.id == proposal.by:
        raise Refused("you proposed this yourself: another person has to vote on it", policy="G27-own-proposal")
    if voter.suspended or (voter.until is not None and voter.until <= now):
        raise Refused("you are suspended, or your role has ended, so you can't vote", policy="F09-suspended")


def _proper(wanted: Wanted, now: int, until: int) -> None:
    _said(wanted.reason)
    if wanted.matter not in MATTERS:
        raise BadInput(f"{wanted.matter!r} is nothing that two people decide; there are: {', '.join(MATTERS)}")
    if not 1 <= wanted.needs <= MOST:
        raise BadInput(f"{wanted.needs} other people can't be asked; ask 1 to {MOST}")
    if len(wanted.body) > BODY:
        raise BadInput(f"what is proposed is longer than {BODY} characters, which nobody reads before voting; split it")
    if not now < until <= now + LONGEST:
        raise BadInput(f"voting ends within 30 days: give a time after {iso(now)} and not after {iso(now + LONGEST)}")


def _said(reason: str) -> None:
    if not reason.strip() or len(reason) > WORDS:
        raise BadInput(f"give a reason, in up to {WORDS} letters: whoever reads this later must know why")
