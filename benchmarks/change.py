"""How soon `change_point` tells a change, against how seldom it is wrong; and what its arithmetic costs. JSON lines.

`delay`: the sums of the detector on independent normal results that move by one spread (slack one half, no clip in
reach), 4,000 at once. A false alarm may come once in so many results; the height follows by Siegmund's approximation.
Beside the mean delay stands Lorden's bound: no procedure with that few false alarms can be sooner than log(ARL) / KL
in the worst case, with KL = shift² / 2, as the allowed number of results grows (Lorden 1971, Moustakides 1986). The
worst case of CUSUM is that it starts from nothing, which is how it is measured here. The bound leaves out a constant, so
that what is measured lies a little below it, and beside it as the number grows. `false`: results until a false alarm,
measured, as a share of what was allowed.

`arrays`: 100,000 sensors, one result each: both sums, their heights, and the test whether anybody is above. Level and
spread are arrays; looking them up, learning and wording are not in it. CPU time of one core. `detectors.change_point`
has the whole step.
"""

from __future__ import annotations

import time
from math import log

import numpy as np
import numpy.typing as npt
from benchmarks.report import quick, tell

from tutela.maths.cusum import UNIT, height, stepped, steps, whole

MANY, SLACK, SHIFT, CLIP = (400 if quick() else 4000), 0.5, 1.0, 8.0
LENGTHS = (100, 1_000, 10_000, 100_000, 1_000_000, 14_400_000)
SENSORS, ROUNDS, BAR = 100_000, (20 if quick() else 200), 50e6


def lasted(length: float, shift: float) -> float:
    """The mean number of results until an alarm, with results that are off by `shift` spreads."""
    chance, limit = np.random.default_rng(7), round(height(length, SLACK) * UNIT)
    up, down = np.zeros(MANY, np.int64), np.zeros(MANY, np.int64)
    count, results = 0, 0
    while len(up):
        units = whole(chance.standard_normal(len(up)) + shift, CLIP)
        up, down = stepped(up, steps(units, SLACK)), stepped(down, steps(units, SLACK, down=True))
        results += len(up)
        going = (up <= limit) & (down <= limit)
        count += int((~going).sum())
        up, down = up[going], down[going]
    return results / count


def once(
    result: npt.NDArray[np.float64], level: npt.NDArray[np.float64], spread: npt.NDArray[np.float64],
    sums: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]], limit: npt.NDArray[np.int64],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], bool]:  # fmt: skip
    """One result of each sensor: the sums after it, and whether anybody is above."""
    units = whole((result - level) / spread, CLIP)
    up, down = stepped(sums[0], steps(units, SLACK)), stepped(sums[1], steps(units, SLACK, down=True))
    return up, down, bool((up > limit).any() or (down > limit).any())


def arrays() -> float:
    """Results per second and core: the median round."""
    chance = np.random.default_rng(7)
    level, spread = chance.normal(20, 5, SENSORS), chance.uniform(1, 3, SENSORS)
    results = [level + spread * chance.standard_normal(SENSORS) for _ in range(10)]
    limit = np.full(SENSORS, round(height(14_400_000, SLACK) * UNIT))
    up = down = np.zeros(SENSORS, np.int64)
    took = []
    for number in range(ROUNDS):
        begun = time.process_time()
        up, down, _ = once(results[number % 10], level, spread, (up, down), limit)
        took.append(time.process_time() - begun)
    return SENSORS / float(np.median(took))


def main() -> None:
    for length in LENGTHS:
        bound = log(length) / (SHIFT**2 / 2)
        tell(f"change.delay.{length}", lasted(length, SHIFT), "results", peers={"Lorden's bound": bound})
    for length in LENGTHS[: 1 if quick() else 3]:
        tell(f"change.false.{length}", lasted(length, 0.0) / length, "of what was allowed", least=0.9)
    tell("change.arrays", arrays(), "readings/s/core", least=BAR)


if __name__ == "__main__":
    main()
