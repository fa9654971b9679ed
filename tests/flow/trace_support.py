"""Traces that are kept in memory, by the library that keeps them in a city."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tutela.backends.tracing import OtelTraces

A, B, C = (f"00-{letter * 32}-{letter * 16}-01" for letter in "abc")
"""Places in three traces."""

UNSAMPLED = f"00-{'d' * 32}-{'d' * 16}-00"


class Kept(OtelTraces):
    """Traces with what they told."""

    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        super().__init__("tutela-test", "test", "1", self.exporter)

    def spans(self) -> list[ReadableSpan]:
        """All that ended, as they began."""
        self._provider.force_flush()
        return sorted(self.exporter.get_finished_spans(), key=lambda one: one.start_time or 0)

    def named(self, name: str) -> list[ReadableSpan]:
        return [one for one in self.spans() if one.name == name]

    def only(self, name: str) -> ReadableSpan:
        (span,) = self.named(name)
        return span


@contextmanager
def keeping() -> Iterator[Kept]:
    """Traces for one test."""
    kept = Kept()
    try:
        yield kept
    finally:
        kept.stop()


def place(span: ReadableSpan) -> str:
    """The span's own place, as it is carried."""
    return f"00-{span.context.trace_id:032x}-{span.context.span_id:016x}-{span.context.trace_flags:02x}"


def parent(span: ReadableSpan) -> str:
    """The place of what it follows from; "" when it begins a trace."""
    if span.parent is None:
        return ""
    return f"00-{span.parent.trace_id:032x}-{span.parent.span_id:016x}-{span.parent.trace_flags:02x}"


def links(span: ReadableSpan) -> list[str]:
    """The places that it is linked to."""
    return [
        f"00-{one.context.trace_id:032x}-{one.context.span_id:016x}-{one.context.trace_flags:02x}" for one in span.links
    ]


def told(span: ReadableSpan) -> dict[str, object]:
    return {name.removeprefix("tutela."): value for name, value in (span.attributes or {}).items()}
