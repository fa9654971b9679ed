"""Durable intake of single observations, each acknowledged after the fsync; and how soon events are sealed.

No worker runs beside, so that what is measured is the door, the gate, the gateway and the durable log.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import numpy as np
from benchmarks import driving, report
from benchmarks.driving import ordered, send
from benchmarks.report import promise, tell
from benchmarks.stack import Stack, stack, start

from tutela.maths.ids import uuid_of
from tutela.model.event import Event

LINES, SINGLES, HALF_P99 = 200_000, 2_500, 100.0
SEALED, LAG = 1_500, 1.0
TURN = 0.01


async def lines(running: Stack, seconds: float) -> None:
    """NDJSON bodies of 10,000 lines over four connections, one after the other."""
    plan = await driving.enter(running, "json", 10_000, 100_000, LINES)
    await start(running, ["serve"])
    sent = await send(running, ordered(running, plan, rate=0, seconds=seconds, sockets=4))
    rows = sum(tally.acked for tally in sent.kinds.values())
    tell("intake.lines", rows / (sent.ended - sent.began), "rows/s", least=LINES, p99=sent.p99, generator=sent.cpu)
    promise("intake.lines.all", not sent.failed, failures=sent.failures)


async def singles(running: Stack, seconds: float) -> None:
    """One observation to a request: as many as 256 connections can, then half of that in an open loop."""
    plan = await driving.enter(running, "json", 1, 2_000, SINGLES)
    await start(running, ["serve"])
    sent = await send(running, ordered(running, plan, rate=0, seconds=seconds, sockets=256))
    rate = sum(tally.acked for tally in sent.kinds.values()) / (sent.ended - sent.began)
    tell("intake.singles", rate, "requests/s", least=SINGLES, p99=sent.p99, generator=sent.cpu)
    half = min(rate, SINGLES) / 2
    sent = await send(running, ordered(running, plan, rate=half, seconds=seconds, sockets=256))
    tell("intake.singles.p99", sent.p99, "ms", most=HALF_P99, rate=round(half), p50=sent.p50, worst=sent.worst)
    promise("intake.singles.all", not sent.failed, failures=sent.failures)


async def sealing(running: Stack, seconds: float) -> None:
    """Events committed ten milliseconds apart; the lag of each from its commit until a reader sees it sealed."""
    await start(running, ["keep"])
    log = running.inside.facts
    committed: dict[str, float] = {}
    lags: list[float] = []
    after = await log.last()

    async def commit() -> None:
        begun = time.monotonic()
        for turn in range(round(seconds / TURN)):
            await asyncio.sleep(max(0.0, begun + turn * TURN - time.monotonic()))
            new = _events(turn, round(SEALED * TURN))
            await log.append(new)
            committed.update(dict.fromkeys([event.id for event in new], time.monotonic()))

    committing = asyncio.create_task(commit())
    while not committing.done() or len(lags) < len(committed):
        page = await log.sealed(after, 1000)
        now = time.monotonic()
        lags += [now - committed.get(one.event.id, now) for one in page if one.event.kind == "bench@1"]
        after = page[-1].position if page else after
        if not page:
            await log.wait(0.1)
    await committing
    p50, p99, worst = np.percentile(lags, [50, 99, 100]).tolist()
    tell("intake.sealing.lag.p99", p99, "s", most=LAG, p50=p50, worst=worst, events=len(lags), rate=SEALED)


def _events(turn: int, count: int) -> Sequence[Event]:
    at = time.time_ns() // 1000
    ids = [uuid_of("bench", at, turn, number) for number in range(count)]
    return [
        Event(id=id_, at=at, by="bench", cause=None, kind="bench@1", timeline="live", body=b"{}", subject=id_)
        for id_ in ids
    ]


async def main() -> None:
    """Each on an instance of its own."""
    seconds = 5.0 if report.quick() else 20.0
    for measure in (lines, singles, sealing):
        async with stack(()) as running:
            await measure(running, seconds)


if __name__ == "__main__":
    asyncio.run(main())
