"""History in DuckLake: what archiving costs, and how long a day's series of one datastream takes with ten million rows.

Flushes are what an archiver hands over: messages of 1,000 readings of 100,000 datastreams on sixteen partitions, 64 MB
of bodies each. The cost is that of the archiving process with everything that it does; PostgreSQL's is apart.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
from benchmarks.report import promise, quick, tell

from tutela.backends.engines import Engines
from tutela.backends.lake import DuckLake
from tutela.backends.lake_catalogue import Where
from tutela.model import wire
from tutela.model.flow import Message
from tutela.model.rows import Rows
from tutela.model.when import DAY, HOUR, SECOND

PARTITIONS, DATASTREAMS, ROWS, MESSAGES = 16, 100_000, 1000, 3200
FLUSHES = 1 if quick() else 4
ASKED = 10 if quick() else 50
START = 1_780_000_000 * SECOND
SPAN = 20 * HOUR // max(FLUSHES, 1)


def flush(number: int, chance: np.random.Generator) -> list[Message]:
    """One flush's messages, which follow the last one's in time and in sequence."""
    messages = []
    for place in range(MESSAGES):
        sequence = number * MESSAGES + place + 1
        partition = sequence % PARTITIONS
        datastream = chance.integers(1, DATASTREAMS // PARTITIONS, ROWS) * PARTITIONS + partition
        since = START + number * SPAN + place * SPAN // MESSAGES
        times = np.sort(chance.integers(0, SPAN // MESSAGES, ROWS)) + since
        values = {"result": np.round(chance.normal(20, 5, ROWS), 2)}
        body = wire.encode(Rows("readings", datastream.astype(np.int32), times, values))
        messages.append(Message(sequence, f"obs.live.readings.{partition}", {"Schema": "readings@1"}, body, 0))
    return messages


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[DuckLake]:
    async with Engines(folder, {}) as engines:
        lake = DuckLake(Where(engines.addresses.pg, f"{folder}/lake/", folder / "spill", PARTITIONS))
        await lake.offset("OBS-live")
        yield lake
        await lake.close()


async def archived(lake: DuckLake) -> int:
    """Archive everything; gives the rows."""
    chance = np.random.default_rng(1)
    cpu = wall = 0.0
    for number in range(FLUSHES):
        messages = flush(number, chance)
        size = sum(len(message.body) for message in messages)
        began, used = time.perf_counter(), time.process_time()
        await lake.archive("OBS-live", messages, number * MESSAGES, (number + 1) * MESSAGES)
        cpu, wall = cpu + time.process_time() - used, wall + time.perf_counter() - began
    rows = FLUSHES * MESSAGES * ROWS
    tell("lake.archive", rows / cpu, "rows/s/core", least=1.5e6, wall_rows_per_s=rows / wall, flush_mb=size / 1e6)
    return rows


async def series(lake: DuckLake, name: str, rows: int) -> None:
    chance = np.random.default_rng(2)
    times = []
    for datastream in chance.integers(PARTITIONS, DATASTREAMS, ASKED).tolist():
        began = time.perf_counter()
        await lake.series("live", "readings", datastream, START, START + DAY, 1_000_000)
        times.append((time.perf_counter() - began) * 1e3)
    tell(name, float(np.quantile(times, 0.95)), "ms", most=100, p50=float(np.median(times)), stored=rows)


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with opened(Path(folder)) as lake:
            rows = await archived(lake)
            await series(lake, "lake.series", rows)
            size = sum(file.stat().st_size for file in Path(folder).glob("lake/**/*.parquet"))  # noqa: ASYNC240  it is over
            tell("lake.size", size / rows, "bytes/row")
            began, used = time.perf_counter(), time.process_time()
            await lake.tidy(int((time.time() - 1) * SECOND))
            tell("lake.tidy", rows / (time.process_time() - used), "rows/s/core", wall_s=time.perf_counter() - began)
            await series(lake, "lake.series.tidied", rows)
            began, read = time.perf_counter(), 0
            async for message in lake.recorded("live", "detect", 3, 0, 1 << 40):
                read += len(wire.decode(message.body))
            tell("lake.recorded", read / (time.perf_counter() - began), "rows/s", of_a_partition=3)
            kept = promise("lake.whole", read == rows // PARTITIONS, read=read)
    sys.exit(not kept)


if __name__ == "__main__":
    asyncio.run(main())
