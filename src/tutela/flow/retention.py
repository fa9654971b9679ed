"""Retention with its proof: of each class of records the rule, the oldest that can still be read, what is overdue, and what went.

It is measured, and asks what the retainer asks: which keys there are, which rows lie in the lake, what the register and the holds say. What
went has receipts: events of the log, which anybody can have proved. Past its time, and there for longer than an hour: that is overdue.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from math import inf
from typing import Protocol

import msgspec

from tutela.model.access import Access
from tutela.model.hold import SUBJECT as HOLDS
from tutela.model.hold import standing
from tutela.model.retention import BucketKey, Kept, Retention
from tutela.model.timeline import LIVE
from tutela.model.when import DAY, HOUR
from tutela.policy.purposes import CLASSES, Action, ask

from . import limits
from .ledger import Ledger
from .ports import Clock, Ids, Log, Past
from .retain import Erased, Over
from .spared import Spared

GRACE = HOUR
"""What is past its time goes within this."""

BACKUPS = "backups"
"""What events of copies are about."""

BACKED_UP = 35
"""Days after which a backup is to be deleted."""

SAYS = {
    "call-contents": "who called and what they said: from the end of the hour of the call",
    "report-contents": "what residents wrote: from the end of the hour of the report",
    "report-contacts": "how those are reached who reported: from the end of the hour of the report",
    "report-photos": "pictures that came with reports: from the end of the hour of the report",
    "post-contents": "the words of public posts: from the end of the hour of the post",
    "incidents": "what people wrote about an incident since it was opened, and about an alert since it was last seen",
    "names": "names of people who work here, and what they call their passkeys: from the end of their role",
    "reasons": "the reasons of holds and of other acts that oversight looks into: from the first one on",
    "requests": "what residents asked for by right, and the answers: from the day on which it came",
}
MOVES = "where Things were: from the end of the day, as the most patient source of that purpose says"
OTHERS = "secrets of connections, and what detectors know: as long as they are at work"
LOG = "events, with ids in place of people: for a year at least, and none is ever deleted (G35)"
COPIES = (
    "made within that time, as events tell; where they lie, only who made them knows, and deletes them. What was erased since "
    "stays erased when one is restored"
)
ENDLESS = "sources that keep what they send in the clear without a limit"
ROWS = "rows in the clear"

_erased = msgspec.json.Decoder(Erased).decode
_over = msgspec.json.Decoder(Over).decode


class Buckets(Protocol):
    """All keys that there are, and were."""

    async def in_use(self) -> Sequence[BucketKey]: ...  # noqa: D102  told above
    async def gone(self) -> Sequence[BucketKey]: ...  # noqa: D102  the first one first


class Measured(Past, Protocol):
    """What the lake keeps longer than it may, and the time of its oldest rows in the clear."""

    async def oldest(self, timeline: str, datastreams: Ids) -> int | None: ...  # noqa: D102  told above


@dataclass(frozen=True, slots=True, kw_only=True)
class Retained:
    """What is kept, measured now."""

    register: limits.Register
    ages: limits.Ages
    lake: Measured
    keys: Buckets
    log: Log
    spared: Callable[[], Awaitable[Spared]]
    clock: Clock

    async def measure(self) -> Retention:
        """All classes of records."""
        spared = await self.spared()
        kept = await limits.limits(self.register, spared)
        used = await self.keys.in_use()
        kept.begun = await limits.ages(self.ages, used)
        found = [
            *await self._sealed(kept, spared, used),
            *[await self._source(own, spared) for own in kept.sources],
            await self._endless(),
            await self._log(),
            await self._backups(),
        ]
        stand = standing(await self.log.about(HOLDS))
        overdue = sum(one.overdue for one in found)
        return Retention(at=self.clock(), overdue=overdue, holds=len(stand), kept=tuple(found))

    # ── what is sealed ──────────────────────────────────────────────────────────────────────────
    async def _sealed(self, kept: limits.Limits, spared: Spared, used: Iterable[BucketKey]) -> list[Kept]:
        own, gone = _by_class(used), _by_class(await self.keys.gone())
        names = [*SAYS, *sorted(limits.PERSONAL)]
        found = [await self._receipts(self._class(name, kept, spared, own[name]), gone[name]) for name in names]
        return [*found, await self._receipts(Kept(name="others", says=OTHERS, kept=len(own[""])), gone[""])]

    def _class(self, name: str, kept: limits.Limits, spared: Spared, own: Sequence[BucketKey]) -> Kept:
        now = self.clock()
        until = [(kept.until(key), spared.keeps(key.id, key.bucket)) for key in own]
        free = [at for at, held in until if not held or at > now]
        first = min(free, default=inf)
        return Kept(
            name=name,
            says=SAYS.get(name, MOVES),
            days=_days(name, kept),
            oldest=min((kept.begins(key) for key in own), default=None),
            ends=None if first == inf else int(first),
            kept=len(own),
            due=sum(now - GRACE < at <= now for at in free),
            overdue=sum(at <= now - GRACE for at in free),
            held=len(own) - len(free),
        )

    async def _receipts(self, of: Kept, gone: Sequence[BucketKey]) -> Kept:
        """With what was destroyed of it, and the event that tells of the last."""
        if not gone:
            return of
        last = gone[-1]
        told = [event for event in await self.log.about(last.bucket) if event.kind == "erasure@1"]
        receipts = [event.id for event in told if _erased(event.body).key == last.id]
        return msgspec.structs.replace(
            of,
            destroyed=len(gone),
            first=gone[0].destroyed_at,
            last=last.destroyed_at,
            receipt=receipts[-1] if receipts else None,
        )

    # ── what lies in the clear ──────────────────────────────────────────────────────────────────
    async def _source(self, own: limits.Own, spared: Spared) -> Kept:
        before = own.before(self.clock())
        past = await self._rows(own, before, spared)
        overdue = await self._rows(own, before - GRACE, spared)
        everything = await self.lake.overdue(LIVE, own.datastreams, before)
        oldest = await self.lake.oldest(LIVE, own.datastreams)
        told = [event for event in await self.log.about(own.source) if event.kind == "retention@1"]
        return Kept(
            name=f"source/{own.source}",
            says=ROWS,
            days=own.days,
            oldest=oldest,
            ends=None if oldest is None else oldest + own.days * DAY,
            kept=len(own.datastreams),
            due=past - overdue,
            overdue=overdue,
            held=everything - past,
            destroyed=sum(_over(event.body).rows for event in told),
            first=told[0].at if told else None,
            last=told[-1].at if told else None,
            receipt=told[-1].id if told else None,
        )

    async def _rows(self, own: limits.Own, before: int, spared: Spared) -> int:
        stretches = own.stretches(before, spared)
        return sum([await self.lake.overdue(LIVE, ids, until, since) for ids, since, until in stretches])

    async def _endless(self) -> Kept:
        endless = [one for one in await self.register.sources() if one.retention_days is None]
        return Kept(name="sources-without-limit", says=ENDLESS, kept=len(endless))

    async def _log(self) -> Kept:
        begun = await self.log.sealed(-1, 1)
        oldest = begun[0].event.at if begun else None
        return Kept(name="log", says=LOG, oldest=oldest, kept=await self.log.last() + 1)

    async def _backups(self) -> Kept:
        since = self.clock() - BACKED_UP * DAY
        made = [event.at for event in await self.log.about(BACKUPS) if event.at >= since]
        oldest = min(made, default=None)
        ends = None if oldest is None else oldest + BACKED_UP * DAY
        return Kept(name=BACKUPS, says=COPIES, days=BACKED_UP, oldest=oldest, ends=ends, kept=len(made))


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionReads:
    """The same, as people read it for a purpose. Raises Refused."""

    ledger: Ledger
    retained: Retained

    async def look(self, access: Access) -> Retention:
        """All classes of records."""
        await self.ledger.must(ask(access, Action.READ, "register", self.ledger.now), LIVE, "retention")
        found = await self.retained.measure()
        await self.ledger.wrote(access, LIVE, "retention", (one.name for one in found.kept))
        return found


def _by_class(keys: Iterable[BucketKey]) -> defaultdict[str, list[BucketKey]]:
    found: defaultdict[str, list[BucketKey]] = defaultdict(list)
    for key in keys:
        found[limits.class_of(key.bucket)].append(key)
    return found


def _days(name: str, kept: limits.Limits) -> int | None:
    """The limit of a class; of what moves the longest that a source has."""
    own = {"names": limits.NAMES, **limits.SINCE_MADE}
    if name in own:
        return own[name]
    days = kept.days.get(name, inf) if name in limits.PERSONAL else CLASSES[name].days
    return None if days is None or days == inf else int(days)
