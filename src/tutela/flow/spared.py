"""What legal holds keep from retention: keys, buckets, and of datastreams the times around what was detected. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from tutela.model.detection import Detection
from tutela.model.register import Datastream
from tutela.model.when import DAY, EVER, iso

PERIODS = len("2026-11"), len("2026-11-25")
_DATED = re.compile(r"\d{4}-\d\d(-\d\d(T\d\d)?)?")


@dataclass(slots=True)
class Spared:
    """What holds keep: keys by id, buckets by name, and of datastreams the times (since ≤ time < until, microseconds).

    A bucket that is named by a day or month keeps all that are within it. `days` are buckets of whatever purpose, as `kind/day`: a datastream may have had another one at that time.
    """

    keys: set[str] = field(default_factory=set)
    buckets: set[str] = field(default_factory=set)
    rows: dict[int, list[tuple[int, int]]] = field(default_factory=dict)
    days: set[str] = field(default_factory=set)

    def cover(self, stream: Datastream) -> None:
        """Keep the buckets of a datastream that follows people, of the days of which something is kept of it."""
        for since, until in self.rows.get(stream.id, ()):
            for day in range(since // DAY, (until - 1) // DAY + 1):
                period = f"{stream.kind}/{iso(day * DAY)[:10]}"
                if stream.changed is not None and stream.changed > since:
                    self.days.add(period)
                else:
                    self.buckets.add(f"{stream.purpose}/{period}")

    def keeps(self, key: str, bucket: str) -> bool:
        """Whether that key of that bucket must not be destroyed."""
        named = wider(bucket)
        return key in self.keys or not self.buckets.isdisjoint(named) or bucket.partition("/")[2] in self.days

    def between(self, stream: int, before: int) -> list[tuple[int, int]]:
        """The times before then of which nothing is kept of that datastream, as (since, until)."""
        free, since = [], EVER
        for begin, end in sorted(self.rows.get(stream, ())):
            if since < min(begin, before):
                free.append((since, min(begin, before)))
            since = max(since, end)
        return [*free, *([(since, before)] if since < before else [])]


def wider(bucket: str) -> set[str]:
    """A bucket, and those that a day or a month around it would have."""
    period = bucket.rpartition("/")[2]
    sizes = PERIODS if _DATED.fullmatch(period) else ()
    return {bucket, *(bucket[: len(bucket) - len(period) + size] for size in sizes)}


def windows(detections: Iterable[Detection], around: int) -> dict[int, tuple[int, int]]:
    """The times of each datastream that these rest on: since ≤ time < until."""
    found: dict[int, tuple[int, int]] = {}
    for one in detections:
        for number in one.datastreams:
            since, until = found.get(number, (one.since, one.at))
            found[number] = min(since, one.since), max(until, one.at)
    return {number: (since - around, until + around + 1) for number, (since, until) in found.items()}
