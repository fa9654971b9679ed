"""Cases as pages: which there are, and one with its records and what they name, as lists that a keyboard and a screen reader go through.

What is searched is sent as a form, so that no word of it stands in an address.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from litestar import Response, Router, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from tutela.errors import BadInput, TutelaError
from tutela.flow.explain import Sentences
from tutela.model.access import Access
from tutela.model.install import Install
from tutela.model.link import EntityKind, Graph, Item

from . import glass, paper
from .cases import Aid
from .eyes import Eyes
from .guard import Guard
from .problem import Asked
from .why import access_of

LARGEST = 20_000
"""Bytes of a form."""

ANSWERS = {"yes": True, "no": False}


@dataclass(frozen=True, slots=True)
class Named:
    """Something that is named, and where: the links with their records, in the order of time."""

    kind: str
    name: str
    links: tuple[tuple[object, Item], ...]


@dataclass(frozen=True, slots=True)
class CasePages:
    """What the pages stand on."""

    aid: Aid
    sentences: Sentences
    install: Install

    def page(self, template: str, access: Access, says: str = "", /, **about: object) -> Response[str]:
        """One of them."""
        eyes = Eyes(me=access.agent, now=self.now, zone=self.install.zone, sentences=self.sentences)
        shown = {"eyes": eyes, "city": self.install.city, "says": says}
        shown |= {"purpose": access.purpose, "basis": access.legal_basis}
        response = paper.page(template, **shown, **about)
        response.delete_cookie(paper.SAYS)
        return response

    async def seen(self, guard: Guard, access: Access) -> dict[str, object]:
        """Who broke the glass."""
        return {"glass": await glass.noticed(guard.glass, access, self.install.zone)}

    @property
    def now(self) -> int:
        """The time."""
        return self.aid.investigations.ledger.now


def routes(here: CasePages, guard: Guard) -> Router:
    """The router that the app mounts."""
    return Router(
        "/cases",
        route_handlers=[*_reads(here, guard), *_acts(here, guard)],
        exception_handlers=paper.HANDLERS,
        request_max_body_size=LARGEST,
        include_in_schema=False,
    )


def _reads(here: CasePages, guard: Guard) -> list[HTTPRouteHandler]:
    @get("/")
    async def listed(request: Asked) -> Response[str]:
        """The cases that there are for this person."""
        access = access_of(await guard.person(request, opens=True))
        cases = await here.aid.acts.listed(access)
        return here.page(
            "cases.html", access, paper.said(request), cases=cases, now=here.now, **await here.seen(guard, access)
        )

    @get("/{case:str}")
    async def one(request: Asked, case: FromPath[str]) -> Response[str]:
        """One of them, with all that is in it."""
        access = access_of(await guard.person(request, opens=True))
        of, graph = await here.aid.investigations.read(access, case)
        about = {"case": of, "graph": graph, "named": named(graph), "words": "", "kinds": tuple(EntityKind)}
        return here.page("case.html", access, paper.said(request), **about, **await here.seen(guard, access))

    @post("/{case:str}/search", status_code=200)
    async def search(request: Asked, case: FromPath[str]) -> Response[str]:
        """What says so."""
        access, form = await _form(request, guard)
        words = form.get("words", "")
        inside = here.aid.investigations
        of = await inside.cases.shown(await inside.entered(access, case, "search in "))
        try:
            graph, says = await inside.search(access, case, words, form.get("reason", "")), ""
        except TutelaError as wrong:
            graph, says = Graph(items=(), entities=(), links=()), f"Not searched: {wrong.message}"
        about = {"case": of, "graph": graph, "named": named(graph), "words": words, "kinds": tuple(EntityKind)}
        return here.page("case.html", access, says, **about, **await here.seen(guard, access))

    return [listed, one, search]


def _acts(here: CasePages, guard: Guard) -> list[HTTPRouteHandler]:
    @post("/{case:str}/approve", status_code=200)
    async def approve(request: Asked, case: FromPath[str]) -> Response[str]:
        """Say yes to what another supervisor asked for."""
        access, _ = await _form(request, guard)
        try:
            await here.aid.acts.approve(access, case)
        except TutelaError as wrong:
            return paper.go("/cases", f"Not approved: {wrong.message}.")
        return paper.go("/cases", "Approved: its members may look into it now.")

    @post("/{case:str}/tag", status_code=200)
    async def tag(request: Asked, case: FromPath[str]) -> Response[str]:
        """Say that a record names something."""
        access, form = await _form(request, guard)
        await here.aid.investigations.entered(access, case, "tag in ")
        try:
            kind = _one_of(form.get("kind", ""), tuple(EntityKind))
            inside = here.aid.investigations
            await inside.tag(access, case, form.get("record", ""), EntityKind(kind), form.get("name", ""))
        except TutelaError as wrong:
            return paper.go(f"/cases/{case}", f"Not tagged: {wrong.message}.")
        return paper.go(f"/cases/{case}", "Tagged. Two others say whether it is so.")

    @post("/{case:str}/answer/{link:str}", status_code=200)
    async def answer(request: Asked, case: FromPath[str], link: FromPath[str]) -> Response[str]:
        """Say whether a link is so."""
        access, form = await _form(request, guard)
        await here.aid.investigations.entered(access, case, "vote in ")
        try:
            said = ANSWERS[_one_of(form.get("answer", ""), tuple(ANSWERS))]
            await here.aid.investigations.vote(access, case, link, confirms=said)
        except TutelaError as wrong:
            return paper.go(f"/cases/{case}", f"Not answered: {wrong.message}.")
        return paper.go(f"/cases/{case}", "Answered. What others say you see when two have said it.")

    return [approve, tag, answer]


async def _form(request: Asked, guard: Guard) -> tuple[Access, Mapping[str, str]]:
    access = access_of(await guard.person(request))
    return access, {name: value for name, value in (await request.form()).items() if isinstance(value, str)}


def _one_of(said: str, known: tuple[str, ...]) -> str:
    if said not in known:
        raise BadInput(f"{said[:40]!r} is none of: {', '.join(known)}")
    return said


def named(graph: Graph) -> list[Named]:
    """What is named, with each record that says it: the graph as lists, entities as they come up in time."""
    items = {item.id: item for item in graph.items}
    found = [
        Named(
            kind=one.kind,
            name=one.name,
            links=tuple((link, items[link.record]) for link in graph.links if link.entity == one.id),
        )
        for one in graph.entities
    ]
    return [one for one in found if one.links]


part = routes
