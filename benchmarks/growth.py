"""How cost grows: with datastreams, with workers, and with what is stored. Each step on an instance of its own."""

from __future__ import annotations

import asyncio
from pathlib import Path

from benchmarks import driving, reads, report
from benchmarks.driving import Run, drive
from benchmarks.report import promise, tell
from benchmarks.stack import VERBS, Stack, stack, start

DATASTREAMS = (10_000, 100_000, 1_000_000)
WORKERS = (1, 2, 4)
STORED = (1_000_000, 50_000_000)
MEMORY, DISK = 4_000.0, 10.0
RATE, SECONDS = 200_000, 10.0
PATIENCE = 180.0


async def datastreams(count: int) -> None:
    """Memory of all processes, and the worker's cost of a row. Each datastream is heard at least twice."""
    async with stack(()) as running:
        plan = await driving.enter(running, "arrow", min(5000, count // 20), count, RATE)
        await start(running, VERBS)
        run = await drive(running, plan, RATE, max(SECONDS, 2.5 * count / RATE), PATIENCE)
    whole = sum(used.peak_mb for name, used in run.used.items() if name != "generator")
    peaks = {name: round(used.peak_mb) for name, used in run.used.items()}
    tell(f"growth.datastreams-{count}.memory", whole, "MB", most=MEMORY, peaks=peaks)
    costs(f"growth.datastreams-{count}", run)


async def workers(count: int) -> None:
    """The same load on one, two and four workers."""
    async with stack(()) as running:
        plan = await driving.enter(running, "arrow", 5000, 100_000, RATE)
        await start(running, VERBS, workers=count)
        run = await drive(running, plan, RATE, SECONDS, PATIENCE)
    costs(f"growth.workers-{count}", run)


def costs(name: str, run: Run) -> None:
    """CPU seconds for a million rows, of the workers and of everything; and how far behind they were at the end."""
    work = sum(used.cpu for process, used in run.used.items() if process.startswith("work"))
    whole = sum(used.cpu for process, used in run.used.items() if process != "generator")
    sent = run.sent
    tell(
        f"{name}.cost",
        work / run.rows * 1e6,
        "worker CPU s/1M rows",
        all=whole / run.rows * 1e6,
        ack_p99_ms=sent.p99,
        drained_s=run.drained,
        rate=sent.rate,
    )
    promise(f"{name}.all", not sent.failed and run.drained < PATIENCE, failures=sent.failures)


async def stored(rows: int) -> None:
    """Reads and disk with that many rows stored."""
    name = f"growth.stored-{rows}"
    async with stack(()) as running:
        there, since = await reads.fill(running, max(20, rows // reads.STREAMS))
        await reads.read(running, there, since, 3 if report.quick() else 20, name)
        tell(f"{name}.disk", await asyncio.to_thread(disk, running), "GB", most=DISK, rows=there)


def disk(running: Stack) -> float:
    """GB that the instance takes, without its ballast."""
    places = running.engines.places
    files = [file for home in (places.data, places.postgres) for file in home.rglob("*") if file.is_file()]
    return sum(_size(file) for file in files if file != places.ballast) / 1e9


def _size(file: Path) -> int:
    try:
        return file.stat().st_blocks * 512
    except FileNotFoundError:  # it went while we looked
        return 0


async def main() -> None:
    """All of them; in a quick run the first of each."""
    few = 1 if report.quick() else 3
    for count in DATASTREAMS[:few]:
        await datastreams(count)
    for count in WORKERS[:few]:
        await workers(count)
    for rows in STORED[:few]:
        await stored(rows if not report.quick() else 200_000)


if __name__ == "__main__":
    asyncio.run(main())
