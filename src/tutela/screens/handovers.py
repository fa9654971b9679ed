"""A shift's work as it is handed over, and how fast help came: as data, and as pages."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from functools import partial
from typing import Annotated

import msgspec
from litestar import Response, Router, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody, QueryParameter

from tutela.errors import TutelaError
from tutela.flow.handover import WORDS, HandoverActs
from tutela.flow.handover_lines import SECTIONS, Written
from tutela.flow.kpis import KpiReads, Kpis
from tutela.model.handover import ShiftHandover
from tutela.model.install import Install
from tutela.model.noun import Noun
from tutela.model.when import iso, parse

from . import glass, look, paper
from .guard import SIGNED_IN, By, Guard, Once
from .places import Named
from .problem import ACTING, READING, Asked
from .why import BASIS, PURPOSE, access_of

Since = Annotated[
    str | None, QueryParameter(description="ISO 8601; without it, since the last handover, or for twelve hours")
]
Days = Annotated[float, QueryParameter(ge=0.01, le=31, description="how many days back")]

act = partial(post, status_code=200, tags=["shifts"], responses=ACTING)

MINUTE = 60

HEADS = {
    "open": "Incidents under way",
    "changed": "What people did",
    "waiting": "Alerts that wait",
    "shelved": "Alerts that rest, and until when",
    "units": "Units out of service",
    "sources": "Sources from which nothing comes",
    "off": "Capabilities that are off",
}


class Signing(Noun, frozen=True, kw_only=True):
    """A handover that is signed: words for the next person, and of which time it is (ISO 8601; since the last one)."""

    words: Annotated[str, msgspec.Meta(max_length=WORDS)] = ""
    since: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShiftDesk:
    """What these pages stand on."""

    acts: HandoverActs
    kpis: KpiReads
    install: Install
    named: Named


def routes(here: ShiftDesk, guard: Guard) -> Router:
    """The router that the app mounts."""
    data = Router("/v1", route_handlers=_data(here), dependencies=guard.dependencies, security=SIGNED_IN)
    people = Router(
        "/",
        route_handlers=[_page(here, guard), *_forms(here, guard), _kpis(here, guard)],
        include_in_schema=False,
        exception_handlers=paper.HANDLERS,
    )
    return Router("/", route_handlers=[data, people])


def _data(here: ShiftDesk) -> list[HTTPRouteHandler]:
    @get("/handover", operation_id="writeHandover", tags=["shifts"], responses=READING)
    async def written(access: By, since: Since = None) -> Written:
        """Read what a shift hands over, as the system writes it from the log; each line names its event."""
        return await here.acts.write(access, _moment(since))

    @get("/handovers", operation_id="readHandovers", tags=["shifts"], responses=READING)
    async def listed(access: By) -> list[ShiftHandover]:
        """Read the newest handovers that were signed, and who took them over."""
        return list(await here.acts.listed(access))

    @act("/handovers", status_code=201, operation_id="signHandover")
    async def sign(access: By, key: Once, data: JSONBody[Signing]) -> ShiftHandover:
        """Sign what the system writes now, with words for the next person."""
        return await here.acts.sign(access, data.words, key, _moment(data.since))

    @act("/handovers/{handover:str}/take", operation_id="takeHandover")
    async def take(access: By, handover: FromPath[str]) -> ShiftHandover:
        """Say that you read a handover, and go on from there."""
        return await here.acts.take(access, handover)

    @get("/kpis", operation_id="readKpis", tags=["shifts"], responses=READING)
    async def kpis(access: By, days: Days = 7.0) -> Kpis:
        """Read how fast help came, beside the lines of NFPA 1225 and 1710. What the log can't tell says so."""
        return await here.kpis.measured(access, days)

    return [written, listed, sign, take, kpis]


def _moment(since: str | None) -> int | None:
    return None if since is None else parse(since)


def _page(here: ShiftDesk, guard: Guard) -> HTTPRouteHandler:
    @get("/handover")
    async def shown(request: Asked, since: Since = None) -> Response[str]:
        """The same for people."""
        person = await guard.person(request, opens=True)
        access = access_of(person)
        written = await here.acts.write(access, _moment(since or None))
        zone = here.install.zone
        called = {one.place: await here.named(one.place) for one in written.lines if one.place}
        response = paper.page(
            "handover.html",
            city=here.install.city,
            clock=lambda at: look.clock(at, zone, written.at),
            earlier=await here.acts.listed(access),
            glass=await glass.noticed(guard.glass, access, zone),
            heads=HEADS,
            iso=iso,
            key=msgspec.json.encode(written.since).decode() + written.digest,
            me=person.agent,
            purpose=PURPOSE,
            basis=BASIS,
            says=paper.said(request),
            sections={name: [one for one in written.lines if one.section == name] for name in SECTIONS},
            title=look.title,
            where=lambda place: called.get(place) or look.where(place),
            who=lambda by: look.who(by, person.agent),
            written=written,
        )
        response.delete_cookie(paper.SAYS)
        return response

    return shown


def _forms(here: ShiftDesk, guard: Guard) -> list[HTTPRouteHandler]:
    async def done(what: Awaitable[ShiftHandover], says: str) -> Response[str]:
        try:
            await what
        except TutelaError as wrong:
            return paper.go("/handover", f"Not done: {wrong.message}.")
        return paper.go("/handover", says)

    @post("/handover", status_code=200)
    async def sign(request: Asked) -> Response[str]:
        """Sign it."""
        access = access_of(await guard.person(request))
        said = {name: value for name, value in (await request.form()).items() if isinstance(value, str)}
        signed = here.acts.sign(access, said.get("words", ""), said.get("key", ""), _moment(said.get("since") or None))
        return await done(signed, "Signed, and written down under your id.")

    @post("/handover/{handover:str}/take", status_code=200)
    async def take(request: Asked, handover: FromPath[str]) -> Response[str]:
        """Take it over."""
        access = access_of(await guard.person(request))
        return await done(here.acts.take(access, handover), "Taken over, and written down under your id.")

    return [sign, take]


def _kpis(here: ShiftDesk, guard: Guard) -> HTTPRouteHandler:
    @get("/kpis")
    async def shown(request: Asked, days: Days = 7.0) -> Response[str]:
        """How fast help came, drawn beside the lines, with a table."""
        person = await guard.person(request, opens=True)
        access = access_of(person)
        found = await here.kpis.measured(access, days)
        zone = here.install.zone
        return paper.page(
            "kpis.html",
            city=here.install.city,
            clock=lambda at: look.clock(at, zone, found.at),
            days=days,
            found=found,
            glass=await glass.noticed(guard.glass, access, zone),
            purpose=PURPOSE,
            basis=BASIS,
            seconds=_seconds,
        )

    return shown


def _seconds(took: float | None) -> str:
    """Seconds as people say them."""
    if took is None:
        return "–"
    if took < MINUTE:
        return f"{took:.1f} s".replace(".0 s", " s")
    return f"{int(took // MINUTE)} min {int(took % MINUTE)} s"


part = routes
