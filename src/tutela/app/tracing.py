"""Traces at the edges of a process: opened when a collector is named, and begun at the doors.

What comes in from sources is followed, and never what people read or do.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any, TypeVar

from litestar.types import ASGIApp, Message, Middleware, Receive, Scope, Send

from tutela import __version__
from tutela.app.settings import Settings
from tutela.flow.trace import UNTRACED, Traces

A = TypeVar("A")
B = TypeVar("B")

COLLECTOR = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
OFF = "OTEL_SDK_DISABLED"
OURS = 500
"""From this status on, it is we who failed."""

LOG = logging.getLogger(__name__)


@asynccontextmanager
async def traced(settings: Settings, process: str) -> AsyncIterator[Traces]:
    """The traces of this process. Without a collector nothing is loaded; no fault of tracing keeps a process from its work."""
    traces = _opened(settings, process) if wanted(settings) else None
    if traces is None:
        yield UNTRACED
        return
    try:
        yield traces
    finally:
        await asyncio.to_thread(traces.stop)


def wanted(settings: Settings) -> bool:
    """Whether a collector is named, and nobody switched it off."""
    return any(settings.env.get(name) for name in COLLECTOR) and settings.env.get(OFF, "").lower() != "true"


def _opened(settings: Settings, process: str) -> Any:  # noqa: ANN401  its module is loaded only here
    try:
        return import_module("tutela.backends.tracing").OtelTraces(
            f"tutela-{process}", settings.process or process, __version__
        )
    except ImportError as missing:
        LOG.warning(
            "%s names a collector, but nothing is followed: %s; install tutela[otel], or unset it",
            COLLECTOR[1],
            missing,
        )
    except ValueError as wrong:
        LOG.warning("a collector is named, but nothing is followed: %s; put the OTEL_ variables right", wrong)
    return None


def followed(act: Callable[[A], Awaitable[B]], traces: Traces, name: str) -> Callable[[A], Awaitable[B]]:
    """The same door; what comes in by it is followed."""
    if traces is UNTRACED:
        return act

    async def inside(what: A) -> B:
        with traces.span(name):
            return await act(what)

    return inside


def following(traces: Traces) -> Sequence[Middleware]:
    """What follows the requests of a router; nothing, when nobody keeps traces."""

    def around(app: ASGIApp) -> ASGIApp:  # a function, since Litestar makes deep copies of all else
        return Followed(app, traces)

    return () if traces is UNTRACED else (around,)


@dataclass(frozen=True, slots=True)
class Followed:
    """Requests of sources, as one span each. Whoever sends may be followed already, and say so (W3C Trace Context)."""

    app: ASGIApp
    traces: Traces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request. Of its address only the template is told."""
        route = scope["path_template"]
        told = {"http.request.method": "POST", "http.route": route}
        causes = [text.decode("latin-1") for name, text in scope["headers"] if name == b"traceparent"]
        with self.traces.span(f"POST {route}", causes[:1], told) as span:
            status = 0

            async def noted(message: Message) -> None:
                nonlocal status
                if message["type"] == "http.response.start":
                    status = message["status"]
                    span.note({"http.response.status_code": status})
                await send(message)

            await self.app(scope, receive, noted)
            if status >= OURS:
                span.end(str(status))
