"""The log: a page of it, or all that comes, live over SSE. The id of each event is its place in the sealed tree."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

import msgspec
from litestar import Router, get
from litestar.params import HeaderParameter, QueryParameter
from litestar.response import ServerSentEvent, ServerSentEventMessage

from tutela.errors import BadInput, Refused
from tutela.flow.read import Page, Reads
from tutela.model.access import Access
from tutela.model.event import Sealed
from tutela.model.noun import Noun

from .guard import Guard
from .problem import Asked

MOST = 1000
LIVE = "live"
SECURE = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


class Told(Noun, frozen=True, kw_only=True):
    """One event as it is answered: `body` is JSON, absent where the purpose may not see it or it is sealed."""

    position: int
    id: str
    at: int
    by: str
    cause: str | None
    kind: str
    timeline: str
    subject: str
    sealed: bool
    body: msgspec.Raw | None = None


class Events(Noun, frozen=True, kw_only=True):
    """A page of the log; ask again with `after` for the next."""

    events: tuple[Told, ...]
    after: int


def told(sealed: Sealed) -> Told:
    """A sealed event as it is answered."""
    event = sealed.event
    return Told(
        position=sealed.position,
        id=event.id,
        at=event.at,
        by=event.by,
        cause=event.cause,
        kind=event.kind,
        timeline=event.timeline,
        subject=event.subject,
        sealed=event.key is not None,
        body=msgspec.Raw(event.body) if event.body and event.key is None else None,
    )


def routes(reads: Reads, guard: Guard) -> Router:
    """The router that the app mounts."""

    @get("/events", operation_id="readEvents", tags=["log"])
    async def events(
        access: Access,
        after: Annotated[int, QueryParameter(ge=-1, description="the last position read; -1 for the start")] = -1,
        most: Annotated[int, QueryParameter(ge=1, le=MOST)] = 100,
        timeline: str = LIVE,
    ) -> Events:
        """Read some of the log, in the order in which it was sealed."""
        page = await reads.log.events(access, timeline, after, most)
        return Events(events=tuple(told(sealed) for sealed in page.events), after=page.after)

    @get("/events/stream", operation_id="followEvents", tags=["log"], media_type="text/event-stream")
    async def stream(
        request: Asked,
        access: Access,
        resume: Annotated[str | None, HeaderParameter(name="Last-Event-ID")] = None,
        after: Annotated[int | None, QueryParameter(ge=-1)] = None,
        timeline: str = LIVE,
    ) -> ServerSentEvent:
        """Follow the log live. It goes on after `Last-Event-ID`, after `after`, or from now."""
        start = _place(resume) if resume else after
        if start is None:
            start = await reads.log.last(access, timeline)
        pages = reads.log.follow(access, timeline, start)
        return ServerSentEvent(_messages(pages, guard, request), headers=SECURE, retry_duration=1000)

    return Router("/v1", route_handlers=[events, stream], dependencies=guard.dependencies)


def _place(resume: str) -> int:
    if not resume.isdigit():
        raise BadInput(f"Last-Event-ID is {resume!r}; it is the position of the last event you saw, a whole number")
    return int(resume)


async def _messages(pages: AsyncIterator[Page], guard: Guard, request: Asked) -> AsyncIterator[ServerSentEventMessage]:
    """Pages as messages. Each page is asked for only when the one before is sent: a slow reader costs no memory."""
    async for page in pages:
        try:
            await guard.agent(request)
        except Refused as over:
            yield ServerSentEventMessage(event="over", data=over.message)
            return
        for sealed in page.events:
            data = msgspec.json.encode(told(sealed)).decode()
            yield ServerSentEventMessage(event=sealed.event.kind, id=str(sealed.position), data=data)
        if not page.events:
            yield ServerSentEventMessage(comment=f"at {page.after}")


part = routes
