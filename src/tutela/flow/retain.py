"""Step 9 for observations, let go: what is past its source's retention is deleted, and an event says how much.

Rows that lie in the clear are deleted from the lake, and then shredded: a deletion alone leaves them readable in their
files. What is sealed goes with its key, which is destroyed when every source that may have put something into its bucket lets
it go, or for what people told when the time that it may be read is over; it can't be read from then on in any copy. The
event comes first: nothing goes unsaid. Keys go first: nothing that ails the lake keeps them.

What a legal hold keeps (`hold.py`) stays while it stands, and nothing else: it is not overdue. Holds are read again before each thing that is destroyed.

Only the live timeline is kept by the clock: what was imported has a time of its own. How long each key is kept is told in `limits.py`: those of
secrets of connections have no limit there, nor has the one of all that detectors know. So the rows that a detector left, which works no
more, stay, and can be read.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from math import inf
from typing import Protocol

from tutela.errors import Conflict, EngineDown
from tutela.maths.ids import uuid_of
from tutela.model.event import Event
from tutela.model.flow import encode
from tutela.model.noun import Noun
from tutela.model.retention import BucketKey
from tutela.model.timeline import LIVE
from tutela.model.when import HOUR, SECOND

from .limits import Ages, Limits, Own, Register, Stretch, ages, limits
from .ports import Clock, Copying, Log, Past
from .rest import rest
from .spared import Spared

LOG = logging.getLogger(__name__)

BY = "keeper"
SOONER = 60.0
"""Seconds until the next look when this one could not be finished."""


class Over(Noun, frozen=True, kw_only=True):
    """Body of `retention@1`: rows of a source before this time (microseconds) are deleted, since its time for them is over."""

    source: str
    days: int
    before: int
    rows: int


class Erased(Noun, frozen=True, kw_only=True):
    """Body of `erasure@1`: the key of a bucket is destroyed, and all that it sealed can't be read any more."""

    bucket: str
    key: str


class Buckets(Protocol):
    """The keys that are in use."""

    async def in_use(self) -> Sequence[BucketKey]: ...  # noqa: D102  told above
    async def destroy(self, key: str) -> None: ...  # noqa: D102  told above
    async def shred(self) -> None: ...  # noqa: D102  what was destroyed is no longer in any file either


@dataclass(slots=True, kw_only=True)
class Retainer:
    """Looks each `every` seconds, and whenever the time of a key ends.

    `gone` is told how many rows of which source went, `left` how many stay though they are past. `spared` tells what legal holds keep; a look that can't know that destroys nothing.
    """

    register: Register
    ages: Ages
    lake: Past
    keys: Buckets
    log: Log
    spared: Callable[[], Awaitable[Spared]]
    copying: Copying
    clock: Clock
    gone: Callable[[str, int], object]
    left: Callable[[int], object]
    every: float = HOUR / SECOND
    _shredded: bool = False
    _keys_shredded: bool = False
    _next: float = inf
    _held: Spared = field(default_factory=Spared)

    async def run(self, stop: asyncio.Event) -> None:
        """Look until told to stop. Raises only what should stop the process."""
        while not stop.is_set():
            try:
                wait = self._rest() if await self.turn() else SOONER
            except (Conflict, EngineDown) as failed:
                LOG.warning("what is past its time is deleted later: %s", failed)
                wait = SOONER
            await rest(stop, wait)

    async def turn(self) -> bool:
        """One look; False when a copy is being made, and all stays for now."""
        async with self.copying.removing() as may:
            self._held = await self.spared()
            spared = deepcopy(self._held)
            kept = await limits(self.register, spared)
            if may:
                await self._erase(kept, spared)
                await self._let_go(kept.sources, spared)
        self.left(sum([await self._overdue(one.stretches(one.before(self.clock()), spared)) for one in kept.sources]))
        return may

    async def _unchanged(self) -> None:
        """Raise Conflict when holds keep something else than at the beginning of this look: then all is looked at again."""
        if await self.spared() != self._held:
            raise Conflict(
                "what legal holds keep changed while this looked; nothing more is destroyed before it looks again"
            )

    async def _overdue(self, stretches: Sequence[Stretch]) -> int:
        return sum([await self.lake.overdue(LIVE, ids, before, since) for ids, since, before in stretches])

    async def _let_go(self, kept: Sequence[Own], spared: Spared) -> None:
        for one in kept:
            before = one.before(self.clock())
            stretches = one.stretches(before, spared)
            rows = await self._overdue(stretches)
            if rows:
                await self._unchanged()
                await self._tell(
                    "retention@1", one.source, Over(source=one.source, days=one.days, before=before, rows=rows)
                )
                self._shredded = False
                gone = [await self.lake.forget(LIVE, ids, until, since) for ids, since, until in stretches]
                self.gone(one.source, sum(gone))
        if not self._shredded:  # also at the start: whoever deleted before may have died before this
            await self.lake.shred()
            self._shredded = True

    async def _erase(self, kept: Limits, spared: Spared) -> None:
        """Destroy the keys of buckets whose time is over for all that is in them, and know when the next one's is."""
        used = sorted(await self.keys.in_use(), key=lambda key: key.id)
        kept.begun = await ages(self.ages, used)
        self._next = inf
        for key in used:
            until = kept.until(key)
            if until > self.clock():
                self._next = min(self._next, until)
            elif not spared.keeps(key.id, key.bucket):
                await self._unchanged()
                await self._tell("erasure@1", key.bucket, Erased(bucket=key.bucket, key=key.id))
                self._keys_shredded = False
                await self.keys.destroy(key.id)
        if not self._keys_shredded:  # also at the start, as below
            await self.keys.shred()
            self._keys_shredded = True

    def _rest(self) -> float:
        """Seconds until the next look: no key outlives its time by an hour."""
        return max(0.0, min(self.every, (self._next - self.clock()) / SECOND))

    async def _tell(self, kind: str, subject: str, body: Noun) -> None:
        now, said = self.clock(), encode(body)
        event = Event(
            id=uuid_of(kind, now, said), at=now, by=BY, cause=None, kind=kind, timeline=LIVE, body=said, subject=subject
        )
        await self.log.append([event])
