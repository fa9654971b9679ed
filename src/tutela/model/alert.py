"""Alert: a detection put before operators, with its life as a table."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from tutela.errors import WrongStep

from .noun import Noun
from .place import Place
from .scales import Scale


class AlertStatus(StrEnum):
    """Where an alert stands. `held`: committed, but the operators' budget is used up."""

    HELD = "held"
    NEW = "new"
    ACKNOWLEDGED = "acknowledged"
    SHELVED = "shelved"
    DISMISSED = "dismissed"
    INCIDENT = "incident"
    EXPIRED = "expired"


STEPS = {
    AlertStatus.HELD: {AlertStatus.NEW, AlertStatus.EXPIRED, AlertStatus.INCIDENT, AlertStatus.DISMISSED},
    AlertStatus.NEW: {
        AlertStatus.ACKNOWLEDGED,
        AlertStatus.SHELVED,
        AlertStatus.DISMISSED,
        AlertStatus.INCIDENT,
        AlertStatus.EXPIRED,
    },
    AlertStatus.ACKNOWLEDGED: {AlertStatus.SHELVED, AlertStatus.DISMISSED, AlertStatus.INCIDENT, AlertStatus.EXPIRED},
    AlertStatus.SHELVED: {AlertStatus.NEW, AlertStatus.DISMISSED, AlertStatus.INCIDENT},
    AlertStatus.DISMISSED: set(),
    AlertStatus.INCIDENT: {AlertStatus.ACKNOWLEDGED},
    AlertStatus.EXPIRED: set(),
}

OPEN = frozenset({AlertStatus.HELD, AlertStatus.NEW, AlertStatus.ACKNOWLEDGED, AlertStatus.SHELVED})


class Alert(Noun, tag="alert", tag_field="noun", frozen=True, kw_only=True):
    """One row of the queue: detections of one type, near each other in place and time.

    `rank` orders the queue, highest first; `count` is how many detections it joins (×6);
    `shelved_until` and `reason` say why it rests; `incident` is set when a person made it one.
    `scale`, `confidence`, `message` and `parameters` are those of its most pressing detection;
    `detections` names the newest ones (the log has all). `event` is the event that made this revision.
    """

    id: str
    timeline: str
    type: str
    status: AlertStatus
    scale: Scale
    confidence: float = 0.0
    rank: int
    place: Place | None
    cell: int
    since: int
    last: int
    count: int
    detections: tuple[str, ...]
    sources: tuple[str, ...]
    datastreams: tuple[int, ...] = ()
    purpose: str
    message: str
    parameters: dict[str, float | int | str]
    simulated: bool = False
    shown_at: int | None = None
    by: str | None = None
    reason: str | None = None
    shelved_until: int | None = None
    incident: str | None = None
    event: str = ""
    revision: int = 0

    def to(self, status: AlertStatus, **changes: object) -> Alert:
        """This alert, one step later."""
        if status not in STEPS[self.status]:
            raise WrongStep(f"an alert that is {self.status} can't become {status}", alert=self.id)
        return msgspec.structs.replace(self, status=status, revision=self.revision + 1, **changes)
