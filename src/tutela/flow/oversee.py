"""What those who oversee look at: who read how much and why, what was refused, who read far more than usual, and accesses drawn by chance.

All of it is counted from the log's own events, so nobody keeps a second list. People are ids in it; content is nowhere. That somebody looked is an
event like any other read.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from tutela.errors import BadInput, NotFound
from tutela.model.access import Access
from tutela.model.event import Sealed
from tutela.model.glass import SUBJECT, glasses
from tutela.model.people import Agent, Role
from tutela.model.timeline import LIVE
from tutela.model.when import DAY
from tutela.policy.purposes import Action, ask

from .ledger import Asker, Ledger
from .overseen import Counted, Overseen, Sums, looked_up, standing_out, told, unreviewed
from .ports import Log
from .since import before

AT_ONCE = 1000
MOST = 1_000_000
"""Events that are read for one look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Oversight:
    """`look` raises Refused for whoever may not see accesses, and leaves one event.

    `named` gives somebody who works here with their name: it is compared, and shown to nobody.
    """

    ledger: Ledger
    log: Log
    chance: Callable[[int], bytes]
    named: Callable[[Agent], Awaitable[Agent]]

    async def look(self, access: Access, days: int, draw: int) -> Overseen:
        """The last so many days, and so many accesses drawn by chance. Raises BadInput when those days have too many events."""
        now = self.ledger.now
        query = f"oversight of {days} days, {draw} drawn"
        await self.ledger.must(ask(access, Action.READ, "accesses", now), LIVE, query)
        since, sums = now - days * DAY, Sums(draw, self.chance)
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
            drawn=tuple(map(told, drawn)),
            flags=tuple(sums.flags),
            looked_up=tuple(looked_up(sums.asked, await self._names(sums.askers.values()))),
            unchecked=sums.unchecked,
            alone=tuple(sums.alone),
            break_glass=sum(one.begun.at >= since for one in broken),
            overdue=tuple(unreviewed(one.begun) for one in broken if one.overdue(now)),
        )

    async def _names(self, askers: Iterable[Asker]) -> Mapping[str, str]:
        """By id; "" for whose name is erased."""
        found = {}
        for one in askers:
            with suppress(NotFound):  # who held the machine never enrolled
                agent = Agent(id=one.agent, name="", role=Role(one.role), agency=one.agency)
                found[one.agent] = (await self.named(agent)).name
        return found

    async def _from(self, since: int) -> AsyncIterator[Sealed]:
        """The sealed events from that moment on."""
        after = await before(self.log, since)
        while some := await self.log.sealed(after, AT_ONCE):
            for sealed in some:
                if sealed.event.at >= since:
                    yield sealed
            after = some[-1].position
