"""Where in the log a moment is."""

from __future__ import annotations

from tutela.model.when import HOUR

from .ports import Log


async def before(log: Log, since: int) -> int:
    """A position before all events from that moment on, by halves: the log is in the order of time but for an hour at most."""
    low, high = -1, await log.last()
    while low < high:
        middle = (low + high) // 2
        some = await log.sealed(middle, 1)
        if some and some[0].event.at < since - HOUR:
            low = middle + 1
        else:
            high = middle
    return low
