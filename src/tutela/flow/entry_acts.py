"""Register entries as people make them: what narrows, and what is new and has no data of people, is entered at once; what widens takes two people and a day."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from tutela.errors import BadInput, Refused
from tutela.model.access import Access
from tutela.model.approval import SOURCE_ENTRY, Proposal, Wanted, body_of
from tutela.model.noun import Noun
from tutela.model.register import Source
from tutela.model.timeline import LIVE
from tutela.policy.purposes import Action, ask, proper

from .approve_acts import APPROVAL, ApprovalActs
from .entering import enter
from .ledger import Ledger
from .ports import Register
from .widening import widened


class EntryChange(Noun, frozen=True, kw_only=True):
    """What people vote on: how the entry would read, what of it permits more, and what it said when that was proposed."""

    widens: tuple[str, ...]
    after: Source
    before: Source | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryActs:
    """Each method raises Refused, and BadInput for an entry that can't be."""

    ledger: Ledger
    register: Register
    approvals: ApprovalActs

    async def propose(self, access: Access, entry: Source, reason: str) -> Proposal:
        """Put an entry before others; raises BadInput when it widens nothing, for then it can be entered at once."""
        await self._may(access, entry, f"proposal to enter {entry.name[:60]}")
        change = await self._change(entry)
        if not change.widens:
            raise BadInput(f"this permits nothing more than the entry of {entry.name} that stands: enter it at once")
        return await self.approvals.approvals.propose(_wanted(change, reason), access.agent.id)

    async def enter(self, access: Access, entry: Source, approval: str | None = None) -> Source:
        """Enter a source, or change its entry; what widens, by the approval of just that. A new one without data of people takes one person."""
        query = f"entry of {entry.name[:60]}"
        await self._may(access, entry, query)
        change = await self._change(entry)
        asked = ask(access, Action.WIDEN, "register", self.ledger.now, agency=entry.agency)
        if _new_and_of_nobody(change):
            # It permits more all the same: whoever came in by the weaker way is refused (F20).
            await self.ledger.must(msgspec.structs.replace(asked, stands=frozenset({APPROVAL})), LIVE, query)
        elif change.widens:
            await self.approvals.take(asked, approval, _wanted(change, ""), query)
        await enter(self.register, entry, access.agent.id, self.ledger.now)
        return entry

    async def may(self, access: Access, entry: Source) -> None:
        """Returns when this person may enter it, as far as that takes no second one."""
        await self._may(access, entry, f"entry of {entry.name[:60]}")

    async def _may(self, access: Access, entry: Source, query: str) -> None:
        before = await self._before(entry.name)
        for agency in dict.fromkeys([entry.agency, *([before.agency] if before else [])]):
            asked = ask(access, Action.ENTER, "register", self.ledger.now, agency=agency)
            await self.ledger.must(asked, LIVE, query)
        try:
            proper(entry)
        except Refused as refused:
            await self.ledger.refuse(access, LIVE, query, refused)

    async def _change(self, entry: Source) -> EntryChange:
        before = await self._before(entry.name)
        return EntryChange(widens=widened(before, entry), after=entry, before=before)

    async def _before(self, name: str) -> Source | None:
        """The entry that stands."""
        return next((one for one in await self.register.sources() if one.name == name), None)


def _new_and_of_nobody(change: EntryChange) -> bool:
    """A source that was not there and says nothing of people: G01 asks for its entry, and G27 for a second person when that widens later."""
    return change.before is None and not change.after.personal_data


def _wanted(change: EntryChange, reason: str) -> Wanted:
    about = change.after
    return Wanted(matter=SOURCE_ENTRY, target=about.name, body=body_of(change), reason=reason, agency=about.agency)
