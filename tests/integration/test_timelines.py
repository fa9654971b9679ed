"""Timelines on the real processes: recorded data lives in its own time, and live operators never see it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.integration.running import Device, Instance, Json, Person, datastream, line, now, tutela, until

from tutela.model.when import HOUR, micros

pytestmark = pytest.mark.integration

BEGAN = datetime(2026, 3, 1, tzinfo=UTC)
HOURS = 60
GAP = range(20, 30)
"""Hours of the first day and a half in which one station says nothing."""

WATCHED = {"smoke", "silence", "burst-of-fire-calls"}
MAPPING = """
about = "Two stations for two days and a half"
tick = "1h"
[source]
name = "recorded"
owner = "Tests"
kind = "files"
purposes = ["public-safety"]
legal_basis = "PublicInterest"
personal_data = false
place = "Here"
[time]
column = "when"
[[datastream]]
name = "recorded/{station}"
thing = "recorded/{station}"
place = "{station}"
result = "pm25"
observed_property = "pm25"
unit = "ug/m3"
interval = 3600
purpose = "public-safety"
[places]
talks = [61.1, 24.9]
pauses = [61.2, 24.9]
"""
CALLS = """
about = "Three calls of the last hour"
tick = "1m"
[source]
name = "recorded-calls"
owner = "Tests"
kind = "files"
purposes = ["emergency-response"]
legal_basis = "PublicInterest"
personal_data = true
place = "Here"
[time]
column = "when"
[call]
id = "recorded-{row}"
category = "{what}"
lat = "lat"
lon = "lon"
"""


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A recorded table in which one station pauses, and both see smoke once; and its mapping."""
    folder = tmp_path_factory.mktemp("recorded")
    rows = ["when,station,pm25"]
    for hour in range(HOURS):
        when = (BEGAN + timedelta(hours=hour)).isoformat()
        rows.append(f"{when},talks,{400 if hour == 5 else 10 + hour / 100}")
        if hour not in GAP:
            rows.append(f"{when},pauses,{400 if hour == 40 else 10 + hour / 100}")
    (folder / "recorded.csv").write_text("\n".join(rows) + "\n")
    (folder / "recorded.toml").write_text(MAPPING)
    return folder / "recorded.csv", folder / "recorded.toml"


def imported(city: Instance, table: tuple[Path, Path], timeline: str, *options: str) -> None:
    told = city.told("import", table[0], "--mapping", table[1], "--timeline", timeline, *options)
    assert told["refused"] == {}


def detections(person: Person, timeline: str, least: int) -> list[Json]:
    """What was detected, when there is so much at least."""
    bodies = (one["body"] for one in person.log(timeline) if one["kind"] == "detection@1")
    found = [body for body in bodies if body["type"] in WATCHED]
    return found if len(found) >= least else []


def without_names(found: list[Json]) -> list[Json]:
    """Detections without what is the timeline's own."""
    own = ("id", "timeline")
    return sorted(({key: value for key, value in one.items() if key not in own} for one in found), key=str)


def test_silence_and_smoke_are_judged_in_the_imports_own_time(
    city: Instance, table: tuple[Path, Path], operator: Person
) -> None:
    imported(city, table, "import/a")
    found = until(lambda: detections(operator, "import/a", 3), "smoke twice and a silence")
    numbers = city.numbers()
    began = micros(BEGAN)
    silences = [one for one in found if one["type"] == "silence"]
    assert [one["datastreams"] for one in silences] == [[numbers["recorded/pauses"]]]
    last = began + (GAP.start - 1) * HOUR
    assert last < silences[0]["at"] <= last + 5 * HOUR, "three intervals, and the tick after them"
    smoke = {(one["datastreams"][0], one["at"]) for one in found if one["type"] == "smoke"}
    assert smoke == {(numbers["recorded/talks"], began + 5 * HOUR), (numbers["recorded/pauses"], began + 40 * HOUR)}
    # all that there is: no clock on the wall went on after its last tick
    assert len(found) == 3


def test_an_import_never_reaches_live_operators(
    city: Instance, table: tuple[Path, Path], operator: Person, tmp_path: Path
) -> None:
    calls, mapping = tmp_path / "calls.csv", tmp_path / "calls.toml"
    rows = [f"{now(-60 * minute)},Fire: smoke,61.1,24.9" for minute in (3, 2, 1)]
    calls.write_text("\n".join(["when,what,lat,lon", *rows]) + "\n")
    mapping.write_text(CALLS)
    before = operator.queue(), operator.get("/v1/calls/newest")
    with operator.following() as live:
        imported(city, table, "import/quiet")
        told = city.told("import", calls, "--mapping", mapping, "--timeline", "import/quiet-calls")
        assert told["calls"] == 3
        until(lambda: detections(operator, "import/quiet", 3), "the import's own detections")
        until(lambda: detections(operator, "import/quiet-calls", 1), "a burst of the import's calls")
        until(
            lambda: [one for one in operator.log("import/quiet") if one["kind"] == "alert@1"], "the import's own alerts"
        )
        probe = operator.do("/v1/incidents", {"call": call_now(city, operator)})
        live.wait(lambda one: one["subject"] == probe["id"], "a live event after all that")
    assert {one["timeline"] for one in live.seen} == {"live"}
    assert {one["kind"] for one in live.seen} <= {"call@1", "incident@1", "source@1", "datastreams@1"}
    after = operator.queue(), operator.get("/v1/calls/newest")
    assert after[0] == before[0]
    assert len(after[1]) == len(before[1]) + 1
    assert operator.newest("recorded/talks") == {}


def call_now(city: Instance, operator: Person) -> str:
    """A live call, so that there is something to wait for."""
    del operator
    centre = city.enter("timeline-calls", kind="calls", purposes=["emergency-response"], personal_data=True)
    event: str = centre.call(id="1", at=now(), lat=61.5, lon=24.9, category="EMS: fall").json()["event"]
    return event


@pytest.mark.parametrize("timeline", ["live", "import", "replay/x", "import/a/b", "import/ä", "../live"])
def test_recorded_data_goes_on_no_other_timeline(table: tuple[Path, Path], timeline: str, city: Instance) -> None:
    done = city.tutela("import", table[0], "--mapping", table[1], "--timeline", timeline)
    assert done.returncode == 1
    assert "timeline" in done.stderr
    assert city.tutela("sources", "list").returncode == 0


def test_a_dry_run_refuses_such_a_timeline_too(table: tuple[Path, Path]) -> None:
    done = tutela("import", table[0], "--mapping", table[1], "--timeline", "live", "--dry-run")
    assert done.returncode == 1


@pytest.mark.long
def test_speed_and_number_of_workers_change_nothing(city: Instance, table: tuple[Path, Path], operator: Person) -> None:
    first = until(lambda: detections(operator, "import/a", 3), "what was found before")
    with another_worker(city):
        imported(city, table, "import/b", "--speed", "100000")
        again = until(lambda: detections(operator, "import/b", 3), "the same again")
    assert without_names(again) == without_names(first)
    city.keeper_again()
    for timeline in ("import/a", "import/b"):
        report = city.told("replay", timeline, "--batch", "3")
        assert report["differences"] == 0
        assert report["compared"] >= len(first)


@contextmanager
def another_worker(city: Instance) -> Iterator[None]:
    """`tutela work` beside the one that there is, with a part of the leases; theirs again when it is gone."""
    with (city.data / "another.log").open("wb") as says:
        process = subprocess.Popen(
            [sys.executable, "-m", "tutela", "work", "--data", city.data], stderr=says, env={**os.environ}
        )
    try:
        until(lambda: owners(city) == 2, "the new worker has leases")
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)
    until(lambda: owners(city) == 1, "the leases are the first one's again")
    until(lambda: city.tutela("doctor").returncode == 0, "every partition has a worker")


def owners(city: Instance) -> int:
    """Workers that hold leases now."""
    return len(city.asked("select distinct owner from lease where owner is not null and lease_until > now()"))


def test_a_source_that_speaks_live_and_recorded_is_two_different_things(
    city: Instance, operator: Person, tmp_path: Path
) -> None:
    live: Device = city.enter("both", datastream("both/x"))
    live.known("both/x", 1.0)
    table, mapping = tmp_path / "both.csv", tmp_path / "both.toml"
    table.write_text(f"when,station,pm25\n{now(-60)},x,2.0\n{now(-30)},x,3.0\n")
    mapping.write_text(
        MAPPING.replace('"recorded', '"both')
        .replace("talks = ", "x = ")
        .replace('observed_property = "pm25"', 'observed_property = "test"')
        .replace('unit = "ug/m3"', 'unit = "1"')
    )
    imported(city, (table, mapping), "import/both")
    until(lambda: operator.newest("both/x", timeline="import/both") == {"both/x": 3.0}, "the import's newest value")
    until(lambda: operator.newest("both/x") == {"both/x": 1.0}, "the live newest value")
    live.take(line("both/x", 4.0))
    until(lambda: operator.newest("both/x") == {"both/x": 4.0}, "the live newest value")
    assert [result for _, result in operator.series("both/x", now(-600), now(1), timeline="import/both")] == [2.0, 3.0]
    assert [result for _, result in operator.series("both/x", now(-600), now(1))] == [1.0, 4.0]
