"""`tutela invite`: one more person can come in, or come again. Only whoever holds the machine can ask this way."""

from __future__ import annotations

from tutela.app.approving import approvals
from tutela.app.core import chance, core
from tutela.app.settings import Settings
from tutela.app.staff import staff
from tutela.errors import BadInput
from tutela.flow.invite_acts import ANSWERING
from tutela.flow.people import INSTALL
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
        here = staff(inside, chance)
        if again is not None:
            return await here.invite_again_here(again, ends)
        wanted, of = role or Role.OPERATOR, agency or inside.install.city
        if wanted in ANSWERING:
            await approvals(inside).alone(INVITATION, f"{wanted} of {of}", "a code was made", INSTALL)
        return wanted, await here.invite_here(wanted, of, ends)
