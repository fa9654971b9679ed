"""The transparency portal: how the city watches, for everybody, without signing in and without a script.

What is told is what the register, the figures and the log's own counts say; nothing in it is about a person. Everybody can say what they think of a
capability that is published, on its page.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated
from urllib.parse import quote

from litestar import Response, Router, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, QueryParameter

from tutela.errors import BadInput, Conflict, NotFound, TooOften
from tutela.flow.watching import Watcher
from tutela.model.capability import PublicRegister, Words

from . import near, paper, public
from .guard import address_of, same_site
from .problem import Asked
from .sign import code
from .window import Window

LARGEST = 100_000
"""Bytes of a form."""


def routes(here: Window) -> Router:
    """The router that the app mounts."""
    return Router(
        "/transparency",
        route_handlers=[_front(here), *near.handlers(here), *_pages(here), _comment(here), _sign(here)],
        include_in_schema=False,
        exception_handlers=public.handlers(here.install.city),
        request_max_body_size=LARGEST,
    )


def _front(here: Window) -> HTTPRouteHandler:
    @get("/")
    async def front(request: Asked) -> Response[str]:
        """How the city watches: in numbers, all systems, near me, your rights."""
        register, signed = await here.watching.registering.public(), await here.figuring.signed()
        about = here.about(register.at)
        return public.page(
            request, "transparency/front.html", found=register, figures=signed.figures, city=here.install.city, **about
        )

    return front


def _pages(here: Window) -> list[HTTPRouteHandler]:
    @get("/source/{name:str}")
    async def source(request: Asked, name: FromPath[str]) -> Response[str]:
        """The page of a source."""
        return await _source(here, request, name)

    @get("/capability/{name:str}")
    async def capability(request: Asked, name: FromPath[str]) -> Response[str]:
        """The page of a capability."""
        answer = await _capability(here, request, name, says=paper.said(request))
        answer.delete_cookie(paper.SAYS)
        return answer

    return [source, capability]


def _comment(here: Window) -> HTTPRouteHandler:
    @post("/capability/{name:str}", status_code=200)
    async def comment(request: Asked, name: FromPath[str]) -> Response[str]:
        """Say something of a capability that is published. No account is needed."""
        same_site(request)
        text = (await request.form()).get("text", "")
        try:
            said = await here.acts.comment(address_of(request), name, text if isinstance(text, str) else "")
        except (BadInput, Conflict, NotFound, TooOften) as wrong:
            return await _capability(here, request, name, status=wrong.status, wrong=wrong.message, text=str(text))
        return paper.go(f"/transparency/capability/{quote(name, safe='')}", said.id)

    return comment


def _sign(here: Window) -> HTTPRouteHandler:
    @get("/source/{name:str}/sign")
    async def sign(
        request: Asked,
        name: FromPath[str],
        thing: Annotated[str, QueryParameter(max_length=500, description="one Thing of it")] = "",
    ) -> Response[str]:
        """A sign to print for a source, or for one Thing that speaks through it."""
        watcher, register = await here.watching.source(name)
        spot = await here.watching.thing(name, thing) if thing else None
        site = here.site or f"{request.url.scheme}://{request.url.netloc}"
        address = f"{site}/transparency/source/{quote(name, safe='')}"
        measured = spot.observed if spot else tuple(one.name for one in watcher.observed)
        return public.page(
            request,
            "transparency/sign.html",
            address=address,
            code=code(address),
            settled=bool(here.site),
            spot=spot,
            watcher=watcher,
            measured=measured,
            contacts=_contacts(_words(watcher, register)),
            city=here.install.city,
            **here.about(register.at),
        )

    return sign


async def _source(here: Window, request: Asked, name: str) -> Response[str]:
    watcher, register = await here.watching.source(name)
    words = _words(watcher, register)
    figures = (await here.figuring.signed()).figures
    wanted = set(watcher.entered.source.purposes)
    return public.page(
        request,
        "transparency/source.html",
        watcher=watcher,
        source=watcher.entered.source,
        found=register,
        words=words,
        contacts=_contacts(words),
        reads=[one for one in figures.reads if one.purpose in wanted],
        refusals=[one for one in figures.refusals if one.purpose in wanted],
        city=here.install.city,
        **here.about(register.at),
    )


async def _capability(
    here: Window, request: Asked, name: str, *, status: int = 200, says: str = "", wrong: str = "", text: str = ""
) -> Response[str]:
    one, register = await here.watching.capability(name)
    at_work = register.state_of(one)
    return public.page(
        request,
        "transparency/capability.html",
        status,
        one=one,
        found=register,
        at_work=at_work,
        words=register.words_of(one),
        unsaid=register.missing.get(one.system, ()),
        sources=[each.source for each in register.sources if set(each.source.purposes) & set(one.purposes)],
        raised=await here.watching.raised(name),
        open=at_work.open_until is not None and at_work.open_until > register.at,
        says=says,
        wrong=wrong,
        text=text,
        city=here.install.city,
        **here.about(register.at),
    )


def _words(watcher: Watcher, register: PublicRegister) -> Sequence[Words]:
    """What people say of the systems that a source is for first of all."""
    first = watcher.entered.source.purposes[:1]
    systems = {one.system for one in register.capabilities if one.purposes[:1] == first}
    return [one for one in register.words if one.system in systems]


def _contacts(words: Iterable[Words]) -> list[str]:
    """Whom to write to, as far as somebody said so."""
    return list(dict.fromkeys(one.contact_email for one in words if one.contact_email))


part = routes
