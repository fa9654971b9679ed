"""Somebody is suspended at once by one person, and restored by another.

Who is suspended is out everywhere: no session of theirs holds, no code, passkey or app lets them in, and the policies refuse them.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from tutela.errors import BadInput, Conflict
from tutela.maths.ids import uuid_of
from tutela.model.access import Access
from tutela.model.event import Event
from tutela.model.flow import encode
from tutela.model.noun import Noun
from tutela.model.people import Agent
from tutela.model.timeline import LIVE

from .people import PUT_OFF, RESTORED, SALT, SUSPENDED, Staff

WORDS = 2000


class Because(Noun, frozen=True, kw_only=True):
    """Body of `suspended@1` and `restored@1`, sealed."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspending:
    """Suspends and restores people; whoever may invite somebody may do it. Each method raises Refused, and NotFound."""

    staff: Staff

    async def suspend(self, access: Access, agent: str, reason: str) -> Agent:
        """They are out from now on. Raises Conflict when they are already, or for oneself."""
        if agent == access.agent.id:
            raise Conflict("you can't suspend yourself; sign out, or ask a colleague")
        known = await self.staff.may_invite_again(access, agent, f"suspend {agent}")
        if known.suspended:
            raise Conflict("this person is suspended already")
        made = await self._say(SUSPENDED, access, known, reason)
        await self.staff.rest(agent, access.agent.id)
        return made

    async def restore(self, access: Access, agent: str, reason: str) -> Agent:
        """They may come in again. Raises Conflict when they are not suspended, or for whoever suspended them: it takes a second person."""
        known = await self.staff.may_invite_again(access, agent, f"restore {agent}")
        told = [event for event in await self.staff.log.about(agent) if event.kind in PUT_OFF]
        if not known.suspended:
            raise Conflict("this person is not suspended")
        if told[-1].by == access.agent.id:
            raise Conflict(
                "you suspended this person, so somebody else decides whether they come back; ask a colleague"
            )
        return await self._say(RESTORED, access, known, reason)

    async def _say(self, kind: str, access: Access, known: Agent, reason: str) -> Agent:
        if not reason.strip() or len(reason) > WORDS:
            raise BadInput(f"say why, in up to {WORDS} letters: whoever decides about it later must know")
        key, sealed = await self.staff.keys.seal(f"system-operation/people/{known.id}", encode(Because(reason=reason)))
        now = self.staff.ledger.now
        made = msgspec.structs.replace(known, name="", suspended=kind == SUSPENDED)
        event = Event(
            id=uuid_of(kind, known.id, now, sealed),
            at=now,
            by=access.agent.id,
            cause=None,
            kind=kind,
            timeline=LIVE,
            body=sealed,
            key=key,
            salt=self.staff.chance(SALT),
            subject=known.id,
        )
        await self.staff.people.restate(made, event)
        return made
