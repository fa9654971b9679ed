"""A serious incident of an AI that is used here (governance G34, AI Act art. 73): its clock, until the authority was told."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from .event import Event
from .noun import Noun
from .when import DAY

SUBJECT = "serious-incidents"
"""What all events of them are about."""

KIND = "serious-incident@1"
WITHIN = 15 * DAY
"""The authority is told so soon after somebody became aware of it (art. 73(2))."""


class SeriousIncident(Noun, frozen=True, kw_only=True):
    """Something that the platform noticed, or did not notice, led to harm, or may have: who became aware of it when, and until when it is told.

    `capability` is its name in the public register; `says` what happened, and `told` is whom it was reported to, by
    `told_by`, and under which number: both sealed where they are stored. Body of `serious-incident@1`, written when it begins and when it is told; the newest one counts.
    """

    id: str
    capability: str
    says: str
    at: int
    due: int
    by: str
    told: str = ""
    told_at: int | None = None
    told_by: str = ""

    def days_left(self, now: int) -> int:
        """Whole days until its time is over; below zero when it is overdue."""
        return (self.due - now) // DAY

    def overdue(self, now: int) -> bool:
        """Whether nobody told the authority in time."""
        return self.told_at is None and now >= self.due


_serious = msgspec.json.Decoder(SeriousIncident).decode


def begun(events: Iterable[Event]) -> dict[str, SeriousIncident]:
    """All, by id, as they stand by these events; those that are due first come first."""
    found = {one.id: one for one in (_serious(event.body) for event in events if event.kind == KIND)}
    return dict(sorted(found.items(), key=lambda item: (item[1].told_at is not None, item[1].due)))
