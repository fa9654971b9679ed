"""Promises of whoever keeps traces by OpenTelemetry: W3C places, causes and links, nothing that anybody said, and nobody waits."""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections.abc import Callable, Iterator, Sequence

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import SpanKind, StatusCode
from tests.flow.trace_support import UNSAMPLED, A, B, C, Kept, keeping, links, parent, place, told

from tutela.backends import tracing
from tutela.backends.tracing import LINKS, STOPS, OtelTraces, Quiet, where
from tutela.errors import BadInput
from tutela.flow.trace import sampled_first

SAID = "canary: the neighbour said it"


@pytest.fixture
def kept() -> Iterator[Kept]:
    with keeping() as traces:
        yield traces


@pytest.fixture(autouse=True)
def loggers() -> Iterator[None]:
    """The library's loggers stay as they are elsewhere."""
    found = [logging.getLogger(name) for name in tracing.LIBRARY]
    before = [(one.handlers, one.filters, one.propagate) for one in found]
    yield
    for one, (handlers, filters, propagate) in zip(found, before, strict=True):
        one.handlers, one.filters, one.propagate = handlers, filters, propagate


def test_what_is_opened_inside_follows_from_what_is_under_way(kept: Kept) -> None:
    assert kept.here() == ""
    with kept.span("offer") as outer:
        assert kept.here() == outer.trace
        with kept.span("gate", (), {"kind": "readings"}) as inner:
            inner.note({"accepted": 3, "http.route": "/v1/observations"})
    assert kept.here() == ""

    assert parent(kept.only("offer")) == ""
    assert parent(kept.only("gate")) == place(kept.only("offer")) == outer.trace
    assert told(kept.only("gate")) == {"kind": "readings", "accepted": 3, "http.route": "/v1/observations"}


async def test_each_task_is_somewhere_of_its_own(kept: Kept) -> None:
    async def one(name: str) -> str:
        with kept.span(name) as span:
            await asyncio.sleep(0)
            assert kept.here() == span.trace
            return span.trace

    assert len(set(await asyncio.gather(one("a"), one("b")))) == 2


def test_the_first_cause_is_the_parent_and_the_others_are_linked(kept: Kept) -> None:
    with kept.span("offer"), kept.span("publish", (A, B, UNSAMPLED, C), since=1_000_000):
        pass

    span = kept.only("publish")
    assert (parent(span), links(span), span.kind) == (A, [B, C], SpanKind.PRODUCER)
    assert span.start_time == 1_000_000_000


@pytest.mark.parametrize("first", ["", "garbage", "00-" + "0" * 32 + "-" + "0" * 16 + "-01", "\N{SNOWMAN}"])
def test_what_follows_from_no_place_begins_a_trace(kept: Kept, first: str) -> None:
    with kept.span("offer"), kept.span("detection", (first, A)):
        pass

    assert (parent(kept.only("detection")), links(kept.only("detection"))) == ("", [A])


def test_a_span_names_so_many_causes_and_no_more(kept: Kept) -> None:
    causes = [f"00-{number:032x}-{number:016x}-01" for number in range(1, 1000)]
    kept.span("detect", causes).end()

    assert links(kept.only("detect")) == causes[1 : LINKS + 1]


def test_of_a_failure_its_kind_is_told_and_not_what_it_says(kept: Kept) -> None:
    with pytest.raises(BadInput), kept.span("offer"):
        raise BadInput(SAID)

    span = kept.only("offer")
    assert (span.status.status_code, span.status.description, span.events) == (StatusCode.ERROR, None, ())
    assert told(span) == {"error.type": "BadInput"}
    assert SAID not in span.to_json()


def test_whoever_stops_waiting_has_not_failed(kept: Kept) -> None:
    with pytest.raises(asyncio.CancelledError), kept.span("offer"):
        raise asyncio.CancelledError

    assert kept.only("offer").status.status_code is StatusCode.UNSET


def test_a_span_ends_once(kept: Kept) -> None:
    span = kept.span("alert")
    span.end()
    span.end("BadInput")

    assert kept.only("alert").status.status_code is StatusCode.UNSET


def test_who_is_not_sampled_is_carried_on_as_such(kept: Kept) -> None:
    with kept.span("detect", (UNSAMPLED,)) as span:
        assert span.trace[:36] == UNSAMPLED[:36]
        assert sampled_first((span.trace, A)) == [A, span.trace]

    assert kept.spans() == []


def test_the_standard_variables_choose_what_is_sampled_and_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "parentbased_traceidratio")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", "0.25")
    with keeping() as kept:
        for _ in range(2000):
            kept.span("offer").end()
        kept.span("offer", (A,)).end()
        assert kept._provider.resource.attributes["service.name"] == "tutela-test"

        assert 350 < len(kept.spans()) < 650
        assert [parent(one) for one in kept.spans()].count(A) == 1

    monkeypatch.setenv("OTEL_SERVICE_NAME", "city")
    with keeping() as kept:
        assert kept._provider.resource.attributes["service.name"] == "city"
    monkeypatch.delenv("OTEL_SERVICE_NAME")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "service.name=town,deployment.environment.name=test")
    with keeping() as kept:
        assert kept._provider.resource.attributes["service.name"] == "town"
        assert kept._provider.resource.attributes["deployment.environment.name"] == "test"


class Scripted(SpanExporter):
    """An exporter whose batches are taken or not, as a test has it."""

    def __init__(self, *taken: bool) -> None:
        self.taken = list(taken)

    def export(self, _: Sequence[ReadableSpan]) -> SpanExportResult:
        return SpanExportResult.SUCCESS if self.taken.pop(0) else SpanExportResult.FAILURE


def warned(caplog: pytest.LogCaptureFixture, level: int = logging.WARNING) -> list[str]:
    return [one.getMessage() for one in caplog.records if one.levelno >= level]


def test_what_is_not_taken_is_told_once_until_it_is_taken_again(
    kept: Kept, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://me:secret@collector:4318/x?key=secret")
    caplog.set_level(logging.INFO)
    kept.span("offer").end()
    span = kept.spans()
    quiet = Quiet(Scripted(True, False, False, True, False))
    library = logging.getLogger(tracing.LIBRARY[0])
    for _ in range(3):
        library.error("Failed to export %s batch code: %s, reason: %s", "spans", 401, "Unauthorized")
        quiet.export(span)
    assert len(warned(caplog)) == 1
    assert "collector:4318 takes no spans" in warned(caplog)[0]
    assert warned(caplog)[0].endswith("401 Unauthorized")
    assert "secret" not in caplog.text

    quiet.export(span)
    assert warned(caplog, logging.INFO)[1:] == ["the collector takes spans again; 2 were lost meanwhile"]
    library.warning("Transient error %s encountered while exporting %s batch", ConnectionError(SAID), "spans")
    quiet.export(span)
    assert len(warned(caplog)) == 2
    assert warned(caplog)[1].endswith("ConnectionError")
    assert SAID not in caplog.text


def test_more_than_the_collector_takes_is_told_once_an_hour(caplog: pytest.LogCaptureFixture) -> None:
    quiet = Quiet(Scripted(True, True, True))
    for _ in range(3):
        logging.getLogger(tracing.LIBRARY[1]).warning("Queue full, dropping %s.", "Span")
        quiet.export(())

    assert [one[:20] for one in warned(caplog)] == ["1 spans were lost, m"]


@pytest.mark.parametrize("name", tracing.HEADERS)
def test_headers_that_can_not_be_read_are_told_by_name_and_never_by_value(
    name: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{closed()}")
    monkeypatch.setenv(name, "Authorization: Bearer canary-4711,x-second: canary-4712")
    OtelTraces("tutela-test", "test", "1").stop()

    assert [says.partition(",")[0] for says in warned(caplog)] == [f"{name} is not NAME=VALUE"]
    assert "canary" not in caplog.text

    caplog.clear()
    monkeypatch.setenv(name, "authorization=Bearer%20canary-4711")
    OtelTraces("tutela-test", "test", "1").stop()
    assert warned(caplog) == []


@pytest.mark.parametrize("text", [A + "-" + "x" * 10_000, "x" * 1_000_000, A[:-1], ""])
def test_what_is_not_as_long_as_a_place_is_neither_read_nor_remembered(kept: Kept, text: str) -> None:
    tracing._place.cache_clear()
    kept.span("offer", (text,)).end()

    assert parent(kept.only("offer")) == ""
    assert tracing._place.cache_info().currsize == 0


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of somebody who takes connections and never answers."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(100)
        yield listening.getsockname()[1]


def closed() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def quickly(act: Callable[[], object], within: float) -> None:
    began = time.monotonic()
    act()
    assert time.monotonic() - began < within


@pytest.mark.parametrize("down", [True, False], ids=["down", "slow"])
def test_a_collector_that_is_down_or_slow_holds_nobody_up(
    *, down: bool, silent: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{closed() if down else silent}")
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "10")
    traces = OtelTraces("tutela-test", "test", "1")

    def many() -> None:
        for _ in range(5000):  # more than the queue holds
            traces.span("offer").end()

    quickly(many, 10.0)
    quickly(traces.stop, STOPS + 1.0)
    assert len(warned(caplog)) <= 1
    assert not any(one.name.startswith("opentelemetry") for one in caplog.records)


def test_an_address_is_told_without_what_is_secret_in_it() -> None:
    assert where({"OTEL_EXPORTER_OTLP_ENDPOINT": "https://a:b@collector:4318/v1?c=d"}) == "collector:4318"
    assert where({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c/x", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://d"}) == "c"
    assert where({}) == "(no address)"
