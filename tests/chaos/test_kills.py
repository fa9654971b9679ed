"""kill -9 under load: whatever dies, and whenever, nothing that was acknowledged is lost and nothing is done twice."""

from __future__ import annotations

import logging
import os
import random
import signal
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from tests.chaos.load import HIGH, LOW, STREAMS, Book, name, storm
from tests.integration.running import Instance, Json, Person, clear_away, datastream, entry, now, until

pytestmark = pytest.mark.chaos

LOG = logging.getLogger(__name__)

TARGETS = ["work-1", "nats", "postgres", "serve", "main"]
TIMES = int(os.environ.get("KILLS", "1"))
"""How often each is killed: once among all tests, more often by `make chaos`."""

FLYING = 100
"""Publishes that are not acknowledged at the moment of each kill."""

WELL = 40.0
SETTLED = 60.0


@dataclass(frozen=True)
class Kill:
    """One kill: which process (pid and start time), what was in flight, and the seconds until all was well again."""

    target: str
    pid: int
    started: float
    flying: int
    gone: bool
    took: float


class City:
    """An instance whose main process is started again by hand when it is killed."""

    def __init__(self, data: Path) -> None:
        self.instance = Instance.start(data, "--empty")
        self.kills: list[Kill] = []

    def victim(self, target: str) -> psutil.Process:
        """The process, as its run file names it: pid and start time agree."""
        if target == "main":
            return psutil.Process(self.instance.process.pid)
        told = self.instance.run_file(target)
        process = psutil.Process(told["pid"])
        assert abs(process.create_time() - told["started"]) < 1
        return process

    def strike(self, target: str, book: Book, after: int) -> None:
        """Kill it after so many answers, while enough is in flight, and wait until all is well again."""
        due = book.answers + after
        until(lambda: book.answers >= due, "the senders are answered", WELL)
        until(lambda: book.flying >= FLYING, "enough is in flight")
        victim = until(lambda: self._running(target), f"{target} runs")
        pid, started, flying, begun = victim.pid, victim.create_time(), book.flying, time.monotonic()
        os.kill(pid, signal.SIGKILL)
        if target == "main":
            self.instance.process.wait(10)
        gone = bool(until(lambda: not _same(pid, started), f"{target} is gone", 5))
        if target == "main":
            before = self.instance
            self.instance = Instance.start(before.data, "--empty", port=before.port)
            self.instance.clients += before.clients
            before.clients.clear()
            before.close()
        answers = book.answers
        until(lambda: book.answers > answers + STREAMS, f"observations are taken after {target} was killed", WELL)
        until(lambda: self._anew(target, pid, started), f"{target} runs again", WELL)
        self.kills.append(Kill(target, pid, started, flying, gone, time.monotonic() - begun))
        LOG.info("%s", self.kills[-1])

    def _running(self, target: str) -> psutil.Process | None:
        try:
            return self.victim(target)
        except (OSError, ValueError, psutil.NoSuchProcess):
            return None

    def _anew(self, target: str, pid: int, started: float) -> bool:
        now_ = self._running(target)
        return now_ is not None and (now_.pid, now_.create_time()) != (pid, started)


def _same(pid: int, started: float) -> bool:
    try:
        process = psutil.Process(pid)
        return bool(process.create_time() == started and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


class Reader:
    """Reads the sealed log on, each time it is asked."""

    def __init__(self, person: Person) -> None:
        self.person, self.after = person, -1
        self.events: list[Json] = []

    def read(self) -> list[Json]:
        while True:
            page = self.person.get("/v1/events", after=self.after, most=1000)
            self.events += [one for one in page["events"] if one["kind"] in ("detection@1", "call@1", "alert@1")]
            if page["after"] == self.after:
                return self.events
            self.after = page["after"]

    def detections(self) -> Counter[tuple[str, int]]:
        """How often smoke was noticed, by datastream and time."""
        bodies = [one["body"] for one in self.read() if one["kind"] == "detection@1"]
        return Counter((body["key"], body["at"]) for body in bodies if body["type"] == "smoke")


def test_whatever_is_killed_nothing_acknowledged_is_lost_and_nothing_done_twice(tmp_path: Path) -> None:
    logging.getLogger("httpx").setLevel(logging.WARNING)
    seed = int(os.environ.get("TUTELA_CHAOS_SEED") or time.time())
    LOG.warning("the seed of this run is %d: set TUTELA_CHAOS_SEED to draw the same order again", seed)
    targets = TARGETS * TIMES
    chance = random.Random(seed)
    chance.shuffle(targets)
    data = tmp_path / "data"
    city = City(data)
    try:
        operator = city.instance.come_in(city.instance.codes["operator"], "Aino")
        with storm(city.instance.base, *sources(city.instance)) as book:
            for target in targets:
                city.strike(target, book, after=chance.randrange(10 * STREAMS))
        healed(city, book, operator)
    finally:
        city.instance.close()
        clear_away(data)


def sources(instance: Instance) -> tuple[str, str]:
    """The tokens of a source of smoke sensors, each in a place of its own, and of a call centre."""
    folder, tokens = instance.data.parent, []
    places = [(60.0 + 0.01 * (number % 12), 24.0 + 0.02 * (number // 12)) for number in range(STREAMS)]
    streams = [datastream(name(number), "pm25", unit="ug/m3", place=place) for number, place in enumerate(places)]
    centre = entry("calls", kind="calls", purposes=["emergency-response"], personal_data=True)
    for file, text in ((folder / "storm.toml", entry("storm", *streams)), (folder / "calls.toml", centre)):
        file.write_text(text)
        tokens.append(instance.told("sources", "enter", file)["token"])
    return tokens[0], tokens[1]


def healed(city: City, book: Book, operator: Person) -> None:
    """Every kill was one, every answer was a good one, and all of it is there, once."""
    assert sorted(kill.target for kill in city.kills) == sorted(TARGETS * TIMES)
    assert all(kill.gone and kill.flying >= FLYING for kill in city.kills)
    assert len({(kill.pid, kill.started) for kill in city.kills}) == len(city.kills)
    assert book.wrong == []
    assert len(book.spikes) > STREAMS

    numbers = city.instance.numbers()
    expected = {(str(numbers[stream]), at) for stream, at in book.spikes}
    log = Reader(operator)
    until(lambda: log.detections().keys() >= expected, "every smoke is noticed", SETTLED)
    nothing_lost(book, operator, log)
    assert log.detections() == dict.fromkeys(expected, 1)
    until(lambda: counted(operator) == len(expected), "every smoke counts once in the queue", SETTLED)
    assert Counter(one["id"] for one in log.read()).most_common(1)[0][1] == 1
    assert city.instance.told("letters", "list") == []
    assert city.instance.told("verify")["findings"] == []


def nothing_lost(book: Book, operator: Person, log: Reader) -> None:
    """Read back from the lake and what is not in it yet; calls from the log, each as one event."""
    found = {
        (name(number), at)
        for number in range(STREAMS)
        for at, result in operator.series(name(number), now(-3600), now(1))
        if result in (LOW, HIGH)
    }
    assert book.rows - found == set()
    assert found - book.rows == set()
    calls = until(lambda: (told := calls_of(log)).keys() >= set(book.calls.values()) and told, "every call is sealed")
    assert calls == dict.fromkeys(book.calls.values(), 1)
    assert len(set(book.calls.values())) == len(book.calls)


def calls_of(log: Reader) -> Counter[str]:
    return Counter(one["id"] for one in log.read() if one["kind"] == "call@1")


def counted(operator: Person) -> int:
    """All detections of smoke that the open alerts have joined."""
    return sum(alert["count"] for alert in operator.queue() if alert["type"] == "smoke")
