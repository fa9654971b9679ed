"""What every part of tutela promises, ours keep as well."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from socketserver import BaseRequestHandler, ThreadingTCPServer
from threading import Thread

from tutela_promises import Other, detector, source


@contextmanager
def logger(says: bytes) -> Iterator[Mapping[str, object]]:
    """A data logger on this machine, which says that, and the options to reach it."""

    class Answer(BaseRequestHandler):
        def handle(self) -> None:
            with suppress(ConnectionError):  # whoever asked has heard enough
                self.request.sendall(says)

    with ThreadingTCPServer(("127.0.0.1", 0), Answer) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield {"host": "127.0.0.1", "port": server.server_address[1]}
        finally:
            server.shutdown()
            thread.join()


TestRising = detector("rising")
TestGauge = source("gauge", other=Other(logger, well=b"upstream 1.284\ndownstream 0.973\n"))
