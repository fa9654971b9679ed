"""People: enrol with a one-time code, see who you are, sign on and off, invite others."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Annotated

import msgspec
from litestar import Response, Router, delete, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody

from tutela.flow.approve import WORDS
from tutela.flow.invite_acts import InviteActs
from tutela.flow.people import BUDGETS, SESSION_LASTS, Staff
from tutela.model.approval import Proposal
from tutela.model.noun import Noun
from tutela.model.people import Agent, Role, Shift, Sitting
from tutela.model.when import SECOND, micros

from .guard import COOKIE, SIGNED_IN, By, Guard, address_of, come_anew, same_site, token_of
from .problem import ACTING, READING, Asked, problems

Until = Annotated[datetime, msgspec.Meta(tz=True)] | None
Approval = Annotated[str, msgspec.Meta(min_length=1, max_length=200)] | None
Why = Annotated[str, msgspec.Meta(min_length=1, max_length=WORDS, pattern=r"\S")]


class Enrolling(Noun, frozen=True, kw_only=True):
    """A one-time code, and the name by which colleagues know you."""

    code: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]


class Enrolled(Noun, frozen=True, kw_only=True):
    """Who you are now, and the token of your session: it is shown once."""

    agent: Agent
    token: str


class Inviting(Noun, frozen=True, kw_only=True):
    """The role and agency of somebody who is to come, and until when they have it: ISO 8601 with an offset.

    To a role that answers for others, with the id of the proposal by which that was approved.
    """

    role: Role
    agency: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    until: Until = None
    approval: Approval = None


class ProposingInvitation(Noun, frozen=True, kw_only=True):
    """A role that answers for others, at an agency, for whom it is needed, and until when they have it."""

    role: Role
    agency: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    reason: Why
    until: Until = None


class InvitingAgain(Noun, frozen=True, kw_only=True):
    """The id of somebody who enrolled before: it is in `/v1/me`, and in the events of what they did.

    Without `until` their role ends when it did before.
    """

    agent: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    until: Until = None
    approval: Approval = None


class ProposingAgain(Noun, frozen=True, kw_only=True):
    """Somebody who enrolled before is to have a role that answers for others for longer: until then, and why."""

    agent: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    until: Annotated[datetime, msgspec.Meta(tz=True)]
    reason: Why


class Invited(Noun, frozen=True, kw_only=True):
    """A one-time code, good for an hour: it is shown once."""

    code: str


class Budget(Noun, frozen=True, kw_only=True):
    """How many alerts an hour you will look at."""

    budget: Annotated[int, msgspec.Meta(ge=BUDGETS[0], le=BUDGETS[-1])]


def _end(until: datetime | None) -> int | None:
    return None if until is None else micros(until)


def with_cookie(response: Response[Enrolled] | Response[str], token: str, request: Asked) -> None:
    """Keep the session in a cookie that scripts can't read and other sites can't send."""
    response.set_cookie(
        COOKIE,
        token,
        max_age=SESSION_LASTS // SECOND,
        httponly=True,
        secure=request.url.scheme == "https",
        samesite="strict",
        path="/",
    )


def routes(staff: Staff, invites: InviteActs, guard: Guard) -> Router:
    """The router that the app mounts."""
    signed_in = partial(Router, "", dependencies=guard.dependencies, security=SIGNED_IN, tags=["people"])
    own = signed_in(route_handlers=[*_me(staff, guard), *_acts(staff), *_invitations(invites)])
    return Router("/v1", route_handlers=[_enrol(staff), own])


def _enrol(staff: Staff) -> HTTPRouteHandler:
    @post(
        "/enrol",
        status_code=201,
        operation_id="enrol",
        tags=["people"],
        responses=problems(400, 403, 404, 409, 429, 503),
    )
    async def enrol(request: Asked, data: JSONBody[Enrolling]) -> Response[Enrolled]:
        """Use a one-time code."""
        same_site(request)
        agent, token = await staff.enrol(data.code, data.name, address_of(request))
        await come_anew(request, staff)
        response = Response(Enrolled(agent=agent, token=token), status_code=201)
        with_cookie(response, token, request)
        return response

    return enrol


def _me(staff: Staff, guard: Guard) -> list[HTTPRouteHandler]:
    @get("/me", operation_id="readMe", responses=problems(401, 403, 429, 503))
    async def me(request: Asked) -> Agent:
        """Read who you are here."""
        return await staff.named(await guard.agent(request))

    @get("/me/sessions", operation_id="readOwnSessions", responses=problems(401, 403, 429, 503))
    async def sessions(request: Asked) -> Sequence[Sitting]:
        """Read your sessions that hold."""
        return await staff.sittings(await guard.agent(request), token_of(request))

    @delete("/me/sessions", status_code=204, operation_id="endOtherSessions", responses=problems(401, 403, 429, 503))
    async def end_others(request: Asked) -> None:
        """End all of your sessions but this one, at once."""
        await guard.person(request)
        await staff.end_others(token_of(request))

    return [me, sessions, end_others]


def _invitations(invites: InviteActs) -> list[HTTPRouteHandler]:
    @post("/invitations", status_code=201, operation_id="invite", responses=ACTING)
    async def invite(data: JSONBody[Inviting], access: By) -> Invited:
        """Invite somebody; to a role that answers for others, as it was approved."""
        return Invited(code=await invites.invite(access, data.role, data.agency, _end(data.until), data.approval))

    @post("/invitations/propose", status_code=201, operation_id="proposeInvitation", responses=ACTING)
    async def propose(data: JSONBody[ProposingInvitation], access: By) -> Proposal:
        """Propose an invitation to a role that answers for others: another person has to say yes, and a day has to pass."""
        return await invites.propose(access, data.role, data.agency, _end(data.until), data.reason)

    @post("/invitations/again", status_code=201, operation_id="inviteAgain", responses=ACTING)
    async def invite_again(data: JSONBody[InvitingAgain], access: By) -> Invited:
        """Invite somebody who was here before: they come in as who they are."""
        return Invited(code=await invites.invite_again(access, data.agent, _end(data.until), data.approval))

    @post("/invitations/again/propose", status_code=201, operation_id="proposeAgain", responses=ACTING)
    async def propose_again(data: JSONBody[ProposingAgain], access: By) -> Proposal:
        """Propose that somebody has a role that answers for others for longer."""
        return await invites.propose_again(access, data.agent, micros(data.until), data.reason)

    return [invite, propose, invite_again, propose_again]


def _acts(staff: Staff) -> list[HTTPRouteHandler]:
    @get("/shift", operation_id="readShift", responses=READING)
    async def shift(access: By) -> Shift | None:
        """Read the shift that you are on, if any."""
        return await staff.shift(access)

    @post("/shift", status_code=201, operation_id="signOn", responses=ACTING)
    async def sign_on(data: JSONBody[Budget], access: By) -> Shift:
        """Sign on, with a budget of alerts an hour."""
        return await staff.sign_on(access, data.budget)

    @delete("/shift", status_code=200, operation_id="signOff", responses=ACTING)
    async def sign_off(access: By) -> Shift:
        """Sign off."""
        return await staff.sign_off(access)

    return [shift, sign_on, sign_off]


part = routes
