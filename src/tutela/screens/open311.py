"""Open311 GeoReport v2, both ways over the same reports as the portal's: what can be reported, reports of others, and a new one.

What comes in is taken as the portal takes it; what goes out was looked at by a person. A photo's address (`media_url`) is not fetched.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from secrets import token_hex

from litestar import Response, Router, get, post
from litestar.exceptions import HTTPException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from tutela.errors import BadInput, NotFound, TutelaError
from tutela.flow.rates import Rates
from tutela.model.handling import UNDER_WAY, Handling
from tutela.model.reporting import PORTAL, Filing
from tutela.model.service import SERVICES
from tutela.model.when import DAY, parse
from tutela.standards import open311

from .guard import address_of
from .problem import Asked, come_again
from .resident import FORM, Portal, fields
from .resident_reports import FILING

MOST, USUAL = 200, 50
"""Requests of a page."""

AT_ONCE = 10
"""Requests that are asked for by their numbers."""

SPAN = 90 * DAY
"""The longest time that one question is about (GeoReport v2)."""

Identify = Callable[[str], Awaitable[str]]
"""The source whose token that is; raises Quarantined when there is none."""

CONTACTS = ("email", "phone")


@dataclass(frozen=True, slots=True)
class _Endpoint:
    """What the routes stand on. `anonymous` counts reports by address."""

    portal: Portal
    identify: Identify
    anonymous: Rates

    async def requests(self, asked: Asked) -> list[open311.Row]:
        """Those that are asked for, newest first, a page at a time."""
        query = asked.query_params
        if ids := query.get("service_request_id", ""):
            return [row for one in ids.split(",")[:AT_ONCE] for row in await self.one(one, must=False)]
        until = _when(query.get("end_date"), self.portal.now + DAY)
        since = _when(query.get("start_date"), until - SPAN)
        if not since < until <= since + SPAN + DAY:
            raise BadInput("start_date lies before end_date, by 90 days at most")
        size, page = _whole(query.get("page_size"), USUAL, MOST), _whole(query.get("page"), 1, 10_000)
        codes, statuses = query.get("service_code", ""), query.get("status", "")
        found = await self.portal.reporting.handlings.public(
            since, until, size, after=(page - 1) * size, fits=lambda one: _fits(one, codes, statuses)
        )
        return [open311.request(one) for one in found]

    async def one(self, number: str, *, must: bool = True) -> list[open311.Row]:
        """One of them; raises NotFound when it is not there for everybody."""
        try:
            return [open311.request(await self.portal.reporting.handlings.seen(number))]
        except NotFound:
            if must:
                raise
            return []

    async def take(self, asked: Asked) -> list[open311.Row]:
        """Take a report."""
        said = await fields(asked)
        key = said.get("api_key") or asked.query_params.get("api_key", "")
        self.anonymous.take(address_of(asked), "act")  # also with a key: it could be guessed else
        source = await self.identify(key) if key else PORTAL.name
        place = {"lat": said.get("lat", ""), "lon": said.get("long", ""), "where": said.get("address_string", "")}
        found = await self.portal.place(place)
        sent = await self.portal.reporting.file(
            Filing(
                category=said.get("service_code", ""),
                place=found[0].place,
                words=said.get("description", ""),
                contact=", ".join(said[name] for name in CONTACTS if said.get(name)),
                key=token_hex(16),
            ),
            source,
        )
        return open311.taken(sent.number, f"{self.portal.site}/resident/reports/{sent.number}/{sent.secret}")


def routes(portal: Portal, identify: Identify) -> Router:
    """The router that the app mounts."""
    here = _Endpoint(portal, identify, Rates(portal.reporting.handlings.clock, acts=FILING))
    return Router(
        "/open311",
        route_handlers=_handlers(here),
        include_in_schema=False,
        exception_handlers={TutelaError: _wrong, HTTPException: _wrong},
        request_max_body_size=FORM,
    )


def _handlers(here: _Endpoint) -> list[HTTPRouteHandler]:
    @get("/{name:str}")
    async def discovery(name: FromPath[str]) -> Response[bytes]:
        """Where the service is."""
        what, form = _named(name)
        _among(what, ("discovery",))
        install = here.portal.install
        return _answer(open311.discovery(install.city, here.portal.site, install.at), form, "discovery")

    @get("/v2/{name:str}")
    async def many(request: Asked, name: FromPath[str]) -> Response[bytes]:
        """What can be reported, or what others reported."""
        here.portal.rates.take(address_of(request), "act")
        what, form = _named(name)
        _among(what, ("services", "requests"))
        if what == "services":
            return _answer(open311.services(), form, "services", "service")
        return _answer(await here.requests(request), form, "service_requests", "request")

    @get("/v2/{kind:str}/{name:str}")
    async def one(request: Asked, kind: FromPath[str], name: FromPath[str]) -> Response[bytes]:
        """One of them."""
        here.portal.rates.take(address_of(request), "act")
        _among(kind, ("services", "requests"))
        which, form = _named(name)
        if kind == "requests":
            return _answer(await here.one(which), form, "service_requests", "request")
        if which not in SERVICES:
            raise NotFound(f"there is no service {which[:40]!r}; services.{form} lists those that there are")
        return _answer(open311.definition(which), form, "service_definition")

    @post("/v2/{name:str}")
    async def report(request: Asked, name: FromPath[str]) -> Response[bytes]:
        """Report something."""
        what, form = _named(name)
        _among(what, ("requests",))
        return _answer(await here.take(request), form, "service_requests", "request", 201)

    return [discovery, many, one, report]


def _answer(
    found: open311.Row | list[open311.Row], form: str, root: str, each: str = "", status: int = 200
) -> Response[bytes]:
    body = open311.written(found, form, root, each)
    return Response(body, status_code=status, media_type=open311.MEDIA[form])


def _wrong(request: Asked, wrong: TutelaError | HTTPException) -> Response[bytes]:
    """What went wrong, in the shape that GeoReport gives it."""
    form = open311.XML if request.url.path.endswith(".xml") else open311.JSON
    told, status = (
        (wrong.message, wrong.status) if isinstance(wrong, TutelaError) else (wrong.detail, wrong.status_code)
    )
    answer = _answer(open311.errors(status, told), form, "errors", "error", status)
    answer.headers.update(come_again(wrong) if isinstance(wrong, TutelaError) else {})
    return answer


def _named(name: str) -> tuple[str, str]:
    """What is asked for, and in which form."""
    what, _, form = name.rpartition(".")
    if form not in open311.MEDIA:
        raise NotFound(f"{name[:40]!r} ends in neither .json nor .xml; ask for one of the two")
    return what, form


def _among(what: str, known: tuple[str, ...]) -> None:
    if what not in known:
        raise NotFound(f"there is no {what[:40]!r} here; there are: {', '.join(known)}")


def _when(text: str | None, usual: int) -> int:
    return parse(text) if text else usual


def _whole(text: str | None, usual: int, most: int) -> int:
    if not text:
        return usual
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= most):
        raise BadInput(f"{text[:20]!r} is not a whole number from 1 to {most}")
    return int(text)


def _fits(one: Handling, codes: str, statuses: str) -> bool:
    stands = "open" if one.status in UNDER_WAY else "closed"
    return (not codes or one.category in codes.split(",")) and (not statuses or stands in statuses.split(","))


part = routes
