"""Cases as the log has them: what stands, and each step as an event.

There is no table that could say otherwise. Two people who take a step at one moment make one step: the other one is told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from tutela.errors import BadInput, Conflict, NotFound
from tutela.maths.area import outline
from tutela.maths.ids import uuid_of
from tutela.model.case import LONGEST, SUBJECT, Case, Scope, newest
from tutela.model.event import Event
from tutela.model.flow import encode
from tutela.model.noun import Noun
from tutela.model.timeline import LIVE
from tutela.model.when import DAY, iso

from .ports import Clock, Log
from .prose import Prose

WORDS = 2000
MEMBERS = 50
NAMED = 200
"""Records that a scope can name one by one."""

SPAN = 366 * DAY
WIDEST = 5_000.0
"""Metres: a scope is somewhere, and not the whole city."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cases:
    """The cases of an instance."""

    log: Log
    prose: Prose
    clock: Clock

    async def all(self) -> Sequence[Case]:
        """All of them, in the order in which they were opened, with their words sealed."""
        return newest(await self.log.about(SUBJECT))

    async def find(self, id_: str) -> Case | None:
        """The one of that id, if there is one."""
        return next((one for one in await self.all() if one.id == id_), None)

    async def one(self, id_: str) -> Case:
        """The one of that id; raises NotFound."""
        found = await self.find(id_)
        if found is None:
            raise NotFound(f"there is no case {id_!r}; the list of cases names those that there are")
        return found

    async def shown(self, case: Case) -> Case:
        """As people read it."""
        offence, reason = await self.prose.words(case.offence), await self.prose.words(case.reason)
        return msgspec.structs.replace(case, offence=offence, reason=reason)

    async def open(self, wanted: Case, by: str) -> Case:
        """Somebody asks for a case; its id and time are given here. Raises BadInput."""
        now = self.clock()
        proper(wanted, now)
        id_ = uuid_of("case", by, wanted.reference, now, wanted.wanted or 0, encode(wanted.scope))
        case = msgspec.structs.replace(wanted, id=id_, opened_by=by, opened_at=now, asked_by=by)
        bucket = bucket_of(case.id)
        sealed = msgspec.structs.replace(
            case,
            offence=await self.prose.kept_in(bucket, case.offence),
            reason=await self.prose.kept_in(bucket, case.reason),
        )
        await self.tell(sealed, by)
        return case

    async def tell(self, case: Case, by: str) -> None:
        """One step of a case, its words sealed already; raises Conflict when somebody else took that step."""
        event = self._event("case@1", by, SUBJECT, encode(case), uuid_of("case", case.id, case.revision))
        await self.log.append([event])
        if (stored := await self.log.event(event.id)).body != event.body:
            raise Conflict(f"{stored.by} changed this case at {iso(stored.at)}; read it again", case=case.id)

    async def write(self, kind: str, by: str, subject: str, says: Noun, event: str = "") -> None:
        """Something that was done in a case. `event`: its id, so that it is done once; raises Conflict when it was done before."""
        made = self._event(kind, by, subject, encode(says), event)
        await self.log.append([made])
        if (await self.log.event(made.id)).body != made.body:
            raise Conflict("this was done already, a moment ago; read the case again")

    def _event(self, kind: str, by: str, subject: str, body: bytes, id_: str = "") -> Event:
        now = self.clock()
        return Event(
            id=id_ or uuid_of(kind, by, now, body),
            at=now,
            by=by,
            cause=None,
            kind=kind,
            timeline=LIVE,
            body=body,
            subject=subject,
        )


def about(id_: str) -> str:
    """The subject of what is done in a case."""
    return f"case/{id_}"


def bucket_of(id_: str) -> str:
    """Where the words of a case are sealed."""
    return f"oversight/cases/{id_}"


def proper(case: Case, now: int) -> None:
    """Raises BadInput when something is missing, or reaches too far."""
    for name in ("offence", "reason", "authority", "reference"):
        words = getattr(case, name)
        if not words.strip() or len(words) > WORDS:
            raise BadInput(f"a case needs its {name}, in up to {WORDS} letters: whoever approves it must know it")
    if not 0 < len(case.members) <= MEMBERS or len({one.agent for one in case.members}) < len(case.members):
        raise BadInput(f"a case names its members, each once, {MEMBERS} at most")
    ends(case.wanted, now)
    _proper(case.scope, now)


def ends(until: int | None, now: int) -> int:
    """The end that somebody wants; raises BadInput for one that is over or too far away."""
    if until is None or not now < until <= now + LONGEST:
        raise BadInput(
            f"a case ends within 90 days: give a time after {iso(now)} and not after {iso(now + LONGEST)}; two people can extend it then"
        )
    return until


def _proper(scope: Scope, now: int) -> None:
    if not scope.kinds or len(set(scope.kinds)) < len(scope.kinds):
        raise BadInput("a scope names the sorts of records that it is about, each once")
    if (scope.area is None and not scope.ids) or len(scope.ids) > NAMED:
        raise BadInput(
            f"a scope is an area, or up to {NAMED} records by their ids, or both: nobody searches everything"
        )
    if not (now - 2 * SPAN <= scope.since < scope.until and scope.until - scope.since <= SPAN):
        raise BadInput("a scope begins before it ends, within the last two years, and spans a year at most")
    if scope.area is not None:
        outline(scope.area)
        if scope.area.radius > WIDEST:
            raise BadInput(f"a scope reaches {WIDEST / 1000:.0f} km at most; make the area smaller, or open two cases")
