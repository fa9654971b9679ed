"""How each source is doing: what it sent, when, and what was refused of it. Counts only, never content."""

from __future__ import annotations

import asyncio
import logging
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from tutela.errors import EngineDown
from tutela.model.flow import Refusal
from tutela.model.noun import Noun
from tutela.model.when import MINUTE, SECOND

LOG = logging.getLogger(__name__)

Count = tuple[str, int, str]
"""Source, minute (microseconds since 1970, a whole minute), reason."""

OTHERS = "(others)"
"""Stands for the sources after the first `most` that were refused, so that made-up names can't fill the memory."""


class Refusals(Protocol):
    """Where counts go: the register."""

    async def refuse(self, counts: Mapping[Count, int]) -> None:
        """Add to what was counted before."""


class SourceHealth(Noun, frozen=True, kw_only=True):
    """What came from one source since this process started: observations and calls; `last` in microseconds."""

    source: str
    rows: int
    rows_per_second: float
    last: int | None
    refused: dict[str, int]


@dataclass(slots=True)
class _Pulse:
    """Rows so far, and their rate as an exponential mean over about ten seconds."""

    rows: int = 0
    recent: float = 0.0
    last: int | None = None
    refused: Counter[str] = field(default_factory=Counter)

    OVER = 10.0

    def beat(self, rows: int, now: int) -> None:
        self.recent = self.at(now) + rows
        self.rows += rows
        self.last = now if self.last is None else max(now, self.last)

    def at(self, now: int) -> float:
        """The rows of the last seconds, older ones counting less."""
        return 0.0 if self.last is None else self.recent * math.exp(min(0.0, (self.last - now) / SECOND / self.OVER))


class Health:
    """Kept by the gateway; read by the API, and each second by the register (refusals by source and minute)."""

    def __init__(self, most: int = 1000) -> None:
        self._most = most
        self._pulses: dict[str, _Pulse] = {}
        self._counts: Counter[Count] = Counter()

    def stored(self, source: str, rows: int, now: int) -> None:
        """That many observations or calls of a registered source are durable."""
        self._pulses.setdefault(source, _Pulse()).beat(rows, now)

    def refused(self, source: str, refusals: Iterable[Refusal], now: int) -> None:
        """Something of a source was refused; the source may be unknown."""
        for refusal in refusals:
            self._refusing(source).refused[refusal.reason] += refusal.count
            self._count((source, now // MINUTE * MINUTE, refusal.reason), refusal.count)

    def report(self, now: int) -> tuple[SourceHealth, ...]:
        """Every source that sent something, by name."""
        return tuple(
            SourceHealth(
                source=source,
                rows=pulse.rows,
                rows_per_second=round(pulse.at(now) / pulse.OVER, 3),
                last=pulse.last,
                refused=dict(pulse.refused),
            )
            for source, pulse in sorted(self._pulses.items())
        )

    async def run(self, register: Refusals, every: float = 1.0) -> None:
        """Tell the register the refusals, for ever. What can't be told now is told with the next."""
        while True:
            await asyncio.sleep(every)
            counts = self.take()
            if not counts:
                continue
            try:
                await register.refuse(counts)
            except EngineDown as down:
                LOG.warning("refusals can't be told now: %s", down)
                self._put_back(counts)

    def take(self) -> Mapping[Count, int]:
        """The refusals counted since this was last asked."""
        counts, self._counts = self._counts, Counter()
        return counts

    def _put_back(self, counts: Mapping[Count, int]) -> None:
        for count, number in counts.items():
            self._count(count, number)

    def _refusing(self, source: str) -> _Pulse:
        known = source in self._pulses or len(self._pulses) < self._most
        return self._pulses.setdefault(source if known else OTHERS, _Pulse())

    def _count(self, count: Count, number: int) -> None:
        known = count in self._counts or len(self._counts) < self._most
        self._counts[count if known else (OTHERS, *count[1:])] += number
