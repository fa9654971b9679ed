"""What one step of each detector costs, at 100,000 sensors, per second and core. JSON lines.

Columns: a turn is what a worker hands to one of sixteen partitions, 20,000 rows of 6,250 datastreams by
slot, and a tick each second of event time; one row in a thousand is far off, so that the exact paths run too.
`unusual`, `change_point`, `stuck`, `unprecedented` and `congestion` have learnt three weeks before. Facts come one by one, with bursts among them: to `burst` the calls of a
year, to `correlation` so many that its memory is full.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping

import numpy as np
from benchmarks.report import quick, tell

from tutela import parts
from tutela.flow.detector import Detector
from tutela.maths.cells import cell_of
from tutela.model.call import Call
from tutela.model.place import Place
from tutela.model.register import Datastream
from tutela.model.rows import Rows
from tutela.model.seen import Catalogue, Seen
from tutela.model.when import HOUR, SECOND

SLOTS, ROWS, PARTITIONS = 6250, 20_000, 16
TURNS, CALLS = (20, 2_000) if quick() else (200, 20_000)
START = 1_767_571_200 * SECOND  # Monday 2026-01-05 00:00 UTC
COLUMNS: Mapping[str, tuple[dict[str, object], float]] = {
    "threshold": ({"observed_property": "pm10", "high": 60.0, "low": 40.0}, 10e6),
    "silence": ({}, 10e6),
    "unusual": ({"weeks": 2}, 4e6),
    "stuck": ({}, 4e6),
    "out_of_range": ({}, 10e6),
    "spiking": ({}, 4e6),
    "drifting": ({}, 4e6),
    "change_point": ({"days": 3}, 4e6),
    "unprecedented": ({"learn": 100}, 4e6),
    "congestion": ({"observed_property": "pm10", "slack": 0.8}, 4e6),
}
LEARNING = ("unusual", "change_point", "stuck", "unprecedented", "congestion")
FACTS: Mapping[str, tuple[dict[str, object], float, float]] = {
    "burst": ({}, 1200.0, 500),
    "correlation": ({"sorts": [["call"], ["smoke"]]}, 0.3, 500),
}
"""Options, seconds between two calls, and the bar: 2,000 facts a second in all, over four partitions."""


def catalogue() -> Catalogue:
    streams = [
        Datastream(
            id=slot * PARTITIONS + 1,
            name=f"s{slot}",
            source="air",
            thing=f"t{slot}",
            kind="readings",
            observed_property="pm10",
            unit="ug/m3",
            interval=60.0,
        )
        for slot in range(SLOTS)
    ]
    return Catalogue(
        partitions=PARTITIONS,
        partition=1,
        properties=("pm10",),
        property_code=np.zeros(SLOTS, np.int32),
        cell=np.zeros(SLOTS, np.int64),
        interval=np.full(SLOTS, 60.0),
        by_id={stream.id: stream for stream in streams},
    )


def turn(chance: np.random.Generator, known: Catalogue, since: int, length: int) -> Seen:
    """So many rows within that time, and the tick that ends it."""
    slots = np.sort(chance.integers(0, SLOTS, ROWS))
    times = chance.integers(since, since + length, ROWS)
    result = 20.0 + 5.0 * chance.standard_normal(ROWS)
    result[chance.integers(0, ROWS, ROWS // 1000)] += 200.0
    times = times[np.lexsort((times, slots))]
    rows = Rows("readings", (slots * PARTITIONS + 1).astype(np.int32), times, {"result": result})
    return Seen("live", rows=rows, slots=slots, catalogue=known, tick=since + length)


def turns(known: Catalogue, weeks: int) -> Iterator[Seen]:
    """Weeks that are learnt, an hour a turn; then the turns that are measured, a second each."""
    chance = np.random.default_rng(7)
    for hour in range(168 * weeks):
        yield turn(chance, known, START + hour * HOUR, HOUR)
    for second in range(TURNS):
        yield turn(chance, known, START + 168 * weeks * HOUR + second * SECOND, SECOND)


def calls(apart: float) -> Iterator[Seen]:
    """Calls from anywhere, so many seconds apart, and each hundredth time thirty quick ones from one place."""
    chance = np.random.default_rng(7)
    at, spot = START, Place(lat=60.17, lon=24.94)
    for number in range(CALLS):
        loud = number % 100 < 30
        at += int(chance.exponential(apart / 60 if loud else apart) * SECOND)
        lat, lon = chance.normal(0, 0.0005 if loud else 0.05, 2).tolist()
        place = Place(lat=spot.lat + lat, lon=spot.lon + 2 * lon)
        call = Call(
            id=f"c{number}", timeline="live", source="calls", at=at, place=place, cell=cell_of(place), category="EMS"
        )
        yield Seen("live", facts=(call,))


def took(detector: Detector, seen: Iterator[Seen], measured: int) -> tuple[float, int]:
    """Seconds of one step (the median of the last so many), and how many detections there were in all."""
    state, found, times = detector.begin(), 0, []
    for one in seen:
        begun = time.perf_counter()
        state, detections = detector.step(state, one)
        times.append(time.perf_counter() - begun)
        found += len(detections)
    return float(np.median(times[-measured:])), found


def main() -> None:
    known = catalogue()
    for name, (options, bar) in COLUMNS.items():
        detector = parts.make("detectors", name, options)
        seconds, found = took(detector, turns(known, 3 if name in LEARNING else 0), TURNS)
        tell(f"detectors.{name}", ROWS / seconds, "rows/s/core", least=bar, detections=found)
    for name, (options, apart, bar) in FACTS.items():
        seconds, found = took(parts.make("detectors", name, options), calls(apart), CALLS)
        tell(f"detectors.{name}", 1 / seconds, "facts/s/core", least=bar, detections=found)


if __name__ == "__main__":
    main()
