"""Reads over HTTP with ten million rows stored: the newest value of 10,000 datastreams, a day's series of one.

The rows come in through the door, as a day of 1,000 rounds of all datastreams that ended just now; they are read
when they are in the lake. Each read is one policy decision and one event of its own.
"""

from __future__ import annotations

import asyncio
import time

import httpx
import numpy as np
from benchmarks import driving, report
from benchmarks.counting import archived
from benchmarks.driving import ordered, send, settled
from benchmarks.report import promise, tell
from benchmarks.stack import VERBS, Stack, operator, stack, start
from benchmarks.traffic import sensor

from tutela.model.when import DAY, SECOND, iso

STREAMS, WANTED, ROUNDS, ROWS = 10_200, 10_000, 1_000, 5_100
NEWEST, SERIES = 200.0, 100.0
WHY = {"purpose": "public-safety", "basis": "PublicInterest"}


async def fill(running: Stack, rounds: int) -> tuple[int, int]:
    """Rows stored, and the time (microseconds) at which their day began."""
    # One in twenty is a mover; and one sensor in a hundred never speaks, because another one's row comes twice.
    plan = await driving.enter(running, "arrow", ROWS, STREAMS * 20 // 19 + 1, 1e6)
    await start(running, VERBS)
    since = time.time_ns() // 1000 - DAY
    step = DAY // rounds // SECOND * SECOND // 2 * 2
    sent = await send(
        running, ordered(running, plan, rate=0, seconds=600, sockets=2, rounds=rounds, start=since, step=step)
    )
    promise("reads.stored.all", not sent.failed, failures=sent.failures)
    await settled(running, 120)
    await archived(running, 150)
    return sum(tally.acked for tally in sent.kinds.values()), since


async def newest(client: httpx.AsyncClient, rows: int, times: int, name: str = "reads") -> None:
    """All of them by name, in one request."""
    wanted = {"kind": "readings", "datastreams": [sensor(number) for number in range(STREAMS)]}
    took, found = [], 0
    for _ in range(times):
        begun = time.perf_counter()
        answer = await client.post("/v1/observations/newest", params=WHY, json=wanted)
        took.append((time.perf_counter() - begun) * 1e3)
        found = len(answer.raise_for_status().json()["time"])
    p50, worst = np.percentile(took, [50, 100]).tolist()
    tell(f"{name}.newest", worst, "ms", most=NEWEST, p50=p50, times=times, datastreams=found, rows=rows)
    promise(f"{name}.newest.all", found >= WANTED, found=found)


async def series(client: httpx.AsyncClient, rows: int, span: tuple[int, int], times: int, name: str = "reads") -> None:
    """The whole day of one, each time of another."""
    chance = np.random.default_rng(1)
    took, found = [], []
    for number in chance.choice(WANTED, times, replace=False).tolist():
        asked = {**WHY, "datastream": sensor(number), "since": iso(span[0]), "until": iso(span[1])}
        begun = time.perf_counter()
        answer = await client.get("/v1/observations/series", params=asked)
        took.append((time.perf_counter() - begun) * 1e3)
        found.append(len(answer.raise_for_status().json()["time"]))
    p50, p90, worst = np.percentile(took, [50, 90, 100]).tolist()
    tell(f"{name}.series", p90, "ms", most=SERIES, p50=p50, worst=worst, times=times, points=min(found), rows=rows)
    promise(f"{name}.series.all", bool(np.median(found) > 0), fewest=min(found))


async def read(running: Stack, rows: int, since: int, times: int, name: str = "reads") -> None:
    """Both kinds of read, as an operator."""
    headers = {"Authorization": f"Bearer {await operator(running, 60)}"}
    async with httpx.AsyncClient(base_url=running.url, headers=headers, timeout=30) as client:
        await newest(client, rows, times, name)
        await series(client, rows, (since, since + DAY + SECOND), 3 * times, name)


async def main() -> None:
    """On one instance."""
    async with stack(()) as running:
        rows, since = await fill(running, 50 if report.quick() else ROUNDS)
        await read(running, rows, since, 5 if report.quick() else 30)


if __name__ == "__main__":
    asyncio.run(main())
