"""Break-glass: somebody reads past their agency's boundary for life and limb, in the sight of others, and another person reviews it.

What it permits is for the policies to say (F17): this only says that it stands. It ends by itself; it can be ended by hand. While it stands each
read of that person names it in the log.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from tutela.errors import BadInput, Conflict, NotFound, Refused
from tutela.maths.ids import uuid_of
from tutela.model.access import Access
from tutela.model.glass import (
    LONGEST,
    SUBJECT,
    BreakGlass,
    BreakGlassEnded,
    BreakGlassReview,
    Glass,
    glasses,
    lasts,
)
from tutela.model.people import Agent
from tutela.model.timeline import LIVE
from tutela.model.when import SECOND
from tutela.policy.purposes import Action, ask

from .approve_acts import OWN
from .ledger import Ledger
from .once import tell
from .ports import Clock, Log
from .prose import Prose

WORDS = 2000

KEEPS = 2 * SECOND
"""For so long it is known without looking who has broken the glass: what was ended elsewhere is over no later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Glasses:
    """What the log says of it."""

    log: Log
    prose: Prose
    clock: Clock
    _kept: dict[int, Sequence[Glass]] = field(default_factory=dict)

    async def all(self) -> Sequence[Glass]:
        """All that there ever were, in the order in which they began, with their reasons sealed."""
        return tuple(glasses(await self.log.about(SUBJECT)).values())

    async def one(self, id_: str) -> Glass:
        """One of them; raises NotFound."""
        found = glasses(await self.log.about(SUBJECT)).get(id_)
        if found is None:
            raise NotFound(f"there is no break-glass {id_[:60]!r}; GET /v1/break-glass lists what there is")
        return found

    async def standing(self, agent: str) -> str | None:
        """The id of what stands for that person now."""
        now = self.clock()
        own = (one.begun.id for one in await self._recent(now) if one.begun.by == agent and one.stands(now))
        return next(own, None)

    async def _recent(self, now: int) -> Sequence[Glass]:
        """All of them as they were some seconds ago at most: each request of somebody who is signed in asks."""
        for at, kept in self._kept.items():
            if 0 <= now - at < KEEPS:
                return kept
        found = await self.all()
        self._kept.clear()
        self._kept[now] = found
        return found

    async def begin(self, agent: Agent, reason: str, minutes: int) -> Glass:
        """Begin one. Raises BadInput, and Conflict while one stands."""
        _said(reason)
        if not 1 <= minutes <= LONGEST:
            raise BadInput(f"a break-glass lasts 1 to {LONGEST} minutes, not {minutes}")
        if (stands := await self.standing(agent.id)) is not None:
            raise Conflict(f"your break-glass {stands} stands still", id=stands)
        now = self.clock()
        id_ = uuid_of("break-glass", agent.id, now)
        begun = BreakGlass(
            id=id_,
            by=agent.id,
            role=agent.role,
            agency=agent.agency,
            reason=await self._sealed(id_, reason),
            at=now,
            until=now + lasts(minutes),
        )
        await tell(self.log, "break-glass@1", id_, begun, about=SUBJECT, by=agent.id, at=now)
        self._kept.clear()
        return await self.shown(await self.one(id_))

    async def end(self, id_: str, by: str) -> Glass:
        """End it by hand; one that is over stays as it is. Raises NotFound."""
        now, found = self.clock(), await self.one(id_)
        if found.stands(now):
            said = BreakGlassEnded(id=id_, by=by, at=now)
            await tell(
                self.log, "break-glass-ended@1", uuid_of("break-glass-ended", id_), said, about=SUBJECT, by=by, at=now
            )
            self._kept.clear()
        return await self.shown(await self.one(id_))

    async def review(self, id_: str, by: str, *, fine: bool, reason: str) -> Glass:
        """Another person looked at it. Raises NotFound, BadInput, Refused for whoever did it, Conflict while it stands and when somebody has."""
        now, found = self.clock(), await self.one(id_)
        _said(reason)
        if found.begun.by == by:
            raise Refused("you did this yourself: another person has to look at it", policy="G27-own-proposal")
        if found.stands(now):
            raise Conflict("this stands still, and more may be read under it: end it first", id=id_)
        said = BreakGlassReview(id=id_, by=by, fine=fine, reason=await self._sealed(id_, reason), at=now)
        mark = uuid_of("break-glass-reviewed", id_)
        if not await tell(self.log, "break-glass-reviewed@1", mark, said, about=SUBJECT, by=by, at=now):
            raise Conflict("this was reviewed already", id=id_)
        return await self.shown(await self.one(id_))

    async def shown(self, glass: Glass) -> Glass:
        """The same with its reasons as people read them."""
        begun, review = glass.begun, glass.review
        return msgspec.structs.replace(
            glass,
            begun=msgspec.structs.replace(begun, reason=await self.prose.words(begun.reason)),
            review=review and msgspec.structs.replace(review, reason=await self.prose.words(review.reason)),
        )

    async def _sealed(self, id_: str, words: str) -> str:
        return await self.prose.kept_in(f"oversight/break-glass/{id_}", words)


@dataclass(frozen=True, slots=True, kw_only=True)
class GlassActs:
    """The same as people do it, each for a purpose. Each method raises Refused."""

    ledger: Ledger
    glasses: Glasses

    async def listed(self, access: Access) -> Sequence[Glass]:
        """All that there ever were, the newest first."""
        await self.ledger.must(ask(access, Action.READ, SUBJECT, self.ledger.now), LIVE, SUBJECT)
        found = list(reversed(await self.glasses.all()))
        await self.ledger.wrote(access, LIVE, SUBJECT, (one.begun.id for one in found))
        return [await self.glasses.shown(one) for one in found]

    async def begin(self, access: Access, reason: str, minutes: int = LONGEST) -> Glass:
        """Begin one: for life and limb, whatever else."""
        await self.ledger.must(ask(access, Action.BREAK_GLASS, SUBJECT, self.ledger.now), LIVE, SUBJECT)
        return await self.glasses.begin(access.agent, reason, minutes)

    async def end(self, access: Access, id_: str) -> Glass:
        """End one's own, or, for whoever reviews, that of somebody else."""
        if access.glass != id_:
            asked = ask(access, Action.APPROVE, SUBJECT, self.ledger.now)
            await self.ledger.must(asked, LIVE, f"end of the break-glass {id_[:60]}")
        return await self.glasses.end(id_, access.agent.id)

    async def review(self, access: Access, id_: str, *, fine: bool, reason: str) -> Glass:
        """Say whether what somebody else did was fine."""
        asked = ask(access, Action.APPROVE, SUBJECT, self.ledger.now)
        query = f"review of the break-glass {id_[:60]}"
        await self.ledger.must(asked, LIVE, query)
        if (await self.glasses.one(id_)).begun.by == access.agent.id:
            await self.ledger.must(msgspec.structs.replace(asked, stands=frozenset({OWN})), LIVE, query)
        return await self.glasses.review(id_, access.agent.id, fine=fine, reason=reason)

    async def noticed(self, access: Access) -> Sequence[Glass]:
        """What this person has to see on each page: their own while it stands, and, for whoever reviews, all that stand or nobody reviewed."""
        now, found = self.ledger.now, await self.glasses.all()
        reviews = self.ledger.may(ask(access, Action.APPROVE, SUBJECT, now))
        seen = [one for one in found if _own(one, access, now) or (reviews and (one.stands(now) or one.review is None))]
        others = [one.begun.id for one in seen if one.begun.by != access.agent.id]
        if others:
            await self.ledger.wrote(access, LIVE, SUBJECT, others)
        return [await self.glasses.shown(one) for one in seen]


def _own(glass: Glass, access: Access, now: int) -> bool:
    return glass.begun.by == access.agent.id and glass.stands(now)


def _said(reason: str) -> None:
    if not reason.strip() or len(reason) > WORDS:
        raise BadInput(f"give a reason, in up to {WORDS} letters: whoever reviews this must know why")
