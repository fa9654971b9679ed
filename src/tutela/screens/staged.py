"""Was it found? The staged events of the demonstration city beside what was told of them: a page, and its data."""

from __future__ import annotations

from litestar import Response, Router, get
from litestar.handlers import HTTPRouteHandler

from tutela.flow.read_staged import Outcomes, StagedReads

from . import glass, paper
from .console import Console
from .eyes import Eyes
from .guard import SIGNED_IN, By, Guard
from .problem import READING, Asked
from .why import access_of


def routes(staged: StagedReads, guard: Guard) -> Router:
    """The router that the app mounts."""

    @get("/staged", operation_id="readStaged", tags=["demonstration"], responses=READING)
    async def outcomes(access: By) -> Outcomes:
        """Read what was staged in the last day and is over, what was found of it, and what was raised without a cause."""
        return await staged.outcomes(access)

    return Router("/v1", route_handlers=[outcomes], dependencies=guard.dependencies, security=SIGNED_IN)


def handlers(here: Console, guard: Guard) -> list[HTTPRouteHandler]:
    """The page for people; `page` mounts it."""

    @get("/staged")
    async def shown(request: Asked) -> Response[str]:
        """What was staged, found or not, and raised without a cause."""
        access = access_of(await guard.person(request, opens=True))
        found = await here.staged.outcomes(access)
        eyes = Eyes(me=access.agent, now=here.staged.ledger.now, zone=here.install.zone, sentences=here.sentences)
        about = {"city": here.install.city, "purpose": access.purpose, "basis": access.legal_basis}
        return paper.page(
            "staged.html",
            eyes=eyes,
            found=found,
            glass=await glass.noticed(here.glass, access, here.install.zone),
            **about,
        )

    return [shown]


part = routes
