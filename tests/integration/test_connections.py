"""Connections over the real processes: a feed that is polled, a folder, a webhook; killed in between, nothing is lost."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from tests.integration.connected import BLOCKS, condition, connected, enter, kill, newest, series
from tests.integration.running import Device, Instance, Person, now, until

pytestmark = pytest.mark.integration

SECRET = "sesame-4711"


class Feed(ThreadingHTTPServer):
    """A table at an address, for whoever has the key."""

    daemon_threads = True
    rows: list[str]
    failing = False

    def page(self) -> bytes:
        return "\n".join(["taken,station,pm25", *self.rows, ""]).encode()


class Handler(BaseHTTPRequestHandler):
    server: Feed

    def do_GET(self) -> None:
        good = self.headers.get("X-Key") == SECRET and not self.server.failing
        body = self.server.page() if good else b""
        self.send_response(200 if good else 403)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def feed() -> Iterator[Feed]:
    server = Feed(("127.0.0.1", 0), Handler)
    server.rows = []
    thread = Thread(target=server.serve_forever, name="feed")
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_feed_is_polled_through_a_kill_and_nothing_is_lost_or_shown_twice(
    city: Instance, operator: Person, feed: Feed
) -> None:
    address = f"http://127.0.0.1:{feed.server_port}/air.csv"
    told = enter(
        city,
        connected(
            "polled",
            "poll",
            standard="table",
            options={"url": address, "every": 1, "allow_private": True},
            reading=BLOCKS,
            secret={"headers": {"X-Key": SECRET}},
        ),
        "polled",
    )
    assert told == {"source": "polled", "token": None}
    feed.rows.append(f"{now(-30)},Kallio,1")
    until(lambda: newest(operator, "polled/Kallio/pm25"), "the first row is here")
    for number in (2, 3):
        feed.rows.append(f"{now(-30 + number)},Kallio,{number}")
        kill(city)
    until(lambda: newest(operator, "polled/Kallio/pm25").get("polled/Kallio/pm25") == 3, "the last row is here")
    assert series(operator, "polled/Kallio/pm25") == [1, 2, 3]

    # its health is watched like everything else
    until(
        lambda: newest(operator, "polled/connection/reachable").get("polled/connection/reachable") == 1,
        "it is well",
        60,
    )
    feed.failing = True
    doing = until(
        lambda: (found := condition(city, "polled")).get("reachable") is False and found, "its trouble is told"
    )
    assert "answers 403" in doing["says"]


def test_a_secret_is_nowhere_in_clear(city: Instance, auditor: Person, feed: Feed) -> None:
    feed.failing = True
    text = connected(
        "sealed",
        "poll",
        options={"url": f"http://127.0.0.1:{feed.server_port}/", "every": 1, "allow_private": True},
        secret={"query": {"key": "canary-secret-91ac"}},
    )
    enter(city, text, "sealed")
    until(lambda: condition(city, "sealed").get("troubles"), "it was tried")
    (city.data.parent / "sealed.toml").unlink()

    assert "canary-secret-91ac" not in json.dumps(city.told("sources", "list"))
    assert "canary-secret-91ac" not in json.dumps(list(auditor.log()))
    assert city.holding(b"canary-secret-91ac") == []


def test_a_folder_and_a_database_are_read_and_go_on_after_a_kill(
    city: Instance, operator: Person, tmp_path: Path
) -> None:
    folder, base = tmp_path / "in", tmp_path / "air.sqlite"
    folder.mkdir()
    with closing(sqlite3.connect(base)) as connection, connection:
        connection.execute("create table air (id integer primary key, taken text, station text, pm25 real)")

    def add(number: int) -> None:
        at = now(-60 + number)
        (folder / f".{number}").write_text(f"taken,station,pm25\n{at},Kallio,{number}\n")
        (folder / f".{number}").rename(folder / f"{number}.csv")
        with closing(sqlite3.connect(base)) as connection, connection:
            connection.execute("insert into air values (?, ?, 'Kallio', ?)", (number, at, number))

    options = {"path": str(folder), "every": 0.2, "settle": 0.2, "done": "done"}
    enter(city, connected("folder", "directory", standard="table", options=options, reading=BLOCKS), "folder")
    query = {"query": "select * from air", "increasing": "id", "path": str(base), "every": 0.2}
    enter(city, connected("rows", "sql", options={**query, **BLOCKS}), "rows")
    names = ("folder/Kallio/pm25", "rows/Kallio/pm25")
    add(1)
    until(lambda: len(newest(operator, *names)) == 2, "the first of both are here")
    add(2)
    kill(city)
    add(3)
    until(lambda: newest(operator, *names) == dict.fromkeys(names, 3.0), "all of it is here")

    assert [series(operator, name) for name in names] == [[1, 2, 3], [1, 2, 3]]
    assert sorted(path.name for path in (folder / "done").iterdir()) == ["1.csv", "2.csv", "3.csv"]


def test_a_webhook_is_read_by_the_standard_of_its_connection(city: Instance, operator: Person) -> None:
    reading = {**BLOCKS, "form": "ndjson"}
    told = enter(city, connected("posted", "webhook", standard="table", reading=reading), "posted")
    device = Device(city.client(told["token"]))
    body = json.dumps({"taken": now(), "station": "Kallio", "pm25": 7.5})
    answer = device.http.post("/v1/hooks", content=body)
    garbage = device.http.post("/v1/hooks", content=b"{garbage")

    assert (answer.status_code, answer.json()) == (200, {"accepted": 1, "refused": []})
    assert garbage.status_code == 400
    assert "not one plain JSON object a line" in garbage.text
    until(lambda: newest(operator, "posted/Kallio/pm25"), "it is here")
    other = city.enter("no-webhook")
    assert other.http.post("/v1/hooks", content=body).status_code == 404


def test_what_could_never_run_is_not_entered(city: Instance) -> None:
    path = city.data.parent / "never.toml"
    path.write_text(connected("never", "poll", options={"url": "http://example.org", "every": "often"}))
    ran = city.tutela("sources", "enter", path)

    assert ran.returncode == 1
    assert "Expected `float`, got `str` - at `$.every`; its options are" in ran.stderr
    assert "never" not in {one["name"] for one in city.told("sources", "list")}
