"""The passing of time, recorded: one tick a second on each timeline that follows the clock.

Silence, absence and duration are judged on these ticks, never on a timer, so that a replay comes to
the same judgement. Imports record the ticks of their own time (`imports`).
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from tutela.errors import EngineDown
from tutela.model.timeline import token
from tutela.model.when import SECOND, iso

from . import hop
from .ports import Clock, Streams

LOG = logging.getLogger(__name__)

Pause = Callable[[float], Awaitable[object]]
"""Waits that many seconds."""


@dataclass(slots=True)
class Ticker:
    """Publishes each whole second of `clock`, in order. `last` is the last one told, in microseconds.

    After a gap (the machine was suspended, NATS was away) one tick tells the present: the missed
    seconds are not made up, and the gap is in the process's log. A clock that was set back is waited for.
    """

    streams: Streams
    timelines: Sequence[str]
    clock: Clock
    pause: Pause
    last: int = 0

    async def run(self) -> None:
        """Tick for ever."""
        while True:
            await self.pause((SECOND - self.clock() % SECOND) / SECOND)
            try:
                await self.beat()
            except EngineDown as down:
                LOG.warning("no tick could be recorded: %s", down)

    async def beat(self) -> None:
        """Tell the second that has begun, unless it was told."""
        at = self.clock() // SECOND * SECOND
        if at <= self.last:
            return
        if self.last and at > self.last + SECOND:
            LOG.warning("no ticks between %s and %s", iso(self.last), iso(at))
        for timeline in self.timelines:
            # A second keeper does no harm: the same second has the same id.
            id_ = f"tick-{token(timeline)}-{at}"
            await self.streams.publish(hop.ticks(timeline), hop.tick(at), id_, {})
        self.last = at
