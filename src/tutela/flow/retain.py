"""Step 9 for observations, let go: what is past its source's retention is deleted, and an event says how much.

Rows that lie in the clear are deleted from the lake, and then shredded: a deletion alone leaves them readable in their
files. What is sealed goes with its key, which is destroyed when every source that may have put something into its bucket lets
it go, or for what people told when the time that it may be read is over; it can't be read from then on in any copy. The
event comes first: nothing goes unsaid. Keys go first: nothing that ails the lake keeps them.

What a legal hold keeps (`hold.py`) stays while it stands, and nothing else: it is not overdue.

Only the live timeline is kept by the clock: what was imported has a time of its own. Other keys are not destroyed here: those of
notes and incidents, of people, of secrets of connections, and the one of all that detectors know. So the rows that a detector left,
which works no more, stay, and can be read.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
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
from tutela.model.when import DAY, EVER, HOUR, SECOND, parse
from tutela.policy.purposes import CLASSES

from .ports import Clock, Copying, Ids, Log, Past
from .rest import rest
from .spared import Spared

LOG = logging.getLogger(__name__)

BY = "keeper"
SOONER = 60.0
"""Seconds until the next look when this one could not be finished."""

CONTENTS = {"calls": "call-contents", "reports": "report-contents", "posts": "post-contents"}
"""The buckets with what people told, each with its class of records: one a purpose and month, for posts one an hour."""

LEARNT = HOUR
"""Microseconds after which every process has learnt how a datastream is defined now, and no sender's clock is ahead."""

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
    async def shred(self) -> None: ...  # noqa: D102  what was destroyed is no longer in any file either


@dataclass(slots=True, kw_only=True)
class Retainer:
    """Looks each `every` seconds. `gone` is told how many rows of which source went, `left` how many stay though they are past.

    `spared` tells what legal holds keep; a look that can't know that destroys nothing.
    """

    register: Register
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
        spared = await self.spared()
        kept = await self._kept(spared)
        async with self.copying.removing() as may:
            if may:
                await self._erase(kept, spared)
                await self._let_go(kept.sources, spared)
        self.left(sum([await self._overdue(one.stretches(one.before(self.clock()), spared)) for one in kept.sources]))
        return may

    async def _overdue(self, stretches: Sequence[_Stretch]) -> int:
        return sum([await self.lake.overdue(LIVE, ids, before, since) for ids, since, before in stretches])

    async def _let_go(self, kept: Sequence[_Own], spared: Spared) -> None:
        for one in kept:
            before = one.before(self.clock())
            stretches = one.stretches(before, spared)
            rows = await self._overdue(stretches)
            if rows:
                await self._tell(
                    "retention@1", one.source, Over(source=one.source, days=one.days, before=before, rows=rows)
                )
                self._shredded = False
                gone = [await self.lake.forget(LIVE, ids, until, since) for ids, since, until in stretches]
                self.gone(one.source, sum(gone))
        if not self._shredded:  # also at the start: whoever deleted before may have died before this
            await self.lake.shred()
            self._shredded = True

    async def _erase(self, kept: _Kept, spared: Spared) -> None:
        """Destroy the keys of buckets whose time is over for all of their sources."""
        for key, bucket in sorted((await self.keys.in_use()).items()):
            if kept.until(bucket) <= self.clock() and not spared.keeps(key, bucket):
                await self._tell("erasure@1", bucket, Erased(bucket=bucket, key=key))
                self._keys_shredded = False
                await self.keys.destroy(key)
        if not self._keys_shredded:  # also at the start, as below
            await self.keys.shred()
            self._keys_shredded = True

    async def _kept(self, spared: Spared) -> _Kept:
        """What the register says: of a million datastreams the numbers alone are held. It tells `spared` of those it keeps."""
        limits = {source.name: source.retention_days for source in await self.register.sources()}
        numbers: dict[str, list[int]] = {name: [] for name, limit in limits.items() if limit is not None}
        kept, after = _Kept(), 0
        while numbers and (some := await self.register.datastreams(after)):
            after = some[-1].version
            for stream in some:
                if stream.kind in PERSONAL:
                    spared.cover(stream)
                    limit = limits.get(stream.source)
                    kept.add(stream, inf if limit is None else limit)
                elif stream.source in numbers:
                    numbers[stream.source].append(stream.id)
        kept.sources = tuple(_Own(name, limits[name] or 0, np.array(own, np.int32)) for name, own in numbers.items())
        return kept

    async def _tell(self, kind: str, subject: str, body: Noun) -> None:
        now, said = self.clock(), encode(body)
        event = Event(
            id=uuid_of(kind, now, said), at=now, by=BY, cause=None, kind=kind, timeline=LIVE, body=said, subject=subject
        )
        await self.log.append([event])


_Stretch = tuple[Ids, int, int]


@dataclass(frozen=True, slots=True)
class _Own:
    """A source that keeps what is in the clear for so many days, and the numbers of those datastreams."""

    source: str
    days: int
    datastreams: Ids

    def before(self, now: int) -> int:
        """What is older than this goes."""
        return now - self.days * DAY

    def stretches(self, before: int, spared: Spared) -> list[_Stretch]:
        """What is before then and not kept, as (datastreams, since, before): of most datastreams all of it."""
        kept = np.isin(self.datastreams, np.fromiter(spared.rows, np.int32, len(spared.rows)))
        free = [(self.datastreams[~kept], EVER, before)]
        for number in self.datastreams[kept].tolist():
            one = np.array([number], np.int32)
            free += [(one, since, until) for since, until in spared.between(number, before)]
        return free


@dataclass(slots=True)
class _Kept:
    """The sources whose time is limited, and for how many days (inf: for ever) each sort of bucket is kept.

    A sort is `purpose/kind`. And each kind by itself, whatever its purpose: for buckets of a purpose that no datastream
    has any more. `changed`: by kind and number of days, when one of those datastreams was last defined otherwise; it may
    have had any purpose before.
    """

    sources: tuple[_Own, ...] = ()
    days: dict[str, float] = field(default_factory=dict)
    changed: dict[str, dict[float, int]] = field(default_factory=dict)

    def add(self, stream: Datastream, days: float) -> None:
        """A datastream of which what is sealed is kept for so many days."""
        for sort in (f"{stream.purpose}/{stream.kind}", stream.kind):
            self.days[sort] = max(days, self.days.get(sort, 0))
        if stream.changed is not None:
            of = self.changed.setdefault(stream.kind, {})
            of[days] = max(stream.changed, of.get(days, stream.changed))

    def until(self, bucket: str) -> float:
        """When what a bucket holds is past its time (microseconds; inf: never); it is kept as its most patient source says."""
        if bucket.count("/") != 2:
            return inf
        purpose, kind, period = bucket.split("/")
        if kind in CONTENTS:
            return _after(period) + (CLASSES[CONTENTS[kind]].days or inf) * DAY
        days = self.days.get(f"{purpose}/{kind}", self.days.get(kind, inf))
        if days == inf:
            return inf
        begin = parse(f"{period}T00:00:00Z")
        before = (own for own, changed in self.changed.get(kind, {}).items() if changed + LEARNT > begin)
        return begin + (max(days, *before, 0) + 1) * DAY


def _after(period: str) -> int:
    """When that month (YYYY-MM) or hour (YYYY-MM-DDTHH) is over."""
    if "T" in period:
        return parse(f"{period}:00:00Z") + HOUR
    year, number = divmod(int(period[:4]) * 12 + int(period[5:]), 12)
    return parse(f"{year:04}-{number + 1:02}-01T00:00:00Z")
