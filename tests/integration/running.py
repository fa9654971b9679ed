"""A whole instance for tests: its processes as real children, reached as people and devices reach it."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import queue
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import asyncpg
import httpx
import psutil

from tutela.backends.engines import addresses
from tutela.backends.places import SYSTEM, places

LOG = logging.getLogger(__name__)

Json = Any  # what an answer says, whatever that is

PATIENCE = 60.0
"""Seconds after which a test that waits gives up; what it measures it bounds by itself."""

WHY = {"purpose": "public-safety", "basis": "PublicInterest"}


def until(true: Callable[[], Json], what: str, within: float = PATIENCE) -> Json:
    """Ask again and again until the answer is true, and give that answer."""
    end = time.monotonic() + within
    while not (answer := true()):
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within {within:.0f} s")
        time.sleep(0.05)
    return answer


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def now(shift: float = 0.0) -> str:
    """This moment, or one so many seconds later, as ISO 8601."""
    return (datetime.now(UTC) + timedelta(seconds=shift)).isoformat(timespec="microseconds")


def line(datastream: str, result: object, at: str | int | None = None, **more: object) -> bytes:
    """An observation as a source sends it."""
    when = now() if at is None else at
    return json.dumps({"datastream": datastream, "phenomenonTime": when, "result": result, **more}).encode()


@dataclass
class Device:
    """Whoever holds a source's token."""

    http: httpx.Client

    def post(self, *lines: bytes, kind: str = "readings", **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.http.post(f"/v1/observations?kind={kind}", content=b"\n".join(lines), headers=named)

    def take(self, *lines: bytes, kind: str = "readings") -> Json:
        """Post what has to be accepted, all of it."""
        answer = self.post(*lines, kind=kind)
        assert answer.status_code == 200, answer.text
        taken = answer.json()
        assert taken["accepted"] == len(lines), taken
        return taken

    def call(self, **call: object) -> httpx.Response:
        return self.http.post("/v1/calls", json=call)

    def tell(self, path: str, **told: object) -> None:
        """Tell a report or a post, which has to be taken as soon as the door knows the source."""
        until(lambda: self.http.post(path, json=told).status_code == 201, f"what is told at {path} is taken")

    def known(self, datastream: str, result: float = 1.0) -> None:
        """Wait until the door knows a datastream that has just been entered."""
        until(
            lambda: self.post(line(datastream, result)).json().get("accepted") == 1,
            f"{datastream} is known at the door",
        )


class Follower:
    """Somebody who follows the log over SSE, on a thread of their own. A pulse comes each second."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._came: queue.SimpleQueue[tuple[float, Json]] = queue.SimpleQueue()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._read, args=(lines,), name="follower", daemon=True)
        self.seen: list[Json] = []
        self.open = threading.Event()
        self._thread.start()

    def close(self) -> None:
        self._over.set()
        self._thread.join(PATIENCE)

    def _read(self, lines: Iterator[str]) -> None:
        try:
            for text in lines:
                if text.startswith("data: "):
                    self.open.set()
                    self._came.put((time.monotonic(), json.loads(text.removeprefix("data: "))))
                if self._over.is_set():
                    return
        except httpx.HTTPError:
            LOG.info("the stream ended", exc_info=True)
        self._came.put((time.monotonic(), None))

    def wait(self, wanted: Callable[[Json], object], what: str, within: float = PATIENCE) -> tuple[float, Json]:
        """The first event from now on that is wanted, and when it came (`time.monotonic`)."""
        end = time.monotonic() + within
        while (left := end - time.monotonic()) > 0:
            try:
                at, came = self._came.get(timeout=left)
            except queue.Empty:
                break
            if came is None:
                raise AssertionError(f"{what}: the stream ended")
            if "kind" in came:
                self.seen.append(came)
                if wanted(came):
                    return at, came
        raise AssertionError(f"{what}: did not come over SSE within {within:.0f} s; seen: {len(self.seen)} events")


@dataclass
class Person:
    """Somebody who has enrolled. Every read and act names a purpose and a legal basis."""

    http: httpx.Client
    id: str
    why: Mapping[str, str] = field(default_factory=lambda: WHY)

    def get(self, path: str, **params: Json) -> Json:
        answer = self.http.get(path, params={**self.why, **params})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def do(self, path: str, body: object = None, method: str = "POST", **headers: str) -> Json:
        answer = self.ask(path, body, method, **headers)
        assert answer.is_success, answer.text
        return answer.json()

    def ask(self, path: str, body: object = None, method: str = "POST", **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.http.request(method, path, params=dict(self.why), json=body, headers=named)

    def queue(self, timeline: str = "live") -> list[Json]:
        """The open alerts."""
        return [row["alert"] for row in self.get("/v1/alerts", timeline=timeline)["alerts"]]

    def newest(self, *datastreams: str, kind: str = "readings", timeline: str = "live") -> dict[str, float]:
        """Newest values by datastream."""
        asked = {"kind": kind, "datastreams": datastreams}
        answer = self.http.post("/v1/observations/newest", params={**self.why, "timeline": timeline}, json=asked)
        assert answer.status_code == 200, answer.text
        told = answer.json()
        return dict(zip(told["datastream"], told["values"]["result"], strict=True))

    def series(self, datastream: str, since: str, till: str, timeline: str = "live") -> list[tuple[int, float]]:
        """All of it, part by part."""
        rows, more = list[tuple[int, float]](), since
        while more:
            asked = {"datastream": datastream, "since": more, "until": till, "timeline": timeline}
            told = self.get("/v1/observations/series", **asked)
            rows += zip(told["time"], told["values"]["result"], strict=True)
            more = told["more_since"]
        return rows

    def log(self, timeline: str = "live") -> Iterator[Json]:
        """The whole sealed log, as this person may see it."""
        after = -1
        while True:
            page = self.get("/v1/events", after=after, most=1000, timeline=timeline)
            yield from page["events"]
            if page["after"] == after:
                return
            after = page["after"]

    @contextmanager
    def following(self, timeline: str = "live") -> Iterator[Follower]:
        """Follow the log from now on."""
        params = {**self.why, "timeline": timeline}
        with self.http.stream("GET", "/v1/events/stream", params=params, timeout=PATIENCE) as answer:
            assert answer.status_code == 200, answer.read()
            follower = Follower(answer.iter_lines())
            try:
                assert follower.open.wait(PATIENCE), "the stream gives no pulse"
                yield follower
            finally:
                follower.close()


def tutela(*words: str | Path, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command line to its end."""
    return subprocess.run(
        [sys.executable, "-m", "tutela", *map(str, words)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, **(env or {})},
    )


@dataclass
class Instance:
    """A running `tutela up`, its address, and the codes that it printed."""

    data: Path
    port: int
    process: subprocess.Popen[bytes]
    codes: dict[str, str]
    mqtt: int
    metrics: str = ""
    clients: list[httpx.Client] = field(default_factory=list)

    @classmethod
    def start(
        cls, data: Path, *options: str, port: int | None = None, mqtt: int | None = None, within: float = 90.0
    ) -> Self:
        """Start it and wait until it says where it is."""
        chosen = port or free_port()
        command = [sys.executable, "-m", "tutela", "up", "--data", str(data), "--port", str(chosen), "--json", *options]
        data.mkdir(parents=True, exist_ok=True)
        with (data / "up.log").open("ab") as says:
            env = {**os.environ, "TUTELA_MQTT_PORT": str(mqtt or free_port())}
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=says, env=env)
        assert process.stdout is not None
        told = _first_line(process, within, data / "up.log")
        assert told["address"] == f"http://localhost:{chosen}"
        return cls(data, chosen, process, dict(told["codes"]), int(told["mqtt"].rpartition(":")[2]), told["metrics"])

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def stop(self) -> int:
        """SIGTERM, as a service manager does; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(40)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise

    def tutela(self, *words: str | Path) -> subprocess.CompletedProcess[str]:
        """Another verb on this instance."""
        return tutela(*words, "--data", self.data)

    def told(self, *words: str | Path) -> Json:
        """What a verb answers in JSON; it has to succeed."""
        done = self.tutela(*words, "--json")
        assert done.returncode == 0, done.stderr + done.stdout
        return json.loads(done.stdout)

    def client(self, token: str = "") -> httpx.Client:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.clients.append(httpx.Client(base_url=self.base, headers=headers, timeout=PATIENCE))
        return self.clients[-1]

    def enter(self, name: str, *datastreams: str, **source: object) -> Device:
        """Enter a source with these tables of datastreams (TOML), and wait until the door knows it."""
        file = self.data.parent / f"{name}.toml"
        file.write_text(entry(name, *datastreams, **source))
        device = Device(self.client(self.told("sources", "enter", file)["token"]))
        until(lambda: "quarantined" not in device.post(line("nothing", 1)).text, f"{name} is known at the door")
        return device

    def assessed(self, name: str) -> Json:
        """Enter a DPIA of a capability; the paper."""
        about = f'[about]\nkind = "dpia"\ncovers = ["{name}"]\n'
        head = {
            "number": f"DPIA {name}",
            "authority": "Tests",
            "signed": "Tests",
            "until": now(3600),
            "sha256": "0f" * 32,
        }
        file = self.data.parent / f"{name}-dpia.toml"
        file.write_text("".join(f'{key} = "{value}"\n' for key, value in head.items()) + about)
        return self.told("papers", "enter", file)["paper"]

    def arm(self, name: str) -> Json:
        """Publish a capability, arm it, and wait until it is at work: the instance was started with no days for comments."""
        found = self.client().get("/v1/register").json()["capabilities"]
        purposes = next(one["purposes"] for one in found if one["name"] == name)
        file = self.data.parent / f"{name}.toml"
        extent = f'[extent]\nareas = ["here"]\nclasses = ["positions"]\npurposes = {json.dumps(purposes)}\ndays = 1\n'
        file.write_text(f'name = "{name}"\ntext = "It counts."\n{extent}')
        self.told("capabilities", "publish", file)
        armed = self.told("capabilities", "arm", name)
        until(lambda: self._at_work(name), f"{name} is at work")
        return armed

    def _at_work(self, name: str) -> bool:
        return any(one["name"] == name and not one["off"] for one in self.told("capabilities", "list"))

    def enrol(self, role: str, name: str, **why: str) -> Person:
        """Somebody comes in with a code that is made for them."""
        return self.come_in(self.told("invite", role)["code"], name, **why)

    def come_in(self, code: str, name: str, **why: str) -> Person:
        answer = self.client().post("/v1/enrol", json={"code": code, "name": name})
        assert answer.status_code == 201, answer.text
        enrolled = answer.json()
        return Person(self.client(enrolled["token"]), enrolled["agent"]["id"], {**WHY, **why})

    def run_file(self, name: str) -> Json:
        """What the supervisor knows of a child: pid, start time, command."""
        return json.loads((self.data / "run" / f"{name}.json").read_bytes())

    def numbers(self) -> dict[str, int]:
        """The register's number of each datastream: the API goes by names only."""
        return {row["name"]: row["id"] for row in self.asked("select name, id from datastream")}

    def asked(self, sql: str) -> list[dict[str, Json]]:
        """Rows of a query on the facts, for what no API tells."""

        async def ask() -> list[dict[str, Json]]:
            connection = await asyncpg.connect(addresses(self.data, {}).pg)
            try:
                return [dict(row) for row in await connection.fetch(sql)]
            finally:
                await connection.close()

        return asyncio.run(ask())

    def keeper_again(self) -> None:
        """Stop the keeper, which archives what it has gathered and signs a checkpoint; its supervisor starts it again."""
        before = self.run_file("keep")
        os.kill(before["pid"], signal.SIGTERM)
        until(lambda: not psutil.pid_exists(before["pid"]), "the keeper stops")
        until((self.data / "run" / "keep.json").exists, "the keeper is back")
        assert self.run_file("keep")["pid"] != before["pid"]

    def files(self) -> Iterator[Path]:
        """Every file of the instance, wherever it lies."""
        where = places(self.data)
        roots = {self.data, where.postgres.parent if where.postgres.is_relative_to(SYSTEM) else self.data}
        for root in roots:
            yield from (path for path in root.rglob("*") if path.is_file())

    def holding(self, wanted: bytes) -> list[str]:
        """The files in which this stands. One that a running engine takes away meanwhile holds nothing any more."""
        found = []
        for path in self.files():
            try:
                if wanted in path.read_bytes():
                    found.append(str(path))
            except FileNotFoundError:
                continue
        return found

    def close(self) -> None:
        """Stop it, if it runs, and close what is open."""
        if self.process.poll() is None:
            self.stop()
        for client in self.clients:
            client.close()
        assert self.process.stdout is not None
        self.process.stdout.close()


def _first_line(process: subprocess.Popen[bytes], within: float, log: Path) -> Json:
    lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    assert process.stdout is not None
    read = process.stdout.readline
    threading.Thread(target=lambda: lines.put(read()), daemon=True).start()
    try:
        first = lines.get(timeout=within)
    except queue.Empty:
        first = b""
    if not first:
        process.kill()
        process.wait()
        process.stdout.close()
        raise AssertionError(f"tutela up did not come up within {within:.0f} s: {log.read_text()[-2000:]}")
    return json.loads(first)


@contextmanager
def running(data: Path, *options: str, port: int | None = None) -> Iterator[Instance]:
    """An instance, stopped and cleared away at the end."""
    try:
        instance = Instance.start(data, *options, port=port)
        try:
            yield instance
        finally:
            instance.close()
    finally:
        clear_away(data)


def clear_away(data: Path) -> None:
    """What an instance keeps outside its data directory when it runs as root."""
    where = places(data)
    if where.postgres.is_relative_to(SYSTEM):
        shutil.rmtree(where.postgres.parent, ignore_errors=True)


def entry(name: str, *datastreams: str, **source: object) -> str:
    """A file that enters a source."""
    fields = {
        "name": name,
        "owner": "Tests",
        "kind": "sensors",
        "purposes": ["public-safety"],
        "legal_basis": "PublicInterest",
        "personal_data": False,
        "place": "Central Helsinki",
        **source,
    }
    told = "\n".join(f"{key} = {json.dumps(value)}" for key, value in fields.items())
    return "\n".join([f"[source]\n{told}", thing(name), *datastreams])


def thing(source: str) -> str:
    return f'[[thing]]\nname = "{source} mast"\nkind = "mast"'


def datastream(
    name: str,
    observed_property: str = "test",
    *,
    kind: str = "readings",
    unit: str = "1",
    place: Sequence[float] = (60.17, 24.94),
    interval: float = 3600.0,
) -> str:
    """A table of a datastream on the mast of its source, whose name is before the slash."""
    lat, lon = place
    source = name.partition("/")[0]
    return (
        f'[[datastream]]\nname = "{name}"\nthing = "{source} mast"\nkind = "{kind}"\n'
        f'observed_property = "{observed_property}"\nunit = "{unit}"\ninterval = {interval}\n'
        f"place = {{ lat = {lat}, lon = {lon} }}"
    )
