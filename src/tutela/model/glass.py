"""Break-glass (governance G26): for life and limb somebody looks past their agency's boundary, for an hour at most, and it is reviewed."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from .event import Event
from .noun import Noun
from .when import DAY, MINUTE

SUBJECT = "break-glass"
"""What all events of it are about."""

LONGEST = 60
"""Minutes."""

REVIEW = DAY
"""Another person has looked at it by then."""


class BreakGlass(Noun, frozen=True, kw_only=True):
    """Body of `break-glass@1`: from then (`at`) until then, in microseconds, that person reads more, and why (sealed)."""

    id: str
    by: str
    role: str
    agency: str
    reason: str
    at: int
    until: int


class BreakGlassEnded(Noun, frozen=True, kw_only=True):
    """Body of `break-glass-ended@1`: it was ended by hand, by whom and when."""

    id: str
    by: str
    at: int


class BreakGlassReview(Noun, frozen=True, kw_only=True):
    """Body of `break-glass-reviewed@1`: another person looked at it, found it fine or not, and why (sealed)."""

    id: str
    by: str
    fine: bool
    reason: str
    at: int


class Glass(Noun, frozen=True, kw_only=True):
    """A break-glass with what became of it."""

    begun: BreakGlass
    ended: BreakGlassEnded | None = None
    review: BreakGlassReview | None = None

    @property
    def until(self) -> int:
        """Its end: by itself, or by hand."""
        return self.begun.until if self.ended is None else min(self.begun.until, self.ended.at)

    def stands(self, now: int) -> bool:
        """Whether it permits something now."""
        return self.begun.at <= now < self.until

    def overdue(self, now: int) -> bool:
        """Whether another person should have looked at it by now."""
        return self.review is None and now >= self.begun.at + REVIEW


_begun = msgspec.json.Decoder(BreakGlass).decode
_ended = msgspec.json.Decoder(BreakGlassEnded).decode
_review = msgspec.json.Decoder(BreakGlassReview).decode


def glasses(told: Iterable[Event]) -> dict[str, Glass]:
    """All that there ever were by these events, by id, in the order in which they began."""
    found: dict[str, Glass] = {}
    for event in told:
        if event.kind == "break-glass@1":
            begun = _begun(event.body)
            found[begun.id] = Glass(begun=begun)
        elif event.kind == "break-glass-ended@1":
            ended = _ended(event.body)
            found[ended.id] = msgspec.structs.replace(found[ended.id], ended=ended)
        elif event.kind == "break-glass-reviewed@1":
            review = _review(event.body)
            found[review.id] = msgspec.structs.replace(found[review.id], review=review)
    return found


def lasts(minutes: int) -> int:
    """So many minutes, in microseconds."""
    return minutes * MINUTE
