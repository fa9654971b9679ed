"""How often one person may ask: a bucket for each, so that nobody's script takes the platform from everybody else.

A bucket fills steadily and holds a burst. The page of somebody who works with it asks a few times a second, and never meets this;
a copy of everything, one request after another, does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tutela.errors import TooOften
from tutela.model.when import SECOND

from .ports import Clock

MOST = 10_000
"""People remembered; those whose bucket is full again need no memory."""


@dataclass(frozen=True, slots=True)
class Rate:
    """So many at once, and so many a second after that."""

    burst: int
    each_second: float

    @property
    def pace(self) -> str:
        """In words."""
        each = self.each_second
        return f"{each:.0f} a second" if each >= 1 else f"one in {1 / each:.0f} seconds"


READS = Rate(burst=600, each_second=30.0)
ACTS = Rate(burst=120, each_second=4.0)


def _untold(kind: str) -> None:
    """Nobody counts."""
    del kind


class Rates:
    """The buckets of one process. `told` hears of each request that has to wait: "read" or "act"."""

    def __init__(
        self, clock: Clock, reads: Rate = READS, acts: Rate = ACTS, told: Callable[[str], None] = _untold
    ) -> None:
        self._clock, self._told = clock, told
        self._rates = {"read": reads, "act": acts}
        self._left: dict[tuple[str, str], tuple[float, int]] = {}

    def take(self, who: str, kind: str) -> None:
        """Count one request of a person; raises TooOften when there were too many."""
        now, rate = self._clock(), self._rates[kind]
        left = self._now_left((who, kind), rate, now)
        if left < 1.0:
            self._told(kind)
            after = (1.0 - left) / rate.each_second
            raise TooOften(
                f"you ask too often: more than {rate.burst} at once and {rate.pace}; wait a little",
                retry_after=after,
            )
        if len(self._left) >= MOST:
            self._forget(now)
        self._left[who, kind] = (left - 1.0, now)

    def _now_left(self, key: tuple[str, str], rate: Rate, now: int) -> float:
        """What the bucket holds. A clock that was set back fills nothing and empties nothing."""
        left, at = self._left.get(key, (float(rate.burst), now))
        return min(float(rate.burst), left + max(0, now - at) / SECOND * rate.each_second)

    def _forget(self, now: int) -> None:
        """Those whose bucket is full; if that is nobody, everybody: memory has an end."""
        kept = {
            key: held
            for key, held in self._left.items()
            if self._now_left(key, self._rates[key[1]], now) < self._rates[key[1]].burst
        }
        self._left = kept if len(kept) < MOST else {}
