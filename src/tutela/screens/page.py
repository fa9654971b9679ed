"""The page at `/`: the queue, what people work on, and what the city says. Made here, and it works without a script.

With a script, `/part/…` is fetched again when the log says that something changed. Whatever is shown is read like
everything else: for a purpose, on a legal basis, decided by the policies, one event for each read.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from litestar import Response, Router, get
from litestar.datastructures import CacheControlHeader
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery
from litestar.routes import BaseRoute
from litestar.static_files import create_static_files_router
from litestar.types import ControllerRouterHandler

from tutela.errors import NotFound, TutelaError
from tutela.model.access import Access

from . import entrance, forms, glass, paper, staged, you
from .console import Console, Opened
from .eyes import Eyes
from .guard import Guard
from .honesty import honesty
from .problem import Asked, Problem, by_framework
from .sections import AGAIN, SECTIONS, Read
from .why import access_of

STATIC = Path(__file__).parent / "static"
LARGEST = 100_000
"""Bytes of a form."""


async def _glass(here: Console, access: Access, opened: Opened) -> glass.Noticed:
    del opened
    return await glass.noticed(here.glass, access, here.install.zone)


READS: dict[str, Read] = {**SECTIONS, "glass": _glass, "honesty": honesty}
"""What the page shows: its sections, and who broke the glass."""

FRESH = (*AGAIN, "glass")
"""Those that are fetched again by themselves."""


@dataclass(frozen=True, slots=True)
class Section:
    """One section of the page: what was read for it, or why it was not."""

    read: object = None
    refused: str = ""


def routes(here: Console, guard: Guard) -> Router:
    """The router that the app mounts."""
    static = create_static_files_router(
        "/static",
        router_class=_Read,
        directories=[STATIC],
        include_in_schema=False,
        cache_control=CacheControlHeader(no_cache=True),
        exception_handlers={ValueError: _no_name},
    )
    people = Router(
        "/",
        route_handlers=[
            *_pages(here, guard),
            *entrance.handlers(here, guard),
            *forms.handlers(here, guard),
            *staged.handlers(here, guard),
            *you.handlers(here, guard),
        ],
        exception_handlers=paper.HANDLERS,
        request_max_body_size=LARGEST,
    )
    return Router("/", route_handlers=[people, static], include_in_schema=False)


class _Read(Router):
    """Files are read. What a file would be like that is not read, nobody asks here."""

    def register(self, value: ControllerRouterHandler) -> list[BaseRoute]:
        whole = not isinstance(value, HTTPRouteHandler) or "HEAD" not in value.http_methods
        return super().register(value) if whole else []


def _no_name(request: Asked, wrong: ValueError) -> Response[Problem]:
    """Something that can't be the name of a file, such as one with a zero byte in it, names none."""
    del wrong
    return by_framework(request, NotFoundException("no file can have that name"))


def _pages(here: Console, guard: Guard) -> list[HTTPRouteHandler]:
    @get("/")
    async def whole(request: Asked, alert: FromQuery[str] = "", incident: FromQuery[str] = "") -> Response[str]:
        """The whole page."""
        access = access_of(await guard.person(request, opens=True))
        shown = await _show(here, access, Opened(alert=alert, incident=incident), READS)
        shown["me"] = await here.staff.named(access.agent)
        response = paper.page("page.html", says=paper.said(request), **shown)
        response.delete_cookie(paper.SAYS)
        return response

    @get("/part/{name:str}")
    async def again(
        request: Asked, name: FromPath[str], alert: FromQuery[str] = "", incident: FromQuery[str] = ""
    ) -> Response[str]:
        """One section of it again."""
        access = access_of(await guard.person(request))
        if name not in FRESH:
            raise NotFound(f"this page has no part called {name[:40]!r}; there are: {', '.join(FRESH)}")
        shown = await _show(here, access, Opened(alert=alert, incident=incident), [name])
        return paper.page(f"part/{name}.html", **shown)

    return [whole, again]


async def _show(here: Console, access: Access, opened: Opened, names: Iterable[str]) -> dict[str, object]:
    """What the templates get: these sections, and the eyes to look at them with."""
    sections = {name: await _section(here, name, access, opened) for name in names}
    eyes = Eyes(
        me=access.agent,
        now=here.reads.desk.ledger.now,
        zone=here.install.zone,
        sentences=here.sentences,
    )
    why = {"purpose": access.purpose, "basis": access.legal_basis}
    about = {"eyes": eyes, "opened": opened, "city": here.install.city, **why}
    return about | sections


async def _section(here: Console, name: str, access: Access, opened: Opened) -> Section:
    """A section that can't be read does not take the others with it."""
    try:
        return Section(read=await READS[name](here, access, opened))
    except TutelaError as wrong:
        return Section(refused=wrong.message)


part = routes
