"""Rows per second and core through step 4: decode, order, three detectors, newest values, effects. JSON lines.

One partition of sixteen, 100,000 datastreams in all, fed as at 500,000 rows/s: a turn is a quarter of a
second, 7,800 rows in four messages, with a tick each second. 1 % of the rows are an hour late, 1 % come
twice, one in ten thousand passes a threshold.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence

import numpy as np
from benchmarks.report import quick, tell

from tutela import parts
from tutela.backends.memory_facts import MemoryFacts
from tutela.backends.memory_keys import MemoryKeys
from tutela.flow import hop
from tutela.flow.catalogue import Known
from tutela.flow.detecting import DetectFold, DetectStage
from tutela.flow.detector import Detector
from tutela.maths.order import Batch, Order, arrive
from tutela.model import wire
from tutela.model.flow import Lease, Message
from tutela.model.register import Datastream, Source
from tutela.model.rows import Rows
from tutela.model.when import HOUR, SECOND

DATASTREAMS, PARTITIONS, TURN, MESSAGES = 100_000, 16, 7_800, 4
START = 1_767_571_200 * SECOND  # Monday 2026-01-05 00:00 UTC
TURNS = 80 if quick() else 400
LEASE = Lease(timeline="live", stage="detect", partition=0, epoch=1, sequence=0, snapshot=0)


async def register() -> Known:
    facts = MemoryFacts()
    facts.store.sources["air"] = Source(
        name="air",
        owner="city",
        kind="http",
        purposes=("public-safety",),
        legal_basis="e",
        personal_data=False,
        place="Helsinki",
    )
    for number in range(1, DATASTREAMS + 1):
        facts.store.datastreams[f"s{number}"] = Datastream(
            id=number,
            name=f"s{number}",
            source="air",
            thing=f"t{number}",
            kind="readings",
            observed_property="pm10",
            unit="µg/m³",
            interval=60.0,
            version=number,
        )
    known = Known(facts, PARTITIONS)
    await known.refresh()
    return known


def rows(chance: np.random.Generator, since: int, length: int, count: int) -> Rows:
    slots = chance.integers(1, DATASTREAMS // PARTITIONS, count)
    when = since + np.sort(chance.integers(0, length, count))
    when = np.where(chance.random(count) < 0.01, when - HOUR, when)
    result = 20.0 + chance.standard_normal(count)
    result[chance.random(count) < 0.0001] = 200.0
    twice = np.arange(count) - (chance.random(count) < 0.01)
    return Rows("readings", (slots * PARTITIONS).astype(np.int32), when, {"result": result}).take(np.maximum(twice, 0))


def turns() -> Iterator[list[Message]]:
    chance, sequence = np.random.default_rng(7), 0
    for number in range(TURNS):
        since = START + number * SECOND // 4
        length = SECOND // 4 // MESSAGES
        bodies = [
            wire.encode(rows(chance, since + part * length, length, TURN // MESSAGES)) for part in range(MESSAGES)
        ]
        subjects = [hop.observed("live", "readings", 0)] * MESSAGES
        if number % 4 == 3:
            bodies.append(hop.tick(since + SECOND // 4))
            subjects.append(hop.ticks("live"))
        yield [
            Message(sequence + place, subject, {}, body, since)
            for place, (subject, body) in enumerate(zip(subjects, bodies, strict=True), 1)
        ]
        sequence += len(bodies)


async def through(fold: DetectFold, recorded: Sequence[Sequence[Message]]) -> tuple[float, int]:
    """CPU seconds, and detections. The newest values are asked for once a second, a snapshot at the end."""
    found, begun = 0, time.process_time()
    for number, messages in enumerate(recorded):
        effects = await fold.turn(messages)
        found += len(effects.detections)
        if number % 4 == 3:
            fold.newest()
    return time.process_time() - begun, found


def order_alone() -> float:
    """Nanoseconds per row of the order without lateness, in turns of 20,000 rows."""
    chance, order = np.random.default_rng(7), Order.empty()
    batches = []
    for number in range(TURNS // 4):
        made = rows(chance, START + number * SECOND, SECOND, 20_000)
        batches.append(Batch(made, made.datastream.astype(np.int64) // PARTITIONS, np.full(len(made), number)))
    begun = time.process_time()
    for batch in batches:
        order, _ = arrive(order, batch)
    return (time.process_time() - begun) / (len(batches) * 20_000) * 1e9


async def main() -> None:
    known, recorded = await register(), list(turns())
    tell("flow.order", order_alone(), "ns/row", most=250)
    systems: dict[str, dict[str, dict[str, object]]] = {
        "three": {"threshold": {"observed_property": "pm10", "high": 60.0, "low": 40.0}, "silence": {}, "unusual": {}},
        "silence": {"silence": {}},
        "none": {},
    }
    for name, options in systems.items():
        detectors: tuple[Detector, ...] = tuple(
            parts.make("detectors", part, chosen) for part, chosen in options.items()
        )
        fold = await DetectStage(detectors, known, MemoryKeys()).begin(LEASE, {})
        took, found = await through(fold, recorded)
        begun = time.process_time()
        saved = await fold.save()
        tell(
            f"flow.detect.{name}",
            TURNS * TURN / took,
            "rows/s/core",
            least=2_000_000,
            detections=found,
            snapshot_mb=round(sum(len(column.body) for column in saved) / 1e6, 1),
            snapshot_s=round(time.process_time() - begun, 3),
        )


if __name__ == "__main__":
    asyncio.run(main())
