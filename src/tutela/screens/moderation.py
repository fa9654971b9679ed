"""Reports of residents as moderators deal with them: listed, opened, and taken from step to step. Whoever reported is told each."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import msgspec
from litestar import Response, Router, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody, QueryParameter

from tutela.flow.handling import WORDS
from tutela.flow.handling_acts import Handled, HandlingActs, OpenedReport
from tutela.model.handling import Handling, HandlingStatus, Rejection
from tutela.model.noun import Noun

from .guard import SIGNED_IN, By, Guard, Once
from .problem import ACTING, READING

MOST = 500

Words = Annotated[str, msgspec.Meta(max_length=WORDS)]
Said = Annotated[str, msgspec.Meta(min_length=1, max_length=WORDS, pattern=r"\S")]

read = partial(get, tags=["residents"], responses=READING)
act = partial(post, status_code=200, tags=["residents"], responses=ACTING)


class OpeningReport(Noun, frozen=True, kw_only=True):
    """`words`: what everybody may read of what was written, none by default. `says`: what its reporter is told."""

    words: Words = ""
    says: Words = ""


class Beginning(Noun, frozen=True, kw_only=True):
    """What its reporter is told."""

    says: Words = ""


class Finishing(Noun, frozen=True, kw_only=True):
    """What was done: everybody reads it."""

    says: Said


class Rejecting(Noun, frozen=True, kw_only=True):
    """Why it is not dealt with, and in your words, for its reporter."""

    why: Rejection
    says: Words = ""


class Repeating(Noun, frozen=True, kw_only=True):
    """The number of the report that says the same."""

    of: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]


def routes(acts: HandlingActs, guard: Guard) -> Router:
    """The router that the app mounts."""
    handlers = [*_reads(acts), *_steps(acts)]
    return Router("/v1/reports", route_handlers=handlers, dependencies=guard.dependencies, security=SIGNED_IN)


def _reads(acts: HandlingActs) -> list[HTTPRouteHandler]:
    @read("/handled", operation_id="readHandledReports")
    async def listed(
        access: By,
        status: Annotated[HandlingStatus | None, QueryParameter(description="only those that stand so")] = None,
        most: Annotated[int, QueryParameter(ge=1, le=MOST)] = 100,
    ) -> list[Handled]:
        """Read the reports of the last thirty days, newest first, without what was written, and how each stands."""
        return list(await acts.listed(access, status, most))

    @read("/{report:str}", operation_id="readReport")
    async def opened(access: By, report: FromPath[str]) -> OpenedReport:
        """Read one report with what was written, how its reporter is reached, and its steps."""
        return await acts.opened(access, report)

    @read("/{report:str}/photo", operation_id="readReportPhoto", media_type="image/jpeg")
    async def photo(access: By, report: FromPath[str]) -> Response[bytes]:
        """Read the picture that came with a report."""
        return Response(await acts.photo(access, report), media_type="image/jpeg")

    return [listed, opened, photo]


def _steps(acts: HandlingActs) -> list[HTTPRouteHandler]:
    @act("/{report:str}/open", operation_id="openReport")
    async def open_(access: By, key: Once, report: FromPath[str], data: JSONBody[OpeningReport]) -> Handling:
        """Let everybody see that it is there, and have it dealt with; or open it again."""
        return await acts.open(access, report, key, data.words, data.says)

    @act("/{report:str}/begin", operation_id="beginReport")
    async def begin(access: By, key: Once, report: FromPath[str], data: JSONBody[Beginning]) -> Handling:
        """Say that somebody is at it."""
        return await acts.begin(access, report, key, data.says)

    @act("/{report:str}/close", operation_id="closeReport")
    async def close(access: By, key: Once, report: FromPath[str], data: JSONBody[Finishing]) -> Handling:
        """Say what was done."""
        return await acts.close(access, report, key, data.says)

    @act("/{report:str}/reject", operation_id="rejectReport")
    async def reject(access: By, key: Once, report: FromPath[str], data: JSONBody[Rejecting]) -> Handling:
        """Say why it is not dealt with. It is shown to nobody else from then on."""
        return await acts.reject(access, report, key, data.why, data.says)

    @act("/{report:str}/duplicate", operation_id="repeatReport")
    async def duplicate(access: By, key: Once, report: FromPath[str], data: JSONBody[Repeating]) -> Handling:
        """Say that another report says the same."""
        return await acts.duplicate(access, report, key, data.of)

    return [open_, begin, close, reject, duplicate]


part = routes
