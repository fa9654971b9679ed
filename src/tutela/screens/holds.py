"""Legal holds: what a case needs is kept although its time is over."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import msgspec
from litestar import Router, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody

from tutela.flow.hold import WORDS
from tutela.flow.hold_acts import HoldActs
from tutela.model.approval import Proposal
from tutela.model.hold import Hold
from tutela.model.noun import Noun

from .guard import SIGNED_IN, By, Guard
from .problem import READING

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=WORDS, pattern=r"\S")]
Id = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]

act = partial(post, status_code=200, tags=["holds"], responses=READING)


class Placing(Noun, frozen=True, kw_only=True):
    """A hold that is to be placed: on an incident or on a bucket; `review` within 90 days, in microseconds."""

    case: Text
    authority: Text
    reason: Text
    review: int
    incident: Id | None = None
    bucket: Id | None = None


class Reviewing(Noun, frozen=True, kw_only=True):
    """Why a hold is needed still, and when it is looked at next."""

    review: int
    reason: Text


class Lifting(Noun, frozen=True, kw_only=True):
    """Why a hold is needed no more; and, where it is lifted, the id of the proposal by which that was approved."""

    reason: Text
    approval: Id | None = None


class ProposingLift(Noun, frozen=True, kw_only=True):
    """Why a hold should be lifted."""

    reason: Text


def routes(acts: HoldActs, guard: Guard) -> Router:
    """The router that the app mounts."""
    handlers = _handlers(acts)
    return Router("/v1/holds", route_handlers=handlers, dependencies=guard.dependencies, security=SIGNED_IN)


def _handlers(acts: HoldActs) -> list[HTTPRouteHandler]:
    @get(operation_id="readHolds", tags=["holds"], responses=READING)
    async def standing(access: By) -> list[Hold]:
        """Read the legal holds that stand."""
        return list(await acts.standing(access))

    @act(status_code=201, operation_id="placeHold")
    async def place(access: By, data: JSONBody[Placing]) -> Hold:
        """Keep what a case needs, from now on."""
        return await acts.place(access, Hold(id="", at=0, **msgspec.structs.asdict(data)))

    @act("/{hold:str}/review", operation_id="reviewHold")
    async def review(access: By, hold: FromPath[str], data: JSONBody[Reviewing]) -> Hold:
        """Say that a hold is needed still."""
        return await acts.review(access, hold, data.review, data.reason)

    @act("/{hold:str}/lift/propose", status_code=201, operation_id="proposeLift")
    async def propose(access: By, hold: FromPath[str], data: JSONBody[ProposingLift]) -> Proposal:
        """Propose to lift a hold: another person has to say yes, and a day has to pass."""
        return await acts.propose_lift(access, hold, data.reason)

    @act("/{hold:str}/lift", status_code=204, operation_id="liftHold")
    async def lift(access: By, hold: FromPath[str], data: JSONBody[Lifting]) -> None:
        """Lift a hold, as it was approved."""
        await acts.lift(access, hold, data.reason, data.approval)

    return [standing, place, review, propose, lift]


part = routes
