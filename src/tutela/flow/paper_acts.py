"""Papers as people enter, grant, end and read them, each for a purpose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tutela.model.access import Access
from tutela.model.noun import Noun
from tutela.model.paper import CONSENTS, SUBJECT, Filed, Paper
from tutela.model.timeline import LIVE
from tutela.policy.purposes import Action, ask

from .ledger import Ledger
from .papers import Papers, closed


class Told(Noun, frozen=True, kw_only=True):
    """A paper as people read it: `state` in words, `stands` as of now; when it was granted or ended, if it was (microseconds)."""

    paper: Paper
    kind: str
    state: str
    stands: bool
    granted: int | None = None
    granted_by: str = ""
    ended: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperActs:
    """Each method raises Refused for whoever may not do it."""

    ledger: Ledger
    papers: Papers

    async def listed(self, access: Access, *, consents: bool = False) -> Sequence[Told]:
        """All papers but consents, or these alone, the newest first. Who is in them is told to whoever may know it."""
        now, subject = self.ledger.now, CONSENTS if consents else SUBJECT
        await self.ledger.must(ask(access, Action.READ, "papers", now), LIVE, subject)
        may = self.ledger.may(ask(access, Action.READ, "paper-contents", now))
        found = list(reversed(await (self.papers.consents() if consents else self.papers.all())))
        persons = [one.paper.id for one in found] if may else []
        await self.ledger.wrote(access, LIVE, subject, (one.paper.id for one in found), persons)
        return [told(await self.papers.opened(one) if may else closed(one), now) for one in found]

    async def enter(self, access: Access, wanted: Paper) -> Told:
        """Enter one. Of a consent, what is answered is the person's receipt."""
        await self._may(access, f"the {wanted.kind} {wanted.number}")
        return told(await self.papers.enter(wanted, access.agent.id), self.ledger.now)

    async def grant(self, access: Access, id_: str, sha256: str) -> Told:
        """Grant one that waits for it."""
        await self._may(access, f"grant of the paper {id_}")
        return told(closed(await self.papers.grant(id_, access.agent.id, sha256)), self.ledger.now)

    async def end(self, access: Access, id_: str, reason: str) -> Told:
        """End one, at once."""
        await self._may(access, f"end of the paper {id_}")
        return told(closed(await self.papers.end(id_, reason, access.agent.id)), self.ledger.now)

    async def _may(self, access: Access, query: str) -> None:
        await self.ledger.must(ask(access, Action.FILE, "papers", self.ledger.now), LIVE, query)


def told(one: Filed, now: int) -> Told:
    """As people read it."""
    return Told(
        paper=one.paper,
        kind=one.paper.kind,
        state=one.state(now),
        stands=one.stands(now),
        granted=one.granted,
        granted_by=one.granted_by,
        ended=one.ended,
    )
