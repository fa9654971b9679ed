"""Rows per second and core through the gateway's door: gate, batching, cutting, encoding (and sealing); no disk.

Sources hand in batches of 500 and 5,000 rows, many at once; the streams only count. What is divided by
is CPU time, so lingering costs nothing and a busy machine changes little. One JSON line each.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence

import numpy as np
from benchmarks.report import promise, quick, tell

from tutela.backends.memory import MemoryStreams
from tutela.backends.memory_keys import MemoryKeys
from tutela.flow.catalogue import Known
from tutela.flow.gateway import Gateway
from tutela.flow.health import Health
from tutela.model.flow import Offer
from tutela.model.register import Datastream, Source
from tutela.model.rows import Rows

P, DATASTREAMS, OFFERS_AT_ONCE = 16, 100_000, 64
QUICK = quick()
ROWS = 2_000_000 if QUICK else 10_000_000
BARS = {("readings", 500): 3e6, ("readings", 5000): 3e6}


class Counting(MemoryStreams):
    """Stores nothing."""

    messages = 0

    async def publish(self, subject: str, body: bytes, id_: str, headers: Mapping[str, str]) -> int:  # noqa: ARG002  the port's words
        await asyncio.sleep(0)
        self.messages += 1
        return self.messages


class Register:
    """One source with as many datastreams as wanted, all of one kind."""

    def __init__(self, kind: str, many: int) -> None:
        self.kind, self.many = kind, many

    async def sources(self) -> Sequence[Source]:
        return [
            Source(
                name="s",
                owner="city",
                kind="http",
                purposes=("traffic",),
                legal_basis="PublicInterest",
                personal_data=True,
                place="Helsinki",
            )
        ]

    async def datastreams(self, after: int = 0) -> Sequence[Datastream]:
        return [
            Datastream(
                id=number,
                name=f"s/{number:07d}/x",
                source="s",
                thing=f"s/{number:07d}",
                kind=self.kind,
                observed_property="x",
                unit="1",
                purpose="traffic",
                version=number,
            )
            for number in range(after + 1, self.many + 1)
        ]


def now() -> int:
    return time.time_ns() // 1000


def batch(chance: np.random.Generator, kind: str, size: int) -> Rows:
    datastream = chance.integers(1, DATASTREAMS + 1, size).astype(np.int32)
    values = chance.normal(20, 1, size)
    columns = {"lat": values, "lon": values} if kind == "positions" else {"result": values}
    return Rows(kind, datastream, np.full(size, now(), np.int64), columns)


async def through(kind: str, size: int) -> None:
    """Hand in all rows from several tasks; the CPU time that it took."""
    known, streams = Known(Register(kind, DATASTREAMS), P), Counting()  # type: ignore[arg-type]  # all that it asks
    await known.refresh()
    gateway = Gateway("b", "live", streams=streams, keys=MemoryKeys(), known=known, health=Health(), clock=now)
    running = asyncio.create_task(gateway.run())
    await asyncio.sleep(0)
    chance = np.random.default_rng(1)
    batches = [batch(chance, kind, size) for _ in range(64)]
    left = iter(range(ROWS // size))

    async def client() -> None:
        for number in left:
            await gateway.give(Offer("s", "live", batches[number % 64]))

    began, wall = time.process_time(), time.perf_counter()
    await asyncio.gather(*(client() for _ in range(OFFERS_AT_ONCE * 5000 // size)))
    cpu, wall = time.process_time() - began, time.perf_counter() - wall
    running.cancel()
    await asyncio.wait([running])
    tell(
        f"gateway.{kind}.{size}",
        ROWS / cpu,
        "rows/s/core",
        least=BARS.get((kind, size)),
        messages_per_second=round(streams.messages / wall),
        rows_per_second=round(ROWS / wall),
    )


async def refreshing(many: int) -> None:
    """Read a register of that many datastreams at the start."""
    known = Known(Register("readings", many), P)  # type: ignore[arg-type]  # all that it asks
    began = time.process_time()
    await known.refresh()
    catalogues = [known.partition(partition) for partition in range(P)]
    cpu = time.process_time() - began
    tell(f"catalogue.{many}", cpu, "s")
    promise(f"catalogue.{many}.whole", len(catalogues) == P)


def main() -> None:
    for kind in ("readings", "positions"):
        for size in (500, 5000):
            asyncio.run(through(kind, size))
    asyncio.run(refreshing(100_000 if QUICK else 1_000_000))


if __name__ == "__main__":
    main()
