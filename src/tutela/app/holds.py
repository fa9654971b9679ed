"""`tutela holds`: what cases need is kept although its time is over."""

from __future__ import annotations

from collections.abc import Sequence

from tutela.app.approving import approvals
from tutela.app.core import Core, clock, core
from tutela.app.settings import Settings
from tutela.flow.hold import Holds
from tutela.flow.prose import Prose
from tutela.model.approval import HOLD_LIFT
from tutela.model.hold import Hold

BY = "install"


def holds(inside: Core) -> Holds:
    """The holds of an instance."""
    return Holds(log=inside.facts, desk=inside.facts, prose=Prose(inside.keys), clock=clock)


async def place(settings: Settings, wanted: Hold) -> Hold:
    """Place one, by whoever holds the machine."""
    async with core(settings, "holds", connections=2) as inside:
        return await holds(inside).place(wanted, BY)


async def review(settings: Settings, id_: str, until: int, because: str) -> Hold:
    """Say that it is needed still."""
    async with core(settings, "holds", connections=2) as inside:
        return await holds(inside).review(id_, until, because, BY)


async def lift(settings: Settings, id_: str, because: str) -> None:
    """Lift one, by whoever holds the machine: without a second person, and oversight is told so."""
    async with core(settings, "holds", connections=2) as inside:
        here = holds(inside)
        hold = await here.one(id_)
        await approvals(inside).alone(HOLD_LIFT, id_, f"the hold on {hold.scope} is lifted", BY)
        await here.lift(id_, because, BY)


async def listed(settings: Settings) -> tuple[int, Sequence[Hold]]:
    """The time, and those that stand."""
    async with core(settings, "holds", connections=2) as inside:
        return clock(), await holds(inside).listed()
