"""The space-time scan: how long 999 deals take, beside a plain version; whether p-values are uniform; what it finds.

The cases are burglaries of Portland: the last 365 days of what is kept of the NIJ challenge (947, in 700 cells of 1,000
feet), held in 14 windows of one to 14 days, and of one to 14 weeks; circles of up to 6,600 feet. They are looked for in the
folder TUTELA_BENCH_DATA; where they are not at hand, as many cases are drawn by chance in a town of that size.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from math import log
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from benchmarks.report import promise, quick, tell

from tutela.maths import scan
from tutela.maths.scan import UNIT, Cases, Deals, Scan

DATA = Path(os.environ.get("TUTELA_BENCH_DATA", "."), "crime/nij_portland/nij_bur_veh_2012-03_2017-02.parquet")
FOOT, CELL, REACH = 0.3048, 1000, 6600 * 0.3048
DAYS, WEEKS = tuple(range(1, 15)), tuple(range(7, 99, 7))
TOWNS, DEALT = (50, 99) if quick() else (300, 199)


def portland() -> tuple[Cases, str]:
    """The burglaries of the last 365 days, and where they are from."""
    if not DATA.exists():
        return drawn(np.random.default_rng(1), 947, 700, 365, 20_000), "drawn by chance"
    table = pq.read_table(DATA)
    day = table["occ_date"].to_numpy().astype("datetime64[D]")
    mine = (np.array(table["category"].to_pylist()) == "BURGLARY") & (day > day.max() - 365)
    spots = np.stack([table["x_coordina"].to_numpy(), table["y_coordina"].to_numpy()], axis=1)[mine] // CELL
    cells, place = np.unique(spots, axis=0, return_inverse=True)
    metres = np.rint((cells + 0.5) * CELL * FOOT).astype(np.int64)
    return Cases(metres[:, 0], metres[:, 1], place, (day.max() - day[mine]).astype(np.int64)), "Portland"


def drawn(chance: np.random.Generator, many: int, places: int, days: int, size: int) -> Cases:
    """So many cases by chance, in a square of so many metres."""
    x, y = chance.integers(0, size, (2, places))
    return Cases(x, y, chance.integers(0, places, many), chance.integers(0, days, many))


def plain(cases: Cases, place: Sequence[int], windows: Sequence[int]) -> float:
    """The best ratio, cylinder by cylinder, without arrays: circle by circle outwards, each case counted once."""
    spots, ages, total = list(zip(cases.x.tolist(), cases.y.tolist(), strict=True)), cases.age.tolist(), len(place)
    mine: list[list[int]] = [[] for _ in spots]
    for where, age in zip(place, ages, strict=True):
        mine[where].append(age)
    within = [sum(age < window for age in ages) for window in windows]
    top = 0.0
    for ring in rings(spots):
        inside, counts = 0, [0] * len(windows)
        for other, whole in ring:
            inside += len(mine[other])
            for age in mine[other]:
                for at, window in enumerate(windows):
                    counts[at] += age < window
            if whole and 2 * inside <= total:
                top = max(top, *(ratio(*of, inside, total) for of in zip(counts, within, strict=True)))
    return top


def rings(spots: Sequence[tuple[int, int]]) -> Iterator[list[tuple[int, bool]]]:
    """Around each place the others from near to far, and whether the circle has all that are as far as this one."""
    for x, y in spots:
        squares = (((x - east) ** 2 + (y - north) ** 2, other) for other, (east, north) in enumerate(spots))
        near = sorted(each for each in squares if each[0] <= REACH * REACH)
        yield [
            (other, number + 1 == len(near) or near[number + 1][0] != square)
            for number, (square, other) in enumerate(near)
        ]


def ratio(count: int, within: int, inside: int, total: int) -> float:
    """The log of the generalised likelihood ratio."""
    expected = inside * within / total
    if count < 2 or count <= expected:
        return 0.0
    rest = total - count
    return count * log(count / expected) + rest * log(rest / (total - expected))


def speed(cases: Cases, source: str, name: str, windows: Sequence[int]) -> None:
    """The scan and 999 deals, the best of three; the plain version's time from a few deals, and whether both agree."""
    took = []
    for _ in range(3):
        begun, worked = time.perf_counter(), time.process_time()
        scanned = Scan(cases, reach=REACH, windows=windows)
        best = scanned.clusters()[0]
        looked = time.perf_counter()
        chance = scanned.chance(best.score, Deals(seed=1))
        took.append((time.perf_counter() - begun, time.process_time() - worked, looked - begun))
    deals = 2 if quick() else 5
    order = scan._dealt(1, np.arange(deals), len(cases.place))  # noqa: SLF001  the same deals for both
    ages = np.sort(cases.age)
    begun = time.perf_counter()
    tops = [plain(Cases(cases.x, cases.y, cases.place, ages), cases.place[one].tolist(), windows) for one in order]
    each = (time.perf_counter() - begun) / deals
    found = plain(cases, cases.place.tolist(), windows)
    agrees = sum(round(top * UNIT) >= best.score for top in tops) == scanned.chance(best.score, Deals(1, deals)).hits
    promise(f"scan.{name}.agrees", agrees and abs(found - best.score / UNIT) < 1e-6, deals=deals)
    tell(
        f"scan.{name}.999",
        min(took)[0],
        "s",
        most=1.0,
        peers={"plain": 1000 * each},
        cpu_s=round(min(took)[1], 4),
        scan_s=round(min(took)[2], 4),
        source=source,
        cases=len(cases.place),
        cells=len(cases.x),
        windows=len(windows),
        p=chance.p,
        observed=best.observed,
        expected=round(best.expected, 2),
    )


def p_value(cases: Cases, seed: int) -> float:
    scanned = Scan(cases, reach=2000.0, windows=DAYS[:7])
    return scanned.chance(scanned.clusters()[0].score, Deals(seed, DEALT)).p


def town(seed: int, planted: int = 0) -> Cases:
    """300 cases at 100 places and in 30 days, and some more within 500 m and three days."""
    chance = np.random.default_rng(seed)
    cases = drawn(chance, 300, 100, 30, 10_000)
    near = np.flatnonzero((cases.x - cases.x[0]) ** 2 + (cases.y - cases.y[0]) ** 2 <= 500**2)
    more = chance.choice(near, planted), chance.integers(0, 3, planted)
    return Cases(cases.x, cases.y, np.append(cases.place, more[0]), np.append(cases.age, more[1]))


def main() -> None:
    cases, source = portland()
    speed(cases, source, "days", DAYS)
    speed(cases, source, "weeks", WEEKS)
    found = np.sort([p_value(town(seed), seed) for seed in range(TOWNS)])
    steps = np.arange(1, DEALT + 2) / (DEALT + 1)
    off = float(np.abs(np.searchsorted(found, steps + 1e-9) / TOWNS - steps).max())
    tell("scan.uniform.ks", off, "", most=1.36 / TOWNS**0.5, towns=TOWNS, at_5_percent=float((found <= 0.05).mean()))
    for planted in (1, 2, 3, 4, 5, 6, 8):
        times = [p_value(town(seed, planted), seed) <= 0.05 for seed in range(TOWNS // 3)]
        tell(f"scan.power.{planted}", sum(times) / len(times), "of towns", towns=len(times))


if __name__ == "__main__":
    main()
