"""Capabilities as a page: which are at work, why one is off, by which papers; and to publish, answer, arm and stop them.

To stop one takes one button and a reason, and nothing else. What permits more than before is proposed here and decided by two.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from zoneinfo import ZoneInfo

from litestar import Response, Router, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from tutela.errors import BadInput, Refused, TutelaError
from tutela.flow.arming_acts import ArmingActs
from tutela.model.access import Access
from tutela.model.arming import Comment, Extent, Standing
from tutela.model.install import Install
from tutela.model.people import SignedIn
from tutela.model.when import moment

from . import glass, paper
from .guard import Guard
from .problem import Asked
from .why import system_of

CAPABILITIES = "/capabilities"
LARGEST = 100_000
"""Bytes of a form."""

Fields = Mapping[str, str]


def routes(acts: ArmingActs, guard: Guard, install: Install) -> Router:
    """The router that the app mounts."""

    @get("/")
    async def page(request: Asked) -> Response[str]:
        """Where each capability is, and what waits to be answered."""
        person = await guard.person(request, opens=True)
        access = system_of(person)
        found, may = await acts.listed(access), acts.may(access)
        response = paper.page(
            "capabilities.html",
            found=sorted(found, key=_pressing),
            comments=await _comments(acts, access) if may else (),
            may=may,
            day=_day(install.zone),
            city=install.city,
            purpose=access.purpose,
            basis=access.legal_basis,
            me=person.agent,
            says=paper.said(request),
            glass=await glass.noticed(guard.glass, access, install.zone),
        )
        response.delete_cookie(paper.SAYS)
        return response

    return Router(
        CAPABILITIES,
        route_handlers=[page, *(_form(acts, guard, verb) for verb in VERBS)],
        include_in_schema=False,
        exception_handlers=paper.HANDLERS,
        request_max_body_size=LARGEST,
    )


async def _comments(acts: ArmingActs, access: Access) -> tuple[Comment, ...]:
    """Those that wait for an answer; whoever may stop a capability and answers nobody sees none."""
    try:
        return tuple(await acts.comments(access))
    except Refused:
        return ()


def _form(acts: ArmingActs, guard: Guard, verb: str) -> HTTPRouteHandler:
    @post(f"/{{capability:str}}/{verb}", status_code=200)
    async def do(request: Asked, capability: FromPath[str]) -> Response[str]:
        """One act."""
        await guard.whose(request)
        said = {name: value for name, value in (await request.form()).items() if isinstance(value, str)}
        try:
            person: SignedIn = await guard.person(request)
            return paper.go(CAPABILITIES, await VERBS[verb](acts, system_of(person), capability, said))
        except TutelaError as wrong:
            written = said.get("text") or said.get("reason") or ""
            kept = f" You wrote: {written}" if written else ""
            return paper.go(CAPABILITIES, f"Not done: {wrong.message.removesuffix('.')}.{kept}")

    return do


async def _stop(acts: ArmingActs, access: Access, name: str, said: Fields) -> str:
    await acts.disarm(access, name, said.get("reason", ""))
    return f"{name} is stopped: within seconds it notices nothing more."


async def _arm(acts: ArmingActs, access: Access, name: str, said: Fields) -> str:
    await acts.arm(access, name, said.get("approval") or None)
    return f"{name} is armed, as long as its papers stand."


async def _propose(acts: ArmingActs, access: Access, name: str, said: Fields) -> str:
    made = await acts.propose(access, name, said.get("reason", ""))
    return f"Proposed: somebody else decides about it at /approvals. Its id: {made.id}"


async def _publish(acts: ArmingActs, access: Access, name: str, said: Fields) -> str:
    await acts.publish(access, name, said.get("text", ""), _extent(said))
    return f"{name} is published: residents can comment on it now."


async def _answer(acts: ArmingActs, access: Access, name: str, said: Fields) -> str:
    await acts.answer(access, said.get("comment", ""), said.get("text", ""), said.get("signed", ""))
    return f"Answered, for everybody to read, at /register under {name}."


VERBS: Mapping[str, Callable[[ArmingActs, Access, str, Fields], Awaitable[str]]] = {
    "stop": _stop,
    "arm": _arm,
    "propose": _propose,
    "publish": _publish,
    "answer": _answer,
}
"""The buttons of the page."""


def _extent(said: Fields) -> Extent:
    """How far it reaches, from a form: lists are separated by commas."""
    lists = {name: tuple(filter(None, map(str.strip, said.get(name, "").split(",")))) for name in LISTS}
    days = said.get("days", "").strip()
    if not (days.isascii() and days.isdigit() and len(days) < 6):
        raise BadInput(f"for how many days it is kept is a whole number; this is {days[:20]!r}")
    return Extent(**lists, days=int(days))


LISTS = ("areas", "purposes", "classes")


def _pressing(one: Standing) -> tuple[bool, int, str]:
    """Those that are off first, of them those with comments that wait."""
    return not one.off, -one.comments, one.name


def _day(zone: str) -> Callable[[int], str]:
    return lambda at: (moment(at).astimezone(ZoneInfo(zone))).strftime("%Y-%m-%d %H:%M")


part = routes
