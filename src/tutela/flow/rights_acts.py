"""Requests as privacy officers answer them, and as those who oversee see them: each for a purpose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from tutela.errors import BadInput, NotFound, WrongStep
from tutela.model.access import Access
from tutela.model.noun import Noun
from tutela.model.rights import SUBJECT, Claim, Outcome, Right, RightsRequest, RightsStatus
from tutela.model.timeline import LIVE
from tutela.policy.purposes import Action, ask

from .ledger import Ledger
from .rights import Decision, Rights
from .rights_erasure import Erasure
from .subject_access import Search, YourRecord, Yours


class Opened(Noun, frozen=True, kw_only=True):
    """A request with what its filer wrote; `claim` is None when that was erased."""

    request: RightsRequest
    claim: Claim | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RightsActs:
    """What staff do about requests. Each method raises Refused."""

    ledger: Ledger
    rights: Rights
    search: Search
    erasure: Erasure

    async def listed(self, access: Access) -> Sequence[RightsRequest]:
        """All, those that press first; nothing of what people wrote."""
        await self.ledger.must(ask(access, Action.READ, "requests", self.ledger.now), LIVE, SUBJECT)
        found = [msgspec.structs.replace(one, **_BARE) for one in await self.rights.standing()]
        await self.ledger.wrote(access, LIVE, SUBJECT, (one.id for one in found))
        return found

    async def opened(self, access: Access, id_: str) -> Opened:
        """One, with what its filer wrote; raises NotFound."""
        query = f"request {id_}"
        await self.ledger.must(ask(access, Action.READ, "request-contents", self.ledger.now), LIVE, query)
        request = await self.rights.one(id_)
        await self.ledger.wrote(access, LIVE, query, (id_,), persons=(id_,))
        return Opened(request=await self.rights.shown(request), claim=await self.rights.claim(request))

    async def identify(self, access: Access, id_: str, how: str) -> RightsRequest:
        """Say that it was checked who asks, and how."""
        await self._may(access, f"identity of whoever filed the request {id_}")
        return await self.rights.identify(id_, how, access.agent.id)

    async def extend(self, access: Access, id_: str, reason: str) -> RightsRequest:
        """Put the answer off."""
        await self._may(access, f"more time for the request {id_}")
        return await self.rights.extend(id_, reason, access.agent.id)

    async def decide(self, access: Access, id_: str, decision: Decision) -> RightsRequest:
        """End it."""
        await self._may(access, f"decision of the request {id_}")
        return await self.rights.decide(id_, decision, access.agent.id)

    async def answer(self, access: Access, id_: str, own: Sequence[str] = ()) -> Yours:
        """What is kept of the person, for them; only once it was checked who they are. Raises WrongStep before that.

        `own`: records that are theirs, as whoever answers has found out, and that are shown whole; who says so is written down.
        """
        query = f"what is kept of whoever filed the request {id_}{', whole: ' * bool(own)}{', '.join(own)}"
        await self._may(access, query)
        found = await self._found(access, await self.rights.one(id_), own)
        await self.ledger.wrote(access, LIVE, query, (one.id for one in found.records), found.persons)
        return found

    async def withheld(self, access: Access, id_: str) -> dict[str, int]:
        """How many records name them and may not be shown, by policy: for whoever decides, and never for the person."""
        query = f"what is withheld of whoever filed the request {id_}"
        await self._may(access, query)
        found = await self._found(access, await self.rights.one(id_))
        await self.ledger.wrote(access, LIVE, query, ())
        return found.not_shown

    async def erase(self, access: Access, id_: str, record: str) -> Outcome:
        """Erase one record about whoever filed a request of erasure, or say why not; raises NotFound for one that does not name them."""
        query = f"erasure of {record} for the request {id_}"
        await self._may(access, query)
        request = await self.rights.one(id_)
        if request.right is not Right.ERASURE or not request.open:
            raise WrongStep("records are erased for an open request of erasure", request=id_)
        return await self.erasure.of(await self._named(access, request, record, query), access.agent.id)

    async def object(self, access: Access, id_: str, record: str, overruled: str | None = None) -> None:
        """One record that names whoever filed a request of objection is not shown any more, but where the law demands it.

        `overruled`: their objection ends all the same, and why; others to the same record stand. Raises NotFound for a record that does
        not name them, or that they did not object to.
        """
        verb = "objection to" if overruled is None else "end of the objection to"
        query = f"{verb} {record} by the request {id_}"
        await self._may(access, query)
        request = await self.rights.one(id_)
        if request.right is not Right.OBJECTION:
            raise WrongStep("a record is objected to by a request of objection", request=id_)
        if overruled is None:
            await self._named(access, request, record, query)
        elif not overruled.strip():
            raise BadInput("say why it is shown again: the person may ask")
        elif not await self.search.reads.objections.stands(record, id_):
            raise NotFound(f"the request {id_} does not object to {record[:40]!r}; only the one that does is overruled")
        await self.search.reads.objections.tell(record, id_, access.agent.id, (overruled or "").strip())

    async def _named(self, access: Access, request: RightsRequest, record: str, query: str) -> YourRecord:
        """A record that names whoever filed it; that it was looked for is written down. Raises NotFound."""
        found = {one.id: one for one in (await self._found(access, request)).records}
        await self.ledger.wrote(access, LIVE, query, found, tuple(found))
        if record not in found:
            raise NotFound(
                f"no record {record[:40]!r} that may be shown names them; the answer to the request lists those"
            )
        return found[record]

    async def _found(self, access: Access, request: RightsRequest, own: Sequence[str] = ()) -> Yours:
        claim, id_ = await self.rights.claim(request), request.id
        if request.status is RightsStatus.RECEIVED or not request.checked:
            raise WrongStep("first check who asks, and say how: nothing of anybody is shown before that", request=id_)
        if claim is None:
            raise WrongStep("what its filer wrote was erased, so nobody knows what to look for", request=id_)
        return await self.search.of(access, request, claim, own)

    async def _may(self, access: Access, query: str) -> None:
        await self.ledger.must(ask(access, Action.ANSWER, "request-contents", self.ledger.now), LIVE, query)


_BARE: dict[str, str] = dict.fromkeys(("secret", "claim", "checked", "extended", "reasons"), "")
