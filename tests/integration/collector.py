"""A collector for tests: a small OTLP/HTTP server that decodes what it is sent, and can be slow, or take nothing."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span as Sent
from opentelemetry.proto.trace.v1.trace_pb2 import Status

Told = str | int


@dataclass(frozen=True)
class Span:
    """A span as it came, with the service that sent it."""

    service: str
    name: str
    trace: str
    id: str
    parent: str
    kind: str
    links: tuple[tuple[str, str], ...]
    told: dict[str, Told]
    failed: bool
    began: int
    ended: int


@dataclass
class Collector:
    """What came, and how it behaves: `holds` keeps every request waiting, `refuses` takes none."""

    port: int = 0
    spans: list[Span] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    resources: dict[str, dict[str, Told]] = field(default_factory=dict)
    refuses: bool = False
    holds: threading.Event = field(default_factory=threading.Event)
    asked: int = 0

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def take(self, body: bytes) -> None:
        """Keep what a request says."""
        self.raw.append(body)
        for group in ExportTraceServiceRequest.FromString(body).resource_spans:
            resource = {one.key: one.value.string_value for one in group.resource.attributes}
            self.resources[resource["service.name"]] = dict(resource)
            for scope in group.scope_spans:
                self.spans += [_span(one, resource["service.name"]) for one in scope.spans]

    def trace(self, id_: str) -> list[Span]:
        """The spans of one trace, as they began."""
        return sorted((one for one in tuple(self.spans) if one.trace == id_), key=lambda one: one.began)

    def services(self, id_: str) -> set[str]:
        """Who has told of a trace: by a span in it, or one that is linked to it."""
        return {one.service for one in tuple(self.spans) if id_ in (one.trace, *(trace for trace, _ in one.links))}

    def named(self, name: str, **told: Told) -> list[Span]:
        """Those of that name of which this is told."""
        wanted = {f"tutela.{key}": value for key, value in told.items()}
        return [one for one in tuple(self.spans) if one.name == name and wanted.items() <= one.told.items()]


def _span(sent: Sent, service: str) -> Span:
    return Span(
        service=service,
        name=sent.name,
        trace=sent.trace_id.hex(),
        id=sent.span_id.hex(),
        parent=sent.parent_span_id.hex(),
        kind=Sent.SpanKind.Name(sent.kind).removeprefix("SPAN_KIND_"),
        links=tuple((link.trace_id.hex(), link.span_id.hex()) for link in sent.links),
        told={one.key: one.value.string_value or one.value.int_value for one in sent.attributes},
        failed=sent.status.code == Status.STATUS_CODE_ERROR,
        began=sent.start_time_unix_nano,
        ended=sent.end_time_unix_nano,
    )


@contextmanager
def collecting(port: int = 0) -> Iterator[Collector]:
    """A collector on loopback, at that port or any that is free."""
    collector = Collector()
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        """One request of an exporter."""

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            collector.asked += 1
            if collector.holds.is_set():
                over.wait()
                return
            taken = self.path == "/v1/traces" and self.headers["Content-Type"] == "application/x-protobuf"
            if taken and not collector.refuses:
                collector.take(body)
            self.send_response(503 if collector.refuses else 200 if taken else 404)
            answer = ExportTraceServiceResponse().SerializeToString()
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Nothing is said."""

    with ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
        server.daemon_threads = True
        collector.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield collector
        finally:
            over.set()
            server.shutdown()
            thread.join()
