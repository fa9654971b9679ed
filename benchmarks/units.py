"""Where 2,000 units are, over HTTP, while each tells its position every five seconds.

Each answer has all of them with their newest places: sealed rows that were recorded in the second before it are opened for it, and it
is one policy decision and one event. The first answer of the process opens all that JetStream has.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import httpx
import msgspec
import numpy as np
import psutil
from benchmarks import report
from benchmarks.report import promise, tell
from benchmarks.stack import BY, VERBS, Stack, entry, operator, stack, start

from tutela.app.core import clock
from tutela.flow.entering import define, enter
from tutela.flow.fleet import Definition
from tutela.flow.fleet import enter as enter_units
from tutela.model.register import Datastream, Thing
from tutela.model.resource import ResourceKind, UnitStatus
from tutela.model.when import iso

UNITS, EVERY, LEAD = 2_000, 5, 150.0
MOST = 300.0
"""Milliseconds."""

WHY = {"purpose": "public-safety", "basis": "PublicInterest"}


async def fill(running: Stack) -> str:
    """Enter the units, and the source of their positions; its token."""
    names = [f"U{number}" for number in range(UNITS)]
    facts = running.inside.facts
    await enter(facts, entry("radio", personal=True), BY, clock())
    things = [Thing(id=0, name=name, kind="unit", source="radio") for name in names]
    streams = [
        Datastream(
            id=0,
            name=name,
            source="radio",
            thing=name,
            kind="positions",
            observed_property="position",
            unit="deg",
            interval=EVERY,
        )
        for name in names
    ]
    await define(facts, things, streams, BY, clock())
    wanted = [
        Definition(name=name, agency="fire", kind=ResourceKind.ENGINE, thing=name, status=UnitStatus.AVAILABLE)
        for name in names
    ]
    await enter_units(facts, facts, wanted, BY, clock())
    return await running.inside.tokens.issue("radio")


def lines(second: int) -> Iterator[bytes]:
    """What every fifth of the units tells in that second."""
    at = iso(clock())
    for number in range(second % EVERY, UNITS, EVERY):
        lat, lon = 60.17 + number * 1e-5, 24.94 + second * 1e-5
        yield msgspec.json.encode({"datastream": f"U{number}", "phenomenonTime": at, "lat": lat, "lon": lon})


async def drive(running: Stack, token: str) -> None:
    """Tell positions, second by second, until cancelled."""
    async with httpx.AsyncClient(base_url=running.url, headers={"Authorization": f"Bearer {token}"}) as client:
        second = 0
        while True:
            begun = time.monotonic()
            answer = await client.post("/v1/observations?kind=positions", content=b"\n".join(lines(second)))
            answer.raise_for_status()
            second += 1
            await asyncio.sleep(max(0.0, begun + 1 - time.monotonic()))


async def read(running: Stack, client: httpx.AsyncClient, times: int) -> None:
    """All units, again and again, further apart than what was looked at is held.

    `cpu` is what the serving process used for each read, with taking the positions of the time between.
    """
    took, placed, oldest = [], [], 0.0
    server = psutil.Process(running.pid("serve"))
    used = [_cpu(server)]
    for _ in range(times):
        begun = time.perf_counter()
        answer = await client.get("/v1/units", params=WHY)
        took.append((time.perf_counter() - begun) * 1e3)
        ages = [one["age"] for one in answer.raise_for_status().json()["units"] if one["age"] is not None]
        placed.append(len(ages))
        oldest = max(oldest, *ages)
        await asyncio.sleep(1.1)
        used.append(_cpu(server))
    first, (p50, worst) = took[0], np.percentile(took[1:], [50, 100]).tolist()
    cpu, cpu_first = (used[-1] - used[1]) / (times - 1) * 1e3, (used[1] - used[0]) * 1e3
    more = {"p50": p50, "first": first, "cpu": cpu, "cpu_first": cpu_first, "times": times, "units": UNITS}
    tell("units.read", worst, "ms", most=MOST, oldest=oldest, **more)
    promise("units.read.all", min(placed) == UNITS, fewest=min(placed))


def _cpu(process: psutil.Process) -> float:
    """Seconds of the processor so far."""
    times = process.cpu_times()
    return float(times.user + times.system)


async def main() -> None:
    """On one instance. The first read comes after as long as JetStream surely keeps what is archived."""
    async with stack(()) as running:
        token = await fill(running)
        await start(running, VERBS)
        driving = asyncio.create_task(drive(running, token))
        try:
            await asyncio.sleep(10 if report.quick() else LEAD)
            headers = {"Authorization": f"Bearer {await operator(running, 60)}"}
            async with httpx.AsyncClient(base_url=running.url, headers=headers, timeout=30) as client:
                await read(running, client, 5 if report.quick() else 30)
        finally:
            driving.cancel()
            await asyncio.wait({driving})


if __name__ == "__main__":
    asyncio.run(main())
