"""People: enrol with a one-time code, see who you are, sign on and off, invite others."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import Response, Router, delete, get, post

from tutela.flow.people import SESSION_LASTS, Staff
from tutela.model.access import Access
from tutela.model.noun import Noun
from tutela.model.people import Agent, Role, Shift
from tutela.model.when import SECOND

from .guard import COOKIE, Guard
from .problem import Asked


class Enrolling(Noun, frozen=True, kw_only=True):
    """A one-time code, and the name by which colleagues know you."""

    code: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]


class Enrolled(Noun, frozen=True, kw_only=True):
    """Who you are now, and the token of your session: it is shown once."""

    agent: Agent
    token: str


class Inviting(Noun, frozen=True, kw_only=True):
    """The role and agency of somebody who is to come."""

    role: Role
    agency: str


class Invited(Noun, frozen=True, kw_only=True):
    """A one-time code, good for an hour: it is shown once."""

    code: str


class Budget(Noun, frozen=True, kw_only=True):
    """How many alerts an hour you will look at."""

    budget: int


def with_cookie(response: Response[Enrolled] | Response[str], token: str) -> None:
    """Keep the session in a cookie that scripts can't read and other sites can't send."""
    age = SESSION_LASTS // SECOND
    response.set_cookie(COOKIE, token, max_age=age, httponly=True, samesite="strict", path="/")


def routes(staff: Staff, guard: Guard) -> Router:
    """The router that the app mounts."""

    @post("/enrol", status_code=201, operation_id="enrol", tags=["people"])
    async def enrol(data: Enrolling) -> Response[Enrolled]:
        """Use a one-time code."""
        agent, token = await staff.enrol(data.code, data.name)
        response = Response(Enrolled(agent=agent, token=token), status_code=201)
        with_cookie(response, token)
        return response

    @get("/me", operation_id="readMe", tags=["people"])
    async def me(request: Asked) -> Agent:
        """Read who you are here."""
        return await guard.agent(request)

    @post("/invitations", status_code=201, operation_id="invite", tags=["people"], dependencies=guard.dependencies)
    async def invite(data: Inviting, access: Access) -> Invited:
        """Invite somebody."""
        return Invited(code=await staff.invite(access, data.role, data.agency))

    @post("/shift", status_code=201, operation_id="signOn", tags=["people"], dependencies=guard.dependencies)
    async def sign_on(data: Budget, access: Access) -> Shift:
        """Sign on, with a budget of alerts an hour."""
        return await staff.sign_on(access, data.budget)

    @delete("/shift", status_code=200, operation_id="signOff", tags=["people"], dependencies=guard.dependencies)
    async def sign_off(access: Access) -> Shift:
        """Sign off."""
        return await staff.sign_off(access)

    return Router("/v1", route_handlers=[enrol, me, invite, sign_on, sign_off])


part = routes
