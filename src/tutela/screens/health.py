"""How this system is doing: ready or not for whoever starts it, and in numbers for whoever keeps it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from litestar import Router, get

from tutela.errors import EngineDown, TutelaError
from tutela.flow.read_health import HealthReads, Vitals
from tutela.model.noun import Noun

from .guard import SIGNED_IN, By, Guard
from .problem import READING, problems

PATIENCE = 2.0
"""Seconds that an engine has to answer."""

Probes = Mapping[str, Callable[[], Awaitable[object]]]
"""Engines by name, each with a question that only a working one answers."""


class Ready(Noun, frozen=True, kw_only=True):
    """The engines that answer: all that there are."""

    engines: tuple[str, ...]


def routes(health: HealthReads, probes: Probes, guard: Guard) -> Router:
    """The router that the app mounts."""

    @get("/ready", operation_id="readReady", tags=["health"], responses=problems(503), security=[{}])
    async def ready() -> Ready:
        """Tell whether every engine answers. Whoever starts this, or balances load, asks without signing in."""
        said = await asyncio.gather(*(_said(name, probe) for name, probe in probes.items()))
        if wrong := "; ".join(filter(None, said)):
            raise EngineDown(f"{wrong}; `tutela doctor` explains it")
        return Ready(engines=tuple(probes))

    @get(
        "/v1/health",
        operation_id="readHealth",
        tags=["health"],
        responses=READING,
        security=SIGNED_IN,
        dependencies=guard.dependencies,
    )
    async def vitals(access: By) -> Vitals:
        """Read how the sources are doing, and how far the log is sealed."""
        return await health.vitals(access)

    return Router("/", route_handlers=[ready, vitals])


async def _said(name: str, probe: Callable[[], Awaitable[object]]) -> str:
    """What is wrong with an engine; nothing, when it answers."""
    try:
        await asyncio.wait_for(probe(), PATIENCE)
    except TutelaError as wrong:
        return f"{name}: {wrong.message}"
    except TimeoutError:
        return f"{name} did not answer within {PATIENCE:.0f} s"
    return ""


part = routes
