"""What is kept of a person, found by the names and numbers that they gave: the whole log is read, once, from its beginning.

Every record is decided by itself, through the gates that everybody reads through; one that may not be shown is counted under the policy that
says so. What names the person is shown without the words, the place and who told it (`redact.py`), until whoever answers says that it is
theirs, and names it as their `own`. A name or a number that matches is no proof: two people can have the same, and anybody can leave another's.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from tutela.errors import Refused
from tutela.model.access import Access, Ask
from tutela.model.event import Event
from tutela.model.incident import Incident
from tutela.model.noun import Noun
from tutela.model.report import ServiceRequest
from tutela.model.rights import Claim, RightsRequest
from tutela.model.telling import TELLINGS, Call, Telling
from tutela.model.timeline import LIVE
from tutela.policy.purposes import CLASSES, Action, ask, ask_about

from .read import Reads
from .redact import WORDS, without

AT_ONCE = 1000
DIGITS = 7
"""Fewer of them are no phone number."""

OTHERS = WORDS | {"place", "cell", "by", "opened_by"}
"""What tells of others, in a record that another person made."""

_WORD = re.compile(r"[^\W_]+")
_NUMBER = re.compile(r"\+?\d(?:[\s()./-]{0,3}\d)+")
_incident = msgspec.json.Decoder(Incident).decode


class YourRecord(Noun, frozen=True, kw_only=True):
    """One record about the person. `own`: whoever answers says that they told it, so that it is shown whole. `until`: when its time is over.

    `alone`: nothing of anybody else is sealed under its key: of an incident, each note names them.
    """

    id: str
    kind: str
    at: int
    timeline: str
    own: bool
    alone: bool
    purpose: str
    until: int | None
    record: dict[str, Any]


class Yours(Noun, frozen=True, kw_only=True):
    """What was found of a person, at a moment (microseconds), and what was not.

    `searched`: how many records of each kind were opened to look for these words; `erased`: how many can't be opened by anybody any
    more. `not_shown`: records that name them and that may not be shown, by policy; whoever answers knows that, and the file for the
    person never has it. `persons`: the ids of those that are shown.
    """

    request: str
    at: int
    looked_for: tuple[str, ...]
    searched: dict[str, int]
    erased: int
    records: tuple[YourRecord, ...]
    not_shown: dict[str, int]
    persons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for: words, in plain letters with spaces around, and numbers without what stands before them."""

    words: tuple[str, ...]
    numbers: tuple[str, ...]

    @classmethod
    def of(cls, claim: Claim) -> Wanted:
        """By what somebody wrote of themselves."""
        words = dict.fromkeys(plain(one) for one in (claim.name, *claim.names, claim.contact) if plain(one).strip())
        found = (number for one in (*claim.phones, claim.contact) for number in numbers(one))
        return cls(tuple(words), tuple(dict.fromkeys(found)))

    def names(self, text: str) -> bool:
        """Whether a text names them."""
        here = plain(text)
        return any(word in here for word in self.words) or self.called(text)

    def called(self, text: str) -> bool:
        """Whether one of their numbers is in it, however it is written."""
        return any(one.endswith(own) or own.endswith(one) for one in numbers(text) for own in self.numbers)


def plain(text: str) -> str:
    """Letters and digits alone, without accents and capitals, a space between words and around: " maki oy "."""
    bare = "".join(one for one in unicodedata.normalize("NFKD", text) if not unicodedata.combining(one))
    return " ".join(("", *_WORD.findall(bare.casefold()), ""))


def numbers(text: str) -> list[str]:
    """The phone numbers in a text: their digits, without the zeros before them."""
    found = (re.sub(r"\D", "", one).lstrip("0") for one in _NUMBER.findall(text))
    return [one for one in found if len(one) >= DIGITS]


@dataclass(slots=True)
class _Found:
    """What was found so far."""

    own: frozenset[str]
    records: list[YourRecord] = field(default_factory=list)
    sealed: Counter[str] = field(default_factory=Counter)
    keys: dict[str, str] = field(default_factory=dict)
    searched: Counter[str] = field(default_factory=Counter)
    refused: list[Refused] = field(default_factory=list)
    erased: int = 0

    def told(self, record: YourRecord) -> YourRecord:
        """With whether its key seals nothing else, which is known when all was read."""
        if record.id not in self.keys:
            return record
        return msgspec.structs.replace(record, alone=self.sealed[self.keys[record.id]] <= 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """Looks for a person in all that was told and written. It writes one refusal for each policy that withholds something; the event about what is shown is its caller's."""

    reads: Reads

    async def of(self, access: Access, request: RightsRequest, claim: Claim, own: Iterable[str] = ()) -> Yours:
        """All of it; `own`: records that a person says are the asker's own."""
        wanted, found = Wanted.of(claim), _Found(frozenset(own))
        incidents: dict[str, Event] = {}
        async for event in self._all():
            if event.kind == "incident@1":
                incidents[event.subject] = event  # the newest one counts: it has all notes
            elif event.kind.removesuffix("@1") in TELLINGS and event.key is not None:
                await self._telling(access, wanted, found, event)
        for event in incidents.values():
            await self._incident(access, wanted, found, event)
        not_shown = Counter(sorted(one.policy for one in found.refused))
        for refused in {one.policy: one for one in found.refused}.values():
            query = f"{not_shown[refused.policy]} records that name whoever filed the request {request.id}"
            await self.reads.desk.ledger.left_out(access, LIVE, query, refused)
        records = sorted(map(found.told, found.records), key=lambda one: (one.at, one.id))
        return Yours(
            request=request.id,
            at=self.reads.desk.ledger.now,
            looked_for=(*claim.names, *claim.phones, claim.name, claim.contact),
            searched=dict(sorted(found.searched.items())),
            erased=found.erased,
            records=tuple(records),
            not_shown=dict(not_shown),
            persons=tuple(one.id for one in records),
        )

    async def _all(self) -> AsyncIterator[Event]:
        after, log = -1, self.reads.log.log
        while some := await log.sealed(after, AT_ONCE):
            for sealed in some:
                yield sealed.event
            after = some[-1].position

    async def _telling(self, access: Access, wanted: Wanted, found: _Found, event: Event) -> None:
        word = event.kind.removesuffix("@1")
        found.searched[word] += 1
        key = found.keys[event.id] = event.key or ""
        found.sealed[key] += 1
        try:
            body = await self.reads.desk.keys.open(key, event.body)
        except Refused:
            found.erased += 1
            return
        told: Telling = msgspec.structs.replace(msgspec.json.decode(body, type=TELLINGS[word]), id=event.id)
        told = await self._reached(told)
        if not any(map(wanted.names, (told.said, *_of_itself(told)))):
            return
        source, record_class = self.reads.desk.known.sources.get(told.source), f"{word}-contents"
        asked = ask(
            access,
            Action.READ,
            record_class,
            self.reads.desk.ledger.now,
            collected_for=(told.purpose,),
            agency=None if source is None else source.agency,
            expires=CLASSES[record_class].expires(told.at),
        )
        if self._may(asked, found):
            found.records.append(_record(told, word, asked, told.at, own=event.id in found.own))

    async def _reached(self, told: Telling) -> Telling:
        """How a reporter is reached has a seal of its own, which goes sooner."""
        if not isinstance(told, ServiceRequest) or not told.contact:
            return told
        return msgspec.structs.replace(told, contact=await self.reads.desk.prose.words(told.contact))

    async def _incident(self, access: Access, wanted: Wanted, found: _Found, event: Event) -> None:
        found.searched["incident"] += 1
        incident = await self.reads.desk.prose.shown(_incident(event.body))
        if not any(wanted.names(text) for text in (incident.disposition or "", *(one.text for one in incident.notes))):
            return
        asked = ask_about(access, Action.READ, incident, self.reads.desk.ledger.now)
        if self._may(asked, found):
            own, alone = incident.id in found.own, all(wanted.names(one.text) for one in incident.notes)
            found.records.append(_record(incident, "incident", asked, incident.opened_at, own=own, alone=alone))

    def _may(self, asked: Ask, found: _Found) -> bool:
        refused = self.reads.desk.ledger.why_not(asked)
        if refused is not None:
            found.refused.append(refused)
        return refused is None


def _of_itself(told: Telling) -> tuple[str, ...]:
    """What it says of whoever told it."""
    if isinstance(told, Call):
        return (told.caller,)
    return (told.contact,) if isinstance(told, ServiceRequest) else ()


def _record(noun: Telling | Incident, kind: str, asked: Ask, at: int, *, own: bool, alone: bool = False) -> YourRecord:
    said = msgspec.to_builtins(noun)
    return YourRecord(
        id=noun.id,
        kind=kind,
        at=at,
        timeline=noun.timeline,
        own=own,
        alone=alone,
        purpose=noun.purpose,
        until=asked.expires,
        record=said if own else without(said, OTHERS),
    )
