"""Legal holds as people place, review, lift and read them, each for a purpose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tutela.model.access import Access
from tutela.model.hold import SUBJECT, Hold
from tutela.model.timeline import LIVE
from tutela.policy.purposes import Action, ask

from .hold import Holds
from .ledger import Ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldActs:
    """Holds as people place, review, lift and read them. Each method raises Refused."""

    ledger: Ledger
    holds: Holds

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

    async def lift(self, access: Access, id_: str, reason: str) -> None:
        """Lift one."""
        await self._may(access, f"end of the hold {id_}")
        await self.holds.lift(id_, reason, access.agent.id)

    async def _may(self, access: Access, query: str) -> None:
        await self.ledger.must(ask(access, Action.HOLD, "incidents", self.ledger.now), LIVE, query)
