"""`tutela invite`: one more person can come in, or come again. Only whoever holds the machine can ask this way."""

from __future__ import annotations

from tutela.app.approving import approvals
from tutela.app.core import chance, core
from tutela.app.settings import Settings
from tutela.app.staff import staff
from tutela.errors import BadInput
from tutela.flow.approve import Approvals
from tutela.flow.invite_acts import ANSWERING, lasts_longer, to_come
from tutela.flow.people import INSTALL, Staff
from tutela.model.approval import INVITATION
from tutela.model.people import Role
from tutela.model.when import parse


async def run(
    settings: Settings, role: Role | None, agency: str | None, again: str | None, until: str | None
) -> tuple[Role, str]:
    """A one-time code and for which role, which they have `until` then (ISO 8601).

    `again`: the id of somebody known, who keeps their role and agency.
    """
    if again is not None and (role is not None or agency is not None):
        raise BadInput("who comes again keeps their role and agency; leave both out, or leave out --again")
    ends = None if until is None else parse(until)
    async with core(settings, "invite", connections=1) as inside:
        here, own = staff(inside, chance), approvals(inside)
        to_come(ends, here.ledger.now)
        if again is not None:
            return await anew(here, own, again, ends)
        wanted, of = role or Role.OPERATOR, agency or inside.install.city
        if wanted in ANSWERING:
            await own.alone(INVITATION, f"{wanted} of {of}", "a code was made", INSTALL)
        return wanted, await here.invite_here(wanted, of, ends)


async def anew(here: Staff, own: Approvals, agent: str, ends: int | None) -> tuple[Role, str]:
    """A code for somebody known, and their role. That one which answers for others lasts longer is written down before."""
    known = await here.known(agent)
    if lasts_longer(known, ends):
        await own.alone(INVITATION, agent, f"a code was made for {known.role} of {known.agency} for longer", INSTALL)
    return await here.invite_again_here(agent, ends)
