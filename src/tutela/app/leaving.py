"""A server that stops while requests wait: each of them is told to come again, not that something is wrong."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import msgspec
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from tutela.screens.problem import KIND, Problem

STOPS = Problem(
    type="tutela:EngineDown",
    title="Engine down",
    status=503,
    detail="this server stops, and could not tell what became of what you sent; send it again",
)
HEADERS = [(b"content-type", KIND.encode()), (b"retry-after", b"1"), (b"connection", b"close")]


@dataclass(frozen=True, slots=True)
class Leaving:
    """The application; a request that is cancelled before its answer began is answered here."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        begun = False

        async def noted(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self.app(scope, receive, noted)
        except asyncio.CancelledError:
            if scope["type"] != ScopeType.HTTP or begun:
                raise
            await send({"type": "http.response.start", "status": STOPS.status, "headers": HEADERS})
            await send({"type": "http.response.body", "body": msgspec.json.encode(STOPS), "more_body": False})
