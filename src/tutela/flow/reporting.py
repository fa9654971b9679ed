"""Residents report: without an account, with a number and a secret to follow what becomes of it.

The portal is a source like any other: without its entry in the register nothing is taken. What somebody writes, how they are reached,
and the picture are sealed before they are stored, each for its own time.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tutela.errors import NotFound, Quarantined, Refused
from tutela.maths.cells import cell_of, centre_of
from tutela.maths.ids import uuid_of
from tutela.model.event import Event
from tutela.model.flow import Tell
from tutela.model.handling import Handling
from tutela.model.report import ServiceRequest
from tutela.model.reporting import PORTAL, Filing, Followed, Sent
from tutela.model.timeline import LIVE

from .catalogue import Known
from .handling import Handlings, said
from .prose import hour_bucket
from .record import SALT, told_id

PICTURE = "report-photo@1"
ANYBODY = "anybody"
CLOSED = "Reports are not taken here now. Call the city instead."

Clean = Callable[[bytes], Awaitable[bytes]]
"""A picture that somebody sent, decoded apart and made anew: without where and when it was taken. Raises BadInput."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reporting:
    """What anybody may do. `chance` gives random bytes."""

    handlings: Handlings
    tell: Tell
    known: Known
    clean: Clean
    chance: Callable[[int], bytes]

    async def file(self, wanted: Filing, source: str = PORTAL.name) -> Sent:
        """Take a report, through the portal or another source; raises BadInput, and Quarantined where none is taken."""
        wanted = wanted.proper()
        now = self.handlings.clock()
        if self.known.admission.entry(source, now) is None:
            raise Quarantined(CLOSED, source=source)
        bare = _bare(wanted, source, now)
        id_ = told_id(self.handlings.keys, bare)
        before = await self._before(id_)
        if before is not None:
            return self._sent(before)
        photo = "" if not wanted.photo else await self._pictured(bare, id_, await self.clean(wanted.photo))
        contact = wanted.contact and await self.handlings.prose.kept_in(
            hour_bucket(bare.purpose, "contacts", bare.at), wanted.contact
        )
        await self.tell(_whole(wanted, bare, contact, photo))
        return self._sent(await self.handlings.report(id_))

    async def follow(self, number: str, secret: str) -> Followed:
        """How it stands. A number that there is not and a secret that is wrong are one answer, NotFound."""
        report, handling = await self._own(number, secret)
        shown = await self.handlings.shown(handling)
        return Followed(handling=shown, history=tuple(await self.handlings.history(report)))

    async def reopen(self, number: str, secret: str, why: str) -> Handling:
        """Say that it is not over; raises WrongStep when that can't be said any more."""
        report, handling = await self._own(number, secret)
        why, now = said(why, "what is still wrong"), self.handlings.clock()
        id_ = uuid_of("reopened", report.id, handling.revision)
        return await self.handlings.step(report, id_, ANYBODY, lambda before: before.reopen(now, why))

    async def _own(self, number: str, secret: str) -> tuple[ServiceRequest, Handling]:
        no = NotFound("no report has this number and this secret; both were shown when it was sent")
        try:
            report, handling = await self.handlings.numbered(number)
        except NotFound as unknown:
            raise no from unknown
        if not self.handlings.follows(report.id, secret):
            raise no
        return report, handling

    async def _before(self, id_: str) -> ServiceRequest | None:
        """The report that this form has become already."""
        try:
            return await self.handlings.report(id_)
        except (NotFound, Refused):
            return None

    async def _pictured(self, report: ServiceRequest, id_: str, picture: bytes) -> str:
        """Keep a picture, sealed; the id of its event."""
        key, body = await self.handlings.keys.seal(hour_bucket(report.purpose, "photos", report.at), picture)
        event = Event(
            id=uuid_of(PICTURE, id_),
            at=report.at,
            by=report.source,
            cause=None,
            kind=PICTURE,
            timeline=LIVE,
            body=body,
            key=key,
            salt=self.chance(SALT),
            subject=id_,
        )
        await self.handlings.log.append([event])
        return event.id

    def _sent(self, report: ServiceRequest) -> Sent:
        return Sent(number=self.handlings.number(report), secret=self.handlings.secret(report.id))


def _bare(wanted: Filing, source: str, now: int) -> ServiceRequest:
    place = centre_of(cell_of(wanted.place)) if wanted.blur else wanted.place
    return ServiceRequest(
        id=wanted.key, timeline=LIVE, source=source, at=now, place=place, cell=0, category=wanted.category
    )


def _whole(wanted: Filing, bare: ServiceRequest, contact: str, photo: str) -> ServiceRequest:
    return ServiceRequest(
        id=bare.id,
        timeline=bare.timeline,
        source=bare.source,
        at=bare.at,
        place=bare.place,
        cell=bare.cell,
        category=bare.category,
        said=wanted.words,
        contact=contact,
        photo=photo,
        exact=wanted.place if wanted.blur else None,
    )
