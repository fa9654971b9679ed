"""Bytewax, as a peer: the same recorded stream, the same three questions keyed by datastream, results to PostgreSQL.

Runs in an environment of its own, without tutela: python bytewax_flow.py ORDER.json, an object with `nats`, `dsn`,
`stream`, `subject`, `rows`, `high`, `low` and `recovery` (a folder). Prints one JSON line: events, seconds, cpu,
detections. It reads our Arrow batches, so it does not pay for one message an event; its state is saved by its own
recovery store, each ten seconds as its documentation has it.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import bytewax.operators as op
import nats
import pyarrow as pa
from bytewax.dataflow import Dataflow
from bytewax.inputs import FixedPartitionedSource, StatefulSourcePartition
from bytewax.outputs import DynamicSink, StatelessSinkPartition
from bytewax.recovery import RecoveryConfig, init_db_dir
from bytewax.testing import cluster_main
from nats.js import api

BEYOND, SILENT = 6.0, 180.0
TABLE = "create schema if not exists peer; create table peer.bytewax (datastream int, at bigint, type text)"
State = tuple[bool, int, float, float, int]
Item = tuple[str, tuple[int, float]]
ORDER: dict[str, Any] = json.loads(Path(sys.argv[1]).read_text())
DONE = {"rows": 0, "detections": 0}


class Part(StatefulSourcePartition[Item, int]):  # type: ignore[misc]  # bytewax is not installed here
    """The stream, from a sequence on."""

    def __init__(self, after: int) -> None:
        self._loop, self._after = asyncio.new_event_loop(), after
        self._reader = self._loop.run_until_complete(self._open())

    async def _open(self) -> Any:  # noqa: ANN401  nats-py's subscription
        self._link = link = await nats.connect(ORDER["nats"])
        config = api.ConsumerConfig(
            ack_policy=api.AckPolicy.NONE,
            deliver_policy=api.DeliverPolicy.BY_START_SEQUENCE,
            opt_start_seq=self._after + 1,
            mem_storage=True,
        )
        return await link.jetstream().pull_subscribe(ORDER["subject"], stream=ORDER["stream"], config=config)

    def next_batch(self) -> list[Item]:
        """The rows of some messages."""
        if DONE["rows"] >= ORDER["rows"]:
            raise StopIteration
        items: list[Item] = []
        for message in self._loop.run_until_complete(self._reader.fetch(16, timeout=5)):
            with pa.ipc.open_stream(message.data) as reader:
                rows = reader.read_all()
            columns = (rows["datastream"], rows["time"].cast(pa.int64()), rows["result"])
            items += [
                (str(one), (at, result)) for one, at, result in zip(*(c.to_pylist() for c in columns), strict=True)
            ]
            self._after = message.metadata.sequence.stream
        DONE["rows"] += len(items)
        return items

    def snapshot(self) -> int:
        """Where to go on."""
        return self._after

    def close(self) -> None:
        """Let go of the server."""
        self._loop.run_until_complete(self._link.close())
        self._loop.close()


class Stream(FixedPartitionedSource[Item, int]):  # type: ignore[misc]  # bytewax is not installed here
    """One partition."""

    def list_parts(self) -> list[str]:
        return ["all"]

    def build_part(self, step_id: str, for_part: str, resume_state: int | None) -> Part:  # noqa: ARG002  bytewax's words
        return Part(resume_state or 0)


class Rows(StatelessSinkPartition[tuple[str, tuple[int, str]]]):  # type: ignore[misc]  # bytewax is not installed here
    """Writes detections, a transaction for each batch."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._pg = self._loop.run_until_complete(asyncpg.connect(ORDER["dsn"]))

    def write_batch(self, items: list[tuple[str, tuple[int, str]]]) -> None:
        rows = [(int(key), at, what) for key, (at, what) in items]
        DONE["detections"] += len(rows)
        self._loop.run_until_complete(self._pg.executemany("insert into peer.bytewax values ($1, $2, $3)", rows))


class Table(DynamicSink[tuple[str, tuple[int, str]]]):  # type: ignore[misc]  # bytewax is not installed here
    """PostgreSQL."""

    def build(self, step_id: str, worker_index: int, worker_count: int) -> Rows:  # noqa: ARG002  bytewax's words
        return Rows()


def step(state: State | None, seen: tuple[int, float]) -> tuple[State, list[tuple[int, str]]]:
    """The three detectors, for one datastream."""
    up, n, mean, m2, last = state or (False, 0, 0.0, 0.0, 0)
    at, result = seen
    if at <= last:  # late, or there already
        return (up, n, mean, m2, last), []
    found = []
    if not up and result > ORDER["high"]:
        found.append((at, "threshold"))
    up = result > ORDER["high"] or (up and result > ORDER["low"])
    if n > 10_000 and abs(result - mean) > BEYOND * (m2 / n) ** 0.5:
        found.append((at, "unusual"))
    if last and at - last > SILENT * 1e6:
        found.append((at, "silence"))
    n += 1
    off = result - mean
    mean += off / n
    return (up, n, mean, m2 + off * (result - mean), at), found


def flow() -> Dataflow:
    """Source, detectors, sink."""
    flow = Dataflow("peer")
    rows = op.input("rows", flow, Stream())
    found = op.stateful_flat_map("detect", rows, step)
    op.output("table", found, Table())
    return flow


async def prepare() -> None:
    """The table."""
    pg = await asyncpg.connect(ORDER["dsn"])
    await pg.execute(TABLE)
    await pg.close()


def main() -> None:
    """Run it over what is recorded."""
    asyncio.run(prepare())
    recovery = Path(ORDER["recovery"])
    recovery.mkdir()
    init_db_dir(recovery, 1)
    begun, cpu = time.monotonic(), time.process_time()
    cluster_main(flow(), [], 0, epoch_interval=timedelta(seconds=10), recovery_config=RecoveryConfig(recovery))
    told = {"events": DONE["rows"], "seconds": time.monotonic() - begun, "cpu": time.process_time() - cpu}
    sys.stdout.write(json.dumps({**told, "detections": DONE["detections"]}) + "\n")


if __name__ == "__main__":
    main()
