"""Pages for people: templates, what went wrong as a page, and one calm sentence that outlives a redirect."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from contextlib import suppress

from jinja2 import Environment, PackageLoader, StrictUndefined
from litestar import Response
from litestar.enums import MediaType
from litestar.exceptions import HTTPException
from litestar.types import ExceptionHandlersMap

from tutela.errors import Refused, TutelaError

from .problem import Asked, come_again

SAYS = "tutela_says"
LONGEST = 1500
"""Characters of a sentence that outlives a redirect: a browser keeps no more than 4 kB."""

MOMENT = 20
"""Seconds that it waits to be shown."""

SIGN_IN = frozenset({"session", "role-ended"})
"""Refusals after which there is nothing but the entrance."""

OUT = SIGN_IN | {"same-site"}
"""Refusals of whoever is not one of us."""

SEE_OTHER = 303
ENTRANCE = "/enrol"


def templates(*extensions: str) -> Environment:
    """Our templates: nothing is shown that is not escaped, and nothing that nobody gave."""
    return Environment(
        loader=PackageLoader("tutela.screens"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=extensions,
    )


paper = templates()


def page(template: str, status: int = 200, /, **context: object) -> Response[str]:
    """A page, or a part of one."""
    return Response(paper.get_template(template).render(context), status_code=status, media_type=MediaType.HTML)


def go(location: str, says: str = "") -> Response[str]:
    """Go on there after a form, and say there what became of it."""
    response = Response("", status_code=SEE_OTHER, headers={"Location": location}, media_type=MediaType.HTML)
    if says:
        say(response, says)
    return response


def say(response: Response[str], says: str) -> None:
    """Say it on the page after this one."""
    text = urlsafe_b64encode(says[:LONGEST].encode("utf-8", "replace")).decode()
    response.set_cookie(SAYS, text, max_age=MOMENT, httponly=True, samesite="strict", path="/")


def said(request: Asked) -> str:
    """What the form before had to say."""
    with suppress(Error, UnicodeDecodeError):
        return urlsafe_b64decode(request.cookies.get(SAYS, "")).decode()
    return ""


def on_purpose(request: Asked, wrong: TutelaError) -> Response[str]:
    """An error that was raised on purpose, for a person; who is not signed in is led to the entrance."""
    if isinstance(wrong, Refused) and wrong.policy in SIGN_IN:
        return go(ENTRANCE, wrong.message if request.cookies else "")
    return _wrong(wrong.status, wrong.message, come_again(wrong))


def by_framework(request: Asked, wrong: HTTPException) -> Response[str]:
    """A request that never reached us."""
    del request
    return _wrong(wrong.status_code, wrong.detail)


def _wrong(status: int, says: str, headers: dict[str, str] | None = None) -> Response[str]:
    answer = page("wrong.html", status, says=says, status=status)
    answer.headers.update(headers or {})
    return answer


HANDLERS: ExceptionHandlersMap = {TutelaError: on_purpose, HTTPException: by_framework}
"""For the routes that people see in a browser."""
