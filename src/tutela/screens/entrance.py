"""The entrance: come in with a one-time code, and go out again."""

from __future__ import annotations

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery

from tutela.errors import TutelaError

from . import paper
from .console import Console
from .guard import COOKIE, Guard, address_of, come_anew, same_site
from .people import with_cookie
from .problem import Asked


def handlers(here: Console, guard: Guard) -> list[HTTPRouteHandler]:
    """The routes; the page mounts them."""

    @get("/enrol")
    async def entrance(request: Asked, code: FromQuery[str] = "") -> Response[str]:
        """The form, with the code of the printed address in it."""
        response = _form(here, 200, code=code, says=paper.said(request))
        response.delete_cookie(paper.SAYS)
        return response

    @post("/enrol", status_code=200)
    async def enrol(request: Asked) -> Response[str]:
        """Use the code that was given out, or that of an app."""
        same_site(request)
        form = await request.form()
        code, name, known = (str(form.get(field, "")).strip() for field in ("code", "name", "agent"))
        try:
            if known:
                agent, token = await here.ways.totp.come(known, code, address_of(request))
            else:
                agent, token = await here.staff.enrol(code, name, address_of(request))
        except TutelaError as wrong:
            typed = {"agent": known} if known else {"code": code, "name": name}
            return _form(here, wrong.status, says=wrong.message, **typed)
        await come_anew(request, here.staff)
        response = paper.go("/", f"Welcome, {agent.name}. You are here as {agent.role} of {agent.agency}.")
        with_cookie(response, token, request)
        return response

    @post("/sign-out", status_code=200)
    async def sign_out(request: Asked) -> Response[str]:
        """End the session here and everywhere."""
        await guard.agent(request)
        await here.staff.sign_out(request.cookies.get(COOKIE, ""))
        response = paper.go(paper.ENTRANCE, "You are signed out.")
        response.delete_cookie(COOKIE)
        return response

    return [entrance, enrol, sign_out]


def _form(here: Console, status: int, *, says: str, code: str = "", name: str = "", agent: str = "") -> Response[str]:
    about = {"city": here.install.city, "provider": here.ways.oidc.name}
    return paper.page("enrol.html", status, code=code, name=name, agent=agent, says=says, **about)
