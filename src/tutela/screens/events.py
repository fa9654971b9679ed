"""The log: a page of it, all about one thing, or all that comes, live over SSE.

The id of each live event is its place in the sealed tree. About once a second a `pulse` says how far the log was
read and what time it is here, so that whoever follows knows that the link holds and can resume from there.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated

import msgspec
from litestar import Router, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, HeaderParameter, JSONBody, QueryParameter
from litestar.response import ServerSentEvent, ServerSentEventMessage

from tutela.errors import BadInput, EngineDown, Refused
from tutela.flow.read import Page, Reads
from tutela.model.event import Event, Sealed
from tutela.model.noun import Noun
from tutela.model.timeline import LIVE
from tutela.model.when import SECOND

from .guard import SIGNED_IN, By, Guard
from .problem import READING, Asked

LOG = logging.getLogger(__name__)

MOST = 1000
FURTHEST = 2**53
"""No position is beyond it: a number that every reader of JSON can hold."""

PULSE = SECOND * 9 // 10
UNBUFFERED = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


class Told(Noun, frozen=True, kw_only=True):
    """One event as it is answered: `body` is JSON, absent where the purpose may not see it or it is sealed.

    `position` is its place in the tree, absent where that was not asked for.
    """

    id: str
    at: int
    by: str
    cause: str | None
    kind: str
    timeline: str
    subject: str
    sealed: bool
    position: int | None = None
    body: dict[str, object] | None = None


class Events(Noun, frozen=True, kw_only=True):
    """A page of the log; ask again with `after` for the next."""

    events: tuple[Told, ...]
    after: int


class Pulse(Noun, frozen=True, kw_only=True):
    """The log was read up to the position `after`; it is `at` here (microseconds)."""

    at: int
    after: int


_object = msgspec.json.Decoder(dict[str, object]).decode


def told(event: Event, position: int | None = None) -> Told:
    """An event as it is answered."""
    return Told(
        id=event.id,
        at=event.at,
        by=event.by,
        cause=event.cause,
        kind=event.kind,
        timeline=event.timeline,
        subject=event.subject,
        sealed=event.key is not None,
        position=position,
        body=_object(event.body) if event.body and event.key is None else None,
    )


def routes(reads: Reads, guard: Guard) -> Router:
    """The router that the app mounts."""
    handlers = [*_reading(reads), _following(reads, guard)]
    return Router("/v1", route_handlers=handlers, dependencies=guard.dependencies, security=SIGNED_IN)


def _reading(reads: Reads) -> list[HTTPRouteHandler]:
    @get("/events", operation_id="readEvents", tags=["log"], responses=READING)
    async def events(
        access: By,
        after: Annotated[
            int, QueryParameter(ge=-1, le=FURTHEST, description="the last position read; -1 for the start")
        ] = -1,
        most: Annotated[int, QueryParameter(ge=1, le=MOST)] = 100,
        timeline: FromQuery[str] = LIVE,
    ) -> Events:
        """Read some of the log, in the order in which it was sealed."""
        page = await reads.log.events(access, timeline, after, most)
        return Events(events=tuple(map(placed, page.events)), after=page.after)

    @get("/events/about/{subject:str}", operation_id="readEventsAbout", tags=["log"], responses=READING)
    async def about(access: By, subject: FromPath[str], timeline: FromQuery[str] = LIVE) -> list[Told]:
        """Read what happened to one thing: an alert, an incident, a source. Also what is not sealed yet."""
        return [told(event) for event in await reads.log.about(access, timeline, subject)]

    return [events, about]


def _following(reads: Reads, guard: Guard) -> HTTPRouteHandler:
    @get(
        "/events/stream",
        operation_id="followEvents",
        tags=["log"],
        media_type="text/event-stream",
        responses=READING,
    )
    async def stream(
        request: Asked,
        access: By,
        resume: Annotated[str | None, HeaderParameter(name="Last-Event-ID")] = None,
        after: Annotated[int | None, QueryParameter(ge=-1, le=FURTHEST)] = None,
        timeline: FromQuery[str] = LIVE,
    ) -> ServerSentEvent:
        """Follow the log live. It goes on after `Last-Event-ID`, after `after`, or from now."""
        start = _place(resume) if resume else after
        if start is None:
            start = await reads.log.last(access, timeline)
        follower = _Follower(reads, guard, request)
        pages = reads.log.follow(access, timeline, start)
        return ServerSentEvent(follower.messages(pages), headers=UNBUFFERED, retry_duration=1000)

    return stream


def _place(resume: str) -> int:
    if not (resume.isascii() and resume.isdigit() and len(resume) <= len(str(FURTHEST))):
        raise BadInput(f"Last-Event-ID is {resume!r}; it is the position of the last event you saw, a whole number")
    return int(resume)


def placed(sealed: Sealed) -> Told:
    """A sealed event as it is answered."""
    return told(sealed.event, sealed.position)


class _Follower:
    """Somebody who follows the log.

    Each page is asked for only when the one before is sent: who reads slowly costs no memory. A session that is
    over ends it, within a second; so does an engine that is down, and then whoever follows comes back with the
    last position.
    """

    def __init__(self, reads: Reads, guard: Guard, request: Asked) -> None:
        self._reads, self._guard, self._request = reads, guard, request
        self._pulsed = 0

    async def messages(self, pages: AsyncGenerator[Page, None]) -> AsyncGenerator[ServerSentEventMessage, None]:
        """What is sent, until it is over."""
        async with aclosing(pages):
            try:
                async for page in pages:
                    for sealed in page.events:
                        yield message(sealed.event.kind, placed(sealed), sealed.position)
                    if pulse := await self._pulse(page):
                        yield pulse
            except Refused as over:
                yield ServerSentEventMessage(event="over", data=over.message)
            except EngineDown as down:
                LOG.warning("a live reader of the log is let go: %s", down)

    async def _pulse(self, page: Page) -> ServerSentEventMessage | None:
        """When it is time: ask whether the session still holds, and tell the time."""
        now = self._reads.log.ledger.now
        if now - self._pulsed < PULSE:
            return None
        self._pulsed = now
        await self._guard.agent(self._request)
        return message("pulse", Pulse(at=now, after=page.after), page.after)


def message(event: str, data: JSONBody[Noun], position: int) -> ServerSentEventMessage:
    """What is sent of one event, by which a reader can resume."""
    id_ = str(position) if position >= 0 else None
    return ServerSentEventMessage(event=event, id=id_, data=msgspec.json.encode(data).decode())


part = routes
