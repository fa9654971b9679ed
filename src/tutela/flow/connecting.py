"""Runs the connections: each by itself, from where it stopped, as long as it is in the register.

One process of an instance does this at a time: two would fetch everything twice and overtake each other's marks. It holds a
lease, and what it remembers is fenced by the lease's epoch, so that one which stalled can't move a mark back.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from traceback import format_exc

from tutela.errors import EngineDown, TutelaError
from tutela.model.intake import pause
from tutela.model.register import Kept

from .catalogue import Known
from .line import EVERY, Line, Opened
from .ports import Clock, Connections

LOG = logging.getLogger(__name__)

MakeLine = Callable[[str, int], Line]
"""The line of that source under that epoch."""
Open = Callable[[Kept], Awaitable[Opened]]
"""Opens the secrets of a connection and makes its part; raises what a person has to put right."""


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Seconds between two looks at the register (`beat`), and two reports to it (`shown`).

    `again`: before a connection that ended is started anew the first time; one that ran for `calm` begins to count anew.
    """

    beat: float = 1.0
    shown: float = 3.0
    again: float = 1.0
    calm: float = 60.0


USUAL = Rhythm()


@dataclass(frozen=True, slots=True)
class _Job:
    """A connection as it was entered, its line, and the task that runs it."""

    kept: Kept
    line: Line
    task: asyncio.Task[None]


class Connecting:
    """`name` is its own among all processes. `run` runs until it is cancelled, and then stops all."""

    def __init__(
        self,
        name: str,
        connections: Connections,
        known: Known,
        *,
        line: MakeLine,
        opening: Open,
        clock: Clock,
        rhythm: Rhythm = USUAL,
    ) -> None:
        self._name, self._connections, self._known = name, connections, known
        self._line, self._open, self._clock, self._rhythm = line, opening, clock, rhythm
        self._jobs: dict[str, _Job] = {}
        self._epoch: int | None = None
        self._shown = -inf

    async def run(self) -> None:
        """Run what is in the register. While an engine is away, what runs goes on and waits by itself."""
        try:
            while True:
                try:
                    await self._round()
                except EngineDown as down:
                    LOG.warning("the register can't be read, what is connected stays: %s", down)
                await asyncio.sleep(self._rhythm.beat)
        finally:
            await self._stop(list(self._jobs))

    async def _round(self) -> None:
        """Hold the lease, follow the register, report."""
        epoch = await self._connections.attend(self._name)
        if epoch != self._epoch:
            await self._stop(list(self._jobs))  # what was begun under another epoch can remember nothing
            LOG.info(
                "%s", "another process runs the connections" if epoch is None else "this process runs the connections"
            )
        self._epoch = epoch
        if epoch is None:
            return
        wanted = await self._wanted()
        self._bury()
        await self._stop([source for source, job in self._jobs.items() if wanted.get(source) != job.kept])
        for source in wanted.keys() - self._jobs.keys():
            self._start(wanted[source], epoch)
        await self._report(epoch)

    async def _wanted(self) -> Mapping[str, Kept]:
        """Connections of sources whose entry holds: of others nothing would be kept, so nothing is fetched."""
        now = self._clock()
        entered = await self._connections.connections()
        own = {kept.connection.source: kept for kept in entered}
        if own.keys() - self._known.sources.keys():
            await self._known.refresh()
        return {source: kept for source, kept in own.items() if self._known.admission.entry(source, now)}

    def _start(self, kept: Kept, epoch: int) -> None:
        source = kept.connection.source
        line = self._line(source, epoch)
        self._jobs[source] = _Job(kept, line, asyncio.create_task(self._both(kept, line), name=f"connection {source}"))

    async def _both(self, kept: Kept, line: Line) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._keep(kept, line))
            tasks.create_task(self._watch(line))

    def _bury(self) -> None:
        """Take out what a fault of ours ended, for it never ends by itself; it is begun anew."""
        for source in [source for source, job in self._jobs.items() if job.task.done()]:
            LOG.error("what ran the connection of %s failed", source, exc_info=self._jobs.pop(source).task.exception())

    async def _stop(self, sources: Sequence[str]) -> None:
        jobs = [self._jobs.pop(source) for source in sources]
        for job in jobs:
            job.task.cancel()
        if jobs:
            await asyncio.wait([job.task for job in jobs])

    async def _keep(self, kept: Kept, line: Line) -> None:
        """Run one connection for ever: when it ends or raises it is started again, after growing pauses."""
        failures = 0
        while True:
            began = asyncio.get_running_loop().time()
            line.starts += 1
            line.trouble(await self._once(kept, line))
            if asyncio.get_running_loop().time() - began >= self._rhythm.calm:
                failures = 0
            failures += 1
            await asyncio.sleep(pause(self._rhythm.again, failures, line.chance()))

    async def _once(self, kept: Kept, line: Line) -> str:
        """Run it once, and say why it ended."""
        try:
            line.opened = await self._open(kept)
            if line.opened.part is None:
                return await asyncio.Future()  # it is posted to the HTTP door; there is nothing to do here
            await line.opened.part.run(line)
        except TutelaError as wrong:
            return f"the connection stopped: {wrong.message}"
        except Exception as wrong:  # noqa: BLE001  a fault in one connection leaves the others alone, and is told with its trace
            trace = line.plain(format_exc())
            LOG.error("the connection of %s failed: %s", line.source, trace)  # noqa: TRY400  a plain trace would show secrets
            return f"the connection failed: {type(wrong).__name__}: {wrong}"
        return "the connection ended by itself"

    async def _report(self, epoch: int) -> None:
        """Tell the register how all are doing."""
        now = asyncio.get_running_loop().time()
        if now - self._shown >= self._rhythm.shown:
            self._shown = now
            lines = [job.line for job in self._jobs.values() if job.line.watched]
            await self._connections.report(epoch, [line.condition() for line in lines])

    async def _watch(self, line: Line) -> None:
        """Tell how it is doing as observations of its own, each half minute."""
        while True:
            await asyncio.sleep(self._rhythm.beat)
            if not line.watched:
                continue
            try:
                await line.hearing.hear(line.health())
            except TutelaError as down:
                LOG.warning("the health of the connection of %s can't be told now: %s", line.source, down)
            await asyncio.sleep(EVERY - self._rhythm.beat)
