"""The page about oneself: one's passkeys, and, for those whose duty it is, inviting others."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from tutela.errors import BadInput, TutelaError
from tutela.flow.totp import ToShare
from tutela.model.access import Access
from tutela.model.people import Factor, Role, SignedIn
from tutela.model.when import micros

from . import glass, paper
from .console import Console
from .eyes import Eyes
from .guard import Guard, token_of
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

FACTORS = {
    Factor.CODE: "a code",
    Factor.PASSKEY: "a passkey",
    Factor.TOTP: "the code of an app",
    Factor.PROVIDER: "the city's provider",
    Factor.PROVIDER_KEY: "the city's provider, by what can't be phished",
}


def handlers(here: Console, guard: Guard) -> list[HTTPRouteHandler]:
    """The routes; the page mounts them."""

    @get(YOU)
    async def you(request: Asked) -> Response[str]:
        """Passkeys, and a form that invites."""
        response = await _page(here, await guard.person(request, opens=True), says=paper.said(request))
        response.delete_cookie(paper.SAYS)
        return response

    @post(YOU + "/invite", status_code=200)
    async def invite(request: Asked) -> Response[str]:
        """Make a code. It is shown once, on the answer itself."""
        await guard.whose(request)
        form = {name: value for name, value in (await request.form()).items() if isinstance(value, str)}
        try:
            me = await guard.person(request)
            if _proposes(form):
                await _proposed(here, me, form)
                return paper.go(
                    YOU,
                    "Proposed. When another person has said yes, and a day has passed, make the code with the id at /approvals.",
                )
            code = await _invited(here, me, form)
        except TutelaError as wrong:
            return paper.go(YOU, f"Not done: {wrong.message.removesuffix('.')}.")
        return await _page(here, me, code=code)

    return [you, *_ending(here, guard), *_app(here, guard), invite]


def _ending(here: Console, guard: Guard) -> list[HTTPRouteHandler]:
    @post(YOU + "/sessions", status_code=200)
    async def others(request: Asked) -> Response[str]:
        """End all sessions but this one."""
        await guard.person(request)
        await here.staff.end_others(token_of(request))
        return paper.go(YOU, "Done. All your other sessions are over.")

    @post(YOU + "/remove/{passkey:str}", status_code=200)
    async def remove(request: Asked, passkey: FromPath[str]) -> Response[str]:
        """Remove a passkey."""
        await guard.whose(request)
        try:
            await here.ways.passkeys.remove((await guard.person(request)).agent, passkey)
        except TutelaError as wrong:
            return paper.go(YOU, f"Not done: {wrong.message}.")
        return paper.go(YOU, "Removed. Whoever came in with it is out.")

    @post(YOU + "/provider/remove", status_code=200)
    async def unlink(request: Asked) -> Response[str]:
        """Let one's account at the provider let nobody in any more."""
        await guard.whose(request)
        try:
            await here.ways.oidc.remove((await guard.person(request)).agent)
        except TutelaError as wrong:
            return paper.go(YOU, f"Not done: {wrong.message}.")
        return paper.go(YOU, "Removed. That account lets nobody in any more.")

    return [others, remove, unlink]


def _app(here: Console, guard: Guard) -> list[HTTPRouteHandler]:
    @post(YOU + "/app", status_code=200)
    async def app(request: Asked) -> Response[str]:
        """Make a secret for an app of codes. It is shown once, on the answer itself."""
        await guard.whose(request)
        try:
            me = await guard.person(request)
            shared = await here.ways.totp.to_share(me.agent)
        except TutelaError as wrong:
            return paper.go(YOU, f"Not done: {wrong.message}.")
        return await _page(here, me, shared=shared)

    @post(YOU + "/app/{act:str}", status_code=200)
    async def app_act(request: Asked, act: FromPath[str]) -> Response[str]:
        """Show a code of the secret, or let the app's codes let nobody in any more."""
        await guard.whose(request)
        form = await request.form()
        try:
            agent = (await guard.person(request)).agent
            if act == "remove":
                await here.ways.totp.remove(agent)
                return paper.go(YOU, "Removed. The codes of your app let nobody in any more.")
            await here.ways.totp.show(agent, str(form.get("code", "")).strip())
        except TutelaError as wrong:
            return paper.go(YOU, f"Not done: {wrong.message}.")
        return paper.go(YOU, "Done. From now on you can come in with your id and a code of your app.")

    return [app, app_act]


async def _page(
    here: Console, me: SignedIn, *, says: str = "", code: str = "", shared: ToShare | None = None
) -> Response[str]:
    named = await here.staff.named(me.agent)
    eyes = Eyes(me=named, now=here.staff.ledger.now, zone=here.install.zone, sentences=here.sentences)
    return paper.page(
        "you.html",
        eyes=eyes,
        me=named,
        factor=FACTORS[me.factor],
        own=await here.ways.passkeys.own(me.agent),
        app=await here.ways.totp.has(me.agent.id),
        shared=shared,
        provider=here.ways.oidc.name,
        linked=await here.ways.oidc.has(me.agent.id),
        sittings=await here.staff.sittings(me.agent),
        factors=FACTORS,
        may=INVITE.get(me.agent.role, ("", ()))[1],
        glass=await glass.noticed(here.glass, system_of(me), here.install.zone),
        city=here.install.city,
        says=says,
        code=code,
    )


async def _invited(here: Console, me: SignedIn, form: Mapping[str, str]) -> str:
    ends, approval = _end(form.get("until", ""), here.install.zone), form.get("approval", "").strip() or None
    known = form.get("agent", "").strip()
    if known:
        return await here.invites.invite_again(_access(me), known, ends, approval)
    return await here.invites.invite(_access(me), _role(form), me.agent.agency, ends, approval)


def _proposes(form: Mapping[str, str]) -> bool:
    """Whether it is for others to say yes first: a role that answers for them, and a reason for it."""
    return bool(form.get("reason", "").strip()) and not form.get("approval", "").strip()


async def _proposed(here: Console, me: SignedIn, form: Mapping[str, str]) -> None:
    ends = _end(form.get("until", ""), here.install.zone)
    known, reason = form.get("agent", "").strip(), form["reason"]
    if not known:
        await here.invites.propose(_access(me), _role(form), me.agent.agency, ends, reason)
    elif ends is None:
        raise BadInput("say until when they are to have their role; without that they come in again at once")
    else:
        await here.invites.propose_again(_access(me), known, ends, reason)


def _access(me: SignedIn) -> Access:
    purpose, _ = INVITE.get(me.agent.role, ("system-operation", ()))
    return Access(agent=me.agent, purpose=purpose, legal_basis=BASIS, factor=me.factor, glass=me.glass)


def _role(form: Mapping[str, str]) -> Role:
    role = form.get("role", "")
    if role not in set(Role):
        raise BadInput(f"there is no role {role[:40]!r}; choose one of: {', '.join(Role)}")
    return Role(role)


def _end(day: str, zone: str) -> int | None:
    """The end of a last day in the city; None for none."""
    if not day.strip():
        return None
    try:
        last = date.fromisoformat(day.strip())
        return micros(datetime.combine(last + timedelta(days=1), datetime.min.time(), ZoneInfo(zone)))
    except (ValueError, OverflowError) as wrong:
        raise BadInput(f"{day[:40]!r} is no day; write the last one like 2026-12-31") from wrong
