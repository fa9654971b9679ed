"""How soon after its commit an event is at each of 199 readers of the live log, all at once: raw SSE, one process of ours reading them.

Forty operators hold five streams each. An alert's event is committed now and then; each reader notes when it came. What is told is
over all readers and events, and over the slowest reader of each event.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit
from uuid import uuid4

import numpy as np
from benchmarks import report
from benchmarks.report import promise, tell
from benchmarks.stack import VERBS, Stack, operator, stack

from tutela.app.core import clock
from tutela.model.alert import Alert, AlertStatus
from tutela.model.event import Event
from tutela.model.flow import encode
from tutela.model.scales import Scale
from tutela.model.timeline import LIVE

READERS, OPERATORS = 199, 40
EVENTS, EVERY = (5, 0.5) if report.quick() else (120, 0.5)
BAR = 500.0
PATIENCE = 10.0
WHY = urlencode({"purpose": "public-safety", "basis": "PublicInterest"})


@dataclass
class Coming:
    """An event that readers wait for: when it came to each, and whether it came to all."""

    subject: bytes = b""
    came: list[float] = field(default_factory=list)
    all: asyncio.Event = field(default_factory=asyncio.Event)

    def arrived(self) -> None:
        """It came to one more."""
        self.came.append(time.perf_counter())
        if len(self.came) == READERS:
            self.all.set()


@dataclass
class Reader:
    """One raw stream; it tells of what it waits for."""

    url: str
    token: str
    waits: Coming = field(default_factory=Coming)

    async def run(self, ready: asyncio.Event) -> None:
        """Read until cancelled."""
        there = urlsplit(self.url)
        reading, writing = await asyncio.open_connection(there.hostname, there.port)
        head = f"GET /v1/events/stream?{WHY} HTTP/1.1\r\nHost: {there.netloc}\r\nAuthorization: Bearer {self.token}\r\n\r\n"
        writing.write(head.encode())
        status = await reading.readline()
        if b" 200 " not in status:
            raise SystemExit(f"a reader was not let in: {status.decode().strip()}")
        async for line in reading:
            if line.startswith(b"event: pulse"):
                ready.set()
            elif line.startswith(b"data: ") and self.waits.subject and self.waits.subject in line:
                self.waits.arrived()


def told() -> Event:
    """The event of a new alert."""
    now, name = clock(), f"live-{uuid4()}"
    alert = Alert(
        id=name,
        timeline=LIVE,
        type="live",
        status=AlertStatus.NEW,
        scale=Scale(),
        rank=1,
        place=None,
        cell=0,
        since=now,
        last=now,
        count=1,
        detections=(),
        sources=(),
        purpose="public-safety",
        message="live",
        parameters={},
        shown_at=now,
    )
    return Event(
        id=str(uuid4()),
        at=now,
        by="bench",
        cause=None,
        kind="alert@1",
        timeline=LIVE,
        body=encode(alert),
        subject=name,
    )


async def measure(running: Stack, readers: list[Reader]) -> None:
    """Commit events, and look when they came."""
    took, slowest, missed = [], [], 0
    for _ in range(EVENTS):
        event = told()
        coming = Coming(event.subject.encode())
        for one in readers:
            one.waits = coming
        await running.inside.facts.append([event])
        committed = time.perf_counter()
        with suppress(TimeoutError):
            await asyncio.wait_for(coming.all.wait(), PATIENCE)
        came = [1e3 * (at - committed) for at in coming.came]
        missed += len(readers) - len(came)
        took += came
        slowest.append(max(came, default=PATIENCE * 1e3))
        await asyncio.sleep(EVERY)
    p50, p99 = np.percentile(took, [50, 99]).tolist()
    tell("live.alert", p99, "ms p99", most=BAR, p50=p50, readers=len(readers), events=EVENTS)
    tell("live.slowest", float(np.percentile(slowest, 99)), "ms p99", p50=float(np.median(slowest)))
    promise("live.all", not missed, missed=missed)


async def main() -> None:
    """On one instance."""
    async with stack(VERBS) as running:
        tokens = [await operator(running, 60) for _ in range(OPERATORS)]
        readers = [Reader(running.url, tokens[number % OPERATORS]) for number in range(READERS)]
        ready = [asyncio.Event() for _ in readers]
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one.run(there)) for one, there in zip(readers, ready, strict=True)]
            await asyncio.gather(*(there.wait() for there in ready))
            await measure(running, readers)
            for task in tasks:
                task.cancel()


if __name__ == "__main__":
    asyncio.run(main())
