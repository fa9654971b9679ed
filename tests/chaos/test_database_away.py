"""A database that stands still: a call is taken all the same, once, and whoever kills the door then loses none."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import httpx
import psutil
import pytest
from tests.integration.running import Device, Instance, datastream, line, now, running, until

pytestmark = [pytest.mark.chaos, pytest.mark.integration, pytest.mark.long]

REPORT = {"id": "1", "lat": 60.17, "lon": 24.94, "category": "noise"}
SAID = "the-stairs-burn-under-us"
HEALS = 60.0


@contextmanager
def standing_still(city: Instance) -> Iterator[None]:
    """All of PostgreSQL: the server alone would leave its sessions at work."""
    server = psutil.Process(city.run_file("postgres")["pid"])
    all_ = [server, *server.children(recursive=True)]
    for one in all_:
        one.suspend()
    try:
        yield
    finally:
        for one in all_:
            one.resume()


def call(device: Device, id_: str) -> httpx.Response:
    return device.http.post(
        "/v1/calls",
        json={"id": id_, "at": now(), "lat": 60.17, "lon": 24.94, "category": "FIRE", "said": SAID},
        timeout=30.0,
    )


def test_a_call_is_taken_while_the_database_stands_still_and_is_in_the_log_once(tmp_path: Path) -> None:
    with running(tmp_path / "data", "--empty") as city:
        callers = city.enter("callers", kind="calls", purposes=["emergency-response"], personal_data=True)
        until(lambda: call(callers, str(uuid4())).status_code == 201, "the door knows the callers")
        sensors = city.enter("sensors", datastream("sensors/a"))
        sensors.known("sensors/a")
        asked = [str(uuid4()) for _ in range(3)]

        with standing_still(city):
            taken = [call(callers, id_) for id_ in asked]
            again = call(callers, asked[0])
            telemetry = sensors.http.post(
                "/v1/observations?kind=readings", content=line("sensors/a", 2.0), timeout=30.0
            )
            report = callers.http.post("/v1/reports", json=REPORT | {"at": now()}, timeout=90.0)
            waits = [path for path in (city.data / "spool").iterdir() if path.name[0] != "."]
            readable = [path.name for path in waits if SAID.encode() in path.read_bytes()]
            os.kill(city.run_file("serve")["pid"], signal.SIGKILL)
        until(lambda: not any((city.data / "spool").iterdir()), "the log has taken what waited", HEALS)

        ids = [answer.json()["event"] for answer in taken]
        found = city.asked("select id::text, count(*) as n from event where kind = 'call@1' group by id")
        late = city.asked("select count(*) as n, count(distinct subject) as calls from event where kind = 'spooled@1'")

    assert [answer.status_code for answer in (*taken, again)] == [201] * 4
    assert again.json() == taken[0].json()
    assert telemetry.status_code == 200  # it is kept in NATS, and its token was good a moment ago
    assert (report.status_code, report.headers.get("Retry-After")) != (500, None)
    assert (len(waits), readable) == (4, [])
    assert {row["id"]: row["n"] for row in found if row["id"] in ids} == dict.fromkeys(ids, 1)
    assert late == [{"n": 4, "calls": 3}]
