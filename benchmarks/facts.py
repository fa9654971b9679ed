"""Facts in PostgreSQL, fsync on: a turn with 1,000 detections, calls one by one, and sealing. One JSON line each."""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

from benchmarks.report import quick, tell

from tutela.backends.engines import Engines
from tutela.backends.migrate import migrate
from tutela.backends.postgres.facts import PostgresFacts
from tutela.model.call import Call
from tutela.model.detection import Detection
from tutela.model.event import Event
from tutela.model.flow import Column, Effects, Lease, Outgoing, encode
from tutela.model.install import Install
from tutela.model.place import Place
from tutela.model.scales import Scale
from tutela.model.why import ValueWas, Why

QUICK = quick()
HERE = Place(lat=60.17, lon=24.94)


def detection(n: int) -> Detection:
    why = Why(
        message="m", inputs={"level": 1.5}, unless=ValueWas(datastream=n, time=5, column="result", was=2, would=1)
    )
    return Detection(
        id=uuid4().hex,
        timeline="live",
        detector="threshold",
        version=1,
        options="00ff00ff",
        type="noise",
        key=str(n),
        since=5,
        at=6,
        place=HERE,
        cell=617_700_169_958_293_503,
        scale=Scale(),
        confidence=0.5,
        purpose="public-safety",
        why=why,
        datastreams=(n,),
        sources=("air",),
    )


def event(kind: str, subject: str, body: bytes) -> Event:
    return Event(
        id=str(uuid4()),
        at=6,
        by="x",
        cause=None,
        kind=kind,
        timeline="live",
        subject=subject,
        body=body,
        salt=b"s" * 16,
    )


def turn(sequence: int, count: int) -> Effects:
    found = tuple(detection(n) for n in range(count))
    return Effects(
        sequence=sequence,
        ticked=sequence,
        detections=found,
        events=tuple(event("detection@1", one.id, encode(one)) for one in found),
        outgoing=tuple(Outgoing(id=f"{one.id}.0.1", subject="det.live.1", body=encode(one)) for one in found),
    )


async def turns(facts: PostgresFacts, leases: Sequence[Lease]) -> None:
    times = []
    for n in range(10 if QUICK else 40):
        effects = turn(n + 1, 1000)
        began = time.perf_counter()
        await facts.commit(leases[0], effects)
        times.append((time.perf_counter() - began) * 1e3)
    tell("facts.turn of 1,000 detections, p50", statistics.median(times), "ms", most=30)
    tell("facts.turn of 1,000 detections, worst", max(times), "ms")
    times = []
    for n in range(200):
        effects = turn(n + 100, 2)
        began = time.perf_counter()
        await facts.commit(leases[1], effects)
        times.append((time.perf_counter() - began) * 1e3)
    tell("facts.turn of 2 detections, p50", statistics.median(times), "ms")
    column = (Column(detector="d", name="n", body=os.urandom(10_000_000)),)
    began = time.perf_counter()
    await facts.commit(leases[2], Effects(sequence=1, snapshot=column))
    tell("facts.snapshot of 10 MB", (time.perf_counter() - began) * 1e3, "ms")


async def calls(facts: PostgresFacts, count: int) -> None:
    times: list[float] = []

    async def caller(share: int) -> None:
        for _ in range(share):
            call = Call(id=uuid4().hex, timeline="live", source="112", at=5, place=HERE, cell=9, category="EMS: FALL")
            outgoing = [Outgoing(id=f"{call.id}.0.1", subject="det.live.1", body=encode(call))]
            began = time.perf_counter()
            await facts.tell(call, event("call@1", call.id, b"x" * 300), outgoing)
            times.append((time.perf_counter() - began) * 1e3)

    began = time.perf_counter()
    await asyncio.gather(*(caller(count // 32) for _ in range(32)))
    tell("facts.calls committed", len(times) / (time.perf_counter() - began), "1/s", least=2000)
    tell("facts.call, p99 with 32 at once", sorted(times)[len(times) * 99 // 100], "ms", most=100)


async def seal(facts: PostgresFacts) -> None:
    epoch = await facts.lead("bench") or 0
    began, sealed = time.perf_counter(), 0
    while new := (await facts.round(epoch, lambda one: sha256(one.body).digest(), 1000))[1]:
        sealed += len(new)
    tell("facts.sealed", sealed / (time.perf_counter() - began), "1/s", least=2000)
    times = []
    for _ in range(100):
        began = time.perf_counter()
        await facts.round(epoch, lambda one: one.body, 1000)
        times.append((time.perf_counter() - began) * 1e3)
    tell("facts.sealing round with nothing new, p50", statistics.median(times), "ms")


async def relay(facts: PostgresFacts) -> None:
    began, sent = time.perf_counter(), 0
    while rows := await facts.pending(1000):
        await facts.sent([row.id for row in rows])
        sent += len(rows)
    tell("facts.outbox emptied", sent / (time.perf_counter() - began), "1/s", least=2000)


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        engines = Engines(Path(folder), os.environ)
        addresses = await engines.start()
        try:
            await migrate(addresses.pg, 1)
            facts = await PostgresFacts.open(addresses.pg)
            await facts.install(Install(id=str(uuid4()), zone="UTC", city="bench", at=1))
            leases = await facts.take("bench", "detect", 3)
            await turns(facts, leases)
            await calls(facts, 1600 if QUICK else 16000)
            await seal(facts)
            await relay(facts)
            await facts.close()
        finally:
            await engines.stop()


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
