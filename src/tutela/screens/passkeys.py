"""Passkeys over the API: add one, see and remove one's own or a colleague's, come in with one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec
from litestar import Response, Router, delete, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody

from tutela.flow.passkeys import LONGEST, Own, Passkeys
from tutela.model.noun import Noun

from .guard import SIGNED_IN, By, Guard, address_of, come_anew, origin_of, same_site
from .people import Enrolled, with_cookie
from .problem import ACTING, READING, Asked, problems

Answer = dict[str, object]
"""A PublicKeyCredential as JSON (WebAuthn, section 5.1)."""


class Adding(Noun, frozen=True, kw_only=True):
    """What you call the device, and what the browser made."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST)]
    answer: Answer


class Coming(Noun, frozen=True, kw_only=True):
    """What the browser showed."""

    answer: Answer


def routes(passkeys: Passkeys, guard: Guard, site: str) -> Router:
    """The router that the app mounts. `site`: the address at which people reach this; empty on the machine itself."""
    own = Router("", route_handlers=_own(passkeys, guard, site), security=SIGNED_IN)
    others = Router("", route_handlers=_others(passkeys), dependencies=guard.dependencies, security=SIGNED_IN)
    return Router("/v1", route_handlers=[*_coming(passkeys, guard, site), own, others], tags=["people"])


def _coming(passkeys: Passkeys, guard: Guard, site: str) -> list[HTTPRouteHandler]:
    @post("/passkeys/ask", status_code=200, operation_id="askForPasskey", responses=problems(400, 403, 429, 503))
    async def ask(request: Asked) -> dict[str, object]:
        """Get what `navigator.credentials.get` needs. Good once, for five minutes."""
        same_site(request)
        guard.rates.take(
            address_of(request), "act"
        )  # whoever asks is nobody yet, and each question is kept for minutes
        return dict(await passkeys.to_show(origin_of(request, site)))

    @post("/passkeys/come", status_code=201, operation_id="comeByPasskey", responses=problems(400, 403, 429, 503))
    async def come(request: Asked, data: JSONBody[Coming]) -> Response[Enrolled]:
        """Come in with a passkey."""
        same_site(request)
        agent, token = await passkeys.come(origin_of(request, site), data.answer, address_of(request))
        await come_anew(request, passkeys.staff)
        named = await passkeys.staff.named(agent)
        response = Response(Enrolled(agent=named, token=token), status_code=201)
        with_cookie(response, token, request)
        return response

    return [ask, come]


def _own(passkeys: Passkeys, guard: Guard, site: str) -> list[HTTPRouteHandler]:
    wrong = problems(400, 401, 403, 404, 409, 503)

    @post("/me/passkeys/make", status_code=200, operation_id="makePasskey", responses=wrong)
    async def make(request: Asked) -> dict[str, object]:
        """Get what `navigator.credentials.create` needs. Good once, for five minutes."""
        here = await guard.person(request)
        return dict(await passkeys.to_make(here.agent, origin_of(request, site)))

    @post("/me/passkeys", status_code=201, operation_id="addPasskey", responses=wrong)
    async def add(request: Asked, data: JSONBody[Adding]) -> Own:
        """Add a passkey of yours."""
        here = await guard.person(request)
        return await passkeys.add(here.agent, origin_of(request, site), data.name, data.answer)

    @get("/me/passkeys", operation_id="readOwnPasskeys", responses=problems(401, 403, 503))
    async def own(request: Asked) -> Sequence[Own]:
        """Read your passkeys."""
        return await passkeys.own((await guard.person(request)).agent)

    @delete("/me/passkeys/{passkey:str}", status_code=204, operation_id="removeOwnPasskey", responses=wrong)
    async def remove(request: Asked, passkey: FromPath[str]) -> None:
        """Remove a passkey of yours. Whoever came in with it is out."""
        await passkeys.remove((await guard.person(request)).agent, passkey)

    return [make, add, own, remove]


def _others(passkeys: Passkeys) -> list[HTTPRouteHandler]:
    @get("/people/{agent:str}/passkeys", operation_id="readPasskeys", responses=READING)
    async def theirs(access: By, agent: FromPath[str]) -> Sequence[Own]:
        """Read the passkeys of somebody whom you may invite."""
        return await passkeys.of(access, agent)

    @delete(
        "/people/{agent:str}/passkeys/{passkey:str}", status_code=204, operation_id="removePasskey", responses=ACTING
    )
    async def remove(access: By, agent: FromPath[str], passkey: FromPath[str]) -> None:
        """Remove a passkey of somebody whom you may invite. Whoever came in with it is out."""
        await passkeys.remove_of(access, agent, passkey)

    return [theirs, remove]


part = routes
