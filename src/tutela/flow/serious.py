"""Serious incidents of an AI that is used here: a supervisor starts the clock, and stops it by telling the authority. Each for a purpose."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import msgspec

from tutela.errors import BadInput, Conflict, NotFound
from tutela.maths.ids import uuid_of
from tutela.model.access import Access
from tutela.model.capability import PublicRegister
from tutela.model.serious import KIND, SUBJECT, WITHIN, SeriousIncident, begun
from tutela.model.timeline import LIVE
from tutela.policy.purposes import Action, ask

from .ledger import Ledger
from .once import tell
from .ports import Log
from .prose import Prose

WORDS = 5000


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriousActs:
    """Each method raises Refused. `register` tells what the platform notices by itself."""

    ledger: Ledger
    log: Log
    prose: Prose
    register: Callable[[], Awaitable[PublicRegister]]

    async def listed(self, access: Access) -> Sequence[SeriousIncident]:
        """All, those that press first, with whom they were told; what happened stays sealed."""
        await self._may(access, Action.READ, SUBJECT)
        found = [await self._bare(one) for one in (await self._all()).values()]
        await self.ledger.wrote(access, LIVE, SUBJECT, (one.id for one in found))
        return found

    async def begin(self, access: Access, capability: str, says: str) -> SeriousIncident:
        """Somebody became aware of one: its clock runs from now. Raises BadInput for what the register does not name."""
        await self._may(access, Action.ACT, f"serious incident of {capability}")
        names = sorted({one.name for one in (await self.register()).capabilities})
        if capability not in names:
            raise BadInput(f"the register has no capability called {capability[:60]!r}; there are: {', '.join(names)}")
        now = self.ledger.now
        id_ = uuid_of(KIND, capability, now, access.agent.id)
        sealed = await self._sealed(id_, _said("what happened", says))
        made = SeriousIncident(id=id_, capability=capability, says=sealed, at=now, due=now + WITHIN, by=access.agent.id)
        await tell(self.log, KIND, id_, made, about=SUBJECT, by=made.by, at=now)
        return await self._bare(made)

    async def told(self, access: Access, id_: str, to: str) -> SeriousIncident:
        """The authority was told: whom, and under which number. Raises NotFound, and Conflict when it was before."""
        await self._may(access, Action.ACT, f"report of the serious incident {id_}")
        found = (await self._all()).get(id_)
        if found is None:
            raise NotFound(f"there is no serious incident {id_[:60]!r}; GET /v1/serious-incidents lists what there is")
        now, by = self.ledger.now, access.agent.id
        sealed = await self._sealed(id_, _said("whom you told", to))
        made = msgspec.structs.replace(found, told=sealed, told_at=now, told_by=by)
        if not await tell(self.log, KIND, uuid_of(KIND, id_, "told"), made, about=SUBJECT, by=by, at=now):
            raise Conflict(f"{await self.prose.words(found.told) or 'the authority'} was told of this already", id=id_)
        return await self._bare(made)

    async def _bare(self, one: SeriousIncident) -> SeriousIncident:
        return msgspec.structs.replace(one, says="", told=await self.prose.words(one.told))

    async def _sealed(self, id_: str, words: str) -> str:
        return await self.prose.kept_in(f"oversight/serious-incidents/{id_}", words)

    async def _all(self) -> dict[str, SeriousIncident]:
        return begun(await self.log.about(SUBJECT))

    async def _may(self, access: Access, action: Action, query: str) -> None:
        await self.ledger.must(ask(access, action, "serious-incidents", self.ledger.now), LIVE, query)


def _said(name: str, words: str) -> str:
    plain = words.strip()
    if not plain or len(plain) > WORDS:
        raise BadInput(f"say {name}, in up to {WORDS} letters: the authority will ask")
    return plain
