"""Sign-in at the city's own identity provider: away to it from the entrance, back from it, and an account that lets nobody in any more.

Somebody goes there by a button of ours, so that no other site begins a sign-in for them. On the way back a browser does not show the cookie of a session,
since it comes from another site: so the way back ends on a page of ours that goes on by itself, without a script.
"""

from __future__ import annotations

from dataclasses import dataclass

from litestar import Response, Router, delete, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from tutela.errors import TutelaError
from tutela.flow.oidc import LASTS, Back, Journey, Oidc, journey_of
from tutela.model.when import SECOND

from . import paper
from .guard import COOKIE, SIGNED_IN, By, Guard, address_of, origin_of, same_site
from .people import with_cookie
from .problem import ACTING, Asked, problems

JOURNEY = "tutela_journey"
"""The cookie of whoever is on their way. Lax, since they come back from another site."""

THERE, BACK = "/enrol/provider", "/enrol/back"


@dataclass(frozen=True, slots=True)
class Entrance:
    """Whom the provider lets in, at which site, of which city. `site`: empty on the machine itself."""

    oidc: Oidc
    site: str
    city: str

    def redirect(self, request: Asked) -> str:
        """Where the provider sends people back to."""
        return origin_of(request, self.site) + BACK

    def form(self, wrong: TutelaError, journey: Journey | None = None) -> Response[str]:
        """The entrance, with what was typed, and why nobody came in."""
        code, name = (journey.code, journey.name) if journey else ("", "")
        return paper.page(
            "enrol.html",
            wrong.status,
            city=self.city,
            provider=self.oidc.name,
            code=code,
            name=name,
            agent="",
            says=wrong.message,
        )


def routes(entrance: Entrance, guard: Guard) -> Router:
    """The router that the app mounts."""
    way = [_there(entrance, guard), _back(entrance, guard)]
    pages = Router("/", route_handlers=way, exception_handlers=paper.HANDLERS, include_in_schema=False)
    own = Router("/v1", route_handlers=_own(entrance.oidc, guard), security=SIGNED_IN, tags=["people"])
    others = Router(
        "/v1",
        route_handlers=_others(entrance.oidc),
        dependencies=guard.dependencies,
        security=SIGNED_IN,
        tags=["people"],
    )
    return Router("/", route_handlers=[pages, own, others])


def _there(entrance: Entrance, guard: Guard) -> HTTPRouteHandler:
    @post(THERE, status_code=200)
    async def there(request: Asked) -> Response[str]:
        """Go to the provider; whoever was invited brings their code and their name."""
        same_site(request)
        guard.rates.take(address_of(request), "act")
        form = await request.form()
        typed = {field: str(form.get(field, "")) for field in ("code", "name")}
        before = request.cookies.get(COOKIE, "")
        try:
            goes, kept = await entrance.oidc.begin(entrance.redirect(request), before, **typed)
        except TutelaError as wrong:
            return entrance.form(wrong, Journey(secret="", **typed))
        response = paper.page("going.html", city=entrance.city, to=entrance.oidc.name, address=goes)
        response.set_cookie(
            JOURNEY,
            kept,
            max_age=LASTS // SECOND,
            httponly=True,
            secure=request.url.scheme == "https",
            samesite="lax",
            path="/enrol",
        )
        return response

    return there


def _back(entrance: Entrance, guard: Guard) -> HTTPRouteHandler:
    @get(BACK)
    async def back(request: Asked) -> Response[str]:
        """Come in with what the provider said."""
        guard.rates.take(address_of(request), "act")
        journey, to = None, entrance.redirect(request)
        try:
            journey = journey_of(request.cookies.get(JOURNEY, ""))
            agent, token = await entrance.oidc.come(to, journey, _brought(request), address_of(request))
        except TutelaError as wrong:
            response = entrance.form(wrong, journey)
        else:
            await entrance.oidc.staff.leave(journey.before)
            response = paper.page("going.html", city=entrance.city, to=entrance.city, address="/")
            with_cookie(response, token, request)
            paper.say(response, f"Welcome, {agent.name}. You are here as {agent.role} of {agent.agency}.")
        response.delete_cookie(JOURNEY, path="/enrol")
        return response

    return back


def _brought(request: Asked) -> Back:
    """What is in the address. A word that is there twice is neither of the two (RFC 6749, section 3.1)."""
    told = {word: " ".join(request.query_params.getall(word, [])) for word in Back.__struct_fields__}
    return Back(**told)


def _own(oidc: Oidc, guard: Guard) -> list[HTTPRouteHandler]:
    @delete("/me/provider", status_code=204, operation_id="removeOwnProvider", responses=problems(401, 403, 404, 503))
    async def remove(request: Asked) -> None:
        """Let your account at the identity provider let nobody in any more."""
        await oidc.remove((await guard.person(request)).agent)

    return [remove]


def _others(oidc: Oidc) -> list[HTTPRouteHandler]:
    @delete("/people/{agent:str}/provider", status_code=204, operation_id="removeProvider", responses=ACTING)
    async def remove(access: By, agent: FromPath[str]) -> None:
        """Let somebody's account at the identity provider let nobody in any more; for whoever may invite them."""
        await oidc.remove_of(access, agent)

    return [remove]


part = routes
