"""HTTP: observations, calls, reports and public posts, posted by anybody who holds a source's token. The app mounts the router.

    POST /v1/observations          one JSON object, NDJSON or an Arrow stream, by Content-Type
    POST /v1/CreateObservations    SensorThings 1.1 data arrays
    POST /v1/calls                 one emergency call
    POST /v1/reports               one report of a resident, as in Open311 GeoReport v2
    POST /v1/posts                 one public post

An answer comes only when what was taken is durable. Nothing is kept of a body that comes without a token.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from typing import Annotated, Protocol

from litestar import Request, Router, post
from litestar.datastructures import State
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from tutela.errors import BadInput
from tutela.model.card import Card
from tutela.model.flow import Give, Offer, Receipt, Refusal, Tell
from tutela.model.kinds import kind
from tutela.model.noun import Noun
from tutela.model.rows import Rows
from tutela.model.timeline import LIVE
from tutela.standards import arrow, calls, observations, open311, posts, sensorthings

Posted = Request[object, object, State]

CHUNK = 256_000
MOST = 64_000_000
CALL = 300_000
"""Bytes of one call, report or post."""
IN_FLIGHT = 16
TOLD = 100

Identify = Callable[[str], Awaitable[str]]
"""The source whose token that is; raises Quarantined when there is none."""


class Refused(Noun, frozen=True, kw_only=True):
    """Rows that were not taken, with the reason and a sentence that says what to do."""

    reason: str
    says: str
    count: int


class Taken(Noun, frozen=True, kw_only=True):
    """What became of a body: rows that are durable now, and rows that were not taken."""

    accepted: int
    refused: tuple[Refused, ...] = ()


class Logged(Noun, frozen=True, kw_only=True):
    """The event that it became."""

    event: str


Found = tuple[Rows | None, tuple[Refusal, ...]]


class Names(observations.Names, sensorthings.Kinds, Protocol):
    """What is asked of the register."""


class Door:
    """The HTTP source: reads bodies, offers rows to the gateway, and answers when they are durable."""

    name = "http"
    card = Card(
        finds="Whatever a device, gateway or call taker's system posts over HTTP, and what portals and feeds pass on.",
        needs=frozenset(),
        key="datastream",
        lateness=0,
        personal_data=False,
        cannot="Know whether a device tells the truth; detectors and people judge that.",
    )

    def __init__(self, give: Give, tell: Tell, names: Names, identify: Identify) -> None:
        self.give, self.tell, self.names, self.identify = give, tell, names, identify

    async def source_of(self, request: Posted) -> str:
        """The source that sends this, by its bearer token."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        return await self.identify(token if scheme.lower() == "bearer" else "")

    async def take(self, source: str, parts: AsyncIterator[Found]) -> Taken:
        """Offer each part in order, a few at a time, and add up the receipts."""
        waiting: list[asyncio.Task[Receipt]] = []
        done: list[Receipt] = []
        try:
            async for rows, refused in parts:
                waiting.append(asyncio.ensure_future(self.give(Offer(source, LIVE, rows, refused))))
                if len(waiting) >= IN_FLIGHT:
                    done.append(await waiting.pop(0))
                await asyncio.sleep(0)  # a long body leaves the others their turn
        finally:
            # Even when a later part can't be read, what was offered before it is seen through.
            done += await asyncio.gather(*waiting)
        return _added(done)


def _added(receipts: Sequence[Receipt]) -> Taken:
    """All receipts together. So many refusals are told by themselves, the others by their reason."""
    counts: dict[tuple[str, str], int] = {}
    for refusal in (refusal for receipt in receipts for refusal in receipt.refused):
        key = refusal.reason, refusal.says
        if key not in counts and len(counts) >= TOLD:
            key = refusal.reason, "more of these"
        counts[key] = counts.get(key, 0) + refusal.count
    refused = tuple(Refused(reason=reason, says=says, count=count) for (reason, says), count in counts.items())
    return Taken(accepted=sum(receipt.accepted for receipt in receipts), refused=refused)


async def _numbered(pieces: AsyncIterator[bytes], of: str, names: observations.Names) -> AsyncIterator[Found]:
    """The pieces of one NDJSON body, read; it is known at which of its lines each begins."""
    line = 1
    async for piece in pieces:
        yield observations.read(piece, of, names, line)
        line += piece.count(b"\n") + 1


async def _lines(request: Posted) -> AsyncIterator[bytes]:
    """The body in pieces of some 256 kB that end at a line's end."""
    held: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        held.append(chunk)
        size += len(chunk)
        if size >= CHUNK:
            whole, _, rest = b"".join(held).rpartition(b"\n")
            held, size = [rest], len(rest)
            if whole:
                yield whole
            elif size > CHUNK * 4:
                raise BadInput(f"a line is longer than {CHUNK * 4} bytes; one observation a line, each well under 1 kB")
    if last := b"".join(held):
        yield last


async def _each(found: Iterable[Found]) -> AsyncIterator[Found]:
    for one in found:
        yield one


def routes(door: Door) -> Router:
    """The router that the app mounts."""

    @post("/observations", status_code=200, operation_id="createObservations", tags=["sources"])
    async def observations_(
        request: Posted,
        of: Annotated[str, QueryParameter(name="kind", description="readings, counts or positions")] = "readings",
    ) -> Taken:
        """Take observations: one JSON object, NDJSON or an Arrow stream; answered when durable."""
        source = await door.source_of(request)
        kind(of)
        if "arrow" in request.headers.get("content-type", ""):
            return await door.take(source, _each([(arrow.read(await request.body(), of), ())]))
        return await door.take(source, _numbered(_lines(request), of, door.names))

    @post(
        "/CreateObservations",
        status_code=201,
        operation_id="sensorthingsCreateObservations",
        tags=["sources"],
        request_max_body_size=sensorthings.MOST,
    )
    async def create(request: Posted) -> Taken:
        """Take SensorThings data arrays (OGC 18-088 §12)."""
        source = await door.source_of(request)
        return await door.take(source, _each(sensorthings.create_observations(await request.body(), door.names)))

    @post("/calls", status_code=201, operation_id="createCall", tags=["sources"], request_max_body_size=CALL)
    async def call(request: Posted) -> Logged:
        """Take an emergency call: committed before it is answered."""
        source = await door.source_of(request)
        return Logged(event=await door.tell(calls.read(await request.body(), source, LIVE)))

    return Router("/v1", route_handlers=[observations_, create, call, *_residents(door)], request_max_body_size=MOST)


def _residents(door: Door) -> list[HTTPRouteHandler]:
    @post("/reports", status_code=201, operation_id="createReport", tags=["sources"], request_max_body_size=CALL)
    async def report(request: Posted) -> Logged:
        """Take a resident's report (Open311 GeoReport v2): committed before it is answered. Nothing is kept of who reports."""
        source = await door.source_of(request)
        return Logged(event=await door.tell(open311.read(await request.body(), source, LIVE)))

    @post("/posts", status_code=201, operation_id="createPost", tags=["sources"], request_max_body_size=CALL)
    async def post_(request: Posted) -> Logged:
        """Take a public post: committed before it is answered. Nothing is kept of who wrote it; its words go after a day."""
        source = await door.source_of(request)
        return Logged(event=await door.tell(posts.read(await request.body(), source, LIVE)))

    return [report, post_]


part = Door
