"""Where this is: the city, its time zone, and the time. What the console needs before it can show an age or a clock."""

from __future__ import annotations

from litestar import Router, get

from tutela.flow.ports import Clock
from tutela.model.install import Install
from tutela.model.noun import Noun

from .guard import SIGNED_IN, Guard
from .problem import Asked, problems


class City(Noun, frozen=True, kw_only=True):
    """The city by its name, its time zone by its IANA name, and the time there (microseconds)."""

    name: str
    zone: str
    at: int


def routes(install: Install, clock: Clock, guard: Guard) -> Router:
    """The router that the app mounts."""

    @get("/v1/city", operation_id="readCity", tags=["people"], responses=problems(401, 403, 429, 503))
    async def city(request: Asked) -> City:
        """Read which city this is, and what time it is there."""
        await guard.agent(request)
        return City(name=install.city, zone=install.zone, at=clock())

    return Router("/", route_handlers=[city], security=SIGNED_IN)


part = routes
