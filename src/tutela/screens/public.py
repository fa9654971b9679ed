"""Public pages: for anybody, in the reader's language, without a script.

The language is what `?lang=` says, what it said before (a cookie that holds two letters and nothing else), or what the browser asks
for. Times are the city's.
"""

from __future__ import annotations

from functools import cache

from jinja2 import Environment
from litestar import Response
from litestar.enums import MediaType
from litestar.exceptions import HTTPException
from litestar.types import ExceptionHandlersMap

from tutela.errors import TutelaError

from .languages import N_, NAMES, Speech, chosen, speech
from .paper import templates
from .problem import Asked, come_again

COOKIE = "tutela_lang"

PAGES = (
    ("/resident", N_("What to do now")),
    ("/resident/report", N_("Report a problem")),
    ("/resident/reports", N_("What others reported")),
    ("/transparency", N_("How the city watches")),
    ("/requests/new", N_("Your data")),
)
"""The way through the public pages: where to, and what it says."""


@cache
def _environment(code: str) -> Environment:
    """The templates in one language."""
    found = templates("jinja2.ext.i18n")
    found.install_gettext_translations(speech(code).words, newstyle=True)  # type: ignore[attr-defined]  # the extension brings it
    return found


def spoken(request: Asked) -> Speech:
    """The language in which to answer."""
    wanted, before = request.query_params.get("lang", ""), request.cookies.get(COOKIE, "")
    return speech(chosen(wanted, before, request.headers.get("accept-language", "")))


def page(request: Asked, template: str, status: int = 200, /, *, city: str, **context: object) -> Response[str]:
    """A public page: a template below `public/`, which gets the language as `speech`."""
    words = spoken(request)
    about = {"speech": words, "languages": NAMES, "pages": PAGES, "here": request.url.path, "city": city}
    text = _environment(words.code).get_template(f"public/{template}").render(about | context)
    response = Response(text, status_code=status, media_type=MediaType.HTML, headers={"Content-Language": words.code})
    if request.query_params.get("lang") in NAMES:
        response.set_cookie(COOKIE, words.code, httponly=True, samesite="lax", path="/")
    return response


def wrong(request: Asked, city: str, error: TutelaError | HTTPException) -> Response[str]:
    """What went wrong, as a public page."""
    told, status = (
        (error.message, error.status) if isinstance(error, TutelaError) else (error.detail, error.status_code)
    )
    response = page(request, "wrong.html", status, city=city, says=told)
    response.headers.update(come_again(error) if isinstance(error, TutelaError) else {})
    return response


def handlers(city: str) -> ExceptionHandlersMap:
    """For the routes that residents see in a browser."""

    def shown(request: Asked, error: TutelaError | HTTPException) -> Response[str]:
        return wrong(request, city, error)

    return {TutelaError: shown, HTTPException: shown}
