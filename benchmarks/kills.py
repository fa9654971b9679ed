"""kill -9 under load: worker, NATS, PostgreSQL, gateway and main process, each five times, at random.

Each kill is verified by pid and start time, with at least a hundred publishes in flight. At the end everything that
was acknowledged must be there, and each effect once. A kill that hit nothing fails the run.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import psutil
from benchmarks import report
from benchmarks.found import Found, found
from benchmarks.report import promise, tell
from benchmarks.senders import STREAMS, Book, call, observe
from benchmarks.stack import entry, until
from benchmarks.traffic import datastreams
from benchmarks.upped import Upped, stop
from benchmarks.watched import watched

from tutela.app.core import clock
from tutela.backends.orphans import RunFile
from tutela.flow.entering import define, enter

SENDERS, CALLERS, FLYING, TIMES = 250, 4, 100, 5
CHILDREN = {"worker": "work-1", "nats": "nats", "postgres": "postgres", "gateway": "serve"}
RECOVERED = 60.0


@dataclass(frozen=True, slots=True)
class Killed:
    """One kill: which process (pid and start time), what was in flight, and the seconds until all was well again."""

    target: str
    pid: int
    started: float
    flying: int
    gone: bool
    recovered: float


class Chaos:
    """Kills, and brings back the one that nobody else brings back: the main process."""

    def __init__(self, here: Upped, book: Book, main: asyncio.subprocess.Process) -> None:
        self.here, self.book, self.main = here, book, main
        self.killed: list[Killed] = []

    async def strike(self, target: str) -> None:
        """Kill it while enough is in flight, and wait until it runs again and takes something new."""
        victim = self._victim(target)
        started = victim.create_time()
        await until(self._busy, RECOVERED, every=0.002)
        flying = self.book.flying
        os.kill(victim.pid, signal.SIGKILL)
        begun = time.monotonic()
        gone = await _gone(victim.pid, started)
        if target == "main":
            await self.main.wait()
            self.main = await self.here.start()
            await self.here.ready(self.main)
        answers = self.book.answers

        async def well() -> bool:
            return self.book.answers > answers and self._anew(target, victim.pid, started)

        await until(well, RECOVERED)
        took = time.monotonic() - begun
        self.killed.append(Killed(target, victim.pid, started, flying, gone, took))
        sys.stderr.write(f"killed {target} (pid {victim.pid}), {flying} in flight, well again after {took:.1f} s\n")

    async def _busy(self) -> bool:
        return self.book.flying >= FLYING

    def _victim(self, target: str) -> psutil.Process:
        return psutil.Process(self.main.pid if target == "main" else self._file(target).pid)

    def _file(self, target: str) -> RunFile:
        path = self.here.settings.data / "run" / f"{CHILDREN[target]}.json"
        return msgspec.json.decode(path.read_bytes(), type=RunFile)

    def _anew(self, target: str, pid: int, started: float) -> bool:
        with suppress(psutil.NoSuchProcess, FileNotFoundError, msgspec.DecodeError):
            now = self._victim(target)
            return bool((now.pid, now.create_time()) != (pid, started) and now.status() != psutil.STATUS_ZOMBIE)
        return False


async def _gone(pid: int, started: float) -> bool:
    """Whether that very process is gone within two seconds."""

    async def asked() -> bool:
        try:
            process = psutil.Process(pid)
            return bool(process.create_time() != started or process.status() == psutil.STATUS_ZOMBIE)
        except psutil.NoSuchProcess:
            return True

    with suppress(TimeoutError):
        await until(asked, 2.0, every=0.01)
        return True
    return False


async def book_of(here: Upped, log: Path) -> Book:
    """Sources in the register, and what senders need to know."""
    seen = watched()
    async with here.inside() as inside:
        sensors = datastreams(SENDERS * STREAMS * 20 // 19 + 1, seen.observed_property)[0][: SENDERS * STREAMS]
        for source in (entry("bench-sensors"), entry("bench-calls", personal=True)):
            await enter(inside.facts, source, "bench", clock())
        defined = await define(inside.facts, (), sensors, "bench", clock())
        return Book(
            port=here.settings.port or 0,
            token=await inside.tokens.issue("bench-sensors"),
            calls_token=await inside.tokens.issue("bench-calls"),
            first=defined[0].id,
            name=sensors[0].name.replace("0000000", "{:07d}"),
            base=round(seen.low / 2, 2),
            spike=round(seen.high * 1.2, 2),
            log=log.open("w"),
        )


async def rage(here: Upped, book: Book, times: int) -> list[Killed]:
    """All kills, in an order and at moments that chance draws; then everything heals."""
    chaos = Chaos(here, book, await here.start())
    await here.ready(chaos.main)
    senders = [asyncio.ensure_future(observe(book, number)) for number in range(SENDERS)]
    senders += [asyncio.ensure_future(call(book, number)) for number in range(CALLERS)]
    chance = random.Random(time.time_ns())
    targets = [*CHILDREN, "main"] * times
    chance.shuffle(targets)
    try:
        for target in targets:
            await asyncio.sleep(chance.uniform(0.5, 2.5))
            await chaos.strike(target)
        book.over = True
        async with asyncio.timeout(RECOVERED):
            await asyncio.gather(*senders)
    finally:
        for sender in senders:
            sender.cancel()
        await asyncio.gather(*senders, return_exceptions=True)
    _judge(book, await found(here))
    await stop(chaos.main)
    return chaos.killed


def _judge(book: Book, there: Found) -> None:
    lost = len(book.acked - there.rows)
    promise("kills.none-lost", lost == 0, acked=len(book.acked), lost=lost)
    promise(
        "kills.detections-once",
        there.detections == sorted(book.spikes),
        spikes=len(book.spikes),
        found=len(there.detections),
    )
    promise("kills.alerts-once", there.joined == len(book.spikes), joined=there.joined, spikes=len(book.spikes))
    promise("kills.state-once", there.state in (None, len(book.acked)), rows=len(book.acked), state=there.state)
    calls = sorted(book.calls.values())
    promise("kills.calls-once", there.calls == calls, told=len(calls), found=len(there.calls))
    promise("kills.log-whole", there.verified, verified=there.verified)


def figures(killed: Sequence[Killed], book: Book, times: int) -> None:
    """The kills that counted, and how long it took to recover from each."""
    whole = [one for one in killed if one.gone and one.flying >= FLYING]
    distinct = len({(one.pid, one.started) for one in whole})
    promise("kills.effective", len(whole) == distinct == 5 * times, kills=len(killed), effective=distinct)
    for target in [*CHILDREN, "main"]:
        took = [one.recovered for one in whole if one.target == target]
        tell(
            f"kills.{target}.recovered",
            max(took, default=float("nan")),
            "s",
            kills=len(took),
            p50=float(np.median(took or [0])),
            least_in_flight=min((one.flying for one in whole if one.target == target), default=0),
        )
    tell("kills.acked", len(book.acked), "rows", tries=book.tries, answers=book.answers)


async def main() -> None:
    """One instance, killed again and again."""
    times = 1 if report.quick() else TIMES
    with tempfile.TemporaryDirectory(prefix="tutela-bench-") as folder:
        here = Upped.at(Path(folder) / "city")
        try:
            first = await here.start()
            await here.ready(first)
            book = await book_of(here, Path(folder) / "acked")
            await stop(first)
            figures(await rage(here, book, times), book, times)
        finally:
            here.forget()


if __name__ == "__main__":
    asyncio.run(main())
