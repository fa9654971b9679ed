"""Case: why, by which authority, in what and until when people are looked for; and who may, all of it decided by two people.

The only way to look for a person. A case holds nothing: what is in its scope is collected anew at each look.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

import msgspec

from tutela.errors import WrongStep

from .area import Circle
from .event import Event
from .noun import Noun
from .when import DAY

SUBJECT = "cases"
"""What all events of cases themselves are about. What is done in one is about `case/ID`."""

LONGEST = 90 * DAY
"""A case ends within this time, unless two people say again that it is needed."""


class CaseStatus(StrEnum):
    """Where a case stands. Its end is a time and no step: past it nothing is found, whatever the status says."""

    ASKED = "asked"
    OPEN = "open"
    CLOSED = "closed"


STEPS = {
    CaseStatus.ASKED: {CaseStatus.OPEN, CaseStatus.CLOSED},
    CaseStatus.OPEN: {CaseStatus.OPEN, CaseStatus.CLOSED},
    CaseStatus.CLOSED: set(),
}

BY_ANOTHER = frozenset({CaseStatus.OPEN})
"""Steps that somebody else takes than the person who asked for them."""


class InScope(StrEnum):
    """The sorts of records that a case can be about. Public posts are none: nobody is looked for in them (governance G24)."""

    INCIDENT = "incident"
    CALL = "call"
    REPORT = "report"
    ALERT = "alert"
    DETECTION = "detection"
    EVIDENCE = "evidence"


class MemberRole(StrEnum):
    """What a member does. A reviewer looks and confirms, and tags nothing: who checks is not who claims."""

    INVESTIGATOR = "investigator"
    REVIEWER = "reviewer"


class Member(Noun, frozen=True, kw_only=True):
    """Somebody who may look, by their id."""

    agent: str
    role: MemberRole


class Scope(Noun, frozen=True, kw_only=True):
    """Records of these sorts: those of the area from `since` until `until` (microseconds), and those named by their `ids`."""

    since: int
    until: int
    kinds: tuple[InScope, ...]
    area: Circle | None = None
    ids: tuple[str, ...] = ()


class Case(Noun, frozen=True, kw_only=True):
    """Body of `case@1`, which is written at each step; the newest one counts. Times are microseconds.

    `offence` and `reason` are sealed where they are stored; `reference` is the number of the authority's order. `asked_by` asked for
    what waits for a second person, and `wanted` is the end that they asked for (None: nothing waits). `expires` is 0 until somebody approved.
    """

    id: str
    agency: str
    offence: str
    reason: str
    authority: str
    reference: str
    scope: Scope
    members: tuple[Member, ...]
    status: CaseStatus = CaseStatus.ASKED
    opened_by: str = ""
    opened_at: int = 0
    approved_by: str = ""
    expires: int = 0
    asked_by: str = ""
    wanted: int | None = None
    simulated: bool = False
    revision: int = 0

    def to(self, status: CaseStatus, by: str, **changes: object) -> Case:
        """This case, one step later, which `by` takes."""
        if status not in STEPS[self.status]:
            raise WrongStep(f"a case that is {self.status} can't become {status}", case=self.id)
        if status in BY_ANOTHER and by in (self.asked_by, ""):
            raise WrongStep("who asked can't approve it as well; ask another supervisor", case=self.id)
        return self.changed(status=status, **changes)

    def changed(self, **changes: object) -> Case:
        """This case with those fields changed, one revision later."""
        return msgspec.structs.replace(self, revision=self.revision + 1, **changes)

    def stands(self, now: int) -> bool:
        """Whether two people said so, and its end has not come."""
        return self.status is CaseStatus.OPEN and now < self.expires

    def member(self, agent: str) -> Member | None:
        """That person's part in it."""
        return next((one for one in self.members if one.agent == agent), None)


_case = msgspec.json.Decoder(Case).decode


def newest(told: Iterable[Event]) -> tuple[Case, ...]:
    """The cases by these events, in the order in which they were opened, as they are now."""
    found: dict[str, Case] = {}
    for event in told:
        if event.kind != "case@1":
            continue
        case = _case(event.body)
        if case.id not in found or case.revision > found[case.id].revision:
            found[case.id] = case
    return tuple(found.values())
