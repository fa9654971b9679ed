"""Break-glass: over the API, with buttons on the page, and as the banner that stands on every page while it lasts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Annotated

import msgspec
from litestar import Response, Router, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody

from tutela.errors import TutelaError
from tutela.flow.glass import WORDS, GlassActs
from tutela.model.access import Access
from tutela.model.glass import LONGEST, Glass
from tutela.model.noun import Noun
from tutela.model.people import Agent, Role, SignedIn

from . import look, paper
from .guard import SIGNED_IN, By, Guard
from .problem import ACTING, READING, Asked
from .why import for_life, system_of

MAY = frozenset({Role.OPERATOR, Role.SUPERVISOR})
"""Who is offered to break the glass. The policies decide."""

LARGEST = 100_000
"""Bytes of a form."""

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=WORDS, pattern=r"\S")]
Do = Callable[[GlassActs, SignedIn, str, str], Awaitable[str]]
"""What a button does with an id and a reason; gives what to say."""

act = partial(post, status_code=200, tags=["break-glass"], responses=ACTING)


class Breaking(Noun, frozen=True, kw_only=True):
    """Why somebody's life depends on it, and for how many minutes."""

    reason: Text
    minutes: Annotated[int, msgspec.Meta(ge=1, le=LONGEST)] = LONGEST


class Reviewing(Noun, frozen=True, kw_only=True):
    """Whether it was fine, and why."""

    fine: bool
    reason: Text


@dataclass(frozen=True, slots=True)
class Noticed:
    """What a page shows of it: one's own that stands, those of others, and whether one may break the glass."""

    me: Agent
    own: Glass | None
    others: tuple[Glass, ...]
    now: int
    zone: str

    @property
    def may(self) -> bool:
        """Whether to offer it."""
        return self.own is None and self.me.role in MAY

    def clock(self, at: int) -> str:
        """The time in the city."""
        return look.clock(at, self.zone, self.now)

    def who(self, glass: Glass) -> str:
        """Whose it is."""
        return look.who(glass.begun.by, self.me).capitalize()


def routes(acts: GlassActs, guard: Guard) -> Router:
    """The router that the app mounts."""
    api = Router("/v1/break-glass", route_handlers=_api(acts), dependencies=guard.dependencies, security=SIGNED_IN)
    people = Router(
        "/break-glass",
        route_handlers=[_form(acts, guard, path, do) for path, do in BUTTONS.items()],
        include_in_schema=False,
        exception_handlers=paper.HANDLERS,
        request_max_body_size=LARGEST,
    )
    return Router("/", route_handlers=[api, people])


def _api(acts: GlassActs) -> list[HTTPRouteHandler]:
    @get("/", operation_id="readBreakGlass", tags=["break-glass"], responses=READING)
    async def listed(access: By) -> list[Glass]:
        """Read who broke the glass, why, and who reviewed it."""
        return list(await acts.listed(access))

    @get("/noticed", operation_id="noticeBreakGlass", tags=["break-glass"], responses=READING)
    async def noticed_(access: By) -> list[Glass]:
        """Read what you have to see of it: your own while it stands; and where you review, all that stand or wait for it."""
        return list(await acts.noticed(access))

    @act("/", status_code=201, operation_id="breakGlass")
    async def begin(access: By, data: JSONBody[Breaking]) -> Glass:
        """Look past your agency's boundary, for life and limb, for an hour at most. Others are told at once, and review it."""
        return await acts.begin(access, data.reason, data.minutes)

    @act("/{glass:str}/end", operation_id="endBreakGlass")
    async def end(access: By, glass: FromPath[str]) -> Glass:
        """End it before its time."""
        return await acts.end(access, glass)

    @act("/{glass:str}/review", operation_id="reviewBreakGlass")
    async def review(access: By, glass: FromPath[str], data: JSONBody[Reviewing]) -> Glass:
        """Say whether what somebody else did was fine: within a day."""
        return await acts.review(access, glass, fine=data.fine, reason=data.reason)

    return [listed, noticed_, begin, end, review]


async def noticed(acts: GlassActs, access: Access, zone: str) -> Noticed:
    """What this person has to see on each page: their own that stands, and, for those who review it, that of others."""
    found, me = await acts.noticed(access), access.agent
    own = next((one for one in found if one.begun.id == access.glass), None)
    others = tuple(one for one in found if one.begun.by != me.id)
    return Noticed(me, own, others, acts.ledger.now, zone)


def _form(acts: GlassActs, guard: Guard, path: str, do: Do) -> HTTPRouteHandler:
    @post(path, status_code=200)
    async def button(request: Asked) -> Response[str]:
        """Do it, and go on to the page, which says what became of it."""
        await guard.whose(request)
        reason = str((await request.form()).get("reason", ""))
        try:
            me = await guard.person(request)
            return paper.go("/", await do(acts, me, str(request.path_params.get("glass", "")), reason))
        except TutelaError as wrong:
            return paper.go("/", f"Not done: {wrong.message.removesuffix('.')}.")

    return button


async def _begin(acts: GlassActs, me: SignedIn, id_: str, reason: str) -> str:
    del id_
    await acts.begin(for_life(me), reason)
    return "You read more for an hour now. Others see that you do, and somebody will ask you about it."


async def _end(acts: GlassActs, me: SignedIn, id_: str, reason: str) -> str:
    del reason
    await acts.end(system_of(me), id_)
    return "It is ended."


async def _review(acts: GlassActs, me: SignedIn, id_: str, reason: str, *, fine: bool) -> str:
    await acts.review(system_of(me), id_, fine=fine, reason=reason)
    return "Your review is written down."


BUTTONS: Mapping[str, Do] = {
    "/": _begin,
    "/{glass:str}/end": _end,
    "/{glass:str}/fine": partial(_review, fine=True),
    "/{glass:str}/not-fine": partial(_review, fine=False),
}

part = routes
