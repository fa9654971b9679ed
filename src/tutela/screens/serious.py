"""Serious incidents of an AI that is used here: a supervisor starts the clock and says whom they told; those who oversee see it run."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import msgspec
from litestar import Router, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody

from tutela.flow.serious import WORDS, SeriousActs
from tutela.model.noun import Noun
from tutela.model.serious import SeriousIncident

from .guard import SIGNED_IN, By, Guard
from .problem import ACTING, READING

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=WORDS, pattern=r"\S")]

act = partial(post, status_code=200, tags=["oversight"], responses=ACTING)


class Beginning(Noun, frozen=True, kw_only=True):
    """What happened, and by which capability, named as in the public register."""

    capability: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    says: Text


class Telling(Noun, frozen=True, kw_only=True):
    """Which authority was told, and under which number."""

    to: Text


def routes(acts: SeriousActs, guard: Guard) -> Router:
    """The router that the app mounts."""
    handlers = _handlers(acts)
    return Router("/v1/serious-incidents", route_handlers=handlers, dependencies=guard.dependencies, security=SIGNED_IN)


def _handlers(acts: SeriousActs) -> list[HTTPRouteHandler]:
    @get(operation_id="readSeriousIncidents", tags=["oversight"], responses=READING)
    async def listed(access: By) -> list[SeriousIncident]:
        """Read serious incidents with their clocks, those that press first; what happened stays sealed."""
        return list(await acts.listed(access))

    @act(status_code=201, operation_id="beginSeriousIncident")
    async def begin(access: By, data: JSONBody[Beginning]) -> SeriousIncident:
        """Say that there was one: the authority has to be told within 15 days from now."""
        return await acts.begin(access, data.capability, data.says)

    @act("/{serious:str}/report", operation_id="reportSeriousIncident")
    async def told(access: By, serious: FromPath[str], data: JSONBody[Telling]) -> SeriousIncident:
        """Say that the authority was told."""
        return await acts.told(access, serious, data.to)

    return [listed, begin, told]


part = routes
