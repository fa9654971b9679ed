"""What those who oversee look at: who read how much and why, what was refused, who read far more than usual, and accesses drawn by chance.

All of it is counted from the log's own events, so nobody keeps a second list. People are ids in it; content is nowhere. That somebody looked is an
event like any other read.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from statistics import median

import msgspec

from tutela.errors import BadInput
from tutela.model.access import Access
from tutela.model.approval import ALONE, Alone
from tutela.model.event import Sealed
from tutela.model.glass import SUBJECT, BreakGlass, glasses
from tutela.model.noun import Noun
from tutela.model.timeline import LIVE
from tutela.model.when import DAY, HOUR
from tutela.policy.purposes import Action, ask

from .ledger import Asker, Denial, Ledger, Query
from .ports import Log

AT_ONCE = 1000
MOST = 1_000_000
"""Events that are read for one look."""

FAR = 3
"""Times one's own usual number of reads a day that stand out (governance G28)."""

LEAST = 20
"""Reads of a day that never stand out."""

DAYS = 3
"""Days with reads before a number is usual for somebody."""

_query = msgspec.json.Decoder(Query).decode
_denial = msgspec.json.Decoder(Denial).decode
_alone = msgspec.json.Decoder(Alone).decode


class Counted(Noun, frozen=True, kw_only=True):
    """How often a role read for a purpose."""

    role: str
    purpose: str
    reads: int
    records: int


class StandsOut(Noun, frozen=True, kw_only=True):
    """Somebody read more on a day (its beginning, microseconds, UTC) than `FAR` times what is `usual` for them: the median of their other days."""

    agent: str
    day: int
    reads: int
    usual: float


class Drawn(Noun, frozen=True, kw_only=True):
    """An access that chance has chosen, to be asked about: by whom, why, what, and which records about people."""

    position: int
    id: str
    at: int
    asker: Asker
    query: str
    count: int
    persons: tuple[str, ...]


class Widened(Noun, frozen=True, kw_only=True):
    """Something was widened at the machine without a second person: when, by whom, and what."""

    at: int
    by: str
    matter: str
    target: str
    says: str


class Unreviewed(Noun, frozen=True, kw_only=True):
    """A break-glass that another person should have looked at by now: whose, and when it began."""

    id: str
    by: str
    role: str
    agency: str
    at: int


class Overseen(Noun, frozen=True, kw_only=True):
    """What was looked at since that moment.

    `refusals` by policy; `events`: how many were read for it; `alone`: what nobody else approved; `break_glass`: how
    often somebody looked past their agency's boundary; `overdue`: of all that was, what nobody has reviewed in time.
    """

    since: int
    events: int
    reads: tuple[Counted, ...]
    refusals: dict[str, int]
    stands_out: tuple[StandsOut, ...]
    drawn: tuple[Drawn, ...]
    alone: tuple[Widened, ...] = ()
    break_glass: int = 0
    overdue: tuple[Unreviewed, ...] = ()


@dataclass(slots=True)
class _Sums:
    """What is summed up, event by event. `chance` gives random bytes, as many as it is asked for."""

    draw: int
    chance: Callable[[int], bytes]
    events: int = 0
    queries: int = 0
    reads: Counter[tuple[str, str]] = field(default_factory=Counter)
    records: Counter[tuple[str, str]] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    days: defaultdict[str, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))
    drawn: list[Sealed] = field(default_factory=list)
    alone: list[Widened] = field(default_factory=list)

    def add(self, sealed: Sealed) -> None:
        event = sealed.event
        self.events += 1
        if event.kind == "refusal@1":
            self.refusals[_denial(event.body).policy] += 1
        elif event.kind == ALONE:
            what = _alone(event.body)
            self.alone.append(Widened(at=event.at, by=event.by, matter=what.matter, target=what.target, says=what.says))
        elif event.kind == "query@1":
            says = _query(event.body)
            told = (says.asker.role, says.asker.purpose)
            self.reads[told] += 1
            self.records[told] += says.count
            self.days[says.asker.agent][event.at // DAY * DAY] += 1
            self._maybe(sealed)

    def _maybe(self, sealed: Sealed) -> None:
        """Each of those so far is as likely to be among the drawn (Vitter 1985, "Random sampling with a reservoir", algorithm R)."""
        self.queries += 1
        if len(self.drawn) < self.draw:
            self.drawn.append(sealed)
        elif (place := int.from_bytes(self.chance(8)) % self.queries) < self.draw:
            self.drawn[place] = sealed


@dataclass(frozen=True, slots=True, kw_only=True)
class Oversight:
    """`look` raises Refused for whoever may not see accesses, and leaves one event."""

    ledger: Ledger
    log: Log
    chance: Callable[[int], bytes]

    async def look(self, access: Access, days: int, draw: int) -> Overseen:
        """The last so many days, and so many accesses drawn by chance. Raises BadInput when those days have too many events."""
        now = self.ledger.now
        query = f"oversight of {days} days, {draw} drawn"
        await self.ledger.must(ask(access, Action.READ, "accesses", now), LIVE, query)
        since, sums = now - days * DAY, _Sums(draw, self.chance)
        async for sealed in self._from(since):
            sums.add(sealed)
            if sums.events > MOST:
                raise BadInput(f"there are more than {MOST:,} events in the last {days} days; choose fewer days")
        broken = glasses(await self.log.about(SUBJECT)).values()
        drawn = sorted(sums.drawn, key=lambda one: one.position)
        await self.ledger.wrote(access, LIVE, query, (one.event.id for one in drawn))
        return Overseen(
            since=since,
            events=sums.events,
            reads=tuple(
                Counted(role=role, purpose=purpose, reads=reads, records=sums.records[role, purpose])
                for (role, purpose), reads in sorted(sums.reads.items())
            ),
            refusals=dict(sorted(sums.refusals.items())),
            stands_out=tuple(standing_out(sums.days)),
            drawn=tuple(map(_told, drawn)),
            alone=tuple(sums.alone),
            break_glass=sum(one.begun.at >= since for one in broken),
            overdue=tuple(_unreviewed(one.begun) for one in broken if one.overdue(now)),
        )

    async def _from(self, since: int) -> AsyncIterator[Sealed]:
        """The sealed events from that moment on."""
        after = await self._before(since)
        while some := await self.log.sealed(after, AT_ONCE):
            for sealed in some:
                if sealed.event.at >= since:
                    yield sealed
            after = some[-1].position

    async def _before(self, since: int) -> int:
        """A position before all events from that moment on, by halves: the log is in the order of time but for an hour at most."""
        low, high = -1, await self.log.last()
        while low < high:
            middle = (low + high) // 2
            some = await self.log.sealed(middle, 1)
            if some and some[0].event.at < since - HOUR:
                low = middle + 1
            else:
                high = middle
        return low


def standing_out(days: Mapping[str, Mapping[int, int]]) -> list[StandsOut]:
    """The days on which somebody read far more than on their others."""
    found = []
    for agent, own in sorted(days.items()):
        for day, reads in sorted(own.items()):
            others = [count for other, count in own.items() if other != day]
            if len(others) >= DAYS and reads > LEAST and reads > FAR * median(others):
                found.append(StandsOut(agent=agent, day=day, reads=reads, usual=float(median(others))))
    return found


def _unreviewed(begun: BreakGlass) -> Unreviewed:
    return Unreviewed(id=begun.id, by=begun.by, role=begun.role, agency=begun.agency, at=begun.at)


def _told(sealed: Sealed) -> Drawn:
    says = _query(sealed.event.body)
    return Drawn(
        position=sealed.position,
        id=sealed.event.id,
        at=sealed.event.at,
        asker=says.asker,
        query=says.query,
        count=says.count,
        persons=says.persons,
    )
