"""Rows per second and core of each columnar detector, at 100,000 sensors: one JSON line each.

A turn is what a worker hands to a partition: 20,000 rows of 6,250 datastreams, by slot, and a tick
each second of event time. One row in a thousand is far off, so that the exact paths run too.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
from benchmarks.report import quick, tell

from tutela import parts
from tutela.flow.ports import Detector
from tutela.model.register import Datastream
from tutela.model.rows import Rows
from tutela.model.seen import Catalogue, Seen
from tutela.model.when import HOUR, SECOND

SLOTS, ROWS, PARTITIONS, TURNS = 6250, 20_000, 16, 100
START = 1_767_571_200 * SECOND  # Monday 2026-01-05 00:00 UTC
QUICK = quick()


def catalogue() -> Catalogue:
    by_id = {
        slot * PARTITIONS: Datastream(
            id=slot * PARTITIONS,
            name=f"s{slot}",
            source="air",
            thing=f"t{slot}",
            kind="readings",
            observed_property="pm10",
            unit="µg/m³",
            interval=60.0,
        )
        for slot in range(SLOTS)
    }
    return Catalogue(
        partitions=PARTITIONS,
        partition=0,
        properties=("pm10",),
        property_code=np.zeros(SLOTS, np.int32),
        cell=np.zeros(SLOTS, np.int64),
        interval=np.full(SLOTS, 60.0),
        by_id=by_id,
    )


def turn(chance: np.random.Generator, known: Catalogue, since: int, length: int) -> Seen:
    slots = np.sort(chance.integers(0, SLOTS, ROWS))
    time_ = since + np.sort(chance.integers(0, length, ROWS))
    order = np.lexsort((time_, slots))
    result = 20.0 + 5.0 * chance.standard_normal(ROWS)
    result[chance.integers(0, ROWS, ROWS // 1000)] += 200.0
    rows = Rows("readings", (slots * PARTITIONS).astype(np.int32), time_[order], {"result": result})
    return Seen("live", rows=rows, slots=slots, catalogue=known, tick=since + length)


def turns(detector: str, known: Catalogue) -> Iterator[Seen]:
    """Weeks of training, an hour a turn, where the detector learns; then the turns that count, a second each."""
    chance = np.random.default_rng(7)
    weeks = 3 if detector == "unusual" else 0
    for hour in range(168 * weeks):
        yield turn(chance, known, START + hour * HOUR, HOUR)
    for second in range(20 if QUICK else TURNS):
        yield turn(chance, known, START + 168 * weeks * HOUR + second * SECOND, SECOND)


def measure(name: str, detector: Detector, known: Catalogue) -> None:
    state, detections, took = detector.begin(), 0, []
    for seen in turns(name, known):
        begun = time.perf_counter()
        state, found = detector.step(state, seen)
        took.append(time.perf_counter() - begun)
        detections += len(found)
    counted = took[-(20 if QUICK else TURNS) :]
    bar = 4_000_000 if name == "unusual" else 10_000_000
    rate, mean = ROWS / float(np.median(counted)), ROWS / float(np.mean(counted))
    tell(f"detectors.{name}", rate, "rows/s/core", least=bar, detections=detections, mean=round(mean))


def main() -> None:
    known = catalogue()
    systems: dict[str, dict[str, object]] = {
        "threshold": {"observed_property": "pm10", "high": 60.0, "low": 40.0, "hold": 0.0},
        "silence": {},
        "unusual": {"weeks": 2},
    }
    for name, options in systems.items():
        measure(name, parts.make("detectors", name, options), known)


if __name__ == "__main__":
    main()
