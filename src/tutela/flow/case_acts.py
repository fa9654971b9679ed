"""Cases as people open, approve, extend, close and read them. Each step that gives a right is taken by two people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from tutela.errors import BadInput, WrongStep
from tutela.model.access import Access, Ask
from tutela.model.case import SUBJECT, Case, CaseStatus
from tutela.model.people import Role
from tutela.model.timeline import LIVE
from tutela.policy.purposes import Action, ask

from .case import Cases, ends
from .ledger import Ledger
from .lookups import Colleagues


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseActs:
    """Cases as people open, approve, extend, close and read them. Each method raises Refused."""

    ledger: Ledger
    cases: Cases
    colleagues: Colleagues

    async def listed(self, access: Access) -> Sequence[Case]:
        """Those that this person is a member of; a supervisor sees all of their agency."""
        general, agent = self._ask(access, Action.READ), access.agent
        mine = [one for one in await self.cases.all() if one.member(agent.id) or agent.role is not Role.OPERATOR]
        shown = await self.ledger.permitted(
            mine, lambda one: self._ask(access, Action.READ, one.agency), general, LIVE, SUBJECT
        )
        await self.ledger.wrote(access, LIVE, SUBJECT, (one.id for one in shown))
        return [await self.cases.shown(one) for one in shown]

    async def open(self, access: Access, wanted: Case) -> Case:
        """Ask for one: nothing can be searched in it before another supervisor approves it."""
        await self.ledger.must(self._ask(access, Action.ACT), LIVE, f"a case for {wanted.authority}")
        known = set(await self.colleagues.agents())
        for member in wanted.members:
            if member.agent not in known:
                raise BadInput(f"nobody with the id {member.agent!r} has enrolled; a member is named by their id")
        own = msgspec.structs.replace(wanted, agency=access.agent.agency, simulated=False)
        return await self.cases.open(own, access.agent.id)

    async def approve(self, access: Access, id_: str) -> Case:
        """Say yes to what somebody else asked for: the case, or its new end. Raises WrongStep to who asked."""
        case, by = await self._mine(access, id_, "approval"), access.agent.id
        if case.wanted is None:
            raise WrongStep("nothing waits for a second person here; ask for a new end first", case=id_)
        if case.wanted <= self.ledger.now:
            raise WrongStep("the end that was asked for is over; ask for another one", case=id_)
        return await self._to(
            case.to(CaseStatus.OPEN, by, approved_by=by, expires=case.wanted, wanted=None, asked_by=""), by
        )

    async def extend(self, access: Access, id_: str, until: int) -> Case:
        """Ask for a later end, as long as it stands; another supervisor approves it."""
        case, now = await self._mine(access, id_, "extension"), self.ledger.now
        if not case.stands(now):
            raise WrongStep("this case does not stand, so it can't be extended; open another one", case=id_)
        return await self._to(case.changed(wanted=ends(until, now), asked_by=access.agent.id), access.agent.id)

    async def close(self, access: Access, id_: str) -> Case:
        """End it at once: one person is enough for that."""
        case = await self._mine(access, id_, "end")
        return await self._to(case.to(CaseStatus.CLOSED, access.agent.id, wanted=None), access.agent.id)

    async def _to(self, case: Case, by: str) -> Case:
        await self.cases.tell(case, by)
        return await self.cases.shown(case)

    async def _mine(self, access: Access, id_: str, what: str) -> Case:
        """The case, when this person may decide about it; raises Refused, then NotFound."""
        query = f"{what} of the case {id_}"
        await self.ledger.must(self._ask(access, Action.ACT), LIVE, query)
        case = await self.cases.one(id_)
        await self.ledger.must(self._ask(access, Action.ACT, case.agency), LIVE, query)
        return case

    def _ask(self, access: Access, action: Action, agency: str | None = None) -> Ask:
        return ask(access, action, "cases", self.ledger.now, agency=agency)
