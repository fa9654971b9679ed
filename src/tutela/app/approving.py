"""`tutela approvals`: what two people decide. At the machine it can be read; voting takes a person who signed in."""

from __future__ import annotations

from collections.abc import Sequence

from tutela.app.core import Core, chance, clock, core
from tutela.app.settings import Settings
from tutela.flow.approve import Approvals
from tutela.flow.approve_acts import ApprovalActs, Shown
from tutela.flow.entering import enter
from tutela.flow.glass import GlassActs, Glasses
from tutela.flow.prose import Prose
from tutela.flow.widening import widened
from tutela.model.approval import SOURCE_ENTRY
from tutela.model.register import Source
from tutela.policy.purposes import proper

BY = "install"


def approvals(inside: Core) -> Approvals:
    """The approvals of an instance."""
    return Approvals(log=inside.facts, prose=Prose(inside.keys), clock=clock, chance=chance)


def acts(inside: Core) -> ApprovalActs:
    """The same, as people use them."""
    return ApprovalActs(ledger=inside.ledger, approvals=approvals(inside))


def glass(inside: Core) -> GlassActs:
    """Break-glass, as people do it."""
    own = Glasses(log=inside.facts, prose=Prose(inside.keys), clock=clock)
    return GlassActs(ledger=inside.ledger, glasses=own)


async def enter_here(inside: Core, source: Source) -> None:
    """Enter a source, or change its entry, by whoever holds the machine: what widens is written as done without a second person."""
    proper(source)
    before = next((one for one in await inside.facts.sources() if one.name == source.name), None)
    if parts := widened(before, source):
        await approvals(inside).alone(SOURCE_ENTRY, source.name, "; ".join(parts), BY)
    await enter(inside.facts, source, BY, clock())


async def listed(settings: Settings) -> Sequence[Shown]:
    """All that was proposed, the newest first, as whoever holds the machine sees it: votes of open blind ones are not in it."""
    async with core(settings, "approvals", connections=2) as inside:
        here = acts(inside)
        return [await here.seen(one, BY) for one in reversed(await here.approvals.all())]


async def one(settings: Settings, id_: str) -> Shown:
    """One of them; raises NotFound."""
    async with core(settings, "approvals", connections=2) as inside:
        here = acts(inside)
        return await here.seen(await here.approvals.one(id_), BY)
