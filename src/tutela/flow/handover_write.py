"""A handover as the system writes it: what is open, what changed, who did what, and what does not work."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from tutela.errors import BadInput, Refused
from tutela.model.access import Access
from tutela.model.arming import SUBJECT as ARMING
from tutela.model.event import Event
from tutela.model.timeline import LIVE
from tutela.policy.purposes import Action, ask

from . import handover_lines as lines
from .changes import Changes
from .handover_lines import Line, Written
from .read import Reads
from .read_health import HealthReads, Vitals

Seen = TypeVar("Seen")

UNDER_WAY = 200


class _Named(msgspec.Struct, frozen=True):
    name: str = ""


_named = msgspec.json.Decoder(_Named).decode


@dataclass(frozen=True, slots=True, kw_only=True)
class Writing:
    """Writes it, each line as far as somebody may read what it tells of; raises Refused for whoever may read nothing of it."""

    reads: Reads
    health: HealthReads
    changes: Changes

    async def write(self, access: Access, since: int) -> Written:
        """Of the time since then (microseconds); raises BadInput for a time that is too far back."""
        ledger = self.reads.desk.ledger
        now = ledger.now
        if not now - lines.LONGEST <= since <= now:
            raise BadInput("a handover is of the last two days at most, and not of what is to come; give another time")
        await ledger.must(ask(access, Action.READ, "incidents", now), LIVE, "handover")
        changed, vitals = await self.changes.since(access, since), await self.health.vitals(access)
        found = [
            *lines.under_way(await _seen(self.reads.desk.incidents(access, LIVE, UNDER_WAY))),
            *changed,
            *lines.standing(await _seen(self.reads.desk.alerts(access, LIVE))),
            *await _seen(self.changes.out_of_service(access)),
            *[line async for line in self._sources(vitals, now)],
            *[line async for line in self._off(vitals)],
        ]
        did = Counter(line.by for line in changed)
        return Written(since=since, at=now, lines=tuple(found), did=dict(did.most_common()))

    async def _sources(self, vitals: Vitals, now: int) -> AsyncIterator[Line]:
        reached = {one.source: one for one in await self.changes.kept.conditions()}
        for name, says, at in lines.down(vitals.sources, reached, now):
            about = await self.reads.log.log.about(name)
            yield Line(section=lines.SOURCES, about=name, name=name, says=says, event=about[-1].id, at=at)

    async def _off(self, vitals: Vitals) -> AsyncIterator[Line]:
        told: dict[str, Event] = {}
        for event in await self.reads.log.log.about(ARMING) if vitals.off else ():
            told[_named(event.body).name] = event
        for name, why in vitals.off.items():
            event_, at = (told[name].id, told[name].at) if name in told else ("", vitals.at)
            yield Line(section=lines.OFF, about=name, name=name, says=why, event=event_, at=at)


async def _seen(read: Awaitable[Sequence[Seen]]) -> Sequence[Seen]:
    """What may be seen; nothing, when all that there is belongs to others."""
    try:
        return await read
    except Refused:
        return ()
