"""What is counted for those who oversee, event by event: reads and refusals, days that stand out, names that were looked up."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from statistics import median

import msgspec

from tutela.model.approval import ALONE, Alone
from tutela.model.event import Sealed
from tutela.model.glass import BreakGlass
from tutela.model.link import Flag
from tutela.model.noun import Noun
from tutela.model.when import DAY

from .ledger import Asker, Denial, Query
from .subject_access import plain

FAR = 3
"""Times one's own usual number of reads a day that stand out (governance G28)."""

LEAST = 20
"""Reads of a day that never stand out."""

COMPARED = 50_000
"""Different queries that are compared with names."""

DAYS = 3
"""Days with reads before a number is usual for somebody."""

_query = msgspec.json.Decoder(Query).decode
_denial = msgspec.json.Decoder(Denial).decode
_flag = msgspec.json.Decoder(Flag).decode
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


class Flagged(Noun, frozen=True, kw_only=True):
    """A search in a case that needed a reason (governance G28): for one's own name, a colleague's, or far more often than usual. `reason` is sealed."""

    at: int
    by: str
    case: str
    why: str


class LookedUp(Noun, frozen=True, kw_only=True):
    """Somebody asked for something by the id or the name of one who works here: of themselves (`own`), or of a colleague (governance G28).

    `times`: how often; `last`: the position of the newest such event. It may be for a good reason; somebody asks.
    """

    agent: str
    whose: str
    own: bool
    query: str
    times: int
    last: int


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

    `refusals` by policy; `events`: how many were read for it. `looked_up` compares with those who asked for something in that
    time, and with no others; `unchecked`: queries that were too many to be compared. `alone`: what nobody else approved;
    `break_glass`: how often somebody looked past their agency's boundary; `overdue`: of all that was, what nobody has reviewed in time.
    """

    since: int
    events: int
    reads: tuple[Counted, ...]
    refusals: dict[str, int]
    stands_out: tuple[StandsOut, ...]
    drawn: tuple[Drawn, ...]
    flags: tuple[Flagged, ...] = ()
    looked_up: tuple[LookedUp, ...] = ()
    unchecked: int = 0
    alone: tuple[Widened, ...] = ()
    break_glass: int = 0
    overdue: tuple[Unreviewed, ...] = ()


@dataclass(slots=True)
class Sums:
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
    flags: list[Flagged] = field(default_factory=list)
    askers: dict[str, Asker] = field(default_factory=dict)
    asked: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)
    unchecked: int = 0
    alone: list[Widened] = field(default_factory=list)

    def add(self, sealed: Sealed) -> None:
        """Count this event too."""
        event = sealed.event
        self.events += 1
        if event.kind == "refusal@1":
            self.refusals[_denial(event.body).policy] += 1
        elif event.kind == "lookup-flag@1":
            flag = _flag(event.body)
            self.flags.append(Flagged(at=event.at, by=event.by, case=flag.case, why=flag.why))
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
            self._keep(says, sealed.position)

    def _keep(self, says: Query, position: int) -> None:
        """Who asked for what, how often and when last."""
        agent, query = says.asker.agent, says.query
        self.askers.setdefault(agent, says.asker)
        times, _ = self.asked.get((agent, query), (0, 0))
        if times or len(self.asked) < COMPARED:
            self.asked[agent, query] = (times + 1, position)
        else:
            self.unchecked += 1

    def _maybe(self, sealed: Sealed) -> None:
        """Each of those so far is as likely to be among the drawn (Vitter 1985, "Random sampling with a reservoir", algorithm R)."""
        self.queries += 1
        if len(self.drawn) < self.draw:
            self.drawn.append(sealed)
        elif (place := int.from_bytes(self.chance(8)) % self.queries) < self.draw:
            self.drawn[place] = sealed


def standing_out(days: Mapping[str, Mapping[int, int]]) -> list[StandsOut]:
    """The days on which somebody read far more than on their others."""
    found = []
    for agent, own in sorted(days.items()):
        for day, reads in sorted(own.items()):
            others = [count for other, count in own.items() if other != day]
            if len(others) >= DAYS and reads > LEAST and reads > FAR * median(others):
                found.append(StandsOut(agent=agent, day=day, reads=reads, usual=float(median(others))))
    return found


def looked_up(asked: Mapping[tuple[str, str], tuple[int, int]], names: Mapping[str, str]) -> list[LookedUp]:
    """What was asked for by the id or the name of one of these."""
    plainly = {id_: plain(name) for id_, name in names.items()}
    found = []
    for (agent, query), (times, last) in asked.items():
        words = plain(query)
        for id_, name in plainly.items():
            if id_ in query or (name.strip() and name in words):
                found.append(LookedUp(agent=agent, whose=id_, own=agent == id_, query=query, times=times, last=last))
    return found


def unreviewed(begun: BreakGlass) -> Unreviewed:
    """It, as those who oversee see it: without its reason."""
    return Unreviewed(id=begun.id, by=begun.by, role=begun.role, agency=begun.agency, at=begun.at)


def told(sealed: Sealed) -> Drawn:
    """A query that was drawn."""
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
