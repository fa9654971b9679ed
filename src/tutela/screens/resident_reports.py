"""Reports of residents as pages: where and what, then what is known near by, words and a photo; and a page to follow each.

Two steps, so that whoever reports sees what is dealt with near by before they write anything, and a photo is chosen once.
"""

from __future__ import annotations

from collections.abc import Sequence
from secrets import token_hex

from litestar import Response, Router, get, post
from litestar.datastructures import UploadFile
from litestar.enums import MediaType
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from tutela.errors import BadInput, NotFound, WrongStep
from tutela.flow.rates import Rate, Rates
from tutela.model.handling import ENDED, REOPENED, HandlingStatus, NearReport, Rejection
from tutela.model.place import Address, Place
from tutela.model.reporting import Filing, Followed
from tutela.model.service import SERVICES
from tutela.model.when import DAY

from . import public
from .guard import address_of, same_site
from .languages import N_
from .problem import Asked
from .resident import WIDE, Portal, fields

LARGEST = 12_000_000
"""Bytes of a form with a photo, as phones make them."""

FILING = Rate(burst=10, each_second=1 / 30)
"""Reports from one address."""

SHOWN, LATELY = 50, 30
"""Reports that the list shows, and of how many days."""

STATUSES = {
    HandlingStatus.RECEIVED: N_("Received. A person looks at it before anybody else sees it."),
    HandlingStatus.OPEN: N_("Open: somebody looked at it, and it will be dealt with."),
    HandlingStatus.IN_PROGRESS: N_("In progress: somebody is at it."),
    HandlingStatus.CLOSED: N_("Closed."),
    HandlingStatus.DUPLICATE: N_("Somebody else reported the same."),
    HandlingStatus.REJECTED: N_("Not dealt with."),
}
REASONS = {
    Rejection.ABUSE: N_("It was abusive, or no report."),
    Rejection.PERSONAL_DATA: N_("It tells of other people what must not be passed on. Report it again without that."),
    Rejection.NO_PROBLEM: N_("Nothing was found there."),
    Rejection.ELSEWHERE: N_("It is not the city’s to deal with."),
}
UNSEEN = N_("There is no such report, or nobody has looked at it yet.")
CHOOSE = N_("Choose what is wrong, from the list.")
TOLD = (
    N_("Reports are not taken here now. Call the city instead."),
    N_("This form is not whole. Open the page again."),
    N_("What you wrote is too long. Use up to 5,000 letters."),
    N_("How we reach you is too long. Use up to 200 letters."),
    N_("The photo can't be read. Send a JPEG, PNG or WebP, or none."),
)
"""What can be wrong with a report, as it is told where it is filed."""


def routes(here: Portal) -> Router:
    """The router that the app mounts."""
    rates = Rates(here.reporting.handlings.clock, acts=FILING)
    return Router(
        "/resident",
        route_handlers=[*_filing(here, rates), *_public(here), *_following(here, rates)],
        include_in_schema=False,
        exception_handlers=public.handlers(here.install.city),
        request_max_body_size=LARGEST,
    )


def _filing(here: Portal, rates: Rates) -> list[HTTPRouteHandler]:
    @get("/report")
    async def form(request: Asked) -> Response[str]:
        """The first step: what and where."""
        return _first(here, request, {"category": request.query_params.get("category", "")})

    @post("/report", status_code=200)
    async def sent(request: Asked) -> Response[str]:
        """The second step, or the end of it."""
        same_site(request)
        here.rates.take(address_of(request), "act")
        said = await fields(request)
        try:
            _chosen(said)
            found = await here.place(said)
        except BadInput as wrong:
            return _first(here, request, said, wrong.message, 400)
        if said.get("step") != "send":
            return await _second(here, request, said, found)
        rates.take(address_of(request), "act")
        try:
            return await _sent(here, request, said, found[0].place)
        except BadInput as wrong:
            return await _second(here, request, said, found, wrong.message)

    return [form, sent]


def _chosen(said: dict[str, str]) -> None:
    if said.get("category") not in SERVICES:
        raise BadInput(CHOOSE)


def _first(here: Portal, request: Asked, said: dict[str, str], wrong: str = "", status: int = 200) -> Response[str]:
    return here.page(request, "report.html", status, said=said, wrong=wrong, services=SERVICES.values())


async def _second(
    here: Portal, request: Asked, said: dict[str, str], found: Sequence[Address], wrong: str = ""
) -> Response[str]:
    near: list[NearReport] = [*await here.reporting.handlings.near(said["category"], found[0].place)]
    return here.page(
        request,
        "report_more.html",
        400 if wrong else 200,
        said=said,
        wrong=wrong,
        service=SERVICES[said["category"]],
        where=found[0],
        others=[*found[1:]],
        near=near,
        picture=await here.picture(request, found[0]),
        metres=round(WIDE, 1),
        key=said.get("key") or token_hex(16),
    )


async def _sent(here: Portal, request: Asked, said: dict[str, str], place: Place) -> Response[str]:
    form = await request.form()
    photo = form.get("photo")
    sent = await here.reporting.file(
        Filing(
            category=said["category"],
            place=place,
            words=said.get("words", ""),
            contact=said.get("contact", ""),
            photo=await photo.read() if isinstance(photo, UploadFile) and photo.filename else b"",
            blur=said.get("blur") == "yes",
            key=said.get("key", ""),
        )
    )
    location = f"/resident/reports/{sent.number}/{sent.secret}?sent=yes"
    return Response("", status_code=303, headers={"Location": location}, media_type=MediaType.HTML)


def _public(here: Portal) -> list[HTTPRouteHandler]:
    handlings = here.reporting.handlings

    @get("/reports")
    async def listed(request: Asked) -> Response[str]:
        """What others reported, as far as a person has looked at it."""
        here.rates.take(address_of(request), "act")
        now = here.now
        found = await handlings.public(now - LATELY * DAY, now + DAY, SHOWN)
        return here.page(request, "reports.html", found=found, services=SERVICES, statuses=STATUSES)

    @get("/reports/{number:str}")
    async def one(request: Asked, number: FromPath[str]) -> Response[str]:
        """One of them."""
        here.rates.take(address_of(request), "act")
        try:
            found = await handlings.seen(number)
        except NotFound as unknown:
            raise NotFound(UNSEEN) from unknown
        return here.page(request, "reports.html", found=[found], services=SERVICES, statuses=STATUSES)

    return [listed, one]


def _following(here: Portal, rates: Rates) -> list[HTTPRouteHandler]:
    @get("/reports/{number:str}/{secret:str}")
    async def follow(request: Asked, number: FromPath[str], secret: FromPath[str]) -> Response[str]:
        """What becomes of a report, for whoever sent it."""
        here.rates.take(address_of(request), "act")
        return _followed(here, request, secret, await here.reporting.follow(number, secret))

    @post("/reports/{number:str}/{secret:str}", status_code=200)
    async def again(request: Asked, number: FromPath[str], secret: FromPath[str]) -> Response[str]:
        """It is not over."""
        same_site(request)
        rates.take(address_of(request), "act")
        said = await fields(request)
        wrong, status = "", 200
        try:
            await here.reporting.reopen(number, secret, said.get("why", ""))
        except (BadInput, WrongStep) as no:
            wrong, status = no.message, no.status
        return _followed(here, request, secret, await here.reporting.follow(number, secret), wrong, status)

    return [follow, again]


def _followed(
    here: Portal, request: Asked, secret: str, found: Followed, wrong: str = "", status: int = 200
) -> Response[str]:
    one = found.handling
    return here.page(
        request,
        "followed.html",
        status,
        one=one,
        history=found.history,
        secret=secret,
        wrong=wrong,
        sent=request.query_params.get("sent") == "yes",
        service=SERVICES.get(one.category),
        statuses=STATUSES,
        reasons=REASONS,
        may_reopen=one.status in ENDED and here.now <= one.changed + REOPENED,
    )


part = routes
