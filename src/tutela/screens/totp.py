"""Codes of an app over the API: take over a secret, show a code of it, come in with one; and suspending people."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import Response, Router, delete, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody

from tutela.flow.suspending import WORDS, Suspending
from tutela.flow.totp import ToShare, Totp
from tutela.model.noun import Noun
from tutela.model.people import Agent

from .guard import SIGNED_IN, By, Guard, address_of, come_anew, same_site
from .people import Enrolled, with_cookie
from .problem import ACTING, Asked, problems

Code = Annotated[str, msgspec.Meta(min_length=1, max_length=20)]


class Shown(Noun, frozen=True, kw_only=True):
    """What the app shows now."""

    code: Code


class ComingBy(Noun, frozen=True, kw_only=True):
    """Your id, as the app and `/v1/me` show it, and what the app shows now."""

    agent: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    code: Code


class Why(Noun, frozen=True, kw_only=True):
    """Why; kept sealed, for whoever decides about it later."""

    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=WORDS)]


def routes(totp: Totp, suspending: Suspending, guard: Guard) -> Router:
    """The router that the app mounts."""
    own = Router("", route_handlers=_own(totp, guard), security=SIGNED_IN)
    acts = [*_others(totp), *_suspending(suspending)]
    others = Router("", route_handlers=acts, dependencies=guard.dependencies, security=SIGNED_IN)
    return Router("/v1", route_handlers=[_come(totp), own, others], tags=["people"])


def _come(totp: Totp) -> HTTPRouteHandler:
    @post("/totp/come", status_code=201, operation_id="comeByTotp", responses=problems(400, 403, 429, 503))
    async def come(request: Asked, data: JSONBody[ComingBy]) -> Response[Enrolled]:
        """Come in with the code of your app."""
        same_site(request)
        agent, token = await totp.come(data.agent, data.code, address_of(request))
        await come_anew(request, totp.staff)
        response = Response(Enrolled(agent=agent, token=token), status_code=201)
        with_cookie(response, token, request)
        return response

    return come


def _own(totp: Totp, guard: Guard) -> list[HTTPRouteHandler]:
    wrong = problems(400, 401, 403, 404, 503)

    @post("/me/totp/make", status_code=200, operation_id="makeTotp", responses=wrong)
    async def make(request: Asked) -> ToShare:
        """Get a new secret for an app of yours. It counts once you have shown a code of it."""
        return await totp.to_share((await guard.person(request)).agent)

    @post("/me/totp", status_code=204, operation_id="showTotp", responses=wrong)
    async def show(request: Asked, data: JSONBody[Shown]) -> None:
        """Show a code of the newest secret: from now on its codes let you in."""
        await totp.show((await guard.person(request)).agent, data.code)

    @delete("/me/totp", status_code=204, operation_id="removeOwnTotp", responses=wrong)
    async def remove(request: Asked) -> None:
        """Let the codes of your app let nobody in any more."""
        await totp.remove((await guard.person(request)).agent)

    return [make, show, remove]


def _others(totp: Totp) -> list[HTTPRouteHandler]:
    @delete("/people/{agent:str}/totp", status_code=204, operation_id="removeTotp", responses=ACTING)
    async def remove(access: By, agent: FromPath[str]) -> None:
        """Let the codes of somebody's app let nobody in any more; for whoever may invite them."""
        await totp.remove_of(access, agent)

    return [remove]


def _suspending(suspending: Suspending) -> list[HTTPRouteHandler]:
    @post("/people/{agent:str}/suspension", status_code=201, operation_id="suspend", responses=ACTING)
    async def suspend(access: By, agent: FromPath[str], data: JSONBody[Why]) -> Agent:
        """Suspend somebody whom you may invite: they are out at once, everywhere."""
        return await suspending.suspend(access, agent, data.reason)

    @post("/people/{agent:str}/restoration", status_code=201, operation_id="restore", responses=ACTING)
    async def restore(access: By, agent: FromPath[str], data: JSONBody[Why]) -> Agent:
        """Let somebody come back whom another person suspended."""
        return await suspending.restore(access, agent, data.reason)

    return [suspend, restore]


part = routes
