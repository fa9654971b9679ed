"""What happened to an alert or incident, told from its events: who did what, and when. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from tutela.model.alert import Alert, AlertStatus
from tutela.model.event import Event
from tutela.model.incident import Incident, IncidentStatus

Noun = TypeVar("Noun", Alert, Incident)
Clock = Callable[[int], str]

SHORT = 8
"""Characters of an id that tell two apart for a person."""

BECAME = {
    AlertStatus.HELD: "held back: the budget of those on shift is used up",
    AlertStatus.NEW: "shown",
    AlertStatus.ACKNOWLEDGED: "acknowledged",
    AlertStatus.DISMISSED: "dismissed",
    AlertStatus.INCIDENT: "made part of an incident",
    AlertStatus.EXPIRED: "expired: nobody saw to it in time",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that happened."""

    at: int
    by: str
    says: str


def of_alert(events: Iterable[Event], clock: Clock) -> list[Line]:
    """The story of an alert, oldest first. `clock` gives a time in words."""
    return [
        Line(event.at, event.by, says)
        for event, before, after in _changes(events, Alert)
        for says in _alert(before, after, clock)
    ]


def of_incident(events: Iterable[Event]) -> list[Line]:
    """The story of an incident, oldest first."""
    return [
        Line(event.at, event.by, says)
        for event, before, after in _changes(events, Incident)
        for says in _incident(before, after)
    ]


def _changes(events: Iterable[Event], of: type[Noun]) -> Iterator[tuple[Event, Noun | None, Noun]]:
    """Each event with the noun before (None: it is new) and after it; those without a body tell nothing."""
    before: Noun | None = None
    for event in events:
        if not event.body or event.key is not None:
            continue
        after = msgspec.json.decode(event.body, type=of)
        yield event, before, after
        before = after


def _alert(before: Alert | None, after: Alert, clock: Clock) -> Iterator[str]:
    if before is None:
        yield "noticed"
    elif after.count > before.count:
        yield f"noticed again, ×{after.count}"
    if before is None or after.status is not before.status:
        yield _became(after, clock)


def _became(alert: Alert, clock: Clock) -> str:
    if alert.status is AlertStatus.SHELVED:
        return f"shelved until {clock(alert.shelved_until or 0)}: {alert.reason}"
    says = BECAME[alert.status]
    return f"{says}: {alert.reason}" if alert.reason else says


def _incident(before: Incident | None, after: Incident) -> Iterator[str]:
    if before is None:
        yield f"opened, from {'an alert' if after.alerts else 'a call' if after.calls else 'what somebody saw'}"
        return
    if after.status is not before.status:
        yield _stepped(after)
    yield from _more_or_less("alert", before.alerts, after.alerts)
    yield from _more_or_less("call", before.calls, after.calls)
    yield from _more_or_less("incident", before.fused, after.fused)
    if after.agencies != before.agencies:
        yield f"works on it: {', '.join(after.agencies) or 'nobody'}"
    yield from (f"noted: {note.text}" for note in after.notes[len(before.notes) :])


def _stepped(incident: Incident) -> str:
    if incident.status is IncidentStatus.CLOSED:
        return f"closed: {incident.disposition}"
    if incident.status is IncidentStatus.FUSED:
        return f"fused into {incident.fused_into}"
    return f"now {incident.status}"


def _more_or_less(what: str, before: Sequence[str], after: Sequence[str]) -> Iterator[str]:
    yield from (f"{what} added: {id_[:SHORT]}" for id_ in after if id_ not in before)
    yield from (f"{what} taken out: {id_[:SHORT]}" for id_ in before if id_ not in after)
