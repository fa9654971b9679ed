"""What a shift hands over: written by the system, signed by whoever goes, with words, and taken over by whoever comes.

Each line names its event, and what was signed is known by the digest of those: nobody has to believe it. It is read as everything else is: for a
purpose, decided by the policies record by record.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from tutela.errors import BadInput, Conflict, NotFound
from tutela.maths.ids import uuid_of
from tutela.model.access import Access
from tutela.model.handover import KIND, SUBJECT, TAKEN, ShiftHandover, ShiftTaken, signed
from tutela.model.timeline import LIVE
from tutela.policy.purposes import Action, ask

from .handover_lines import LONGEST, SHIFT, Written
from .handover_write import Writing
from .ledger import Ledger
from .once import tell
from .ports import Log
from .prose import Prose

WORDS = 5000
SHOWN = 20
"""Handovers that are listed, the newest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoverActs:
    """Each method raises Refused for whoever is not here for a shift's work."""

    ledger: Ledger
    log: Log
    prose: Prose
    writing: Writing

    async def write(self, access: Access, since: int | None = None) -> Written:
        """What the system writes of the time since then: when nobody says, since the last one was signed. Raises BadInput."""
        await self._may(access, Action.READ, "handover")
        return await self.writing.write(access, await self._last() if since is None else since)

    async def listed(self, access: Access) -> Sequence[ShiftHandover]:
        """The newest that were signed, with their words."""
        await self._may(access, Action.READ, SUBJECT)
        found = list((await self._all()).values())[: -SHOWN - 1 : -1]
        await self.ledger.wrote(access, LIVE, SUBJECT, (one.id for one in found))
        return [await self._shown(one) for one in found]

    async def sign(self, access: Access, words: str, key: str, since: int | None = None) -> ShiftHandover:
        """Sign what the system writes now, with words; done once under its key. Raises BadInput."""
        await self._may(access, Action.SIGN, "handover")
        plain, id_ = words.strip(), uuid_of(KIND, access.agent.id, key)
        if len(plain) > WORDS:
            raise BadInput(f"these words have {len(plain)} letters; use at most {WORDS}")
        if (known := (await self._all()).get(id_)) is not None:
            return await self._shown(known)
        written = await self.write(access, since)
        made = ShiftHandover(
            id=id_,
            by=access.agent.id,
            since=written.since,
            at=written.at,
            counts=written.counts,
            lines=written.digest,
            words=await self.prose.kept_in(f"oversight/handovers/{id_}", plain) if plain else "",
        )
        await tell(self.log, KIND, id_, made, about=SUBJECT, by=made.by, at=made.at)
        return await self._shown((await self._all())[id_])

    async def take(self, access: Access, id_: str) -> ShiftHandover:
        """Say that one read it, and goes on from there. Raises NotFound, and Conflict for one's own, or when somebody else did."""
        await self._may(access, Action.SIGN, f"handover {id_}")
        found, me = (await self._all()).get(id_), access.agent.id
        if found is None:
            raise NotFound(f"there is no handover {id_[:60]!r}; GET /v1/handovers lists what there is")
        if found.by == me:
            raise Conflict("you signed this handover yourself: the next person takes it over", by=me)
        taken = ShiftTaken(id=id_)
        await tell(self.log, TAKEN, uuid_of(TAKEN, id_), taken, about=SUBJECT, by=me, at=self.ledger.now)
        found = (await self._all())[id_]
        if found.taken_by != me:
            raise Conflict(f"{found.taken_by} took this handover over already", by=found.taken_by, at=found.taken_at)
        return await self._shown(found)

    async def _last(self) -> int:
        """When the last one was signed, as far as a handover looks back."""
        found, now = await self._all(), self.ledger.now
        return max(now - LONGEST, [one.at for one in found.values()][-1]) if found else now - SHIFT

    async def _all(self) -> dict[str, ShiftHandover]:
        return signed(await self.log.about(SUBJECT))

    async def _shown(self, one: ShiftHandover) -> ShiftHandover:
        return msgspec.structs.replace(one, words=await self.prose.words(one.words))

    async def _may(self, access: Access, action: Action, query: str) -> None:
        await self.ledger.must(ask(access, action, "shifts", self.ledger.now), LIVE, query)
