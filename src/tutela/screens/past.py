"""The city as it was: what stood at a moment, the bars of a time bar, and the log from then on at a chosen speed over SSE.

The stream is that of the live log, with a `pulse` that tells what time it is in it; when it has caught up with now, it says
`over`, and whoever follows goes on with the live one.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated

from litestar import Router, get
from litestar.params import FromQuery, QueryParameter
from litestar.response import ServerSentEvent, ServerSentEventMessage

from tutela.errors import Refused
from tutela.flow.read import Reads
from tutela.flow.read_past import FASTEST, Moment, PastReads, Slot, Stood
from tutela.model.noun import Noun
from tutela.model.timeline import LIVE
from tutela.model.when import SECOND, parse

from .events import UNBUFFERED, Pulse, message, placed
from .guard import SIGNED_IN, By, Guard
from .problem import READING, Asked

ASKED = SECOND
"""Between two looks whether the session still holds."""

At = Annotated[str, QueryParameter(description="ISO 8601 with an offset; at most seven days ago", format="date-time")]
Speed = Annotated[int, QueryParameter(ge=1, le=FASTEST, description="how many times as fast as it was")]


class Bars(Noun, frozen=True, kw_only=True):
    """Alerts first shown in each five minutes, by severity."""

    slots: tuple[Slot, ...]


def routes(reads: Reads, guard: Guard) -> Router:
    """The router that the app mounts."""
    there = PastReads(reads=reads.log)

    @get("/", operation_id="readPast", tags=["past"], responses=READING)
    async def past(access: By, at: At, timeline: FromQuery[str] = LIVE) -> Stood:
        """Read what stood at a moment (ISO 8601): alerts that were open, incidents under way, units."""
        return await there.state(access, timeline, parse(at))

    @get("/bars", operation_id="readBars", tags=["past"], responses=READING)
    async def bars(access: By, since: At, until: At, timeline: FromQuery[str] = LIVE) -> Bars:
        """Read how many alerts were first shown in each five minutes between two moments."""
        return Bars(slots=await there.bars(access, timeline, parse(since), parse(until)))

    @get("/stream", operation_id="followPast", tags=["past"], media_type="text/event-stream", responses=READING)
    async def stream(
        request: Asked, access: By, since: At, speed: Speed = 1, timeline: FromQuery[str] = LIVE
    ) -> ServerSentEvent:
        """Follow the log from a moment on, at a chosen speed, until it has caught up with now."""
        moments = await there.follow(access, timeline, parse(since), speed)
        return ServerSentEvent(_messages(moments, reads, guard, request), headers=UNBUFFERED, retry_duration=1000)

    return Router("/v1/past", route_handlers=[past, bars, stream], dependencies=guard.dependencies, security=SIGNED_IN)


async def _messages(
    moments: AsyncGenerator[Moment, None], reads: Reads, guard: Guard, request: Asked
) -> AsyncGenerator[ServerSentEventMessage, None]:
    asked = 0
    async with aclosing(moments):
        try:
            async for moment in moments:
                for sealed in moment.events:
                    yield message(sealed.event.kind, placed(sealed), sealed.position)
                yield message("pulse", Pulse(at=moment.at, after=moment.after), moment.after)
                if (now := reads.log.ledger.now) - asked >= ASKED:
                    asked = now
                    await guard.agent(request)
        except Refused as over:
            yield ServerSentEventMessage(event="over", data=over.message)
            return
    yield ServerSentEventMessage(event="over", data="this is now")


part = routes
