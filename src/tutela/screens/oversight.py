"""Oversight: accesses counted and drawn by chance, refusals, who read far more than usual, and who looked up a colleague.

For auditors and privacy officers: as data, and as a page with what is at work and what people asked about themselves beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from litestar import Response, Router, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from tutela.flow.oversee import Oversight
from tutela.flow.overseen import Overseen
from tutela.flow.register_public import Registering
from tutela.flow.rights_acts import RightsActs
from tutela.flow.serious import SeriousActs
from tutela.model.access import Access
from tutela.model.install import Install

from . import glass, look, paper
from .guard import SIGNED_IN, By, Guard
from .problem import READING, Asked

PURPOSE, BASIS = "oversight", "LegalObligation"
MOST_DAYS, MOST_DRAWN = 31, 100

Days = Annotated[int, QueryParameter(ge=1, le=MOST_DAYS, description="how many days back")]
Draw = Annotated[int, QueryParameter(ge=0, le=MOST_DRAWN, description="how many accesses are drawn by chance")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """What those who oversee look at."""

    oversight: Oversight
    registering: Registering
    requests: RightsActs
    serious: SeriousActs
    install: Install


def routes(here: Oversight, guard: Guard) -> Router:
    """The router that the app mounts."""

    @get("/oversight", operation_id="oversee", tags=["oversight"], responses=READING)
    async def seen(access: By, days: Days = 7, draw: Draw = 20) -> Overseen:
        """Look at who read how much and why, what was refused, who read far more than usual, and who looked up a colleague.

        Some accesses are drawn by chance. People are ids in it, and nothing that was read is shown. That you looked is an event.
        """
        return await here.look(access, days, draw)

    return Router("/v1", route_handlers=[seen], dependencies=guard.dependencies, security=SIGNED_IN)


def page(here: Seat, guard: Guard) -> Router:
    """The same for people, with what is at work and what waits for an answer."""
    return Router("/", route_handlers=[_page(here, guard)], include_in_schema=False, exception_handlers=paper.HANDLERS)


def _page(here: Seat, guard: Guard) -> HTTPRouteHandler:
    @get("/oversight")
    async def shown(request: Asked, days: Days = 7, draw: Draw = 20) -> Response[str]:
        """All of it, on one page."""
        me = await guard.person(request, opens=True)
        access = Access(agent=me.agent, purpose=PURPOSE, legal_basis=BASIS, factor=me.factor, glass=me.glass)
        found = await here.oversight.look(access, days, draw)
        now, zone = here.oversight.ledger.now, here.install.zone
        return paper.page(
            "oversight.html",
            city=here.install.city,
            clock=lambda at: look.clock(at, zone, now),
            days=days,
            draw=draw,
            found=found,
            glass=await glass.noticed(guard.glass, access, zone),
            me=me.agent.id,
            now=now,
            register=await here.registering.public(),
            requests=await here.requests.listed(access),
            serious=await here.serious.listed(access),
        )

    return shown


part = routes
