"""Reads of the log: a page of it, or all that comes, live. Nobody sees a body that their purpose may not."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from tutela.model.access import Access, Ask
from tutela.model.approval import VOTE
from tutela.model.event import Event, Sealed
from tutela.model.incident import Incident
from tutela.policy.purposes import CLASSES, Action, ask, ask_about

from .ledger import Ledger
from .ports import Log
from .prose import Prose

AT_ONCE = 500
SILENCE = 1.0
"""Seconds after which a live reader is told that nothing came."""

INCIDENT = "incident@1"

CLASS_OF = {
    "detection@1": "detections",
    "alert@1": "alerts",
    INCIDENT: "incidents",
    "call@1": "calls",
    "report@1": "reports",
    "handling@1": "reports",
    "report-photo@1": "report-photos",
    "post@1": "posts",
    "unit@1": "units",
    "shift@1": "shifts",
    "shift-handover@1": "shifts",
    "shift-taken@1": "shifts",
    "source@1": "register",
    "datastreams@1": "register",
    "register-words@1": "register",
    "witness@1": "register",
    "witness-ended@1": "register",
    "connection@1": "health",  # it names machines inside of the city
    "retention@1": "register",
    "erasure@1": "register",
    "hold@1": "register",
    "rights-request@1": "requests",
    "objection@1": "requests",
    "serious-incident@1": "serious-incidents",
    "hold-lifted@1": "register",
    "proposal@1": "approvals",
    "proposal-withdrawn@1": "approvals",
    "proposal-taken@1": "approvals",
    "break-glass@1": "break-glass",
    "break-glass-ended@1": "break-glass",
    "break-glass-reviewed@1": "break-glass",
    "keys-rotated@1": "register",
    "root-key-destroyed@1": "register",
    "correction@1": "health",
    "believed@1": "health",
    "dead-letter@1": "health",
    "quiet@1": "health",
    "spooled@1": "health",
}
"""Which class of records an event belongs to; all others tell who did what: accesses."""


@dataclass(frozen=True, slots=True)
class Page:
    """Some of the log: the events that may be seen, and the last position that was read for it."""

    events: tuple[Sealed, ...]
    after: int


class _Told(msgspec.Struct, frozen=True):
    """What a body says of itself, if it does."""

    purpose: str | None = None


_incident = msgspec.json.Decoder(Incident).decode
_told = msgspec.json.Decoder(_Told).decode


@dataclass(frozen=True, slots=True, kw_only=True)
class LogReads:
    """The log, as far as it may be seen. Each method raises Refused, and leaves one event.

    Whoever may see accesses sees of all other events that they happened, without their bodies. A sealed
    body stays where it is: `call` opens a call. What people wrote is opened by `about` alone, for whoever
    may read the incident itself.
    """

    ledger: Ledger
    log: Log
    prose: Prose

    async def events(self, access: Access, timeline: str, after: int = -1, most: int = AT_ONCE) -> Page:
        """What comes after that position, of at most that many events."""
        query = f"{most} events after {after}"
        await self.anything(access, timeline, query)
        page = await self.page(access, timeline, after, await self.log.sealed(after, most))
        await self.ledger.wrote(access, timeline, query, (sealed.event.id for sealed in page.events))
        return page

    async def about(self, access: Access, timeline: str, subject: str) -> Sequence[Event]:
        """All events about one thing, in order of commit; also those that are not sealed yet."""
        query = f"events about {subject}"
        await self.anything(access, timeline, query)
        told = [event for event in await self.log.about(subject) if event.timeline == timeline]
        stands = _newest_incident(told)
        seen = [one for one in (self._shown(access, event, stands) for event in told) if one is not None]
        persons = (subject,) if any(event.kind == INCIDENT and event.body for event in seen) else ()
        await self.ledger.wrote(access, timeline, query, (event.id for event in seen), persons)
        return [msgspec.structs.replace(event, body=await self.prose.told(event.body)) for event in seen]

    async def last(self, access: Access, timeline: str) -> int:
        """The newest position, to follow the log from now on; -1 when it is empty. It leaves no event: `follow` does."""
        await self.anything(access, timeline, "the newest position")
        return await self.log.last()

    async def follow(self, access: Access, timeline: str, after: int = -1) -> AsyncGenerator[Page, None]:
        """All that comes after that position, for ever; an empty page now and then says that nothing came.

        It leaves one event, at its beginning. Ask between two pages whether the session still holds.
        """
        access = msgspec.structs.replace(access, glass=None)  # it goes on for ever, and a break-glass does not
        query = f"events after {after}, live"
        await self.anything(access, timeline, query)
        await self.ledger.wrote(access, timeline, query, ())
        while True:
            some = await self.log.sealed(after, AT_ONCE)
            page = await self.page(access, timeline, after, some)
            yield page
            after = page.after
            if not some:
                await self.log.wait(SILENCE)

    async def anything(self, access: Access, timeline: str, query: str) -> None:
        """Returns when there is any sort of event that this access may see; raises Refused, and writes it down, when not."""
        classes = (*dict.fromkeys(CLASS_OF.values()), "accesses")
        if not any(self.ledger.may(self._ask(access, record_class)) for record_class in classes):
            await self.ledger.must(self._ask(access, "accesses"), timeline, query)

    async def page(self, access: Access, timeline: str, after: int, some: Sequence[Sealed]) -> Page:
        """What may be seen of these; the position `after` when there are none."""
        told = [sealed for sealed in some if sealed.event.timeline == timeline]
        stand = await self._incidents(told)
        seen = (self._seen(access, sealed, stand.get(sealed.event.subject)) for sealed in told)
        return Page(tuple(one for one in seen if one is not None), some[-1].position if some else after)

    async def _incidents(self, told: Sequence[Sealed]) -> Mapping[str, Incident | None]:
        """As they stand now, those that these events are about."""
        subjects = dict.fromkeys(sealed.event.subject for sealed in told if sealed.event.kind == INCIDENT)
        return {subject: _newest_incident(await self.log.about(subject)) for subject in subjects}

    def _seen(self, access: Access, sealed: Sealed, stands: Incident | None) -> Sealed | None:
        shown = self._shown(access, sealed.event, stands)
        return None if shown is None else msgspec.structs.replace(sealed, event=shown)

    def _shown(self, access: Access, event: Event, stands: Incident | None = None) -> Event | None:
        """The event whole, or as an envelope, or not at all. `stands`: the incident that it is about, as it is now.

        A vote is never shown here, nor that there is one: it may be a blind one. Where it may be seen, `approve_acts` shows it.
        """
        if event.kind == VOTE:
            return None
        if self.ledger.may(self._of(access, event, stands)):
            return msgspec.structs.replace(event, salt=b"") if event.key is None else _envelope(event)
        return _envelope(event) if self.ledger.may(self._ask(access, "accesses")) else None

    def _of(self, access: Access, event: Event, stands: Incident | None) -> Ask:
        if event.kind == INCIDENT:
            # Who works on it may have changed since: whoever may not read it now, may not read how it came to be.
            return ask_about(access, Action.READ, stands or _incident(event.body), self.ledger.now)
        record_class = CLASS_OF.get(event.kind, "accesses")
        purpose = None if event.key is not None or record_class == "accesses" else _told(event.body).purpose
        return ask(
            access,
            Action.READ,
            record_class,
            self.ledger.now,
            collected_for=None if purpose is None else (purpose,),
            expires=CLASSES[record_class].expires(event.at),
        )

    def _ask(self, access: Access, record_class: str) -> Ask:
        return ask(access, Action.READ, record_class, self.ledger.now)


def _newest_incident(told: Sequence[Event]) -> Incident | None:
    return next((_incident(event.body) for event in reversed(told) if event.kind == INCIDENT), None)


def _envelope(event: Event) -> Event:
    return msgspec.structs.replace(event, body=b"", salt=b"")
