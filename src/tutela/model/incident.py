"""Incident (NENA EIDO, STA-021): what people do about it. Opened by a person, never by the machine."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from tutela.errors import WrongStep

from .noun import Noun
from .place import Place


class IncidentStatus(StrEnum):
    """The EIDO incident status registry, the part that has units only when dispatch comes."""

    NEW = "New"
    ACTIVE = "Active"
    DISPATCHED = "Dispatched"
    ON_SCENE = "OnScene"
    RESOLVED = "Resolved"
    CLOSED = "Closed"
    FUSED = "Fused"


STEPS = {
    IncidentStatus.NEW: {IncidentStatus.ACTIVE, IncidentStatus.CLOSED, IncidentStatus.FUSED},
    IncidentStatus.ACTIVE: {IncidentStatus.DISPATCHED, IncidentStatus.RESOLVED, IncidentStatus.FUSED},
    IncidentStatus.DISPATCHED: {IncidentStatus.ON_SCENE, IncidentStatus.ACTIVE, IncidentStatus.FUSED},
    IncidentStatus.ON_SCENE: {IncidentStatus.RESOLVED, IncidentStatus.ACTIVE, IncidentStatus.FUSED},
    IncidentStatus.RESOLVED: {IncidentStatus.ACTIVE, IncidentStatus.CLOSED},
    IncidentStatus.CLOSED: set(),
    IncidentStatus.FUSED: {IncidentStatus.ACTIVE},
}


OVER = frozenset({IncidentStatus.CLOSED, IncidentStatus.FUSED})
"""Nobody works on such an incident any more: it ended, or it is part of another."""


class Note(Noun, frozen=True, kw_only=True):
    """What somebody wrote, and when."""

    at: int
    by: str
    text: str


class Incident(Noun, tag="incident", tag_field="noun", frozen=True, kw_only=True):
    """One thing that happened, that agencies work on together.

    `alerts` and `calls` are what it rests on; `fused_into` is set when it became part of another.
    `event` is the event that made this revision.
    """

    id: str
    timeline: str
    type: str
    status: IncidentStatus
    place: Place | None
    opened_at: int
    opened_by: str
    purpose: str
    alerts: tuple[str, ...] = ()
    calls: tuple[str, ...] = ()
    agencies: tuple[str, ...] = ()
    notes: tuple[Note, ...] = ()
    fused_into: str | None = None
    fused: tuple[str, ...] = ()
    disposition: str | None = None
    event: str = ""
    revision: int = 0

    @property
    def closed(self) -> bool:
        """Whether it is over for good: nothing is written about it any more."""
        return self.status is IncidentStatus.CLOSED

    def to(self, status: IncidentStatus, **changes: object) -> Incident:
        """This incident, one step later."""
        if status not in STEPS[self.status]:
            raise WrongStep(f"an incident that is {self.status} can't become {status}", incident=self.id)
        return self.changed(status=status, **changes)

    def changed(self, **changes: object) -> Incident:
        """This incident with those fields changed, one revision later."""
        return msgspec.structs.replace(self, revision=self.revision + 1, **changes)
