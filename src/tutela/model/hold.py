"""Legal hold (governance G19): what a case needs is kept although its time is over, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from .event import Event
from .noun import Noun
from .when import DAY

SUBJECT = "legal-holds"
"""What all events of holds are about."""

LONGEST = 90 * DAY
"""A hold is reviewed within this time, again and again."""


class Hold(Noun, frozen=True, kw_only=True):
    """What a case needs is not destroyed while this stands: all about an incident, or what a bucket holds; one of the two.

    `authority` ordered it; `review` is when somebody has to have looked at it again (microseconds): past it the hold
    still stands, and people are told. `reason` is sealed where it is stored. Body of `hold@1`, which is written
    when it is placed and at each review; the newest one counts.
    """

    id: str
    case: str
    authority: str
    reason: str
    at: int
    review: int
    incident: str | None = None
    bucket: str | None = None

    @property
    def scope(self) -> str:
        """In words."""
        return f"incident {self.incident}" if self.incident else f"bucket {self.bucket}"


class HoldLifted(Noun, frozen=True, kw_only=True):
    """Body of `hold-lifted@1`: retention goes on for what that hold kept. `approval`: the proposal that permitted it."""

    id: str
    reason: str
    approval: str | None = None


class HoldLift(Noun, frozen=True, kw_only=True):
    """What people vote on when a hold is to be lifted: which one, of which case, ordered by whom, on what."""

    hold: str
    case: str
    authority: str
    on: str

    @classmethod
    def of(cls, hold: Hold) -> HoldLift:
        """The end of that hold."""
        return cls(hold=hold.id, case=hold.case, authority=hold.authority, on=hold.scope)


_hold = msgspec.json.Decoder(Hold).decode
_lifted = msgspec.json.Decoder(HoldLifted).decode


def standing(told: Iterable[Event]) -> tuple[Hold, ...]:
    """The holds that stand by these events, in the order in which they were placed."""
    found: dict[str, Hold] = {}
    for event in told:
        if event.kind == "hold@1":
            hold = _hold(event.body)
            found[hold.id] = hold
        elif event.kind == "hold-lifted@1":
            found.pop(_lifted(event.body).id, None)
    return tuple(found.values())
