"""The worker: it leases its fair share of all partitions of all stages, and works on each.

Start is recovery: a partition is loaded as it was saved and worked off from there, whoever had it before.
Another worker that goes on in our place is no fault; an engine that does not answer is waited for. A broken
promise (`Broken`), or an error that nobody foresaw, stops the worker: better to stop than to go on.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import Protocol

from tutela.errors import Conflict, EngineDown, Fenced, NotFound
from tutela.model.flow import Lease

from .leased import Leased, Rhythm
from .ports import DeadLetters, Leases, Streams, Timelines, Turns
from .stage import Stage

LOG = logging.getLogger(__name__)

USUAL = Rhythm()


class Facts(Timelines, Leases, Turns, DeadLetters, Protocol):
    """What a worker needs of PostgreSQL."""


@dataclass(frozen=True, slots=True)
class _Job:
    """A lease, and the task that works on it."""

    lease: Lease
    task: asyncio.Task[None]


class Worker:
    """`name` is its own among all workers. `run` works until it is cancelled, and then gives back its leases."""

    def __init__(
        self, name: str, stages: Sequence[Stage], streams: Streams, facts: Facts, rhythm: Rhythm = USUAL
    ) -> None:
        self._name = name
        self._stages = stages
        self._streams = streams
        self._facts = facts
        self._rhythm = rhythm
        self._jobs: list[_Job] = []
        self._ended: list[Lease] = []
        self._takes_from = -inf

    @property
    def leases(self) -> tuple[Lease, ...]:
        """What it works on now."""
        return tuple(job.lease for job in self._jobs)

    async def run(self) -> None:
        """Work. Raises only what should stop a worker."""
        try:
            while True:
                try:
                    await self._beat()
                    wait = self._rhythm.beat
                except EngineDown as down:
                    LOG.warning("the worker %s waits: %s", self._name, down)
                    wait = down.retry_after
                await self._rest(wait)
        finally:
            await self._leave()

    async def _beat(self) -> None:
        """Tell that we live, hold on to what we have, and come to a fair share of everything."""
        workers = await self._facts.heartbeat(self._name)
        timelines = len(await self._facts.timelines())
        kept = {_place(lease) for lease in await self._facts.renew(self.leases)}
        await self._stop([job for job in self._jobs if _place(job.lease) not in kept])
        shares = [(stage, -(-stage.partitions * timelines // workers)) for stage in self._stages]
        for stage, share in shares:
            await self._stop(self._of(stage)[share:])
        await self._give_back()
        if _now() >= self._takes_from:
            for stage, share in shares:
                await self._take(stage, share - len(self._of(stage)))

    def _of(self, stage: Stage) -> list[_Job]:
        """The jobs of a stage: those of one partition lie together, so that each timeline keeps its share."""
        jobs = [job for job in self._jobs if job.lease.stage == stage.name]
        return sorted(jobs, key=lambda job: (job.lease.partition, job.lease.timeline))

    async def _take(self, stage: Stage, most: int) -> None:
        if most > 0:
            for lease in await self._facts.take(self._name, stage.name, most):
                self._jobs.append(_Job(lease, asyncio.create_task(self._work(stage, lease))))

    async def _rest(self, seconds: float) -> None:
        """Wait so long, or until a job ends."""
        if self._jobs:
            tasks = [job.task for job in self._jobs]
            await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        else:
            await asyncio.sleep(seconds)
        for job in [job for job in self._jobs if job.task.done()]:
            self._end(job)

    async def _stop(self, jobs: Sequence[_Job]) -> None:
        for job in jobs:
            job.task.cancel()
        if jobs:
            await asyncio.wait([job.task for job in jobs])
        for job in tuple(jobs):
            self._end(job)

    def _end(self, job: _Job) -> None:
        """Take a job out. What may happen to a worker is told and gone on from; anything else is raised."""
        self._jobs.remove(job)
        self._ended.append(job.lease)
        if job.task.cancelled():
            return
        try:
            job.task.result()
        except Fenced as lost:
            LOG.info("%s", lost)
        except Conflict as first:
            LOG.info("%s begins anew: %s", _place(job.lease), first)
        except (EngineDown, NotFound) as down:
            LOG.warning("%s stops for a while: %s", _place(job.lease), down)
            self._takes_from = _now() + getattr(down, "retry_after", self._rhythm.beat)

    async def _give_back(self) -> None:
        if self._ended:
            await self._facts.release(self._ended)
            self._ended = []

    async def _leave(self) -> None:
        """Stop, and give back all, so that others need not wait for the leases to run out."""
        await self._stop(self._jobs)
        try:
            await self._give_back()
        except EngineDown as down:
            LOG.warning("the leases of %s were not given back, they run out: %s", self._name, down)

    async def _work(self, stage: Stage, lease: Lease) -> None:
        fold = await stage.begin(lease, await self._facts.load(lease))
        reader = await self._streams.read(stage.stream(lease), stage.subjects(lease), lease.snapshot)
        try:
            await Leased(lease, fold, reader, self._facts, self._rhythm, stage.saves).run()
        finally:
            await reader.close()


def _place(lease: Lease) -> tuple[str, str, int, int]:
    return lease.timeline, lease.stage, lease.partition, lease.epoch


def _now() -> float:
    return asyncio.get_running_loop().time()
