"""The page about oneself: one's passkeys, and, for those whose duty it is, inviting others."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from tutela.errors import BadInput, TutelaError
from tutela.model.access import Access
from tutela.model.people import Role, SignedIn
from tutela.model.when import micros

from . import glass, paper
from .console import Console
from .eyes import Eyes
from .guard import Guard
from .problem import Asked
from .why import BASIS, system_of

YOU = "/you"
INVITE: Mapping[Role, tuple[str, tuple[Role, ...]]] = {
    Role.SUPERVISOR: ("system-operation", (Role.OPERATOR, Role.SUPERVISOR, Role.ANALYST, Role.IT)),
    Role.IT: ("system-operation", (Role.OPERATOR, Role.SUPERVISOR, Role.ANALYST, Role.IT)),
    Role.AUDITOR: ("oversight", (Role.AUDITOR, Role.PRIVACY_OFFICER)),
    Role.PRIVACY_OFFICER: ("oversight", (Role.AUDITOR, Role.PRIVACY_OFFICER)),
}
"""Who is offered to invite whom, and for which purpose. The policies decide."""


def handlers(here: Console, guard: Guard) -> list[HTTPRouteHandler]:
    """The routes; the page mounts them."""

    @get(YOU)
    async def you(request: Asked) -> Response[str]:
        """Passkeys, and a form that invites."""
        response = await _page(here, await guard.person(request, opens=True), says=paper.said(request))
        response.delete_cookie(paper.SAYS)
        return response

    @post(YOU + "/remove/{passkey:str}", status_code=200)
    async def remove(request: Asked, passkey: FromPath[str]) -> Response[str]:
        """Remove a passkey."""
        await guard.whose(request)
        try:
            await here.passkeys.remove((await guard.person(request)).agent, passkey)
        except TutelaError as wrong:
            return paper.go(YOU, f"Not done: {wrong.message}.")
        return paper.go(YOU, "Removed. Whoever came in with it is out.")

    @post(YOU + "/invite", status_code=200)
    async def invite(request: Asked) -> Response[str]:
        """Make a code. It is shown once, on the answer itself."""
        await guard.whose(request)
        form = {name: value for name, value in (await request.form()).items() if isinstance(value, str)}
        try:
            me = await guard.person(request)
            code = await _invited(here, me, form)
        except TutelaError as wrong:
            return paper.go(YOU, f"Not done: {wrong.message}.")
        return await _page(here, me, code=code)

    return [you, remove, invite]


async def _page(here: Console, me: SignedIn, *, says: str = "", code: str = "") -> Response[str]:
    named = await here.staff.named(me.agent)
    eyes = Eyes(me=named, now=here.staff.ledger.now, zone=here.install.zone, sentences=here.sentences)
    return paper.page(
        "you.html",
        eyes=eyes,
        me=named,
        factor=str(me.factor),
        own=await here.passkeys.own(me.agent),
        may=INVITE.get(me.agent.role, ("", ()))[1],
        glass=await glass.noticed(here, system_of(me)),
        city=here.install.city,
        says=says,
        code=code,
    )


async def _invited(here: Console, me: SignedIn, form: Mapping[str, str]) -> str:
    purpose, _ = INVITE.get(me.agent.role, ("system-operation", ()))
    access = Access(agent=me.agent, purpose=purpose, legal_basis=BASIS, factor=me.factor)
    ends = _end(form.get("until", ""), here.install.zone)
    known = form.get("agent", "").strip()
    if known:
        return await here.staff.invite_again(access, known, ends)
    role = form.get("role", "")
    if role not in set(Role):
        raise BadInput(f"there is no role {role[:40]!r}; choose one of: {', '.join(Role)}")
    return await here.staff.invite(access, Role(role), me.agent.agency, ends)


def _end(day: str, zone: str) -> int | None:
    """The end of a last day in the city; None for none."""
    if not day.strip():
        return None
    try:
        last = date.fromisoformat(day.strip())
        return micros(datetime.combine(last + timedelta(days=1), datetime.min.time(), ZoneInfo(zone)))
    except (ValueError, OverflowError) as wrong:
        raise BadInput(f"{day[:40]!r} is no day; write the last one like 2026-12-31") from wrong
