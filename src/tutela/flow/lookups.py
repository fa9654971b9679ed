"""A search that needs a reason: for one's own name, for a colleague's, or far more often than one usually does (governance G28).

Whoever gives a reason may go on, and those who oversee are told at once; whoever gives none is refused, which is an event as well.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Protocol

import msgspec

from tutela.errors import NotFound, Refused
from tutela.maths.named import spoken
from tutela.model.event import Event
from tutela.model.people import Agent
from tutela.model.when import DAY

from .case import Cases, about
from .ports import Keys, Log

FAR = 3
"""Times one's own usual number of searches a day."""

LEAST = 20
"""Searches of a day that never need a reason."""

DAYS = 3
"""Days with searches before a number is usual for somebody."""

LETTERS = re.compile(r"[^\W\d_]+")

OWN, COLLEAGUE, RATE = "own-name", "colleague", "rate"

SAYS = {
    OWN: "This is your own name.",
    COLLEAGUE: "This is the name of somebody who works here.",
    RATE: "You searched far more often today than you usually do.",
}
STEP_UP = "G28-reason"
FLAGS = "oversight/lookups"
"""What all flags are about."""

_agent = msgspec.json.Decoder(Agent).decode


class Colleagues(Protocol):
    """The ids of all who ever enrolled here."""

    async def agents(self) -> Sequence[str]:
        """All of them."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookups:
    """Finds what needs a reason. Of names only keyed digests of their words are remembered: they are sealed, and stay so."""

    cases: Cases
    colleagues: Colleagues
    log: Log
    keys: Keys
    words: dict[str, frozenset[bytes]] = field(default_factory=dict)

    async def why(self, agent: str, words: str) -> str | None:
        """Why this search of theirs needs a reason, in one word; None when it needs none."""
        asked = self._digests(words)
        for other in sorted(await self.colleagues.agents(), key=lambda one: one != agent):
            name = await self._name(other)
            if name and asked and (asked <= name or name <= asked):
                return OWN if other == agent else COLLEAGUE
        return RATE if await self._often(agent) else None

    async def _often(self, agent: str) -> bool:
        today = self.cases.clock() // DAY
        days = Counter(event.at // DAY for event in await self._searches(agent))
        others = [count for day, count in days.items() if day != today]
        usual = median(others) if len(others) >= DAYS else 0
        return days[today] >= max(LEAST, FAR * usual)

    async def _searches(self, agent: str) -> Sequence[Event]:
        """All that somebody searched, in any case."""
        mine = [case for case in await self.cases.all() if case.member(agent)]
        told = [event for case in mine for event in await self.log.about(about(case.id))]
        return [event for event in told if event.kind == "case-search@1" and event.by == agent]

    async def _name(self, agent: str) -> frozenset[bytes]:
        """The words of a name, as digests; none when it was erased."""
        if agent not in self.words:
            self.words[agent] = self._digests(await self._opened(agent))
        return self.words[agent]

    async def _opened(self, agent: str) -> str:
        told = [event for event in await self.log.about(agent) if event.kind == "agent@1" and event.key]
        try:
            return _agent(await self.keys.open(told[-1].key or "", told[-1].body)).name if told else ""
        except (NotFound, Refused):
            return ""

    def _digests(self, words: str) -> frozenset[bytes]:
        """Of the words as a search takes them, so that what finds a name is known as that name. Numbers beside it change nothing."""
        return frozenset(self.keys.keyed(word.encode()) for one in spoken(words) for word in LETTERS.findall(one))


def refusal(why: str) -> Refused:
    """What is said to whoever gave no reason."""
    return Refused(f"{SAYS[why]} Say in `reason` why you need it; those who oversee are told.", policy=STEP_UP)
