"""How near `demand` comes to the calls of an hour, beside the mean of the hour of the week.

The calls are those of Montgomery County, Pennsylvania, from 11 December 2015 to 30 June 2016 (Kaggle "montcoalert", first release),
looked for in the folder TUTELA_BENCH_DATA; times are local. June is kept back: its hours are foreseen one by one, each by what
came before it. `demand` goes on learning in June, as it would; its options were chosen on April and May. Beside it: the mean of the hour of the
week up to the end of May (the bar), the same going on in June, the count a week ago, and what chance alone leaves to whoever knows the true mean: the mean deviation of Poisson counts about it,
if the bar's means were the true ones. In hours, mean absolute error.
"""

from __future__ import annotations

import os
import sys
from math import exp, lgamma, log
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq
from benchmarks.report import tell

from tutela import parts

Floats = npt.NDArray[np.float64]
Index = npt.NDArray[np.int64]

DATA = Path(os.environ.get("TUTELA_BENCH_DATA", "."), "calls/montgomery911_2015-12_2016-06.parquet")
SORTS = ("EMS", "Fire", "Traffic")
WEEK, MONTH = 168, 30 * 24
BEGIN, END = (int(np.datetime64(day, "h").astype(np.int64)) for day in ("2015-12-11", "2016-07-01"))


def counts() -> Index:
    """Calls by sort and hour, from the first whole day on."""
    table = pq.read_table(DATA)
    hour = table["timeStamp"].to_numpy().astype("datetime64[h]").astype(np.int64) - BEGIN
    sort = np.array(table["cls"].to_pylist())
    found: Index = np.stack([np.bincount(hour[(sort == one) & (hour >= 0)], minlength=END - BEGIN) for one in SORTS])
    return found


def foreseen(calls: Index) -> Floats:
    """What `demand` expects of each hour, before it knows the count."""
    part, series = parts.make("forecasts", "demand", {}), np.arange(len(SORTS))
    state, expected = part.begin(), np.empty(calls.shape)
    for row in range(calls.shape[1]):
        expected[:, row] = part.expected(state, series, BEGIN + row).mean
        state = part.learn(state, series, BEGIN + row, calls[:, row])
    return expected


def means(calls: Index, *, going_on: bool) -> Floats:
    """The mean of all hours of that hour of the week: before June, or before the hour."""
    june, found = calls.shape[1] - MONTH, np.zeros(calls.shape)
    for row in range(june, calls.shape[1]):
        last = row - WEEK if going_on else row - WEEK * (1 + (row - june) // WEEK)
        found[:, row] = calls[:, last % WEEK : last + 1 : WEEK].mean(axis=1)
    return found


def deviation(mean: float) -> float:
    """The mean deviation of Poisson counts from their mean (De Moivre 1730, by Johnson 1957)."""
    whole = int(mean)
    return 2 * exp((whole + 1) * log(mean) - mean - lgamma(whole + 1))


def main() -> None:
    if not DATA.exists():
        sys.exit(f"there is no {DATA}: put the folder that has {DATA.parent.name}/{DATA.name} in TUTELA_BENCH_DATA")
    calls = counts()
    mean = means(calls, going_on=False)
    told = {
        "demand": foreseen(calls),
        "mean": mean,
        "mean going on": means(calls, going_on=True),
        "a week ago": np.concatenate([calls[:, :WEEK], calls[:, :-WEEK]], axis=1).astype(np.float64),
    }
    for place, sort in enumerate(SORTS):
        off = {name: float(np.abs(one - calls)[place, -MONTH:].mean()) for name, one in told.items()}
        off["chance alone"] = float(np.mean([deviation(each) for each in mean[place, -MONTH:].tolist() if each > 0]))
        ours = off.pop("demand")
        tell(
            f"demand.{sort.lower()}",
            ours,
            "calls/h off",
            most=off["mean"],
            peers=off,
            mean=round(float(calls[place, -MONTH:].mean()), 2),
        )


if __name__ == "__main__":
    main()
