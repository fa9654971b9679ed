"""Rules: those in force, and a backtest of one that is not armed yet."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import Router, get, post
from litestar.params import JSONBody

from tutela.flow.read_rules import On, RuleReads
from tutela.flow.tried import Tried
from tutela.model.noun import Noun
from tutela.model.rule import InForce, Rule
from tutela.model.timeline import LIVE

from .guard import SIGNED_IN, By, Guard
from .problem import ACTING, READING


class Asked(Noun, frozen=True, kw_only=True):
    """A rule, and what to try it on: the newest so many days of a timeline. `each`: minutes an alert takes an operator."""

    rule: Rule
    timeline: str = LIVE
    days: Annotated[float, msgspec.Meta(ge=0.01, le=400)] = 7.0
    each: Annotated[float, msgspec.Meta(ge=0.1, le=600)] = 3.0


def routes(rules: RuleReads, guard: Guard) -> Router:
    """The router that the app mounts."""

    @get("/rules", operation_id="readRules", tags=["rules"], responses=READING)
    async def in_force(access: By) -> list[InForce]:
        """Read the rules that are in force, and whether each has begun."""
        return list(await rules.in_force(access))

    @post("/rules/backtest", status_code=200, operation_id="backtestRule", tags=["rules"], responses=ACTING)
    async def backtest(data: JSONBody[Asked], access: By) -> Tried:
        """Try a rule on recorded days. Nothing is changed; one is tried at a time, so it may have to wait."""
        on = On(timeline=data.timeline, days=data.days, each=data.each)
        return await rules.tried(access, data.rule, on)

    return Router("/v1", route_handlers=[in_force, backtest], dependencies=guard.dependencies, security=SIGNED_IN)


part = routes
