"""Step 9 for observations, let go: what is past its source's retention is deleted, and an event says how much.

Rows that lie in the clear are deleted from the lake, and then shredded: a deletion alone leaves them readable in their
files. What is sealed goes with its key, which is destroyed when every source that may have put something into its bucket lets
it go; it can't be read from then on in any copy. The event comes first: nothing goes unsaid.

Only the live timeline is kept by the clock: what was imported has a time of its own.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from tutela.errors import Conflict, EngineDown
from tutela.maths.ids import uuid_of
from tutela.model.event import Event
from tutela.model.flow import encode
from tutela.model.kinds import KINDS
from tutela.model.noun import Noun
from tutela.model.register import Datastream, Source
from tutela.model.timeline import LIVE
from tutela.model.when import DAY, HOUR, SECOND, parse

from .ports import Clock, Copying, Ids, Log, Past
from .rest import rest

LOG = logging.getLogger(__name__)

BY = "keeper"
SOONER = 60.0
"""Seconds until the next look when this one could not be finished."""

PERSONAL = frozenset(name for name, of in KINDS.items() if of.personal_data)


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


class Register(Protocol):
    """What there is of the register: see `ports.Register`."""

    async def sources(self) -> Sequence[Source]: ...  # noqa: D102  told above
    async def datastreams(self, after: int = 0) -> Sequence[Datastream]: ...  # noqa: D102  told above


class Buckets(Protocol):
    """Keys by id, each with its bucket: those that are in use."""

    async def in_use(self) -> Mapping[str, str]: ...  # noqa: D102  told above
    async def destroy(self, key: str) -> None: ...  # noqa: D102  told above


@dataclass(slots=True, kw_only=True)
class Retainer:
    """Looks each `every` seconds. `gone` is told how many rows of which source went, `left` how many stay though they are past."""

    register: Register
    lake: Past
    keys: Buckets
    log: Log
    copying: Copying
    clock: Clock
    gone: Callable[[str, int], object]
    left: Callable[[int], object]
    every: float = HOUR / SECOND
    _shredded: bool = False

    async def run(self, stop: asyncio.Event) -> None:
        """Look until told to stop. Raises only what should stop the process."""
        while not stop.is_set():
            try:
                wait = self.every if await self.turn() else SOONER
            except (Conflict, EngineDown) as failed:
                LOG.warning("what is past its time is deleted later: %s", failed)
                wait = SOONER
            await rest(stop, wait)

    async def turn(self) -> bool:
        """One look; False when a copy is being made, and all stays for now."""
        kept = await self._kept()
        async with self.copying.removing() as may:
            if may:
                await self._let_go(kept.sources)
                await self._erase(kept.days)
        past = [await self.lake.overdue(LIVE, one.datastreams, one.before(self.clock())) for one in kept.sources]
        self.left(sum(past))
        return may

    async def _let_go(self, kept: Sequence[_Own]) -> None:
        for one in kept:
            before = one.before(self.clock())
            rows = await self.lake.overdue(LIVE, one.datastreams, before)
            if rows:
                await self._tell(
                    "retention@1", one.source, Over(source=one.source, days=one.days, before=before, rows=rows)
                )
                self._shredded = False
                self.gone(one.source, await self.lake.forget(LIVE, one.datastreams, before))
        if not self._shredded:  # also at the start: whoever deleted before may have died before this
            await self.lake.shred()
            self._shredded = True

    async def _erase(self, kept: Mapping[str, int | None]) -> None:
        """Destroy the keys of buckets whose day is over for all of their sources."""
        for key, bucket in sorted((await self.keys.in_use()).items()):
            of, _, day = bucket.rpartition("/")
            days = kept.get(of, kept.get(of.rpartition("/")[2]))
            if days is not None and parse(f"{day}T00:00:00Z") + (days + 1) * DAY <= self.clock():
                await self._tell("erasure@1", bucket, Erased(bucket=bucket, key=key))
                await self.keys.destroy(key)

    async def _kept(self) -> _Kept:
        """What the register says: of a million datastreams the numbers alone are held."""
        limits = {source.name: source.retention_days for source in await self.register.sources()}
        numbers: dict[str, list[int]] = {name: [] for name, limit in limits.items() if limit is not None}
        days: dict[str, int | None] = {}
        after = 0
        while numbers and (some := await self.register.datastreams(after)):
            after = some[-1].version
            for stream in some:
                if stream.kind in PERSONAL:
                    _keep(days, stream, limits.get(stream.source))
                elif stream.source in numbers:
                    numbers[stream.source].append(stream.id)
        found = [_Own(name, limits[name] or 0, np.array(own, np.int32)) for name, own in numbers.items()]
        return _Kept(tuple(found), days)

    async def _tell(self, kind: str, subject: str, body: Noun) -> None:
        now, said = self.clock(), encode(body)
        event = Event(
            id=uuid_of(kind, now, said), at=now, by=BY, cause=None, kind=kind, timeline=LIVE, body=said, subject=subject
        )
        await self.log.append([event])


@dataclass(frozen=True, slots=True)
class _Own:
    """A source that keeps what is in the clear for so many days, and the numbers of those datastreams."""

    source: str
    days: int
    datastreams: Ids

    def before(self, now: int) -> int:
        """What is older than this goes."""
        return now - self.days * DAY


@dataclass(frozen=True, slots=True)
class _Kept:
    """The sources whose time is limited, and for how many days each sort of bucket is kept (None: for ever).

    A sort is `purpose/kind`. And each kind by itself, whatever its purpose: for buckets of a purpose that no datastream
    has any more.
    """

    sources: tuple[_Own, ...]
    days: Mapping[str, int | None]


def _keep(days: dict[str, int | None], stream: Datastream, own: int | None) -> None:
    """A bucket is kept as its most patient source says."""
    for sort in (f"{stream.purpose}/{stream.kind}", stream.kind):
        before = days.get(sort, 0)
        days[sort] = None if own is None or before is None else max(own, before)
