"""Appends to the sealed log: events hashed, stored as leaves in PostgreSQL with fsync on, and signed each thousand, as the sealer does it.

What is measured is the sealer's own step, over events that are committed: read, hashed, stored, committed, added to the tree; each thousand a
checkpoint is signed, kept outside of the database with an fsync, and stored. Committing the events is told by itself. Then an inclusion proof of that
log, made from tiles that are there.
"""

from __future__ import annotations

import asyncio
import os
import random
import tempfile
import time
from pathlib import Path

from benchmarks.report import quick, tell
from benchmarks.seal import Lags, event, sealer

from tutela.backends.engines import Engines
from tutela.backends.migrate import migrate
from tutela.backends.postgres.database import Database
from tutela.backends.postgres.facts import PostgresFacts
from tutela.flow.seal import leaf_of
from tutela.maths.merkle import Frontier
from tutela.maths.tiles import WIDTH, Tiles, edges

COUNT = 20_000 if quick() else 200_000
ROUND, PROOFS = 1000, 500


async def committed(facts: PostgresFacts) -> None:
    began = time.perf_counter()
    for _ in range(COUNT // ROUND):
        await facts.append([event() for _ in range(ROUND)])
    tell("append.committed", COUNT / (time.perf_counter() - began), "events/s", events=COUNT)


async def sealed(facts: PostgresFacts, folder: Path) -> None:
    work, count = sealer(facts, folder, Lags()), 0
    began, used = time.perf_counter(), time.process_time()
    while new := await work.step():
        count += new
    await work.checkpoint()
    took, cpu = time.perf_counter() - began, time.process_time() - used
    points = len(await facts.checkpoints())
    tell("append.sealed", count / took, "appends/s", least=20_000, events=count, signed=points, per_core=count / cpu)


def hashed() -> None:
    """Of that, what the tree alone takes: hashing events and adding their leaves."""
    made, tree = [event() for _ in range(COUNT)], Frontier()
    used = time.process_time()
    for first in range(0, COUNT, ROUND):
        tree.extend([leaf_of(one) for one in made[first : first + ROUND]])
        tree.root()
    tell("append.hashed", COUNT / (time.process_time() - used), "appends/s", events=COUNT)


async def proved(facts: PostgresFacts) -> None:
    leaves = list(await facts.leaves(-1, COUNT))
    tiles = Tiles()
    for start in range(0, len(leaves) - WIDTH + 1, WIDTH):
        tiles.add(leaves[start : start + WIDTH])
    size, took = len(leaves), []
    for place in random.Random(1).sample(range(size), PROOFS):
        near = {number: leaves[number * WIDTH : (number + 1) * WIDTH] for number in edges(place, size - 1)}
        began = time.perf_counter()
        tiles.inclusion(place, size, near)
        took.append(time.perf_counter() - began)
    took.sort()
    tell(
        "append.inclusion", took[PROOFS // 2] * 1e3, "ms p50", most=1.0, p99=took[PROOFS * 99 // 100] * 1e3, leaves=size
    )


async def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with Engines(folder, os.environ) as engines:
            await migrate(engines.addresses.pg, 1)
            facts = PostgresFacts(await Database.open(engines.addresses.pg, 4))
            await committed(facts)
            await sealed(facts, folder)
            await proved(facts)
            await facts.close()
    hashed()


if __name__ == "__main__":
    asyncio.run(main())
