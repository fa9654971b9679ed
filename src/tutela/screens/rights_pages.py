"""Requests as pages: the form that anybody fills in, how a request stands, and the list of those who answer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable
from datetime import timedelta
from zoneinfo import ZoneInfo

from litestar import Response, Router, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from tutela.errors import BadInput, NotFound, TutelaError
from tutela.flow.rights import SHORT, Decision
from tutela.model.access import Access
from tutela.model.rights import EXEMPTIONS, OVER, Claim, Right, RightsStatus
from tutela.model.when import moment

from . import glass, paper
from .guard import same_site
from .problem import Asked
from .rights import OUTCOMES, Desk

PURPOSE, BASIS = "rights-request", "LegalObligation"
LARGEST = 100_000
"""Bytes of a form."""

SAYS = {
    Right.ACCESS: "Tell me what is kept of me, and give me a copy",
    Right.ERASURE: "Erase what is kept of me",
    Right.RECTIFICATION: "Put right what is kept of me",
    Right.OBJECTION: "I object to what is done with it",
    Right.CONTEST: "I contest a decision or an alert about me: a person should look at it again",
}
Fields = dict[str, str]


def pages(here: Desk) -> Router:
    """The router that the app mounts."""
    return Router(
        "/requests",
        route_handlers=[*_anybody(here), _list(here), *_acts(here)],
        include_in_schema=False,
        exception_handlers=paper.HANDLERS,
        request_max_body_size=LARGEST,
    )


def _anybody(here: Desk) -> list[HTTPRouteHandler]:
    @get("/{reference:str}")
    async def form(request: Asked, reference: FromPath[str]) -> Response[str]:
        """The form for a new request, or for how one stands. It shows nothing that is kept. `?right=` and `?record=` are filled in."""
        asked = {name: request.query_params.get(name, "")[:SHORT] for name in ("right", "record")}
        return _page(here, reference, said=asked)

    @post("/{reference:str}", status_code=200)
    async def sent(request: Asked, reference: FromPath[str]) -> Response[str]:
        """File one (`new`), or see how one stands, with its secret."""
        same_site(request)
        here.counted(request)
        said = await _form(request)
        try:
            if reference == "new":
                filed = await here.rights.file(_right(said), _claim(said))
                return _page(here, filed.reference, filed=filed, status=201)
            named = said.get("reference", "") if reference == "status" else reference
            stands = await here.rights.status(named, said.get("secret", ""))
        except (BadInput, NotFound) as wrong:
            return _page(here, reference, said=said, says=wrong.message, status=wrong.status)
        return _page(here, reference, stands=stands)

    return [form, sent]


def _list(here: Desk) -> HTTPRouteHandler:
    @get("/")
    async def listed(request: Asked) -> Response[str]:
        """All requests, those that press first; the one that somebody opens (`?open=`) with what its filer wrote and what to do about it."""
        person = await here.guard.person(request, opens=True)
        access = Access(agent=person.agent, purpose=PURPOSE, legal_basis=BASIS, factor=person.factor)
        found = await here.acts.listed(access)
        wanted = [one.id for one in found if one.open and one.id == request.query_params.get("open")]
        opened = {id_: await here.acts.opened(access, id_) for id_ in wanted}
        now = here.rights.clock()
        response = paper.page(
            "requests.html",
            city=here.city,
            day=_days(here),
            found=found,
            glass=await glass.noticed(here.guard.glass, access, here.rights.zone),
            opened=opened,
            now=now,
            exemptions=EXEMPTIONS.values(),
            outcomes=OUTCOMES,
            says=paper.said(request),
        )
        response.delete_cookie(paper.SAYS)
        return response

    return listed


def _acts(here: Desk) -> list[HTTPRouteHandler]:
    async def done(request: Asked, reference: str, do: Callable[[Access, Fields], Awaitable[object]]) -> Response[str]:
        await here.guard.whose(request)
        said = await _form(request)
        try:
            person = await here.guard.person(request)
            await do(Access(agent=person.agent, purpose=PURPOSE, legal_basis=BASIS, factor=person.factor), said)
        except TutelaError as wrong:
            written = said.get("how") or said.get("reason") or said.get("reasons") or ""
            kept = f" You wrote: {written}" if written else ""
            return paper.go("/requests", f"Not done: {wrong.message}.{kept}")
        return paper.go("/requests", f"Done, and written down under your id: {reference}.")

    @post("/{reference:str}/identity", status_code=200)
    async def identity(request: Asked, reference: FromPath[str]) -> Response[str]:
        """It was checked who asks."""
        return await done(
            request, reference, lambda access, said: here.acts.identify(access, reference, said.get("how", ""))
        )

    @post("/{reference:str}/extension", status_code=200)
    async def extension(request: Asked, reference: FromPath[str]) -> Response[str]:
        """It takes longer."""
        return await done(
            request, reference, lambda access, said: here.acts.extend(access, reference, said.get("reason", ""))
        )

    @post("/{reference:str}/decision", status_code=200)
    async def decision(request: Asked, reference: FromPath[str]) -> Response[str]:
        """It ends."""
        return await done(request, reference, lambda access, said: here.acts.decide(access, reference, _decision(said)))

    return [identity, extension, decision]


def _page(
    here: Desk, reference: str, *, status: int = 200, says: str = "", said: Fields | None = None, **shown: object
) -> Response[str]:
    known = {"filed": None, "stands": None} | shown
    return paper.page(
        "request.html",
        status,
        city=here.city,
        day=_days(here),
        reference=reference[:40],
        rights=SAYS,
        over=OVER,
        says=says,
        said=defaultdict(str, said or {}),
        **known,
    )


async def _form(request: Asked) -> Fields:
    return {name: value for name, value in (await request.form()).items() if isinstance(value, str)}


def _right(said: Fields) -> Right:
    if said.get("right", "") not in set(Right):
        raise BadInput("choose what you ask for, from the list")
    return Right(said["right"])


def _claim(said: Fields) -> Claim:
    return Claim(
        name=said.get("name", ""),
        contact=said.get("contact", ""),
        words=said.get("words", ""),
        names=tuple(said.get("names", "").splitlines()),
        phones=tuple(said.get("phones", "").splitlines()),
        record=said.get("record", ""),
    )


def _decision(said: Fields) -> Decision:
    if said.get("outcome", "") not in set(RightsStatus):
        raise BadInput("choose how it ends, from the list")
    return Decision(
        outcome=RightsStatus(said["outcome"]),
        reasons=said.get("reasons", ""),
        exemption=said.get("exemption", ""),
        complain=said.get("complain", ""),
    )


def _days(here: Desk) -> Callable[[int], str]:
    """The day in the city; of the end of a time, the last day in it."""
    zone = ZoneInfo(here.rights.zone)
    return lambda at: (moment(at) - timedelta(microseconds=1)).astimezone(zone).strftime("%Y-%m-%d")
