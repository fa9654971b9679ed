"""What two people decide: over the API, and as a page on which people read what was proposed, and vote."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from functools import partial
from typing import Annotated, Any

import msgspec
from litestar import Response, Router, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody

from tutela.errors import TutelaError
from tutela.flow.approve import WORDS
from tutela.flow.approve_acts import ApprovalActs, Shown
from tutela.model.access import Access
from tutela.model.noun import Noun
from tutela.model.people import Role

from . import glass, paper
from .console import Console
from .eyes import Eyes
from .guard import SIGNED_IN, By, Guard
from .problem import ACTING, READING, Asked
from .why import system_of

APPROVALS = "/approvals"
VOTES = frozenset({Role.SUPERVISOR, Role.PRIVACY_OFFICER})
"""Who is offered to vote. The policies decide."""

LARGEST = 100_000
"""Bytes of a form."""

WORDS_OF = {"None": "none", "True": "yes", "False": "no"}
"""Values of JSON that are no words."""

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=WORDS, pattern=r"\S")]

act = partial(post, status_code=200, tags=["approvals"], responses=ACTING)


class Voting(Noun, frozen=True, kw_only=True):
    """Yes or no, and why."""

    yes: bool
    reason: Text


class Withdrawing(Noun, frozen=True, kw_only=True):
    """Why a proposal is wanted no more."""

    reason: Text


def routes(acts: ApprovalActs, here: Console, guard: Guard) -> Router:
    """The router that the app mounts."""
    api = Router("/v1/approvals", route_handlers=_api(acts), dependencies=guard.dependencies, security=SIGNED_IN)
    people = Router(
        APPROVALS,
        route_handlers=_pages(acts, here, guard),
        include_in_schema=False,
        exception_handlers=paper.HANDLERS,
        request_max_body_size=LARGEST,
    )
    return Router("/", route_handlers=[api, people])


def _api(acts: ApprovalActs) -> list[HTTPRouteHandler]:
    @get("/", operation_id="readApprovals", tags=["approvals"], responses=READING)
    async def listed(access: By) -> list[Shown]:
        """Read what was proposed, the newest first, with the votes that you may see."""
        return list(await acts.listed(access))

    @get("/{approval:str}", operation_id="readApproval", tags=["approvals"], responses=READING)
    async def one(access: By, approval: FromPath[str]) -> Shown:
        """Read one proposal."""
        return await acts.one(access, approval)

    @act("/{approval:str}/vote", operation_id="vote")
    async def vote(access: By, approval: FromPath[str], data: JSONBody[Voting]) -> Shown:
        """Vote on what somebody else proposed, once. A no ends it, also while it cools off."""
        return await acts.vote(access, approval, yes=data.yes, reason=data.reason)

    @act("/{approval:str}/withdraw", operation_id="withdraw")
    async def withdraw(access: By, approval: FromPath[str], data: JSONBody[Withdrawing]) -> Shown:
        """Withdraw what you proposed."""
        return await acts.withdraw(access, approval, data.reason)

    return [listed, one, vote, withdraw]


def _pages(acts: ApprovalActs, here: Console, guard: Guard) -> list[HTTPRouteHandler]:
    @get("/")
    async def page(request: Asked) -> Response[str]:
        """What was proposed, and forms to vote on it."""
        me = await guard.person(request, opens=True)
        access = system_of(me)
        found = await acts.listed(access)
        eyes = Eyes(
            me=await here.staff.named(me.agent),
            now=here.staff.ledger.now,
            zone=here.install.zone,
            sentences=here.sentences,
        )
        response = paper.page(
            "approvals.html",
            eyes=eyes,
            found=[(one, list(lines(msgspec.json.decode(one.proposal.body)))) for one in found],
            votes=me.agent.role in VOTES,
            glass=await glass.noticed(here.glass, access, here.install.zone),
            purpose=access.purpose,
            basis=access.legal_basis,
            city=here.install.city,
            says=paper.said(request),
        )
        response.delete_cookie(paper.SAYS)
        return response

    return [page, *(_form(acts, guard, verb) for verb in VERBS)]


def _form(acts: ApprovalActs, guard: Guard, verb: str) -> HTTPRouteHandler:
    @post(f"/{{approval:str}}/{verb}", status_code=200)
    async def decide(request: Asked, approval: FromPath[str]) -> Response[str]:
        """Vote, or withdraw."""
        await guard.whose(request)
        reason = str((await request.form()).get("reason", ""))
        try:
            access = system_of(await guard.person(request))
            return paper.go(APPROVALS, await VERBS[verb](acts, access, approval, reason))
        except TutelaError as wrong:
            return paper.go(APPROVALS, f"Not done: {wrong.message.removesuffix('.')}.")

    return decide


async def _yes(acts: ApprovalActs, access: Access, id_: str, reason: str) -> str:
    return _voted("yes", await acts.vote(access, id_, yes=True, reason=reason))


async def _no(acts: ApprovalActs, access: Access, id_: str, reason: str) -> str:
    return _voted("no", await acts.vote(access, id_, yes=False, reason=reason))


async def _withdraw(acts: ApprovalActs, access: Access, id_: str, reason: str) -> str:
    await acts.withdraw(access, id_, reason)
    return "Withdrawn."


def _voted(what: str, seen: Shown) -> str:
    return f"You said {what}. The proposal is {seen.stage}{f': {seen.lacks}' if seen.lacks else ''}."


VERBS: Mapping[str, Callable[[ApprovalActs, Access, str, str], Awaitable[str]]] = {
    "yes": _yes,
    "no": _no,
    "withdraw": _withdraw,
}
"""The buttons of the page."""


def lines(body: Any, path: str = "") -> Iterator[tuple[str, str]]:  # noqa: ANN401  any JSON
    """What would be done, field by field, as people read it."""
    if isinstance(body, Mapping):
        for name, value in body.items():
            yield from lines(value, f"{path}, {name}" if path else name)
    elif isinstance(body, list):
        yield path, "; ".join(map(str, body)) or "none"
    else:
        yield path, WORDS_OF.get(repr(body), str(body))


part = routes
