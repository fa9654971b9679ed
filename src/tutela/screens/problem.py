"""What went wrong, as problem details (RFC 9457): what, where, and what to do."""

from __future__ import annotations

import logging
from collections.abc import Callable
from math import ceil
from typing import Any
from uuid import uuid4

from litestar import Request, Response
from litestar.datastructures import State
from litestar.exceptions import HTTPException
from litestar.openapi import ResponseSpec

from tutela.errors import Refused, TutelaError
from tutela.model.noun import Noun

log = logging.getLogger(__name__)

Asked = Request[Any, Any, State]
KIND = "application/problem+json"
SIGN_IN = 401


class Problem(Noun, frozen=True, kw_only=True):
    """RFC 9457. `type` is a stable name of ours; `policy` is set when a policy said no; `id` finds it in the log."""

    type: str
    title: str
    status: int
    detail: str
    policy: str | None = None
    id: str | None = None


def problems(*statuses: int) -> dict[int, ResponseSpec]:
    """What the description of a route says that can go wrong with it."""
    return {
        status: ResponseSpec(Problem, description=MEANS[status], media_type=KIND, generate_examples=False)
        for status in statuses
    }


MEANS = {
    400: "It can't be understood; the detail says what to change.",
    401: "Nobody is signed in.",
    403: "The policies say no; `policy` names the one that does.",
    404: "There is no such thing.",
    409: "It does not fit what stands now, or somebody else was first; the detail says who.",
    429: "Too often: too many questions, or too many sign-ins that failed. `Retry-After` or the detail says until when nothing is tried.",
    503: "An engine does not answer. Try again soon.",
}
READING = problems(400, 401, 403, 404, 429, 503)
ACTING = problems(400, 401, 403, 404, 409, 429, 503)


def on_purpose(request: Asked, wrong: TutelaError) -> Response[Problem]:
    """An error that was raised on purpose: its own words."""
    del request
    policy = wrong.policy if isinstance(wrong, Refused) else None
    status = SIGN_IN if policy == "session" else wrong.status
    headers = {"WWW-Authenticate": "Bearer"} if status == SIGN_IN else {}
    headers |= come_again(wrong)
    name = type(wrong).__name__
    return _response(
        Problem(type=f"tutela:{name}", title=_words(name), status=status, detail=wrong.message, policy=policy), headers
    )


def come_again(wrong: TutelaError) -> dict[str, str]:
    """When to try again, where that is known."""
    after = getattr(wrong, "retry_after", None)
    return {} if after is None else {"Retry-After": str(max(1, ceil(after)))}


def by_framework(request: Asked, wrong: HTTPException) -> Response[Problem]:
    """A request that never reached us: an unknown path, a parameter that can't be read."""
    del request
    extra = wrong.extra if isinstance(wrong.extra, list) else []
    told = "; ".join(f"{one.get('key', '')}: {one.get('message', '')}" for one in extra if isinstance(one, dict))
    name = type(wrong).__name__.removesuffix("Exception")
    problem = Problem(type=f"tutela:{name}", title=_words(name), status=wrong.status_code, detail=told or wrong.detail)
    return _response(problem, dict(wrong.headers or {}))


def too_deep(request: Asked, wrong: RecursionError) -> Response[Problem]:
    """A body whose brackets are nested a thousand deep and more: reading it went too far down."""
    del request, wrong
    detail = "the body is nested too deeply; send plain JSON as /schema/openapi.json describes it"
    return _response(Problem(type="tutela:BadInput", title="Bad input", status=400, detail=detail), {})


def unforeseen(request: Asked, wrong: Exception) -> Response[Problem]:
    """A fault of ours: the person gets a number, the log gets the whole story under the same number."""
    id_ = uuid4().hex[:12]
    log.error("fault %s at %s %s", id_, request.method, request.url.path, exc_info=wrong)
    detail = f"something is wrong here, not with what you sent; tell the people who run this the number {id_}"
    return _response(Problem(type="tutela:Fault", title="Fault", status=500, detail=detail, id=id_), {})


def _response(problem: Problem, headers: dict[str, str]) -> Response[Problem]:
    return Response(problem, status_code=problem.status, media_type=KIND, headers=headers)


def _words(name: str) -> str:
    """`NotFound` as "Not found"."""
    spaced = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name)
    return spaced.strip().capitalize()


HANDLERS: dict[int | type[Exception], Callable[[Asked, Any], Response[Any]]] = {
    TutelaError: on_purpose,
    HTTPException: by_framework,
    RecursionError: too_deep,
    Exception: unforeseen,
}
"""For the app."""
