"""What is measured, where it happens: thin layers around the parts, so that these know nothing of metrics."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any, TypeVar

from prometheus_client import Histogram
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from tutela.app.settings import Settings
from tutela.backends.metrics import Meters
from tutela.errors import Refused
from tutela.flow.detector import Detector
from tutela.flow.health import Health
from tutela.flow.ports import Clock, Policy
from tutela.model.access import Ask
from tutela.model.card import Card
from tutela.model.detection import Detection
from tutela.model.seen import Seen

A = TypeVar("A")
B = TypeVar("B")

EVERY = 2.0
"""Seconds between two writes of a process's metrics."""

log = logging.getLogger(__name__)


def folder(settings: Settings) -> Path:
    """Where the processes of an instance write their metrics."""
    return settings.data / "metrics"


async def tell(meters: Meters, settings: Settings, process: str) -> None:
    """Write this process's metrics for ever. A disk that takes none is told, and tried again."""
    path = folder(settings) / f"{process}.prom"
    path.parent.mkdir(mode=0o700, exist_ok=True)
    while True:
        try:
            await asyncio.to_thread(meters.write, path)
        except OSError as wrong:
            log.warning("the metrics of %s can't be written now: %s", process, wrong)
        await asyncio.sleep(EVERY)


@contextmanager
def timed(histogram: Histogram) -> Iterator[None]:
    """Observe how long what is inside took, when it went well."""
    begun = perf_counter()
    yield
    histogram.observe(perf_counter() - begun)


def timing(act: Callable[[A], Awaitable[B]], meters: Meters, lane: str) -> Callable[[A], Awaitable[B]]:
    """The same door, with the time from what comes in until it is durable."""
    histogram = meters.acknowledged.labels(lane)

    async def measured(what: A) -> B:
        with timed(histogram):
            return await act(what)

    return measured


@dataclass(frozen=True, slots=True)
class Judged:
    """`Policy` that counts its answers by the policy that said no."""

    policy: Policy
    meters: Meters

    @property
    def digest(self) -> str:
        """As the policy's."""
        return self.policy.digest

    def check(self, ask: Ask) -> None:
        """As the policy does."""
        try:
            self.policy.check(ask)
        except Refused as refused:
            self.meters.decisions.labels("refused", refused.policy).inc()
            raise
        self.meters.decisions.labels("permitted", "").inc()


def slowed(meters: Meters) -> Callable[[str], None]:
    """Counts requests of people that had to wait, and tells nobody whose."""
    return lambda kind: meters.slowed.labels(kind).inc()


class Watched:
    """A detector that is timed, and whose detections are counted."""

    def __init__(self, detector: Detector, meters: Meters) -> None:
        self._detector: Any = detector
        self._step = meters.step.labels(detector.name)
        self._found = meters.detections.labels(detector.name)
        self.name, self.version = detector.name, detector.version
        self.begin, self.changed, self.load = detector.begin, detector.changed, detector.load

    @property
    def card(self) -> Card:
        """The detector's own."""
        card: Card = self._detector.card
        return card

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  whatever else it has: its purpose, how it judges
        """All else is the detector's own."""
        return getattr(self._detector, name)

    def judge(self, state: Any, seen: Seen) -> tuple[Any, tuple[Detection, ...], Any]:  # noqa: ANN401  as above
        """One step of a detector that judges quality."""
        with timed(self._step):
            state, found, doubted = self._detector.judge(state, seen)
        if found:
            self._found.inc(len(found))
        return state, found, doubted

    def step(self, state: Any, seen: Seen) -> tuple[Any, tuple[Detection, ...]]:  # noqa: ANN401  a state is its detector's own
        """One step."""
        with timed(self._step):
            state, found = self._detector.step(state, seen)
        if found:
            self._found.inc(len(found))
        return state, found


@dataclass(frozen=True, slots=True)
class Heard(Collector):
    """What came from each source of the register and what was refused, as the gateway counts it."""

    health: Health
    clock: Clock

    def collect(self) -> Iterator[CounterMetricFamily]:
        """Now."""
        rows = CounterMetricFamily("tutela_rows", "Observations and calls that are durable.", labels=["source"])
        refused = CounterMetricFamily("tutela_refused_rows", "What the gate did not take.", labels=["reason"])
        reasons: dict[str, int] = {}
        for one in self.health.report(self.clock()):
            # Whoever was only refused may be anybody: a name that was made up is no label.
            if one.rows:
                rows.add_metric([one.source], one.rows)
            for reason, count in one.refused.items():
                reasons[reason] = reasons.get(reason, 0) + count
        for reason, count in sorted(reasons.items()):
            refused.add_metric([reason], count)
        yield from (rows, refused)
