"""Invitations as people make them: to a role that answers for others, or for longer in such a role, they take two people and a day.

Whoever holds the machine invites by `tutela invite`, which is how the first people come in.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from tutela.errors import BadInput
from tutela.model.access import Access, Ask
from tutela.model.approval import INVITATION, Proposal, Wanted, body_of
from tutela.model.noun import Noun
from tutela.model.people import Agent, Role
from tutela.model.timeline import LIVE
from tutela.model.when import iso
from tutela.policy.purposes import Action, ask

from .approve_acts import ApprovalActs
from .people import Staff

ANSWERING = frozenset({Role.SUPERVISOR, Role.IT, Role.PRIVACY_OFFICER, Role.AUDITOR})
"""Roles that invite, enter, approve or oversee."""


class Invited(Noun, frozen=True, kw_only=True):
    """What people vote on: somebody comes in with that role, until it ends (microseconds; None: without an end).

    `agent` is set when somebody known is to have it for longer than until `ended`.
    """

    role: Role
    agency: str
    ends: int | None
    agent: str | None = None
    ended: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InviteActs:
    """Each method raises Refused; what is given is a code, shown once."""

    staff: Staff
    approvals: ApprovalActs

    async def propose(self, access: Access, role: Role, agency: str, ends: int | None, reason: str) -> Proposal:
        """Put an invitation before others; raises BadInput for a role that needs nobody else."""
        query = f"proposal to invite {role} of {agency}"
        await self.staff.ledger.must(self._ask(access, Action.INVITE, role, agency), LIVE, query)
        if role not in ANSWERING:
            raise BadInput(f"an invitation of {role} needs nobody else: make it at once")
        to_come(ends, self.staff.ledger.now)
        wanted = _wanted(Invited(role=role, agency=agency, ends=ends), reason)
        return await self.approvals.approvals.propose(wanted, access.agent.id)

    async def propose_again(self, access: Access, agent: str, ends: int, reason: str) -> Proposal:
        """The same for somebody known, whose role is to last longer; raises NotFound."""
        longer = await self._longer(access, agent, ends)
        if longer is None:
            raise BadInput("this lasts no longer than it does already, or needs nobody else: make it at once")
        to_come(ends, self.staff.ledger.now)
        return await self.approvals.approvals.propose(_wanted(longer, reason), access.agent.id)

    async def invite(
        self, access: Access, role: Role, agency: str, ends: int | None = None, approval: str | None = None
    ) -> str:
        """Invite somebody; to a role that answers for others, by the approval of just that."""
        query = f"invite {role} of {agency}"
        await self.staff.ledger.must(self._ask(access, Action.INVITE, role, agency), LIVE, query)
        to_come(ends, self.staff.ledger.now)  # before the approval is taken, which counts once
        if role in ANSWERING:
            await self._take(access, Invited(role=role, agency=agency, ends=ends), approval, query)
        return await self.staff.invite(access, role, agency, ends)

    async def invite_again(
        self, access: Access, agent: str, ends: int | None = None, approval: str | None = None
    ) -> str:
        """Invite somebody again, as who they are; for longer in a role that answers for others, by the approval of just that."""
        longer = await self._longer(access, agent, ends)
        to_come(ends, self.staff.ledger.now)
        if longer is not None:
            await self._take(access, longer, approval, f"invite {agent} again for longer")
        return await self.staff.invite_again(access, agent, ends)

    async def _longer(self, access: Access, agent: str, ends: int | None) -> Invited | None:
        """What of it permits more than before."""
        known = await self.staff.may_invite_again(access, agent, f"invite {agent} again")
        if not lasts_longer(known, ends):
            return None
        return Invited(role=known.role, agency=known.agency, ends=ends, agent=agent, ended=known.until)

    async def _take(self, access: Access, what: Invited, approval: str | None, query: str) -> None:
        asked = self._ask(access, Action.WIDEN, what.role, what.agency)
        await self.approvals.take(asked, approval, _wanted(what, ""), query)

    def _ask(self, access: Access, action: Action, role: Role, agency: str) -> Ask:
        asked = ask(access, action, "people", self.staff.ledger.now, agency=agency)
        return msgspec.structs.replace(asked, invites=role)


def lasts_longer(known: Agent, ends: int | None) -> bool:
    """Whether a role that answers for others would last longer by this."""
    return known.role in ANSWERING and known.until is not None and ends is not None and ends > known.until


def to_come(ends: int | None, now: int) -> None:
    """Raise BadInput for an end of a role that is past."""
    if ends is not None and ends <= now:
        raise BadInput(f"this role would have ended at {iso(ends)}; give it an end that is still to come")


def _wanted(what: Invited, reason: str) -> Wanted:
    return Wanted(
        matter=INVITATION,
        target=what.agent or f"{what.role} of {what.agency}",
        body=body_of(what),
        reason=reason,
        agency=what.agency,
        invites=what.role,
    )
