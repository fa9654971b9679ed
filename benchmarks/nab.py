"""`unprecedented` on the Numenta Anomaly Benchmark, beside an EWMA, a windowed Gaussian, relative entropy, and what others published.

The corpus (58 series, 365,558 rows, 116 windows) is looked for in the folder TUTELA_BENCH_DATA; it may not be passed on, so that it
is not here. `sweeper.py` scores as the benchmark does, with one threshold for the whole corpus. Whether it does so rightly is told by
`nab.scorer`: the windowed Gaussian and relative entropy, written anew, must come to their published scores within 0.1. Both are as
NAB has them: relative entropy is told the highest and the lowest value of a series before it begins, the published Gaussian's scores
were written with 12 digits.

Ours gets no such thing: it is the detector itself with one set of options for all series and all three profiles. They are bolder than its defaults:
`beyond` 0.02 and `memory` 10,000 results; and `learn` is 150 rows, as the benchmark counts from the 169th at the earliest. `defaults` is with that
`learn` alone. `noise` is how many results come between two findings where there is nothing but chance: independent normal results. What it tells is the score: 1 or 0. It has no hours in it, so that
rows are given the time of their number. `beyond` is swept for each profile as others' thresholds are.

One set of options was chosen on this corpus. `held-out` tells what that is worth: options are chosen on half of the series and scored on the
other half, both ways round, 20 times, halves by chance. `worst` is the lowest score in the neighbourhood: one option at a time halved or doubled, or so.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from math import erfc, inf, sqrt
from pathlib import Path

import numpy as np
from benchmarks.report import promise, quick, tell
from benchmarks.sweeper import PROFILES, Floats, Index, Score, Series, corpus, score

from tutela import parts
from tutela.detectors.unprecedented import Unprecedented
from tutela.model.register import Datastream
from tutela.model.rows import Rows
from tutela.model.seen import Catalogue, Seen
from tutela.model.when import MINUTE

DATA = Path(os.environ.get("TUTELA_BENCH_DATA", "."), "nab")
BAR, CHUNK = 54.6, 1000
LEARN = 150
ON_NAB: Mapping[str, float] = {"learn": LEARN, "beyond": 0.02, "memory": 10_000}
NOISE = (20, 6000) if quick() else (100, 20_000)  # series, and results of each; the first half is learnt
NEAR: tuple[tuple[str, float], ...] = (
    *(("beyond", beyond) for beyond in (0.01, 0.015, 0.03, 0.04, 0.06, 0.1)),
    ("quiet", 10),
    ("quiet", 50),
    ("few", 12),
    ("few", 36),
    ("memory", 5000),
    ("memory", 20_000),
)
PUBLISHED: Mapping[str, tuple[float, float, float]] = {
    "ARTime": (74.9, 65.1, 80.4),
    "Numenta HTM": (70.5, 62.6, 75.2),
    "CAD OSE": (69.9, 67.0, 73.2),
    "earthgecko Skyline": (58.2, 46.2, 63.9),
    "KNN CAD": (58.0, 43.4, 64.8),
    "relative entropy": (54.6, 47.6, 58.8),
    "random cut forest": (51.7, 38.4, 59.7),
    "Twitter ADVec": (47.1, 33.6, 53.5),
    "windowed Gaussian": (39.6, 20.9, 47.4),
    "Etsy Skyline": (35.7, 27.1, 44.5),
    "Bayesian changepoint": (17.7, 3.2, 32.2),
    "EXPoSE": (16.4, 3.2, 26.9),
    "random": (11.0, 1.2, 19.5),
}
"""NAB's own scoreboard: standard, low false positives, low false negatives. Of Numenta HTM, whose runs differ, the best."""

Told = Mapping[str, Floats]


def windowed_gaussian(value: Floats) -> Floats:
    """How unlikely a normal value so far off or nearer is, by the last 6,400 values, taken anew each 100."""
    rows, moved = np.arange(len(value)), value - value[0]
    end = np.where(rows <= 6400, rows, 6400 + (rows - 6400) // 100 * 100)
    begin = np.maximum(end - 6400, 0)
    many = np.maximum(end - begin, 1)
    sums, squares = (np.concatenate([[0.0], np.cumsum(moved**power)]) for power in (1, 2))
    mean = (sums[end] - sums[begin]) / many
    spread = np.sqrt(np.maximum((squares[end] - squares[begin]) / many - mean**2, 0))
    off = np.abs(moved - mean) / np.where(spread > 0, spread, 1e-6)
    likely = np.array([1 - 0.5 * erfc(each / sqrt(2)) for each in off.tolist()])
    likely[0] = 0.0
    return np.round(likely, 12)


def relative_entropy(value: Floats) -> Floats:
    """1 where the last 52 values, in five bins, are like no 52 before them (Wang et al. 2011, "Statistical techniques for online
    anomaly detection in data centers"). The bins share out the whole range of the series, as NAB tells it beforehand.
    """
    long, bins, level = 52, 5, 13.276704135987622  # the 99th percentile of chi-squared with four degrees of freedom
    told, width = np.zeros(len(value)), (value.max() - value.min()) / bins
    if width == 0:
        return told
    which = np.minimum(np.ceil((value - value.min()) / width).astype(np.int64), bins - 1)
    count = np.concatenate([np.zeros((1, bins)), np.cumsum(np.eye(bins)[which], axis=0)])
    seen = np.empty((0, bins))
    for row in range(long - 1, len(value)):
        share = (count[row + 1] - count[row + 1 - long]) / long
        with np.errstate(divide="ignore", invalid="ignore"):
            off = 2 * long * np.where(share > 0, share * np.log(share / seen), 0.0).sum(axis=1)
        if off.min(initial=inf) >= level:
            told[row] = float(len(seen) > 0)
            seen = np.vstack([seen, share])
    return told


def ewma(value: Floats) -> Floats:
    """Distance from an exponentially weighted mean (1 %), in its own spreads: two numbers per sensor."""
    mean, square, off = float(value[0]), 1e-9, np.zeros(len(value))
    for row, each in enumerate(value.tolist()):
        off[row] = abs(each - mean) / sqrt(square + 1e-9)
        square = 0.99 * (square + 0.01 * (each - mean) ** 2)
        mean += 0.01 * (each - mean)
    return off


def ours(part: Unprecedented, all_series: Sequence[Series]) -> Told:
    """1 at each row that the detector tells: all series at once, as datastreams of one partition."""
    known = catalogue(len(all_series))
    told = {one.name: np.zeros(len(one.value)) for one in all_series}
    state = part.begin()
    for begin in range(0, max(len(one.value) for one in all_series), CHUNK):
        state, found = part.step(state, seen(known, [one.value[begin : begin + CHUNK] for one in all_series], begin))
        for each in found:
            told[all_series[each.datastreams[0]].name][each.at // MINUTE] = 1.0
    return told


def seen(known: Catalogue, values: Sequence[Floats], begin: int) -> Seen:
    """The next values of each series; the time of a row is its number."""
    slots = np.repeat(np.arange(len(values)), [len(each) for each in values])
    rows: Index = np.concatenate([np.arange(len(each)) for each in values]) + begin
    result = np.concatenate(values)
    return Seen(
        "backtest/nab",
        rows=Rows("readings", slots.astype(np.int32), rows * MINUTE, {"result": result}),
        slots=slots,
        catalogue=known,
    )


def catalogue(many: int) -> Catalogue:
    streams = [
        Datastream(id=slot, name=f"s{slot}", source="nab", thing=f"t{slot}", kind="readings", observed_property="value", unit="1")
        for slot in range(many)
    ]  # fmt: skip
    return Catalogue(
        partitions=1,
        partition=0,
        properties=("value",),
        property_code=np.zeros(many, np.int32),
        cell=np.zeros(many, np.int64),
        interval=np.full(many, np.nan),
        by_id={stream.id: stream for stream in streams},
    )


def peers(all_series: Sequence[Series]) -> dict[str, list[float]]:
    """Scores of those that are run here, by profile; whether two of them come to what was published."""
    runs: dict[str, Callable[[Floats], Floats]] = {
        "EWMA": ewma,
        "windowed Gaussian": windowed_gaussian,
        "relative entropy": relative_entropy,
    }
    scores = {}
    for name, run in runs.items():
        told = {one.name: run(one.value) for one in all_series}
        scores[name] = [float(score(all_series, told, weights).score) for weights in PROFILES.values()]
        if name in PUBLISHED:
            off = max(abs(mine - theirs) for mine, theirs in zip(scores[name], PUBLISHED[name], strict=True))
            promise(
                f"nab.scorer.{name.replace(' ', '-')}",
                bool(off <= 0.1),
                off=round(float(off), 3),
                scores=np.round(scores[name], 2).tolist(),
            )
    return scores  # fmt: skip


def held_out(all_series: Sequence[Series], tried: Sequence[Told]) -> list[float]:
    """Of options that were the best on one half of the series, the score on the other half; the standard profile."""
    chance, weights, scores = np.random.default_rng(7), PROFILES["standard"], []
    for _ in range(20):
        order = chance.permutation(len(all_series)).tolist()
        halves = [[all_series[place] for place in order[start::2]] for start in (0, 1)]
        for mine, other in (halves, halves[::-1]):
            best = max(tried, key=lambda told: score(mine, told, weights).score)
            scores.append(score(other, best, weights).score)
    return scores


def say(profile: str, found: Score, others: Mapping[str, float], least: float | None = None) -> None:
    tell(
        f"nab.{profile}",
        found.score,
        "of 100",
        least=least,
        peers=others,
        windows_found=found.found,
        windows=found.windows,
        false_alarms=found.false,
    )


def made(options: Mapping[str, float]) -> Unprecedented:
    part: Unprecedented = parts.make("detectors", "unprecedented", options)
    return part


def noise(options: Mapping[str, float]) -> float:
    """How many results come between two findings of one datastream, if all are independent and normal."""
    many, long = NOISE
    chance = np.random.default_rng(7).normal(20, 5, (many, long))
    every = [
        Series(f"noise-{place}", row, np.ones(long, np.bool_), np.full(long, -1), row)
        for place, row in enumerate(chance)
    ]
    found = sum(float(each[long // 2 :].sum()) for each in ours(made(options), every).values())
    return many * (long // 2) / max(found, 1.0)


def neighbours(all_series: Sequence[Series], told: Told) -> None:
    """What other options come to, and what it is worth that these ones were chosen."""
    tried = [told, *(ours(made({**ON_NAB, option: value}), all_series) for option, value in NEAR)]
    for profile, weights in PROFILES.items():
        swept = [told, *(each for each, (option, _) in zip(tried[1:], NEAR, strict=True) if option == "beyond")]
        best = max((score(all_series, each, weights) for each in swept), key=lambda one: one.score)
        say(f"{profile}.swept", best, {})
    scores = [score(all_series, each, PROFILES["standard"]).score for each in tried]
    option, value = (("none", 0.0), *NEAR)[int(np.argmin(scores))]
    tell("nab.standard.worst", min(scores), "of 100", option=option, at=value)
    halves = held_out(all_series, tried)
    low, high = round(min(halves), 1), round(max(halves), 1)
    tell("nab.standard.held-out", float(np.mean(halves)), "of 100", lowest=low, highest=high)


def main() -> None:
    if not DATA.exists():
        sys.exit(f"there is no {DATA}: put the folder that has nab/nab.parquet in TUTELA_BENCH_DATA")
    all_series = corpus(DATA)
    run_here = peers(all_series)
    begun = time.process_time()
    told = ours(made(ON_NAB), all_series)
    took = time.process_time() - begun
    cautious = ours(made({"learn": LEARN}), all_series)
    for place, (profile, weights) in enumerate(PROFILES.items()):
        others = {name: scores[place] for name, scores in run_here.items()}
        others |= {f"{name} (published)": scores[place] for name, scores in PUBLISHED.items()}
        bar = max(BAR, others["EWMA"]) if profile == "standard" else others["EWMA"]
        say(profile, score(all_series, told, weights), others, bar)
        say(f"{profile}.defaults", score(all_series, cautious, weights), {})
    rows = sum(len(one.value) for one in all_series)
    tell("nab.rows", rows / took, "rows/s/core", series=len(all_series), rows=rows)
    for name, options in (("nab.noise", ON_NAB), ("nab.noise.defaults", {"learn": LEARN})):
        tell(name, noise(options), "results/finding")
    if not quick():
        neighbours(all_series, told)


if __name__ == "__main__":
    main()
