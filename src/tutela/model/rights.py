"""What people ask about themselves (governance G32): their request with its life as a table, its clock, and the exemptions that there are.

The articles are named and not quoted: whoever answers reads them in the official journal.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from enum import StrEnum

import msgspec

from tutela.errors import WrongStep

from .event import Event
from .noun import Noun
from .when import DAY

SUBJECT = "rights-requests"
"""What all events of requests are about."""

KIND = "rights-request@1"

OBJECTIONS = "objections"
"""What all events of objections are about."""

OBJECTION = "objection@1"

MONTHS, FURTHER = 1, 2
"""Calendar months for an answer, and for how many more it can be put off, once (GDPR art. 12(3))."""

SOON = 7 * DAY
"""So long before its time is over a request is shown as pressing."""


class Right(StrEnum):
    """What somebody asks for."""

    ACCESS = "access"
    ERASURE = "erasure"
    RECTIFICATION = "rectification"
    OBJECTION = "objection"
    CONTEST = "contest"


class RightsStatus(StrEnum):
    """Where a request stands. There is no status for one that was left lying: it becomes overdue and stays open."""

    RECEIVED = "received"
    IDENTIFIED = "identified"
    GRANTED = "granted"
    PARTLY = "partly-granted"
    REFUSED = "refused"


STEPS = {
    # Who is not known can be given nothing, and can be refused for just that.
    RightsStatus.RECEIVED: {RightsStatus.IDENTIFIED, RightsStatus.REFUSED},
    RightsStatus.IDENTIFIED: {RightsStatus.GRANTED, RightsStatus.PARTLY, RightsStatus.REFUSED},
    RightsStatus.GRANTED: set(),
    RightsStatus.PARTLY: set(),
    RightsStatus.REFUSED: set(),
}

OVER = frozenset({RightsStatus.GRANTED, RightsStatus.PARTLY, RightsStatus.REFUSED})


class Exemption(Noun, frozen=True, kw_only=True):
    """A reason for which the law lets a request be refused, in whole or in part: where it says so, and which requests."""

    name: str
    says: str
    law: str
    of: tuple[Right, ...] = tuple(Right)


EXEMPTIONS = {
    one.name: one
    for one in (
        Exemption(
            name="identity-not-shown",
            says="You have not shown us who you are, so that we could give what is yours to somebody else.",
            law="GDPR art. 11(2), 12(2), 12(6); LED art. 12(5)",
        ),
        Exemption(
            name="excessive",
            says="The same was asked again and again, or the request is manifestly unfounded.",
            law="GDPR art. 12(5)(b); LED art. 12(4)(b)",
        ),
        Exemption(
            name="others-rights",
            says="It would tell what is somebody else's.",
            law="GDPR art. 15(4), 23(1)(i); LED art. 15(1)(e)",
            of=(Right.ACCESS,),
        ),
        Exemption(
            name="investigation",
            says="It would harm the prevention, investigation or prosecution of an offence.",
            law="GDPR art. 23(1)(d); LED art. 13(3)(b), 15(1)(b), 16(4)(b)",
            of=(Right.ACCESS, Right.ERASURE, Right.RECTIFICATION, Right.OBJECTION),
        ),
        Exemption(
            name="public-security",
            says="It would put public security at risk.",
            law="GDPR art. 23(1)(c); LED art. 13(3)(c), 15(1)(c), 16(4)(c)",
            of=(Right.ACCESS, Right.ERASURE, Right.RECTIFICATION, Right.OBJECTION),
        ),
        Exemption(
            name="legal-hold",
            says="A court or an authority has ordered that it is kept for a case.",
            law="GDPR art. 17(3)(e), 18(1)(c); LED art. 16(3)(b)",
            of=(Right.ERASURE, Right.OBJECTION),
        ),
        Exemption(
            name="public-task",
            says="The law makes us keep it, or it is needed for a task that the law gives us.",
            law="GDPR art. 17(3)(b)",
            of=(Right.ERASURE,),
        ),
        Exemption(
            name="overriding-grounds",
            says="There are compelling grounds for its use that outweigh yours.",
            law="GDPR art. 21(1)",
            of=(Right.OBJECTION,),
        ),
        Exemption(
            name="accurate",
            says="We looked, and what is kept is right.",
            law="GDPR art. 16; LED art. 16(1)",
            of=(Right.RECTIFICATION,),
        ),
        Exemption(
            name="looked-at-again",
            says="A person looked at it again, with its sources, and it stands.",
            law="GDPR art. 22(3); LED art. 11; AI Act art. 86",
            of=(Right.CONTEST,),
        ),
    )
}
"""All that there are: nobody makes up another."""


class Claim(Noun, frozen=True, kw_only=True):
    """What somebody wrote who asks about themselves: who they are, what to look for, and what they want. Only ever stored sealed.

    `names` and `phones` are what is looked for. `record` is the decision or the alert that they contest, or the record that is to
    be put right or erased, as far as they know it.
    """

    name: str
    contact: str
    words: str
    names: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    record: str = ""


class RightsRequest(Noun, frozen=True, kw_only=True):
    """A person's request as it stands: what right, when it came, by when it is answered (microseconds), and who did what about it.

    `secret` is the hash of what its filer keeps. `claim`, `checked` (how it was checked who they are; no document is kept),
    `extended` (why it takes longer) and `reasons` are sealed where they are stored; `complain` is where to go with a refusal.
    Body of `rights-request@1`, which is written at each step; the newest one counts.
    """

    id: str
    right: Right
    at: int
    due: int
    status: RightsStatus
    secret: str
    claim: str
    checked: str = ""
    checked_by: str = ""
    extended: str = ""
    extended_by: str = ""
    exemption: str = ""
    reasons: str = ""
    complain: str = ""
    decided_by: str = ""
    decided_at: int | None = None
    simulated: bool = False
    revision: int = 0

    def to(self, status: RightsStatus, **changes: object) -> RightsRequest:
        """This request, one step later."""
        if status not in STEPS[self.status]:
            possible = ", ".join(one for one in RightsStatus if one in STEPS[self.status]) or "nothing: it is answered"
            raise WrongStep(
                f"a request that is {self.status} can't become {status}; it can become {possible}", request=self.id
            )
        return self.changed(status=status, **changes)

    def changed(self, **changes: object) -> RightsRequest:
        """This request with those fields changed, one revision later."""
        return msgspec.structs.replace(self, revision=self.revision + 1, **changes)

    @property
    def open(self) -> bool:
        """Whether it waits for an answer."""
        return self.status not in OVER

    def days_left(self, now: int) -> int:
        """Whole days until its time is over; below zero when it is overdue."""
        return (self.due - now) // DAY

    def pressing(self, now: int) -> str:
        """How much it presses: "overdue", "soon" or nothing."""
        if not self.open or self.due - now > SOON:
            return ""
        return "soon" if now < self.due else "overdue"


class Fate(StrEnum):
    """What became of a record that somebody wants erased."""

    ERASED = "erased"
    HELD = "held"
    SHARED = "shared"


class Outcome(Noun, frozen=True, kw_only=True):
    """What became of a record that somebody wants erased, in words for the person; `until`: when it goes by itself, where it stays (microseconds; None: not known)."""

    record: str
    fate: Fate
    says: str
    until: int | None = None


class Objected(Noun, frozen=True, kw_only=True):
    """Body of `objection@1`: a record is objected to, by a request; or it is no more: somebody said why (`overruled`, sealed)."""

    record: str
    request: str
    overruled: str = ""


_objected = msgspec.json.Decoder(Objected).decode
_request = msgspec.json.Decoder(RightsRequest).decode


def standing(told: Iterable[Event]) -> dict[str, RightsRequest]:
    """The requests by these events, by id, each as it stands: those that press first."""
    found = {one.id: one for one in (_request(event.body) for event in told if event.kind == KIND)}
    return dict(sorted(found.items(), key=lambda item: (not item[1].open, item[1].due, item[0])))


def objecting(told: Iterable[Event]) -> frozenset[tuple[str, str]]:
    """The records that are objected to, each with the request that does, by these events: the newest about both counts."""
    found = (_objected(event.body) for event in told if event.kind == OBJECTION)
    newest = {(one.record, one.request): one for one in found}
    return frozenset(both for both, one in newest.items() if not one.overruled)


def objected(told: Iterable[Event]) -> frozenset[str]:
    """The records that any request objects to, by these events: the end of one objection is the end of no other."""
    return frozenset(record for record, _ in objecting(told))


def months_on(day: date, months: int) -> date:
    """The same day so many months later, or the last of that month when it has no such day (Regulation 1182/71, art. 3(2)(c))."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    after = date(year + (month == 11), (month + 1) % 12 + 1, 1) - timedelta(days=1)
    return date(year, month + 1, min(day.day, after.day))
