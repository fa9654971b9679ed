"""Approvals as people read them, vote on them and withdraw them, each for a purpose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from tutela.errors import Refused
from tutela.model.access import Access, Ask
from tutela.model.approval import MATTERS, SUBJECT, Approval, Proposal, Stage, Vote, Wanted, digest_of
from tutela.model.noun import Noun
from tutela.model.timeline import LIVE
from tutela.policy.purposes import Action, ask

from .approve import SECOND_PERSON, Approvals, lacking
from .ledger import Ledger

OWN = "own"
"""What stands for the question when the proposal is one's own."""

EVERYBODY = "city"
"""Whose a matter is that is no single agency's."""

APPROVAL = "approval"
"""What stands when exactly this was approved, and was not done yet."""


class Shown(Noun, frozen=True, kw_only=True):
    """A proposal as somebody sees it: where it stands, what it lacks, the votes that they may see, and when it is in force."""

    proposal: Proposal
    says: str
    stage: Stage
    lacks: str
    votes: tuple[Vote, ...]
    in_force: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalActs:
    """Each method raises Refused."""

    ledger: Ledger
    approvals: Approvals

    async def listed(self, access: Access) -> Sequence[Shown]:
        """All that were proposed, the newest first."""
        await self._may_read(access, SUBJECT)
        found = list(reversed(await self.approvals.all()))
        await self.ledger.wrote(access, LIVE, SUBJECT, (one.proposal.id for one in found))
        return [await self.seen(one, access.agent.id) for one in found]

    async def one(self, access: Access, id_: str) -> Shown:
        """One of them; raises NotFound."""
        query = f"approval {id_[:60]}"
        await self._may_read(access, query)
        found = await self.approvals.one(id_)
        await self.ledger.wrote(access, LIVE, query, (id_,))
        return await self.seen(found, access.agent.id)

    async def vote(self, access: Access, id_: str, *, yes: bool, reason: str) -> Shown:
        """Vote on what somebody else proposed."""
        asked = ask(access, Action.APPROVE, "approvals", self.ledger.now)
        query = f"vote on {id_[:60]}"
        await self.ledger.must(asked, LIVE, query)
        about = (await self.approvals.one(id_)).proposal
        stands = frozenset({OWN}) if about.by == access.agent.id else frozenset[str]()
        asked = msgspec.structs.replace(asked, stands=stands, agency=about.agency or EVERYBODY, invites=about.invites)
        await self.ledger.must(asked, LIVE, query)
        voted = await self.approvals.vote(id_, access.agent, yes=yes, reason=reason)
        return await self.seen(voted, access.agent.id)

    async def withdraw(self, access: Access, id_: str, reason: str) -> Shown:
        """Withdraw what one proposed oneself."""
        await self._may_read(access, f"withdrawal of {id_[:60]}")
        return await self.seen(await self.approvals.withdraw(id_, reason, access.agent.id), access.agent.id)

    async def take(self, asked: Ask, approval: str | None, what: Wanted, query: str) -> None:
        """Returns when `what` may be done now, this once, as the policies and that approval have it; raises Refused with what is missing."""
        digest, by = digest_of(what.body), asked.access.agent.id
        try:
            await self.approvals.ready(approval, what.matter, what.target, digest)
            stands = frozenset({APPROVAL, *asked.stands})
            await self.ledger.must(msgspec.structs.replace(asked, stands=stands), LIVE, query)
            await self.approvals.taken(approval, what.matter, what.target, digest, by)
        except Refused as refused:
            if refused.policy != SECOND_PERSON:
                raise
            await self.ledger.refuse(asked.access, LIVE, query, refused)

    async def seen(self, approval: Approval, agent: str) -> Shown:
        """As that person may see it."""
        now, opened = self.ledger.now, await self.approvals.shown(approval)
        return Shown(
            proposal=opened.proposal,
            says=MATTERS[opened.proposal.matter],
            stage=approval.stage(now),
            lacks="" if approval.stage(now) in {Stage.IN_FORCE, Stage.TAKEN} else lacking(approval, now),
            votes=opened.seen_by(agent, now),
            in_force=approval.in_force,
        )

    async def _may_read(self, access: Access, query: str) -> None:
        await self.ledger.must(ask(access, Action.READ, "approvals", self.ledger.now), LIVE, query)
