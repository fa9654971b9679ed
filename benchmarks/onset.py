"""How soon `congestion` tells that traffic slows down, beside `threshold`, `change_point` and `unprecedented`, at as many false alarms.

The data are speeds of 207 loops on motorways of Los Angeles, every five minutes, from Thursday 1 March 2012 until the afternoon of Tuesday the
6th (METR-LA), looked for in the folder TUTELA_BENCH_DATA. Thursday is learnt; on Friday to Sunday options are chosen; Monday and Tuesday are kept back
for the figures. There is no truth in such data but the speeds that come later, so that onset is defined by them, which no detector sees:

- A loop is congested from the first speed below a level on which the mean of the next half hour is below, too, until the mean of a half hour is
  above 1.15 times that level. The level is 70 % of the loop's own free speed (the 85th percentile until Sunday), `own`; or 45 mph for all, `same`,
  which is the definition that suits one threshold for all.
- An onset counts when the quarter of an hour that began half an hour before it was free (above 1.15 times the level).
- It is found by what is told from half an hour before until half an hour after; `delay` is in minutes from the onset, less than
  nothing where it was told before; who does not find it is charged half an hour.
- What is told elsewhere than in congestion or the half hour before it is a false alarm. They are counted per loop and day.

For each number of false alarms that may be (per loop and day, on Friday to Sunday) the soonest options are chosen, of each detector; what is told is how they do
on Monday and Tuesday. The bar is harder: the soonest threshold in hindsight, chosen on Monday and Tuesday themselves, that has no more
false alarms there than ours. These days have more congestion than those before, so that all have more false alarms than were allowed.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq
from benchmarks.report import quick, tell

from tutela import parts
from tutela.model.register import Datastream
from tutela.model.rows import Rows
from tutela.model.seen import Catalogue, Seen
from tutela.model.when import HOUR, MINUTE, SECOND

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

DATA = Path(os.environ.get("TUTELA_BENCH_DATA", "."), "traffic/los_loop_speed.parquet")
START = 1_330_560_000 * SECOND + 8 * HOUR  # 1 March 2012, midnight in Los Angeles
DAY, HALF_HOUR, EVERY = 288, 6, 5  # results of a day, and of half an hour; minutes between two
CHOSEN, KEPT = (DAY, 4 * DAY), (4 * DAY, 1 << 30)
ALLOWED = (0.25, 0.5, 1.0, 2.0)
FREE = 1.15  # times the level, above which traffic is free again


@dataclass(frozen=True, slots=True)
class Truth:
    """By row and loop: whether something told there is no false alarm. And the onsets, each with its row and its loop."""

    near: Flags
    onsets: list[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Did:
    """How a detector did: its options, its false alarms per loop and day, its mean delay in minutes, and the share that it found."""

    options: str
    false: float
    delay: float
    found: float


def ahead(speed: Floats) -> Floats:
    """The mean of the half hour that begins with each result; of less at the end."""
    sums = np.concatenate([np.zeros((1, speed.shape[1])), np.cumsum(speed, axis=0)])
    first = np.arange(len(speed))
    end = np.minimum(first + HALF_HOUR, len(speed))
    mean: Floats = (sums[end] - sums[first]) / (end - first)[:, None]
    return mean


def truth(speed: Floats, level: Floats) -> Truth:
    near, onsets, next_half = np.zeros(speed.shape, np.bool_), list[tuple[int, int]](), ahead(speed)
    for loop in range(speed.shape[1]):
        for begin, end in spells(speed[:, loop] < level[loop], next_half[:, loop], float(level[loop])):
            near[max(begin - HALF_HOUR, 0) : end + 1, loop] = True
            before = speed[max(begin - HALF_HOUR, 0) : begin - HALF_HOUR // 2, loop]
            if begin >= HALF_HOUR and before.mean() > FREE * level[loop]:
                onsets.append((begin, loop))
    return Truth(near, onsets)


def spells(below: Flags, next_half: Floats, level: float) -> Iterator[tuple[int, int]]:
    """From where to where it is congested."""
    begin: int | None = None
    for row in range(len(below)):
        if begin is None and below[row] and next_half[row] < level:
            begin = row
        elif begin is not None and next_half[row] > FREE * level:
            yield begin, row
            begin = None
    if begin is not None:
        yield begin, len(below) - 1


def catalogue(many: int) -> Catalogue:
    streams = [
        Datastream(
            id=loop,
            name=f"loop-{loop}",
            source="loops",
            thing=f"loop-{loop}",
            kind="readings",
            observed_property="speed",
            unit="mph",
            interval=300.0,
        )
        for loop in range(many)
    ]
    return Catalogue(
        partitions=1,
        partition=0,
        properties=("speed",),
        property_code=np.zeros(many, np.int32),
        cell=np.zeros(many, np.int64),
        interval=np.full(many, 300.0),
        by_id={stream.id: stream for stream in streams},
    )


def told(name: str, options: Mapping[str, object], speed: Floats) -> Flags:
    """Where the detector tells something of a speed that has fallen; a day at a time."""
    detector, known, where = (
        parts.make("detectors", name, options),
        catalogue(speed.shape[1]),
        np.zeros(speed.shape, np.bool_),
    )
    state = detector.begin()
    for begin in range(0, len(speed), DAY):
        day = speed[begin : begin + DAY]
        slots = np.repeat(np.arange(day.shape[1]), len(day))
        times = np.tile(START + (begin + np.arange(len(day))) * EVERY * MINUTE, day.shape[1])
        rows = Rows("readings", slots.astype(np.int32), times, {"result": day.T.reshape(-1)})
        state, found = detector.step(state, Seen("backtest/la", rows=rows, slots=slots, catalogue=known))
        for each in found:
            if not each.why.message.endswith(("above", "above_together")):
                where[(each.at - START) // (EVERY * MINUTE), each.datastreams[0]] = True
    return where  # fmt: skip


def judged(where: Flags, of: Truth, part: tuple[int, int], options: str) -> Did:
    begin, end = part[0], min(part[1], len(where))
    loop_days = where.shape[1] * (end - begin) / DAY
    false = int((where & ~of.near)[begin:end].sum()) / loop_days
    delays, found = [], 0
    for row, loop in of.onsets:
        if begin <= row < end - HALF_HOUR:
            at = np.flatnonzero(where[row - HALF_HOUR : row + HALF_HOUR + 1, loop])
            found += len(at) > 0
            delays.append(EVERY * (int(at[0]) - HALF_HOUR if len(at) else HALF_HOUR))
    return Did(options, false, float(np.mean(delays)), found / len(delays))


def tried() -> dict[str, list[dict[str, object]]]:
    """The options of each detector among which is chosen."""
    levels = range(30, 60, 4) if quick() else range(26, 62)
    return {
        "congestion": [{"slack": slack, "height": height} for slack, height in product((0.15, 0.2, 0.25, 0.3, 0.35), (0.03, 0.05, 0.1, 0.15, 0.2))],
        "threshold": [{"observed_property": "speed", "direction": "below", "high": float(high), "low": float(high + more)} for high, more in product(levels, (3, 8))],
        "change_point": [{"days": 2, "zone": "America/Los_Angeles", "apart": apart, "slack": slack, "clip": 10.0} for apart, slack in product((0.5, 1.0, 3.0, 30.0), (0.5, 1.5))],
        "unprecedented": [{"learn": DAY, "direction": "below", "memory": memory, "beyond": beyond} for memory, beyond in product((100, 300, 1000), (0.02, 0.3))],
    }  # fmt: skip


def chosen(every: Sequence[tuple[Did, Did]], allowed: float) -> Did | None:
    """Of the options that have no more false alarms on Friday to Sunday the soonest; how they do on Monday and Tuesday."""
    may = [both for both in every if both[0].false <= allowed]
    return min(may, key=lambda both: both[0].delay)[1] if may else None


def compared(name: str, every: Mapping[str, Sequence[tuple[Did, Did]]]) -> None:
    for allowed in ALLOWED:
        best = {detector: chosen(did, allowed) for detector, did in every.items()}
        ours = best.pop("congestion")
        if ours is None:
            continue
        fewer = [did for _, did in every["threshold"] if did.false <= ours.false]
        hindsight = min((did.delay for did in fewer), default=float(EVERY * HALF_HOUR))
        tell(
            f"onset.{name}.{allowed:g}",
            ours.delay,
            "min",
            most=hindsight,
            peers={"threshold in hindsight": hindsight, **{peer: did.delay for peer, did in best.items() if did}},
            found=round(ours.found, 3),
            false_alarms=round(ours.false, 2),
            options=ours.options,
            peers_found={peer: round(did.found, 3) for peer, did in best.items() if did},
            peers_false_alarms={peer: round(did.false, 2) for peer, did in best.items() if did},
            threshold=best["threshold"].options if best["threshold"] else "",
        )


def main() -> None:
    if not DATA.exists():
        sys.exit(f"there is no {DATA}: put the folder that has traffic/los_loop_speed.parquet in TUTELA_BENCH_DATA")
    table = pq.read_table(DATA)
    loops = [name for name in table.schema.names if name.isdigit()]
    speed = np.column_stack([table[loop].to_numpy().astype(np.float64) for loop in loops])
    free = np.percentile(speed[: KEPT[0]], 85, axis=0)
    where = {
        detector: [(" ".join(f"{option}={value}" for option, value in one.items()), told(detector, one, speed)) for one in options]
        for detector, options in tried().items()
    }  # fmt: skip
    for name, level in (("own", 0.7 * free), ("same", np.full(len(loops), 45.0))):
        of = truth(speed, level)
        every = {
            detector: [
                (judged(flags, of, CHOSEN, options), judged(flags, of, KEPT, options)) for options, flags in runs
            ]
            for detector, runs in where.items()
        }
        compared(name, every)
        onsets = sum(KEPT[0] <= row < len(speed) - HALF_HOUR for row, _ in of.onsets)
        tell(f"onset.{name}.onsets", onsets, "onsets kept back", loops=len(loops), all_onsets=len(of.onsets))


if __name__ == "__main__":
    main()
