"""The city as it was: what stood at a moment of the past, and the log from then on at a chosen speed.

Both are read from the log alone, for a purpose, like everything else: whoever may not read a record today does not read how
it stood yesterday. Nothing can be done in the past; acts have no moment.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass, field

import msgspec

from tutela.errors import BadInput
from tutela.model.access import Access
from tutela.model.alert import OPEN, Alert
from tutela.model.event import Event, Sealed
from tutela.model.incident import OVER, Incident
from tutela.model.noun import Noun
from tutela.model.resource import EmergencyResource
from tutela.model.when import DAY, HOUR, MINUTE, iso

from .read_log import AT_ONCE, INCIDENT, LogReads
from .since import before

BACK = 7 * DAY
"""How far back people may look here; `tutela replay` goes further."""

WARM = DAY
"""What stood at a moment is told by the day before it: nothing that is open says nothing for longer."""

SLOT = 5 * MINUTE
FASTEST = 120
BEAT = 0.25
"""Seconds between two looks at what is due."""

ALERT, UNIT = "alert@1", "unit@1"
SHOWN = frozenset({ALERT, INCIDENT, UNIT})


class Slot(Noun, frozen=True, kw_only=True):
    """Alerts that were first shown in the five minutes from `at` on, by severity: the bars of a time bar."""

    at: int
    shown: dict[str, int]


class Stood(Noun, frozen=True, kw_only=True):
    """What stood at `at`: alerts that were open, incidents under way, units; `after` is the position up to which that was read.

    What people wrote is not in it: the record itself, as it is today, has it for whoever may read that.
    """

    at: int
    after: int
    alerts: tuple[Alert, ...]
    incidents: tuple[Incident, ...]
    units: tuple[EmergencyResource, ...]


@dataclass(frozen=True, slots=True)
class Moment:
    """What happened since the last moment, as of `at`, and the position up to which the log was read for it."""

    at: int
    events: tuple[Sealed, ...]
    after: int


@dataclass(slots=True)
class _Newest:
    """The newest revision of each, as events tell."""

    alerts: dict[str, Alert] = field(default_factory=dict)
    incidents: dict[str, Incident] = field(default_factory=dict)
    units: dict[str, EmergencyResource] = field(default_factory=dict)

    def take(self, event: Event) -> None:
        """One event; one that may not be seen has no body."""
        if event.kind == ALERT and event.body:
            self.alerts[event.subject] = _alert(event.body)
        elif event.kind == INCIDENT and event.body:
            self.incidents[event.subject] = _incident(event.body)
        elif event.kind == UNIT and event.body:
            self.units[event.subject] = _unit(event.body)


_alert = msgspec.json.Decoder(Alert).decode
_incident = msgspec.json.Decoder(Incident).decode
_unit = msgspec.json.Decoder(EmergencyResource).decode


@dataclass(frozen=True, slots=True, kw_only=True)
class PastReads:
    """Each method raises Refused, and BadInput for a moment that can't be looked at, and leaves one event."""

    reads: LogReads
    rest: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def state(self, access: Access, timeline: str, at: int) -> Stood:
        """What stood at that moment."""
        self._possible(at)
        newest, ids, after = _Newest(), list[str](), -1
        query = f"what stood at {iso(at)}"
        await self.reads.anything(access, timeline, query)
        async for one in self._between(access, timeline, at - WARM, at):
            newest.take(one.event)
            ids.append(one.event.id)
            after = one.position
        incidents = [one for one in newest.incidents.values() if one.status not in OVER]
        await self.reads.ledger.wrote(access, timeline, query, ids, persons=[one.id for one in incidents])
        alerts = sorted((one for one in newest.alerts.values() if one.status in OPEN), key=lambda one: -one.rank)
        return Stood(
            at=at,
            after=after,
            alerts=tuple(msgspec.structs.replace(one, reason=None) for one in alerts),
            incidents=tuple(msgspec.structs.replace(one, notes=(), disposition=None) for one in incidents),
            units=tuple(newest.units.values()),
        )

    async def bars(self, access: Access, timeline: str, since: int, until: int) -> tuple[Slot, ...]:
        """How many alerts were first shown in each five minutes between two moments, by severity; slots without any are left out."""
        self._possible(since)
        query = f"alerts shown between {iso(since)} and {iso(until)}"
        await self.reads.anything(access, timeline, query)
        firsts: dict[str, Alert] = {}
        async for one in self._between(access, timeline, since, until):
            if one.event.kind == ALERT and one.event.body:
                alert = _alert(one.event.body)
                if alert.shown_at is not None and since <= alert.shown_at < until:
                    firsts.setdefault(alert.id, alert)
        await self.reads.ledger.wrote(access, timeline, query, firsts)
        return _slots(firsts.values())

    async def follow(self, access: Access, timeline: str, since: int, speed: int) -> AsyncGenerator[Moment, None]:
        """The log from that moment on, so many times as fast as it was, until it has caught up with now."""
        self._possible(since)
        access = msgspec.structs.replace(access, glass=None)  # as for the live log
        query = f"events from {iso(since)} on, {speed} times as fast"
        await self.reads.anything(access, timeline, query)
        await self.reads.ledger.wrote(access, timeline, query, ())
        return self._moments(access, timeline, since, speed)

    async def _moments(self, access: Access, timeline: str, since: int, speed: int) -> AsyncGenerator[Moment, None]:
        began, due = self.reads.ledger.now, deque[Sealed]()
        after = last = await before(self.reads.log, since)
        while True:
            now = self.reads.ledger.now
            at = min(since + (now - began) * speed, now)
            while not due or due[-1].event.at <= at:
                some = await self.reads.log.sealed(last, AT_ONCE)
                if not some:
                    break
                last = some[-1].position
                due.extend(one for one in some if one.event.at >= since)
            happened = []
            while due and due[0].event.at <= at:
                happened.append(due.popleft())
            page = await self.reads.page(access, timeline, after, happened)
            after = page.after
            yield Moment(at, page.events, after)
            if at == now:
                return
            await self.rest(BEAT)

    async def _between(self, access: Access, timeline: str, since: int, until: int) -> AsyncIterator[Sealed]:
        """What may be seen of the alerts, incidents and units of the time between two moments."""
        after = await before(self.reads.log, since)
        while (some := await self.reads.log.sealed(after, AT_ONCE)) and some[0].event.at <= until + HOUR:
            told = [one for one in some if one.event.kind in SHOWN and since <= one.event.at <= until]
            for seen in (await self.reads.page(access, timeline, after, told)).events:
                yield seen
            after = some[-1].position

    def _possible(self, at: int) -> None:
        now = self.reads.ledger.now
        if not now - BACK <= at <= now:
            raise BadInput(
                f"{iso(at)} can't be looked at here: choose a moment between {iso(now - BACK)} and {iso(now)}"
            )


def _slots(alerts: Iterable[Alert]) -> tuple[Slot, ...]:
    counted: dict[int, Counter[str]] = {}
    for alert in alerts:
        at = (alert.shown_at or 0) // SLOT * SLOT
        counted.setdefault(at, Counter())[alert.scale.severity] += 1
    return tuple(Slot(at=at, shown=dict(shown)) for at, shown in sorted(counted.items()))
