"""Recorded data on a timeline of its own: offered in the order of its own time, with ticks of that time.

Importing is the gateway's and the recorder's ordinary door, so a recorded month takes the same way as today.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tutela.errors import BadInput, Conflict, Quarantined, Refused
from tutela.model.call import Call
from tutela.model.flow import Give, Offer, Tell
from tutela.model.rows import Rows

from . import hop
from .ports import Streams

AT_ONCE = 32
REASONS = {BadInput: "bad-call", Conflict: "told-otherwise", Quarantined: "quarantined", Refused: "refused"}
"""Why a call is refused. Anything else that goes wrong ends the import."""

Pause = Callable[[int], Awaitable[None]]
"""Waits as long as that many microseconds of event time should take at the chosen speed."""

Said = Callable[[int, int, int], None]
"""Told after each step: event time, observations so far, calls so far."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What was taken and what was refused, by reason; `until` is the last tick, 0 when there was nothing.

    `alerts`: by type, how many there are on the timeline when the desk has seen it all (None: nobody waited for it).
    """

    observations: int
    calls: int
    refused: dict[str, int]
    until: int = 0
    alerts: dict[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Importer:
    """Offers blocks (rows of one kind each) and calls step by step of event time, each step closed by a tick."""

    timeline: str
    source: str
    give: Give
    tell: Tell
    streams: Streams
    step: int
    pause: Pause
    said: Said

    async def run(self, blocks: Sequence[Rows], calls: Sequence[Call]) -> Imported:
        """Import everything, and wait until all of it is durable. Blocks and calls are in order of time."""
        refused: Counter[str] = Counter()
        taken = told = 0
        cuts = _steps([block.time for block in blocks], [call.at for call in calls], self.step)
        edges = [np.searchsorted(block.time, cuts, side="right") for block in blocks]
        said_at = np.searchsorted(np.array([call.at for call in calls], np.int64), cuts, side="right")
        for number in range(1, len(cuts)):
            parts = [
                block.take(slice(edge[number - 1], edge[number])) for block, edge in zip(blocks, edges, strict=True)
            ]
            taken += await self._offer([part for part in parts if len(part)], refused)
            told += await self._tell(calls[said_at[number - 1] : said_at[number]], refused)
            await self._tick(int(cuts[number]))
            self.said(int(cuts[number]), taken, told)
            await self.pause(int(cuts[number] - cuts[number - 1]))
        return Imported(taken, told, dict(refused), int(cuts[-1]) if len(cuts) else 0)

    async def _offer(self, parts: Sequence[Rows], refused: Counter[str]) -> int:
        receipts = await asyncio.gather(*(self.give(Offer(self.source, self.timeline, part)) for part in parts))
        for refusal in (refusal for receipt in receipts for refusal in receipt.refused):
            refused[refusal.reason] += refusal.count
        return sum(receipt.accepted for receipt in receipts)

    async def _tell(self, calls: Sequence[Call], refused: Counter[str]) -> int:
        wrong: list[str | None] = []
        for first in range(0, len(calls), AT_ONCE):
            wrong += await asyncio.gather(*(self._one(call) for call in calls[first : first + AT_ONCE]))
        refused.update(reason for reason in wrong if reason is not None)
        return wrong.count(None)

    async def _one(self, call: Call) -> str | None:
        """Tell one call; why it was refused, if it was. A bad row in a file leaves the others alone."""
        try:
            await self.tell(call)
        except (BadInput, Conflict, Quarantined, Refused) as wrong:
            return REASONS[type(wrong)]
        return None

    async def _tick(self, at: int) -> None:
        await self.streams.publish(hop.ticks(self.timeline), hop.tick(at), f"tick-{self.timeline}-{at}", {})


def _steps(times: Sequence[npt.NDArray[np.int64]], calls: Sequence[int], step: int) -> npt.NDArray[np.int64]:
    """The edges of steps that hold something: an empty month costs no tick but its last.

    What happened at an edge belongs to the step that it ends: when that tick is told, all of it has come.
    """
    ends = np.unique(np.concatenate([*(-(-time // step) for time in times), -(-np.array(calls, np.int64) // step)]))
    return np.unique(np.concatenate([(ends - 1) * step, ends * step]))
