"""What every source promises, of those of ours that can be told what they hear: over HTTP, in its answers' bodies and in all of them; in a database."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingTCPServer
from tempfile import TemporaryDirectory
from threading import Thread

from tutela_promises import Other, source

Options = Mapping[str, object]


def answer(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body


@contextmanager
def server(says: bytes) -> Iterator[Options]:
    """Somebody who waits for a request, and answers it with that."""

    class Answer(BaseRequestHandler):
        def handle(self) -> None:
            with suppress(ConnectionError):  # whoever asked has heard enough
                asked = b""
                while b"\r\n\r\n" not in asked and (part := self.request.recv(65_536)):
                    asked += part
                self.request.sendall(says)

    with ThreadingTCPServer(("127.0.0.1", 0), Answer) as listening:
        thread = Thread(target=listening.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield {"url": f"http://127.0.0.1:{listening.server_address[1]}/feed", "allow_private": True, "every": 1}
        finally:
            listening.shutdown()
            thread.join()


@contextmanager
def page(says: bytes) -> Iterator[Options]:
    with server(answer(says)) as options:
        yield options


@contextmanager
def database(says: bytes) -> Iterator[Options]:
    """A file of SQLite with that in it."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "air.sqlite"
        path.write_bytes(says)
        yield {
            "query": "select * from air",
            "increasing": "id",
            "path": str(path),
            "every": 1,
            "rows": 2,
            "time": {"column": "taken"},
            "datastream": [
                {
                    "name": "{station}/pm25",
                    "thing": "{station}",
                    "result": "pm25",
                    "observed_property": "pm25",
                    "unit": "ug/m3",
                }
            ],
        }


def air() -> bytes:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("create table air (id integer primary key, taken text, station text, pm25 real)")
        rows = [(number, f"1970-01-12T13:4{number}:00Z", "Kallio", float(number)) for number in range(5)]
        connection.executemany("insert into air values (?, ?, ?, ?)", rows)
        connection.commit()
        return connection.serialize()


TestBodies = source("poll", other=Other(page, well=b"first"))
TestAnswers = source("poll", other=Other(server, well=answer(b"first")))
TestDatabase = source("sql", other=Other(database, well=air()))
