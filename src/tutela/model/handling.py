"""What becomes of a resident's report: a table of steps, each an event, each told to whoever reported."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

import msgspec

from tutela.errors import WrongStep

from .event import Event
from .noun import Noun
from .place import Place
from .report import ServiceRequest
from .when import DAY, iso

KIND = "handling@1"

REOPENED = 30 * DAY
"""For so long after its end whoever reported can say that it is not over."""

LENGTH_OF_DAY = len("2026-11-28")


class HandlingStatus(StrEnum):
    """Where a report stands. Nothing of it is public before somebody opened it."""

    RECEIVED = "received"
    OPEN = "open"
    IN_PROGRESS = "in-progress"
    CLOSED = "closed"
    DUPLICATE = "duplicate"
    REJECTED = "rejected"


class Rejection(StrEnum):
    """Why a report is not dealt with."""

    ABUSE = "abuse"
    PERSONAL_DATA = "personal-data"  # of others
    NO_PROBLEM = "no-problem"
    ELSEWHERE = "elsewhere"  # somebody else's to deal with


STEPS: dict[HandlingStatus, frozenset[HandlingStatus]] = {
    # What repeats another is opened first: only then has a person said that everybody may see it.
    HandlingStatus.RECEIVED: frozenset({HandlingStatus.OPEN, HandlingStatus.REJECTED}),
    HandlingStatus.OPEN: frozenset(
        {HandlingStatus.IN_PROGRESS, HandlingStatus.CLOSED, HandlingStatus.DUPLICATE, HandlingStatus.REJECTED}
    ),
    HandlingStatus.IN_PROGRESS: frozenset({HandlingStatus.CLOSED, HandlingStatus.DUPLICATE}),
    HandlingStatus.CLOSED: frozenset({HandlingStatus.OPEN}),
    HandlingStatus.DUPLICATE: frozenset({HandlingStatus.OPEN}),
    HandlingStatus.REJECTED: frozenset({HandlingStatus.OPEN}),
}
"""Which status can follow which."""

PUBLIC = frozenset({HandlingStatus.OPEN, HandlingStatus.IN_PROGRESS, HandlingStatus.CLOSED, HandlingStatus.DUPLICATE})
"""A report in one of these was seen by a person, who let it be seen by everybody."""

UNDER_WAY = frozenset({HandlingStatus.OPEN, HandlingStatus.IN_PROGRESS})
ENDED = frozenset({HandlingStatus.CLOSED, HandlingStatus.DUPLICATE})


class Handling(Noun, frozen=True, kw_only=True):
    """How a report stands. `number` is what people know it by, `report` its id inside; `place` is no nearer than its reporter wanted.

    `words` is what everybody may read of what was written, as a moderator let it stand, and `says` what is told at this step: what
    was done, why it was rejected, why it is open again. Both are sealed where they are stored, as long as the report's own words.
    Body of `handling@1`, which is written at each step; of two that follow the same one, the log has the first.
    """

    report: str
    number: str
    source: str
    at: int
    category: str
    place: Place
    status: HandlingStatus = HandlingStatus.RECEIVED
    changed: int
    words: str = ""
    says: str = ""
    why: Rejection | None = None
    duplicate_of: str = ""
    reopened: int = 0
    purpose: str = "city-operations"
    revision: int = 0

    def to(self, status: HandlingStatus, at: int, **changes: object) -> Handling:
        """This report, one step later; raises WrongStep. What was told at the step before is told there."""
        if status not in STEPS[self.status]:
            possible = ", ".join(one for one in HandlingStatus if one in STEPS[self.status])
            raise WrongStep(
                f"a report that is {self.status} can't become {status}; it can become {possible}", report=self.report
            )
        fresh: dict[str, object] = {"says": "", "why": None, "duplicate_of": ""} | changes
        return msgspec.structs.replace(self, status=status, changed=at, revision=self.revision + 1, **fresh)

    def reopen(self, at: int, says: str) -> Handling:
        """Whoever reported it says that it is not over; raises WrongStep when it can't be said any more."""
        if self.status not in ENDED or at > self.changed + REOPENED:
            raise WrongStep(
                f"only a report that ended within the last 30 days is opened again; this one is {self.status} since "
                f"{iso(self.changed)}: report it anew",
                report=self.report,
            )
        return self.to(HandlingStatus.OPEN, at, says=says, reopened=self.reopened + 1)

    @property
    def public(self) -> bool:
        """Whether everybody may see that it is there."""
        return self.status in PUBLIC


class NearReport(Noun, frozen=True, kw_only=True):
    """A report of the same sort that is dealt with already, so many metres away."""

    handling: Handling
    metres: int


class HandlingStep(Noun, frozen=True, kw_only=True):
    """A step, as whoever reported is told it."""

    at: int
    status: HandlingStatus
    says: str = ""
    why: Rejection | None = None
    duplicate_of: str = ""


_handling = msgspec.json.Decoder(Handling).decode


def subject_of(at: int) -> str:
    """What the events of all reports of a day (UTC) are about: one read gives how they stand."""
    return f"reports/{iso(at)[:LENGTH_OF_DAY]}"


def begun(report: ServiceRequest, number: str) -> Handling:
    """A report that nobody has looked at yet. It has no event of its own: that it was told is one."""
    return Handling(
        report=report.id,
        number=number,
        source=report.source,
        at=report.at,
        category=report.category,
        place=report.place,
        changed=report.at,
        purpose=report.purpose,
    )


def steps(told: Iterable[Event]) -> dict[str, list[tuple[Event, Handling]]]:
    """The steps that count, by report, by the events of a day: of two that were taken at once, the log has the first."""
    found: dict[str, list[tuple[Event, Handling]]] = {}
    for event in told:
        if event.kind == KIND:
            one = _handling(event.body)
            taken = found.setdefault(one.report, [])
            if one.revision == len(taken) + 1:
                taken.append((event, one))
    return found


def standing(told: Iterable[Event]) -> dict[str, Handling]:
    """How the reports stand that somebody has looked at, by id, by the events of a day."""
    return {report: taken[-1][1] for report, taken in steps(told).items()}
