"""Papers: entered, granted and ended, each with an event; and which of them stand for a question.

What stands is what the log says, as with legal holds: there is no table that could say otherwise. What is about people in a paper
is sealed: who signed it, whom an authorisation is about, and why something was decided or ended. Of whoever consented a pseudonym is stored.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec
from msgspec.structs import replace

from tutela.errors import BadInput, Conflict, NotFound
from tutela.maths.ids import uuid_of
from tutela.model.access import Ask
from tutela.model.event import Event
from tutela.model.evidence import Handover
from tutela.model.flow import encode
from tutela.model.noun import Noun
from tutela.model.paper import (
    CONSENTS,
    COUNTDOWN,
    LONGEST,
    SUBJECT,
    Agreement,
    Authorisation,
    Compatibility,
    Consent,
    Filed,
    Paper,
    PaperEnded,
    PaperGranted,
    filed,
)
from tutela.model.timeline import LIVE
from tutela.model.when import DAY, iso
from tutela.policy.purposes import CLASSES, known_purpose

from .ports import Clock, Keys, Log
from .prose import Prose

WORDS = 2000
MOST = 100
"""Capabilities, classes, purposes or targets in one paper."""

HASH = re.compile("[0-9a-f]{64}")

SEALED = "(sealed)"
"""What whoever may not read it is shown instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Papers:
    """The papers of an instance."""

    log: Log
    keys: Keys
    clock: Clock

    async def all(self) -> Sequence[Filed]:
        """Those that there ever were but for consents, in the order in which they were entered; what is personal is sealed."""
        return filed(await self.log.about(SUBJECT))

    async def consents(self) -> Sequence[Filed]:
        """The same, of consents."""
        return filed(await self.log.about(CONSENTS))

    async def standing(self) -> Sequence[Filed]:
        """Those that stand now, but for consents."""
        now = self.clock()
        return [one for one in await self.all() if one.stands(now)]

    # ── what people do ──────────────────────────────────────────────────────────────────────────
    async def enter(self, wanted: Paper, by: str) -> Filed:
        """Enter one; its id, its time and who did it are given here. Raises BadInput, or NotFound for no such paper to replace."""
        now = self.clock()
        paper = replace(wanted, id="", at=now, by=by, about=self._pseudonymous(wanted.about))
        proper(paper, now)
        if paper.replaces is not None:
            before = await self.one(paper.replaces)
            if before.paper.kind != paper.kind:
                raise BadInput(f"a {paper.kind} replaces a {paper.kind}, and {paper.replaces} is a {before.paper.kind}")
        await self._urgent_once(paper)
        # Of nothing that is about people: whoever guessed a name could try it.
        paper = replace(paper, id=uuid_of("paper", encode(closed(Filed(paper=paper)).paper)))
        await self._tell("paper@1", await self._sealed(paper), by, paper)
        return Filed(paper=paper)

    async def grant(self, id_: str, by: str, sha256: str = "") -> Filed:
        """An urgent start is granted, with the hash of the order, or a purpose change decided on by a second person.

        Raises NotFound, Conflict or BadInput.
        """
        one, now = await self.one(id_), self.clock()
        paper = one.paper
        waits = one.begins is None if isinstance(paper.about, Compatibility) else one.counted_down is not None
        if not waits:
            raise Conflict(f"the paper {id_} waits for no grant: it {one.state(now)}")
        if one.ends <= now:
            raise Conflict(f"the paper {id_} {one.state(now)}, so it can't be granted any more; enter a new one")
        if by == paper.by:
            raise Conflict(f"{by} entered the paper {id_}; a second person grants it")
        if isinstance(paper.about, Authorisation) and not HASH.fullmatch(sha256):
            raise BadInput(
                f"name the order that grants the paper {id_} by its hash: `sha256sum FILE`, give it as sha256"
            )
        await self._tell("paper-granted@1", PaperGranted(id=id_, sha256=sha256), by, paper)
        return replace(one, granted=now, granted_by=by)

    async def end(self, id_: str, reason: str, by: str) -> Filed:
        """It stands no more, at once. Raises NotFound, or Conflict for one that is over."""
        one, now = await self.one(id_), self.clock()
        if not reason.strip() or len(reason) > WORDS:
            raise BadInput(f"the end of a paper needs a reason, in up to {WORDS} letters")
        if one.ends <= now:
            raise Conflict(f"the paper {id_} {one.state(now)} already")
        sealed = await Prose(self.keys).kept_in(_bucket(id_), reason)
        await self._tell("paper-ended@1", PaperEnded(id=id_, reason=sealed), by, one.paper)
        return replace(one, ended=now)

    async def one(self, id_: str) -> Filed:
        """That paper, as it is stored; raises NotFound."""
        for some in (await self.all(), await self.consents()):
            for one in some:
                if one.paper.id == id_:
                    return one
        raise NotFound(f"there is no paper {id_!r}; `tutela papers list` names those that there are")

    async def opened(self, one: Filed) -> Filed:
        """As whoever may see the people in it reads it."""
        prose, about = Prose(self.keys), one.paper.about
        if isinstance(about, Authorisation):
            about = replace(about, targets=tuple([await prose.words(target) for target in about.targets]))
        elif isinstance(about, Compatibility):
            about = replace(about, reason=await prose.words(about.reason))
        return replace(one, paper=replace(one.paper, about=about, signed=await prose.words(one.paper.signed)))

    # ── which stand for a question ──────────────────────────────────────────────────────────────
    async def under(self, handed: Handover, purpose: str, by: str) -> Under:
        """What lets something leave for that recipient, by the number that was named: an agreement, or the order of a court.

        `by`: whoever asks. What they entered themselves lets nothing of theirs leave, nor does an urgent start before it is granted.
        """
        stand = [one for one in await self.standing() if _shares(one.paper, handed, purpose)]
        lets = [one for one in stand if not _held_back(one, by)]
        return Under(lets[-1] if lets else None)

    async def missing(self, handed: Handover, purpose: str, by: str, record_class: str = "incidents") -> str:
        """Why nothing of that class may leave for that recipient, in words."""
        now, known = self.clock(), [one for one in await self.all() if _shares(one.paper, handed, purpose)]
        if not known:
            return (
                f"There is no agreement {handed.agreement!r} with {handed.recipient} for {purpose}, "
                f"and no authorisation of {handed.recipient} with that number or case."
            )
        stand = [one for one in known if one.stands(now)]
        last = next((one for one in reversed(stand) if not _held_back(one, by)), (stand or known)[-1])
        why = _held_back(last, by) or f"does not cover {record_class}." if stand else f"{last.state(now)}."
        return f"The {last.paper.kind} {last.paper.number}{' ' if stand else ': '}{why}"

    async def consent(self, person: str, purpose: str) -> Filed | None:
        """The consent of that person, by their reference, to that purpose; the newest that stands."""
        now, wanted = self.clock(), Consent(person=self.pseudonym(person), purpose=purpose)
        stand = [one for one in await self.consents() if one.stands(now) and one.paper.about == wanted]
        return stand[-1] if stand else None

    def pseudonym(self, person: str) -> str:
        """What is stored of somebody's reference: nobody without this instance's secret can tell who it is."""
        return self.keys.keyed(f"consent/{person}".encode()).hex()

    async def _urgent_once(self, paper: Paper) -> None:
        """Raise Conflict for an urgent start that follows on another one of the same number or case, which nobody granted."""
        about, begins = paper.about, max(paper.since, paper.at)
        for one in await self.all() if _urgent(about) else ():
            counted = one.counted_down is not None and begins < one.ends + COUNTDOWN
            if counted and (one.paper.number == paper.number or _same_case(one.paper.about, about)):
                raise Conflict(
                    f"the urgent authorisation {one.paper.number} was not granted: enter the order that was granted, "
                    f"or an urgent one that begins after {iso(one.ends + COUNTDOWN)}"
                )

    def _pseudonymous(self, about: object) -> object:
        return replace(about, person=self.pseudonym(about.person)) if isinstance(about, Consent) else about

    async def _sealed(self, paper: Paper) -> Paper:
        """As it is stored."""
        prose, about, bucket = Prose(self.keys), paper.about, _bucket(paper.id)
        if isinstance(about, Authorisation):
            about = replace(about, targets=tuple([await prose.kept_in(bucket, one) for one in about.targets]))
        elif isinstance(about, Compatibility):
            about = replace(about, reason=await prose.kept_in(bucket, about.reason))
        return replace(paper, about=about, signed=await prose.kept_in(bucket, paper.signed))

    async def _tell(self, kind: str, says: Noun, by: str, paper: Paper) -> None:
        body, now = encode(says), self.clock()
        subject = CONSENTS if isinstance(paper.about, Consent) else SUBJECT
        await self.log.append(
            [
                Event(
                    id=uuid_of(kind, now, body),
                    at=now,
                    by=by,
                    cause=None,
                    kind=kind,
                    timeline=LIVE,
                    body=body,
                    subject=subject,
                )
            ]
        )


def closed(one: Filed) -> Filed:
    """As whoever may not see the people in it reads it."""
    about = one.paper.about
    if isinstance(about, Authorisation):
        about = replace(about, targets=tuple(SEALED for _ in about.targets))
    elif isinstance(about, Compatibility):
        about = replace(about, reason=SEALED)
    return replace(one, paper=replace(one.paper, about=about, signed=SEALED))


@dataclass(frozen=True, slots=True)
class Under:
    """The paper under which something is handed out; None: there is none. An agreement covers the classes that it names, an order all."""

    paper: Filed | None

    def covers(self, record_class: str) -> bool:
        """Whether records of that class may leave under it."""
        about = None if self.paper is None else self.paper.paper.about
        return record_class in about.classes if isinstance(about, Agreement) else about is not None

    def asked(self, ask: Ask) -> Ask:
        """The same question, with the word for what stands."""
        if self.paper is None or not self.covers(ask.record_class):
            return ask
        return replace(ask, stands=ask.stands | {self.paper.paper.kind})


def _shares(paper: Paper, handed: Handover, purpose: str) -> bool:
    """Whether it is about handing something to that recipient, and is the one that was named."""
    about, names = paper.about, {paper.number, paper.id}
    if isinstance(about, Agreement):
        return handed.agreement in names and about.recipient == handed.recipient and purpose in about.purposes
    if isinstance(about, Authorisation):
        return handed.agreement in names | {about.case} and paper.authority == handed.recipient
    return False


def _urgent(about: object) -> bool:
    return isinstance(about, Authorisation) and about.urgent


def _same_case(one: object, other: object) -> bool:
    cases = {about.case for about in (one, other) if isinstance(about, Authorisation)}
    return len(cases) == 1 and cases != {""}


def _held_back(one: Filed, by: str) -> str:
    """Why a paper that stands lets nothing leave when they ask, in words; "" when it does."""
    if one.paper.by == by:
        return "was entered by you: somebody else hands out under it, or enters one that you can use."
    if one.counted_down is not None:
        return "is urgent and was not granted yet: grant it first, with the hash of the order."
    return ""


def proper(paper: Paper, now: int) -> None:
    """Raise BadInput for a paper that can't be: what is wrong, and what to do."""
    try:
        msgspec.convert(msgspec.to_builtins(paper), Paper)
    except msgspec.ValidationError as wrong:
        raise BadInput(f"the paper {paper.number} can't be entered: {wrong}") from wrong
    for words in _sealable(paper):
        if len(words) > WORDS:
            raise BadInput(
                f"the paper {paper.number} can't be entered: give up to {WORDS} letters for each of its words"
            )
    begins, longest = max(paper.since, now), LONGEST[paper.kind]
    if not begins < paper.until <= paper.since + longest:
        raise BadInput(
            f"a {paper.kind} stands for up to {longest // DAY} days: give an end after {iso(begins)} and not after {iso(paper.since + longest)}"
        )
    if not paper.sha256 and not isinstance(paper.about, Consent):
        raise BadInput("name the document by its hash: `sha256sum FILE`, and put it under sha256")
    _spoken_of(paper)


def _spoken_of(paper: Paper) -> None:
    """Raise BadInput for what is about nothing, and for classes of records or purposes that there are not."""
    about, purposes = paper.about, tuple[str, ...]()
    for name in ("covers", "classes", "purposes", "targets"):
        words: tuple[str, ...] = getattr(about, name, ("it",))
        if len(words) > MOST or not all(map(str.strip, words)) or not (words or name == "targets"):
            raise BadInput(f"a {paper.kind} has at least one word under {name}, and at most {MOST}")
    if isinstance(about, Agreement):
        purposes = about.purposes
        if strange := sorted(set(about.classes) - CLASSES.keys()):
            raise BadInput(f"there are no records of the class {strange[0]!r}; there are: {', '.join(CLASSES)}")
    elif isinstance(about, Consent):
        purposes = (about.purpose,)
    elif isinstance(about, Compatibility):
        purposes = (about.collected_for, about.used_for)
    for purpose in purposes:
        known_purpose(purpose, paper.number)


def _sealable(paper: Paper) -> Iterator[str]:
    yield paper.signed
    if isinstance(paper.about, Authorisation):
        yield from paper.about.targets
    elif isinstance(paper.about, Compatibility):
        yield paper.about.reason


def _bucket(id_: str) -> str:
    return f"oversight/papers/{id_}"
