"""Sources that are connected, for tests: how one is entered, how it is doing, and what came of it."""

from __future__ import annotations

import json
import os
import signal
from typing import Any

import psutil
from tests.integration.running import Instance, Person, entry, now, until

BLOCKS = {
    "time": {"column": "taken"},
    "datastream": [
        {"name": "{station}/pm25", "thing": "{station}", "result": "pm25", "observed_property": "pm25", "unit": "ug/m3"}
    ],
}


def table(value: object) -> str:
    """A value as TOML writes it within a line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {table(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(table, value)) + "]"
    return json.dumps(value)


def connected(name: str, part: str, **tables: object) -> str:
    lines = [f"{key} = {table(value)}" for key, value in tables.items()]
    return "\n".join([entry(name), "[connection]", f'part = "{part}"', *lines])


def enter(city: Instance, text: str, name: str) -> Any:  # noqa: ANN401  what the program answers
    path = city.data.parent / f"{name}.toml"
    path.write_text(text)
    return city.told("sources", "enter", path)


def condition(city: Instance, name: str) -> Any:  # noqa: ANN401  as above
    found = {one["name"]: one for one in city.told("sources", "list")}
    return found[name].get("condition") or {}


def kill(city: Instance) -> None:
    """Kill the process that runs the connections, as a fault would; its supervisor starts it again."""
    before = city.run_file("connect")
    os.kill(before["pid"], signal.SIGKILL)
    until(lambda: not psutil.pid_exists(before["pid"]), "the process is gone")
    until(lambda: (city.data / "run" / "connect.json").exists() and city.run_file("connect") != before, "it is back")


def newest(person: Person, *names: str) -> dict[str, float]:
    """The newest values of these, none while the register does not know them all."""
    asked = {"kind": "readings", "datastreams": names}
    answer = person.http.post("/v1/observations/newest", params={**person.why, "timeline": "live"}, json=asked)
    told = answer.json()
    return dict(zip(told["datastream"], told["values"]["result"], strict=True)) if answer.status_code == 200 else {}


def series(person: Person, name: str) -> list[float]:
    return sorted(result for _, result in person.series(name, now(-3600), now(60)))
