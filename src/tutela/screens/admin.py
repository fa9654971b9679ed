"""What keeps the system running, as pages: all of it by role, sources added without a file, rules tried before they are armed, and what is kept how long."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import partial

from litestar import Response, Router, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody

from tutela.errors import TutelaError
from tutela.flow.read_rules import On, RuleReads
from tutela.flow.retention import RetentionReads
from tutela.flow.rules import read
from tutela.flow.source_acts import Added, Adding, Reached, SourceActs
from tutela.model.install import Install
from tutela.model.people import SignedIn
from tutela.policy.purposes import LEGAL_BASES, PURPOSES

from . import admin_index, glass, look, paper
from .adding import Fields, adding, number
from .guard import SIGNED_IN, By, Guard
from .problem import ACTING, READING, Asked
from .why import access_of, system_of

LARGEST = 100_000
"""Bytes of a form."""

act = partial(post, status_code=201, tags=["register"], responses=ACTING)


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminDesk:
    """What these pages stand on. `parts` are those that connect to something, `standards` those that read what comes."""

    sources: SourceActs
    retention: RetentionReads
    rules: RuleReads
    install: Install
    parts: tuple[str, ...]
    standards: tuple[str, ...]


def routes(here: AdminDesk, guard: Guard) -> Router:
    """The router that the app mounts."""
    data = Router("/v1/sources", route_handlers=_data(here), dependencies=guard.dependencies, security=SIGNED_IN)
    people = Router(
        "/admin",
        route_handlers=[_index(here, guard), *_sources(here, guard), _retention(here, guard), *_rules(here, guard)],
        include_in_schema=False,
        exception_handlers=paper.HANDLERS,
        request_max_body_size=LARGEST,
    )
    return Router("/", route_handlers=[data, people])


def _data(here: AdminDesk) -> list[HTTPRouteHandler]:
    @act("/add", operation_id="addSource")
    async def add(access: By, data: JSONBody[Adding]) -> Added:
        """Add a source: its entry, what it measures, and how it is reached. Its token is shown once. One with data of people takes two."""
        return await here.sources.add(access, data)

    @get("/connections", operation_id="readConnections", tags=["register"], responses=READING)
    async def reached(access: By) -> list[Reached]:
        """Read how each source is reached, without what is secret, and how that is doing."""
        return list(await here.sources.listed(access))

    return [add, reached]


def _index(here: AdminDesk, guard: Guard) -> HTTPRouteHandler:
    @get("/")
    async def shown(request: Asked) -> Response[str]:
        """All pages there are for this person's role."""
        person = await guard.person(request, opens=True)
        groups = admin_index.of(person.agent.role)
        return await _page(here, guard, person, "admin.html", groups=groups, me=person.agent)

    return shown


def _sources(here: AdminDesk, guard: Guard) -> list[HTTPRouteHandler]:
    async def page(person: SignedIn, said: Fields, status: int = 200, **about: object) -> Response[str]:
        found = await here.sources.listed(system_of(person))
        choices = {
            "purposes": PURPOSES.values(),
            "bases": LEGAL_BASES,
            "parts": here.parts,
            "standards": here.standards,
        }
        shown = {"added": None, "wrong": ""} | choices | about
        words = defaultdict(str, said)
        return await _page(here, guard, person, "sources.html", status, found=found, said=words, **shown)

    @get("/sources")
    async def listed(request: Asked) -> Response[str]:
        """The sources, how they are reached, and a form for a new one."""
        return await page(
            await guard.person(request, opens=True), {"way": "sends", "part": "broker", "standard": "topics"}
        )

    @post("/sources", status_code=200)
    async def add(request: Asked) -> Response[str]:
        """Add one. Its token is shown once, on the answer itself."""
        person = await guard.person(request)
        said = {name: value for name, value in (await request.form()).items() if isinstance(value, str)}
        try:
            added = await here.sources.add(system_of(person), adding(said))
        except TutelaError as wrong:
            return await page(person, said, wrong.status, wrong=wrong.message)
        return await page(person, {}, added=added)

    return [listed, add]


def _retention(here: AdminDesk, guard: Guard) -> HTTPRouteHandler:
    @get("/retention")
    async def shown(request: Asked) -> Response[str]:
        """What is kept how long, measured."""
        person = await guard.person(request, opens=True)
        found = await here.retention.look(system_of(person))
        return await _page(here, guard, person, "retention.html", found=found)

    return shown


def _rules(here: AdminDesk, guard: Guard) -> list[HTTPRouteHandler]:
    async def page(person: SignedIn, said: Fields, status: int = 200, **about: object) -> Response[str]:
        found = await here.rules.in_force(access_of(person))
        shown = {"tried": None, "wrong": "", "found": found, "said": defaultdict(str, said)} | about
        return await _page(here, guard, person, "rules.html", status, title=look.title, **shown)

    @get("/rules")
    async def listed(request: Asked) -> Response[str]:
        """The rules in force, and a form to try one on recorded days."""
        return await page(await guard.person(request, opens=True), {"days": "1", "each": "3"})

    @post("/rules", status_code=200)
    async def tried(request: Asked) -> Response[str]:
        """Try one. Nothing is changed."""
        person = await guard.person(request)
        said = {name: value for name, value in (await request.form()).items() if isinstance(value, str)}
        try:
            on = On(days=number(said, "days", 0.01, 31), each=number(said, "each", 0.1, 600))
            found = await here.rules.tried(access_of(person), read(said.get("rule", "")), on)
        except TutelaError as wrong:
            return await page(person, said, wrong.status, wrong=wrong.message)
        return await page(person, said, tried=found)

    return [listed, tried]


async def _page(
    here: AdminDesk, guard: Guard, person: SignedIn, template: str, status: int = 200, **about: object
) -> Response[str]:
    access, zone = system_of(person), here.install.zone
    now = guard.staff.ledger.now
    shown = {
        "city": here.install.city,
        "clock": lambda at: look.clock(at, zone, now),
        "ago": lambda at: look.ago(at, now),
        "day": lambda at: look.day(at, zone),
        "glass": await glass.noticed(guard.glass, access, zone),
        "purpose": access.purpose,
        "basis": access.legal_basis,
    }
    return paper.page(template, status, **(shown | about))


part = routes
