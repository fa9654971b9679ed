"""Capabilities as people publish, arm and disarm them, and answer what residents say, each for a purpose. Residents need none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from tutela.model.access import Access
from tutela.model.approval import CAPABILITY, Proposal, Wanted, body_of
from tutela.model.arming import SUBJECT, CapabilityWidening, Comment, CommentAnswered, Extent, Standing
from tutela.model.timeline import LIVE
from tutela.policy.purposes import Action, ask

from .approve_acts import ApprovalActs
from .arming import Arming
from .at_work import standing
from .ledger import Ledger
from .ports import Clock
from .rates import Rate, Rates

COMMENTS = Rate(burst=5, each_second=1 / 60)
"""How often one address may comment."""


def patience(clock: Clock) -> Rates:
    """Counts the comments from each address."""
    return Rates(clock, acts=COMMENTS)


NARROWS = "narrows"
"""What stands for an act that permits less than before: whoever may do it at all does it at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmingActs:
    """Each method but `comment` raises Refused for whoever may not do it. `rates` counts comments by where they come from."""

    ledger: Ledger
    arming: Arming
    approvals: ApprovalActs
    rates: Rates

    async def listed(self, access: Access) -> Sequence[Standing]:
        """Where each capability is."""
        await self.ledger.must(ask(access, Action.READ, "register", self.ledger.now), LIVE, SUBJECT)
        found = [standing(one) for one in await self.arming.all()]
        await self.ledger.wrote(access, LIVE, SUBJECT, [one.name for one in found])
        return found

    def may(self, access: Access) -> bool:
        """Whether this person is offered to publish and stop capabilities. What they may is asked again when they do."""
        asked = ask(access, Action.ARM, "register", self.ledger.now)
        return self.ledger.may(msgspec.structs.replace(asked, stands=frozenset({NARROWS})))

    async def publish(self, access: Access, name: str, text: str, extent: Extent) -> Standing:
        """Tell residents of it."""
        await self._may(access, f"publication of {name}")
        await self.arming.publish(name, text, extent, access.agent.id)
        return await self._one(name)

    async def propose(self, access: Access, name: str, reason: str) -> Proposal:
        """Put before others that it is armed by what is published now, which widens it; raises BadInput when it does not."""
        await self._may(access, f"proposal to widen {name}")
        wanted = _wanted(await self.arming.widening(name), reason)
        return await self.approvals.approvals.propose(wanted, access.agent.id)

    async def arm(self, access: Access, name: str, approval: str | None = None) -> Standing:
        """Let it run; what widens it, by the approval of just that."""
        query = f"arming of {name}"
        await self._may(access, query)
        change = await self.arming.ready(name)
        if change is not None:
            asked = ask(access, Action.WIDEN, "register", self.ledger.now)
            await self.approvals.take(asked, approval, _wanted(change, ""), query)
        await self.arming.arm(name, access.agent.id)
        return await self._one(name)

    async def disarm(self, access: Access, name: str, reason: str) -> Standing:
        """Let it run no more."""
        await self._may(access, f"disarming of {name}", NARROWS)
        await self.arming.disarm(name, reason, access.agent.id)
        return await self._one(name)

    async def comments(self, access: Access) -> Sequence[Comment]:
        """What residents said that waits for an answer."""
        query = f"comments on {SUBJECT}"
        await self._may(access, query)
        found = await self.arming.comments()
        await self.ledger.wrote(access, LIVE, query, [one.id for one in found], [one.id for one in found])
        return found

    async def answer(self, access: Access, id_: str, text: str, signed: str) -> CommentAnswered:
        """Answer a resident, with a name to it."""
        await self._may(access, f"answer to the comment {id_}")
        return await self.arming.answer(id_, text, signed, access.agent.id)

    async def comment(self, address: str, name: str, text: str) -> Comment:
        """A resident says something of a capability; raises TooOften."""
        self.rates.take(address, "act")
        return await self.arming.comment(name, text)

    async def _one(self, name: str) -> Standing:
        return next(standing(one) for one in await self.arming.all() if one.name == name)

    async def _may(self, access: Access, query: str, *stands: str) -> None:
        asked = ask(access, Action.ARM, "register", self.ledger.now)
        await self.ledger.must(msgspec.structs.replace(asked, stands=frozenset(stands)), LIVE, query)


def _wanted(change: CapabilityWidening, reason: str) -> Wanted:
    return Wanted(matter=CAPABILITY, target=change.after.name, body=body_of(change), reason=reason)
