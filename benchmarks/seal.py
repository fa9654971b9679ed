"""Sealing at 2,000 events a second, fsync on: how long an event waits for its seal; a restart; and verifying it all.

Four writers commit transactions of random size. The lag told is an upper bound of what each sealed event waited
after its commit: no event of a round was visible when the round before looked.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
import tempfile
import time
from pathlib import Path
from uuid import uuid4

from benchmarks.report import promise, quick, tell

from tutela.backends.checkpoints import Checkpoints, Key, settle, verifier
from tutela.backends.engines import Engines
from tutela.backends.migrate import migrate
from tutela.backends.postgres.audit import PostgresAudit
from tutela.backends.postgres.database import Database
from tutela.backends.postgres.facts import PostgresFacts
from tutela.backends.postgres.log import PostgresLog
from tutela.flow.seal import Sealer, Signer
from tutela.flow.verify import verify
from tutela.model.event import Event

ORIGIN = "bench.example/log"
RATE, WRITERS, SECONDS = 2000, 4, 5 if quick() else 30
STORED = 50_000 if quick() else 300_000


def event(size: int = 400) -> Event:
    body = b"x" * size
    return Event(
        id=str(uuid4()), at=1, by="bench", cause=None, kind="note@1", timeline="live", body=body, salt=b"s" * 16
    )


class Lags:
    """What the sealer tells, one entry for each event."""

    def __init__(self) -> None:
        self.told: list[float] = []

    def __call__(self, count: int, lag: float) -> None:
        self.told += [lag] * count


async def write(facts: PostgresFacts, until: float, chance: random.Random) -> None:
    """Commits at a quarter of the rate, whatever each of them takes."""
    due = time.perf_counter()
    while due < until:
        count = chance.randrange(1, 40)
        await facts.append([event() for _ in range(count)])
        due += count * WRITERS / RATE
        await asyncio.sleep(max(0.0, due - time.perf_counter()))


def sealer(facts: PostgresFacts, folder: Path, lags: Lags) -> Sealer:
    settle(folder / "log.key", folder / "log.pub", ORIGIN, signed=False)
    key = Key(folder / "log.key")
    signer = Signer(ORIGIN, key.public, key.sign)
    witness = Checkpoints(folder / "checkpoints.jsonl")
    log = PostgresLog(facts.db)
    return Sealer("bench", facts, log, witness, signer, lambda: time.time_ns() // 1000, time.monotonic, lags)


async def sealed_at_rate(facts: PostgresFacts, folder: Path) -> None:
    lags, stop = Lags(), asyncio.Event()
    sealing = asyncio.create_task(sealer(facts, folder, lags).run(stop))
    began = time.perf_counter()
    await asyncio.gather(*(write(facts, began + SECONDS, random.Random(seed)) for seed in range(WRITERS)))
    took = time.perf_counter() - began
    stop.set()
    await sealing
    told = sorted(lags.told)
    worst = told[len(told) * 99 // 100]
    tell("seal.lag", worst * 1e3, "ms p99", most=1000, p50=told[len(told) // 2] * 1e3, rate=len(told) / took)


async def many(facts: PostgresFacts, folder: Path) -> None:
    """A long log, a restart on it, and its verification."""
    for _ in range(STORED // 1000):
        await facts.append([event() for _ in range(1000)])
    began, work = time.perf_counter(), sealer(facts, folder, Lags())
    count = 0
    while new := await work.step():
        count += new
    await work.checkpoint()
    tell("seal.backlog", count / (time.perf_counter() - began), "events/s", least=RATE)
    began = time.perf_counter()
    await sealer(facts, folder, Lags()).step()
    tell("seal.restart", (time.perf_counter() - began) * 1e3, "ms", most=1000)


async def verified(facts: PostgresFacts, folder: Path) -> bool:
    began, used = time.perf_counter(), time.process_time()
    genuine = verifier(folder / "log.pub")
    report = await verify(PostgresAudit(facts.db), facts, Checkpoints(folder / "checkpoints.jsonl"), genuine)
    took, cpu = time.perf_counter() - began, time.process_time() - used
    count = report.witnessed
    tell("verify", count / took, "events/s", least=50_000, events=count, per_core=count / cpu)
    return promise("verify.sound", report.sound and not report.unwitnessed)


async def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with Engines(folder, os.environ) as engines:
            await migrate(engines.addresses.pg, 1)
            facts = PostgresFacts(await Database.open(engines.addresses.pg, WRITERS + 4))
            await sealed_at_rate(facts, folder)
            await many(facts, folder)
            kept = await verified(facts, folder)
            await facts.close()
    sys.exit(not kept)


if __name__ == "__main__":
    asyncio.run(main())
