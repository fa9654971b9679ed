"""What the keeper and the supervisor tell of the whole instance.

The keeper: how far each step is behind the one before it, and whether engines answer. The supervisor: disks and processes.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from math import nan
from time import perf_counter

from tutela.app.core import Core, clock
from tutela.backends.disk import look
from tutela.backends.engines import Engines
from tutela.backends.metrics import Meters
from tutela.backends.postgres.gauges import PostgresGauges
from tutela.backends.postgres.progress import PostgresProgress
from tutela.errors import TutelaError
from tutela.flow import hop
from tutela.flow.ports import Lake
from tutela.model.timeline import LIVE
from tutela.model.when import SECOND

EVERY = 5.0
"""Seconds between two looks."""

STREAM = {"detect": hop.observations(LIVE), "correlate": hop.second(LIVE), "desk": hop.second(LIVE)}

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Gauging:
    """Looks, for ever."""

    inside: Core
    lake: Lake
    meters: Meters

    async def run(self) -> None:
        """Until cancelled. An engine that does not answer is told as down, and what only it knows is not told at all."""
        while True:
            last = await self._asked("nats", self._streams) or {}
            if await self._asked("postgres", partial(self._facts, last)) is None:
                self._forget()
            await asyncio.sleep(EVERY)

    async def _asked(self, engine: str, question: Callable[[], Awaitable[dict[str, int]]]) -> dict[str, int] | None:
        begun = perf_counter()
        try:
            answer = await question()
        except TutelaError as wrong:
            log.warning("%s can't be measured now: %s", engine, wrong)
            self.meters.up.labels(engine).set(0)
            return None
        self.meters.up.labels(engine).set(1)
        self.meters.answer.labels(engine).set(perf_counter() - begun)
        return answer

    async def _streams(self) -> dict[str, int]:
        """The newest sequence of each stream of each timeline."""
        streams = self.inside.streams
        return {name: await streams.last(name) for name in (hop.observations(LIVE), hop.second(LIVE))}

    async def _facts(self, last: dict[str, int]) -> dict[str, int]:
        meters, now = self.meters, clock()
        sealing = await PostgresProgress(self.inside.facts.db).progress()
        facts = await PostgresGauges(self.inside.facts.db).read()
        meters.sealing.set(0.0 if sealing.oldest is None else max(0, now - sealing.oldest) / SECOND)
        meters.events.labels("sealed").set(sealing.size)
        meters.events.labels("waiting").set(sealing.waiting)
        meters.outbox.set(facts.outbox)
        meters.letters.set(facts.letters)
        meters.unwitnessed.clear()  # of witnesses that are waited for no more
        for one in await self.inside.facts.watched():
            waits = 0.0 if one.waits is None else max(0, now - max(one.waits, one.cosigner.at)) / SECOND
            meters.unwitnessed.labels(one.cosigner.name).set(waits)
        for status, count in facts.alerts.items():
            meters.alerts.labels(status).set(count)
        for (stage, partition), sequence in facts.sequences.items():
            if STREAM[stage] in last:
                meters.lag.labels(stage, partition).set(max(0, last[STREAM[stage]] - sequence))
        for stream, newest in last.items():
            meters.archive.labels(stream).set(max(0, newest - await self.lake.offset(stream)))
        return last

    def _forget(self) -> None:
        meters = self.meters
        for gauge in (meters.alerts, meters.events, meters.unwitnessed, meters.lag, meters.archive):
            gauge.clear()
        for gauge in (meters.sealing, meters.outbox, meters.letters):
            gauge.set(nan)


@dataclass(frozen=True, slots=True)
class Housekeeping:
    """What the supervisor tells: its disks, its ballast, and the processes that it looks after."""

    engines: Engines
    meters: Meters

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                self.look()
            except OSError as wrong:  # a folder that can't be looked at now is no reason to stop a city
                log.warning("the disks can't be measured now: %s", wrong)
            await asyncio.sleep(EVERY)

    def look(self) -> None:
        """One look."""
        where, meters = self.engines.places, self.meters
        for name, path in (("data", where.data), ("facts", where.postgres)):
            disk = look(path)
            meters.free.labels(name).set(disk.free)
            meters.total.labels(name).set(disk.total)
        ballasts = self.engines.disks.ballasts if self.engines.disks else ()
        meters.ballast.set(sum(one.path.stat().st_size for one in ballasts if one.path.exists()))
        for child in self.engines.children.all():
            meters.children.labels(child.program.name).set(child.running)
            meters.starts.labels(child.program.name).set(child.starts)
