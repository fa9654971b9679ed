"""Oversight: accesses counted and drawn by chance, refusals, and who read far more than usual. For auditors and privacy officers."""

from __future__ import annotations

from typing import Annotated

from litestar import Router, get
from litestar.params import QueryParameter

from tutela.flow.oversee import Overseen, Oversight

from .guard import SIGNED_IN, By, Guard
from .problem import READING


def routes(here: Oversight, guard: Guard) -> Router:
    """The router that the app mounts."""

    @get("/oversight", operation_id="oversee", tags=["oversight"], responses=READING)
    async def look(
        access: By,
        days: Annotated[int, QueryParameter(ge=1, le=31, description="how many days back")] = 7,
        draw: Annotated[int, QueryParameter(ge=0, le=100, description="how many accesses are drawn by chance")] = 20,
    ) -> Overseen:
        """Look at who read how much and why, what was refused, and who read far more than usual; some accesses are drawn by chance.

        People are ids in it, and nothing that was read is shown. That you looked is an event.
        """
        return await here.look(access, days, draw)

    return Router("/v1", route_handlers=[look], dependencies=guard.dependencies, security=SIGNED_IN)


part = routes
