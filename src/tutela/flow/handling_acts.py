"""Reports as moderators see and deal with them, each for a purpose. Whoever moderates reads what was written; how its reporter is reached, too."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec

from tutela.errors import BadInput, NotFound
from tutela.maths.ids import uuid_of
from tutela.model.access import Access, Ask
from tutela.model.handling import Handling, HandlingStatus, HandlingStep, Rejection
from tutela.model.noun import Noun
from tutela.model.telling import ServiceRequest, Telling
from tutela.model.timeline import LIVE
from tutela.model.when import DAY
from tutela.policy.purposes import CLASSES, Action, ask

from .catalogue import Known
from .handling import Handlings, said
from .ledger import Ledger

LATELY = 30
"""Days of reports that are listed."""

CONTENTS, CONTACTS, PHOTOS = "report-contents", "report-contacts", "report-photos"


class Handled(Noun, frozen=True, kw_only=True):
    """A report as it was told, without what was written, and how it stands."""

    report: ServiceRequest
    handling: Handling


class OpenedReport(Noun, frozen=True, kw_only=True):
    """A report with what was written, as far as a duty needs it; how its reporter is reached; whether there is a picture; and its steps."""

    report: ServiceRequest
    handling: Handling
    contact: str
    photo: bool
    history: tuple[HandlingStep, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HandlingActs:
    """What moderators do. Each method raises Refused; an act is done once under its `key`."""

    ledger: Ledger
    handlings: Handlings
    known: Known

    async def listed(self, access: Access, status: HandlingStatus | None = None, most: int = 100) -> Sequence[Handled]:
        """The reports of the last days, newest first, and how each stands; nothing of what was written by who reported."""
        query, now = f"the reports of {LATELY} days", self.ledger.now
        general = ask(access, Action.READ, "reports", now)
        await self.ledger.must(general, LIVE, query)
        found = await self.handlings.since(now - LATELY * DAY, now + DAY)
        wanted = [one for one in found if status is None or one[1].status is status]
        seen = [one for one in wanted if self.ledger.may(self._ask(access, Action.READ, one[0], "reports"))][:most]
        await self.ledger.wrote(access, LIVE, query, (one.id for one, _ in seen))
        return [Handled(report=one, handling=await self.handlings.for_all(stands)) for one, stands in seen]

    async def beside(self, told: Sequence[Telling]) -> Sequence[Handled]:
        """Reports that somebody may see, each with how it stands: who asks has read them, and is told no more of them."""
        seen = [one for one in told if isinstance(one, ServiceRequest)]
        return [
            Handled(report=one, handling=await self.handlings.for_all(await self.handlings.of(one))) for one in seen
        ]

    async def opened(self, access: Access, id_: str) -> OpenedReport:
        """One, with what was written; raises NotFound."""
        query = f"report {id_}"
        report = await self._report(access, Action.READ, CONTENTS, id_, query)
        reached = report.contact and self.ledger.may(self._ask(access, Action.READ, report, CONTACTS))
        contact = await self.handlings.prose.words(report.contact) if reached else ""
        await self.ledger.wrote(access, LIVE, query, (id_,), persons=(id_,))
        return OpenedReport(
            report=msgspec.structs.replace(report, contact="", photo=""),
            handling=await self.handlings.shown(await self.handlings.of(report)),
            contact=contact,
            photo=bool(report.photo),
            history=tuple(await self.handlings.history(report)),
        )

    async def photo(self, access: Access, id_: str) -> bytes:
        """The picture of one; raises NotFound when there is none, and Refused when its time is over."""
        query = f"the picture of the report {id_}"
        report = await self._report(access, Action.READ, PHOTOS, id_, query)
        if not report.photo:
            raise NotFound("no picture was sent with this report")
        event = await self.handlings.log.event(report.photo)
        picture = await self.handlings.keys.open(event.key or "", event.body)
        await self.ledger.wrote(access, LIVE, query, (report.photo,), persons=(id_,))
        return picture

    async def open(self, access: Access, id_: str, key: str, words: str = "", says: str = "") -> Handling:
        """Let it be seen by everybody and dealt with. `words`: what everybody may read of what was written; nothing where there are none."""
        words = said(words, "what everybody may read", must=False)
        says = said(says, "what happens now", must=False)
        now = self.ledger.now
        return await self._step(
            access, "open", id_, key, lambda before: before.to(HandlingStatus.OPEN, now, says=says, words=words)
        )

    async def begin(self, access: Access, id_: str, key: str, says: str = "") -> Handling:
        """Somebody is at it."""
        says, now = said(says, "what happens now", must=False), self.ledger.now
        return await self._step(
            access, "begin", id_, key, lambda before: before.to(HandlingStatus.IN_PROGRESS, now, says=says)
        )

    async def close(self, access: Access, id_: str, key: str, says: str) -> Handling:
        """It is done; `says` what was done."""
        says, now = said(says, "what was done"), self.ledger.now
        return await self._step(
            access, "close", id_, key, lambda before: before.to(HandlingStatus.CLOSED, now, says=says)
        )

    async def reject(self, access: Access, id_: str, key: str, why: Rejection, says: str = "") -> Handling:
        """It is not dealt with, and is seen by nobody else."""
        says, now = said(says, "why", must=False), self.ledger.now
        return await self._step(
            access,
            "reject",
            id_,
            key,
            lambda before: before.to(HandlingStatus.REJECTED, now, why=why, says=says, words=""),
        )

    async def duplicate(self, access: Access, id_: str, key: str, of: str) -> Handling:
        """Another report says the same; raises BadInput for a number that is none, or its own."""
        now = self.ledger.now
        await self._report(access, Action.ACT, "reports", id_, f"duplicate {id_}")
        try:
            other, stands = await self.handlings.numbered(of)
        except NotFound as unknown:
            raise BadInput(unknown.message) from unknown
        if other.id == id_ or stands.status is HandlingStatus.DUPLICATE or not stands.public:
            raise BadInput(f"{stands.number} can't be the one that this repeats; name another report")
        return await self._step(
            access,
            "duplicate",
            id_,
            key,
            lambda before: before.to(HandlingStatus.DUPLICATE, now, duplicate_of=stands.number, words=""),
        )

    async def _step(
        self, access: Access, verb: str, id_: str, key: str, change: Callable[[Handling], Handling]
    ) -> Handling:
        report = await self._report(access, Action.ACT, "reports", id_, f"{verb} {id_}")
        by = access.agent.id
        return await self.handlings.step(report, uuid_of("act", by, verb, id_, key, "handling"), by, change)

    async def _report(self, access: Access, action: Action, record_class: str, id_: str, query: str) -> ServiceRequest:
        """The report, when this person may do that with it."""
        await self.ledger.must(ask(access, action, record_class, self.ledger.now), LIVE, query)
        report = await self.handlings.report(id_)
        await self.ledger.must(self._ask(access, action, report, record_class), LIVE, query)
        return report

    def _ask(self, access: Access, action: Action, report: ServiceRequest, record_class: str) -> Ask:
        source = self.known.sources.get(report.source)
        return ask(
            access,
            action,
            record_class,
            self.ledger.now,
            collected_for=(report.purpose,),
            agency=None if source is None else source.agency,
            expires=CLASSES[record_class].expires(report.at),
        )
