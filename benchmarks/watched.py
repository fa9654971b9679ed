"""Which of the detectors that the systems name can tell a bench that its rows arrived."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.stack import CITY

from tutela.app.detecting import instances
from tutela.detectors.threshold import Threshold
from tutela.detectors.unusual import Unusual


@dataclass(frozen=True, slots=True)
class Watched:
    """`level` notices a result above `high` at once; `usual` sums up every row of that observed property."""

    level: str
    usual: str
    observed_property: str
    high: float
    low: float


def watched() -> Watched:
    """Of the systems as they are; stops the bench when none fits."""
    columnar, _ = instances(CITY.zone)
    for level in columnar:
        if not isinstance(level, Threshold) or level.hold or level.direction != "above":
            continue
        for usual in columnar:
            if isinstance(usual, Unusual) and (not usual.only or level.observed_property in usual.only):
                return Watched(level.name, usual.name, level.observed_property, level.high, level.low)
    raise SystemExit("no system has a threshold without `hold` on what a seasonal detector watches: adapt the benches")
