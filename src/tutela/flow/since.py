"""Where in the log a moment is, and what the log says from there on."""

from __future__ import annotations

from collections.abc import AsyncIterator

from tutela.errors import BadInput
from tutela.model.event import Sealed
from tutela.model.when import HOUR

from .ports import Log

AT_ONCE = 1000


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


async def since(log: Log, moment: int, says: str, most: int) -> AsyncIterator[Sealed]:
    """The sealed events of that moment and later; raises BadInput when they are too many, where `says` tells what to do."""
    after, count = await before(log, moment), 0
    while some := await log.sealed(after, AT_ONCE):
        for sealed in some:
            if sealed.event.at >= moment:
                count += 1
                yield sealed
        after = some[-1].position
        if count > most:
            raise BadInput(f"there are more than {most:,} events {says}")
