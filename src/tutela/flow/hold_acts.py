"""Legal holds as people place, review, lift and read them, each for a purpose.

Placing one is immediate. Lifting one permits destruction, so it takes two people and a day.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tutela.model.access import Access
from tutela.model.approval import HOLD_LIFT, Proposal, Wanted, body_of
from tutela.model.hold import SUBJECT, Hold, HoldLift
from tutela.model.timeline import LIVE
from tutela.policy.purposes import Action, ask

from .approve_acts import ApprovalActs
from .hold import Holds, said
from .ledger import Ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldActs:
    """Holds as people place, review, lift and read them. Each method raises Refused."""

    ledger: Ledger
    holds: Holds
    approvals: ApprovalActs

    async def standing(self, access: Access) -> Sequence[Hold]:
        """Those that stand."""
        await self.ledger.must(ask(access, Action.READ, "register", self.ledger.now), LIVE, SUBJECT)
        found = await self.holds.listed()
        await self.ledger.wrote(access, LIVE, SUBJECT, (one.id for one in found))
        return found

    async def place(self, access: Access, wanted: Hold) -> Hold:
        """Place one."""
        await self._may(access, f"hold on {wanted.scope}")
        return await self.holds.place(wanted, access.agent.id)

    async def review(self, access: Access, id_: str, until: int, reason: str) -> Hold:
        """Say that it is needed still."""
        await self._may(access, f"review of the hold {id_}")
        return await self.holds.review(id_, until, reason, access.agent.id)

    async def propose_lift(self, access: Access, id_: str, reason: str) -> Proposal:
        """Put the end of one before others; raises NotFound."""
        await self._may(access, f"proposal to end the hold {id_}")
        return await self.approvals.approvals.propose(await self._lift(id_, reason), access.agent.id)

    async def lift(self, access: Access, id_: str, reason: str, approval: str | None = None) -> None:
        """Lift one, by the approval of just that; raises Refused with what is missing."""
        query = f"end of the hold {id_}"
        await self._may(access, query)
        said("reason", reason)
        asked = ask(access, Action.WIDEN, "incidents", self.ledger.now)
        await self.approvals.take(asked, approval, await self._lift(id_, reason), query)
        await self.holds.lift(id_, reason, access.agent.id, approval)

    async def _lift(self, id_: str, reason: str) -> Wanted:
        body = body_of(HoldLift.of(await self.holds.one(id_)))
        return Wanted(matter=HOLD_LIFT, target=id_, body=body, reason=reason)

    async def _may(self, access: Access, query: str) -> None:
        await self.ledger.must(ask(access, Action.HOLD, "incidents", self.ledger.now), LIVE, query)
