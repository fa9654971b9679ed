"""Capabilities: published, commented on by residents, armed and disarmed. Residents need no account."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import msgspec
from litestar import Router, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody

from tutela.flow.arming import WORDS
from tutela.flow.arming_acts import ArmingActs
from tutela.model.approval import Proposal
from tutela.model.arming import Comment, CommentAnswered, Extent, Standing, Text
from tutela.model.noun import Noun

from .guard import SIGNED_IN, By, Guard, address_of, same_site
from .problem import ACTING, READING, Asked, problems
from .register import OPEN

Words = Annotated[str, msgspec.Meta(min_length=1, max_length=WORDS, pattern=r"\S")]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=r"\S")]

act = partial(post, status_code=200, tags=["capabilities"], responses=ACTING)


class Publishing(Noun, frozen=True, kw_only=True):
    """What residents are told of a capability, and how far it reaches."""

    text: Text
    extent: Extent


class ArmingIt(Noun, frozen=True, kw_only=True):
    """The approval by which it is widened, when it is."""

    approval: str | None = None


class Disarming(Noun, frozen=True, kw_only=True):
    """Why a capability is to run no more, or to reach further."""

    reason: Words


class Answering(Noun, frozen=True, kw_only=True):
    """An answer to a resident, and the name of who answers; everybody can read both."""

    text: Words
    signed: Name


class Commenting(Noun, frozen=True, kw_only=True):
    """What a resident says of a capability."""

    text: Words


def routes(acts: ArmingActs, guard: Guard) -> Router:
    """The router that the app mounts."""
    handlers = [*_steps(acts), *_comments(acts)]
    own = Router("/v1/capabilities", route_handlers=handlers, dependencies=guard.dependencies, security=SIGNED_IN)
    return Router("/", route_handlers=[own, _residents(acts)])


def _steps(acts: ArmingActs) -> list[HTTPRouteHandler]:
    @get(operation_id="readCapabilities", tags=["capabilities"], responses=READING)
    async def listed(access: By) -> list[Standing]:
        """Read where each capability is, and why one is off."""
        return list(await acts.listed(access))

    @act("/{capability:str}/publish", operation_id="publishCapability")
    async def publish(access: By, capability: FromPath[str], data: JSONBody[Publishing]) -> Standing:
        """Tell residents of a capability: they can comment on it before it is armed."""
        return await acts.publish(access, capability, data.text, data.extent)

    @act("/{capability:str}/arm/propose", status_code=201, operation_id="proposeArming")
    async def propose(access: By, capability: FromPath[str], data: JSONBody[Disarming]) -> Proposal:
        """Propose to arm a capability that reaches further than before: another person has to say yes, and a day has to pass."""
        return await acts.propose(access, capability, data.reason)

    @act("/{capability:str}/arm", operation_id="armCapability")
    async def arm(access: By, capability: FromPath[str], data: JSONBody[ArmingIt]) -> Standing:
        """Let a capability run, as long as its papers stand; one that reaches further than before, as it was approved."""
        return await acts.arm(access, capability, data.approval)

    @act("/{capability:str}/disarm", operation_id="disarmCapability")
    async def disarm(access: By, capability: FromPath[str], data: JSONBody[Disarming]) -> Standing:
        """Let a capability run no more, at once."""
        return await acts.disarm(access, capability, data.reason)

    return [listed, publish, propose, arm, disarm]


def _comments(acts: ArmingActs) -> list[HTTPRouteHandler]:
    @get("/comments", operation_id="readComments", tags=["capabilities"], responses=READING)
    async def comments(access: By) -> list[Comment]:
        """Read what residents said that waits for an answer."""
        return list(await acts.comments(access))

    @act("/comments/{comment:str}/answer", operation_id="answerComment")
    async def answer(access: By, comment: FromPath[str], data: JSONBody[Answering]) -> CommentAnswered:
        """Answer a resident, for everybody to read, with a name to it."""
        return await acts.answer(access, comment, data.text, data.signed)

    return [comments, answer]


def _residents(acts: ArmingActs) -> HTTPRouteHandler:
    @post(
        "/v1/register/{capability:str}/comments",
        status_code=201,
        operation_id="commentCapability",
        tags=["register"],
        responses=problems(400, 403, 404, 409, 429, 503),
        security=OPEN,
    )
    async def comment(request: Asked, capability: FromPath[str], data: JSONBody[Commenting]) -> Comment:
        """Say something of a capability that is published; a person answers, on the register, before it is armed. No account is needed."""
        same_site(request)
        return await acts.comment(address_of(request), capability, data.text)

    return comment


part = routes
