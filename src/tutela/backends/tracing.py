"""Traces by OpenTelemetry: spans go to a collector over OTLP/HTTP, from a thread of their own. The only file that knows it.

The library reads the standard variables (`OTEL_…`) by itself. This module is loaded only when a collector is named.

Nothing waits for the collector. Spans gather in a queue of bounded size; while it is down or slow they are lost, which is told
once, and again only when it was back meanwhile.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Mapping, Sequence
from contextvars import Token
from functools import lru_cache
from time import monotonic
from typing import Self
from urllib.parse import urlsplit

from opentelemetry import trace as otel
from opentelemetry.context import Context, attach, detach
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

LOG = logging.getLogger(__name__)

LINKS = 32
"""Causes that a span names beside its parent."""

STOPS = 1.0
"""Seconds for what is left at the end."""

TELLS = 3600.0
"""Seconds between two words about spans that were lost although the collector answers."""

KINDS = {
    "publish": otel.SpanKind.PRODUCER,
    "hop": otel.SpanKind.PRODUCER,
    "detect": otel.SpanKind.CONSUMER,
    "correlate": otel.SpanKind.CONSUMER,
    "desk": otel.SpanKind.CONSUMER,
    "mqtt": otel.SpanKind.SERVER,
    "POST": otel.SpanKind.SERVER,
}
"""The kinds of spans, by the first word of their name; the others are internal."""

LIBRARY = (
    "opentelemetry.exporter.otlp.proto.http.trace_exporter",
    "opentelemetry.sdk._shared_internal",
    "opentelemetry.util.re",
)
"""Loggers of the library that speak of each batch that is not taken, of each span that finds no room, and of headers that can't be
read, with what is secret in them."""

HEADERS = ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS")
"""The variables that headers come from: the first that is set."""

LONG = 55
"""Characters of a `traceparent`."""

NONE: Mapping[str, str | int] = {}

_read = TraceContextTextMapPropagator().extract


class OneSpan:
    """One span; see the port in `flow/trace.py`."""

    __slots__ = ("_span", "_token")

    def __init__(self, span: otel.Span) -> None:
        self._span = span
        self._token: Token[Context] | None = None

    @property
    def trace(self) -> str:
        """Its place."""
        return written(self._span.get_span_context())

    def note(self, facts: Mapping[str, str | int], /) -> None:
        """Tell these of it."""
        self._span.set_attributes(_named(facts))

    def end(self, failed: str = "", /) -> None:
        """It is over."""
        if failed:
            self._span.set_attribute("error.type", failed)
            self._span.set_status(otel.Status(otel.StatusCode.ERROR))
        if self._span.is_recording():
            self._span.end()

    def __enter__(self) -> Self:
        self._token = attach(otel.set_span_in_context(self._span))
        return self

    def __exit__(self, _: object, failed: BaseException | None, __: object) -> None:
        if self._token is not None:
            detach(self._token)
        # Whoever only stops waiting has not failed.
        self.end(type(failed).__name__ if isinstance(failed, Exception) else "")


class OtelTraces:
    """Traces of one process, until `stop`. `service` is what it is, `instance` which of these."""

    def __init__(self, service: str, instance: str, version: str, exporter: SpanExporter | None = None) -> None:
        told = {"service.namespace": "tutela", "service.instance.id": instance, "service.version": version}
        given = os.environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
        if not os.environ.get("OTEL_SERVICE_NAME") and "service.name=" not in given:
            told["service.name"] = service
        self._provider = TracerProvider(resource=Resource.create(told), shutdown_on_exit=False)
        library = _Library.heard()
        self._provider.add_span_processor(BatchSpanProcessor(Quiet(exporter or OTLPSpanExporter(), library)))
        if library.unread:
            named = next((name for name in HEADERS if os.environ.get(name)), HEADERS[-1])
            LOG.warning("%s is not NAME=VALUE, so the collector gets only what can be read of it; put it right", named)
        self._tracer = self._provider.get_tracer("tutela", version)

    def here(self) -> str:
        """The place of what is under way in this task."""
        return written(otel.get_current_span().get_span_context())

    def span(
        self,
        name: str,
        causes: Sequence[str] = (),
        facts: Mapping[str, str | int] = NONE,
        /,
        *,
        since: int | None = None,
    ) -> OneSpan:
        """Open one. Its parent is the first cause."""
        places = [_place(cause) if len(cause) == LONG else otel.INVALID_SPAN_CONTEXT for cause in causes[: LINKS + 1]]
        context = otel.set_span_in_context(otel.NonRecordingSpan(places[0]), Context()) if places else None
        span = self._tracer.start_span(
            name,
            context,
            KINDS.get(name.partition(" ")[0], otel.SpanKind.INTERNAL),
            _named(facts),
            [otel.Link(place) for place in places[1:] if place.trace_flags.sampled],
            None if since is None else since * 1000,
            record_exception=False,
            set_status_on_exception=False,
        )
        return OneSpan(span)

    def stop(self) -> None:
        """Hand over what is left, if the collector is quick; else it is lost."""
        last = threading.Thread(target=self._provider.shutdown, name="the last spans", daemon=True)
        last.start()
        last.join(STOPS)


class Quiet(SpanExporter):
    """An exporter that says once that spans are not taken, and once that they are again."""

    def __init__(self, exporter: SpanExporter, library: _Library | None = None) -> None:
        self._exporter = exporter
        self._library = library or _Library.heard()
        self._lost, self._down = 0, False
        self._told = -TELLS

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Hand over a batch."""
        taken = self._exporter.export(spans) is SpanExportResult.SUCCESS
        self._lost += self._library.dropped() + (0 if taken else len(spans))
        if not taken:
            self._fallen()
        elif self._down:
            LOG.info("the collector takes spans again; %d were lost meanwhile", self._lost)
            self._lost, self._down = 0, False
        elif self._lost and monotonic() - self._told > TELLS:
            LOG.warning(
                "%d spans were lost, more come than the collector takes; sample fewer: OTEL_TRACES_SAMPLER", self._lost
            )
            self._lost, self._told = 0, monotonic()
        return SpanExportResult.SUCCESS if taken else SpanExportResult.FAILURE

    def _fallen(self) -> None:
        if not self._down:
            LOG.warning(
                "the collector at %s takes no spans, so traces are lost until it does (nothing else is, and nothing waits): %s",
                where(os.environ),
                self._library.why,
            )
        self._down = True

    def shutdown(self) -> None:
        """There is nothing more to come."""
        self._exporter.shutdown()


class _Library(logging.Handler):
    """What the library would log of each batch and span: kept, so that it can be told once."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.why = "it does not answer"
        self.unread = False
        self._dropped = 0

    @classmethod
    def heard(cls) -> _Library:
        """One that hears from now on, instead of the log."""
        own = cls()
        for name in LIBRARY:
            logger = logging.getLogger(name)
            logger.handlers, logger.filters, logger.propagate = [own], [], False
        return own

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it."""
        if record.name == LIBRARY[2]:
            self.unread = True
        elif record.name != LIBRARY[0]:
            self._dropped += 1
        elif why := _why(record.args if isinstance(record.args, tuple) else ()):
            self.why = why

    def dropped(self) -> int:
        """Spans that found no room since it was last asked."""
        count, self._dropped = self._dropped, 0
        return count


def where(env: Mapping[str, str]) -> str:
    """The collector's host and port, without anything secret."""
    url = urlsplit(env.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") or env.get("OTEL_EXPORTER_OTLP_ENDPOINT", ""))
    return url.netloc.rpartition("@")[2] or "(no address)"


def written(place: otel.SpanContext) -> str:
    """A place as `traceparent`; "" when it is none."""
    if not place.is_valid:
        return ""
    return f"00-{place.trace_id:032x}-{place.span_id:016x}-{place.trace_flags:02x}"


@lru_cache(4096)  # a batch has one cause for many messages, and reading one costs more than the rest of a span
def _place(text: str) -> otel.SpanContext:
    """What a `traceparent` says; whatever else that is, is no place."""
    return otel.get_current_span(_read({"traceparent": text}, Context())).get_span_context()


def _named(facts: Mapping[str, str | int]) -> dict[str, str | int]:
    """Attributes: those of the field keep their name, the others are ours."""
    return {name if "." in name else f"tutela.{name}": fact for name, fact in facts.items()}


def _why(told: Sequence[object]) -> str:
    """What an answer or an error was. What an error says holds the address, and so perhaps a secret."""
    kinds = [type(one).__name__ if isinstance(one, Exception) else one for one in told]
    return " ".join(str(one) for one in kinds if isinstance(one, int | str) and one != "spans")[:100]
