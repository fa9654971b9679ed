"""The lines of a handover: what is open, what changed, and what does not work, each with the event that says so. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

import msgspec

from tutela.maths.ids import digest
from tutela.model.alert import Alert, AlertStatus
from tutela.model.event import Event
from tutela.model.incident import Incident
from tutela.model.noun import Noun
from tutela.model.place import Place
from tutela.model.register import Reach
from tutela.model.resource import EmergencyResource, UnitStatus
from tutela.model.timeline import LIVE
from tutela.model.when import DAY, HOUR, MINUTE

from .desk import DESK
from .read_health import SourceNow

OPEN, CHANGED, WAITING, SHELVED, UNITS, SOURCES, OFF = SECTIONS = (
    "open",
    "changed",
    "waiting",
    "shelved",
    "units",
    "sources",
    "off",
)
"""In the order in which they are read."""

SILENT = 10 * MINUTE
"""A source that sent something since this process started, and nothing for so long, is told as silent."""

BECAME = {
    AlertStatus.NEW: "taken back into the queue",
    AlertStatus.ACKNOWLEDGED: "acknowledged",
    AlertStatus.SHELVED: "shelved",
    AlertStatus.DISMISSED: "dismissed",
    AlertStatus.INCIDENT: "made part of an incident",
}
WAITS = {
    AlertStatus.NEW: "waits for somebody",
    AlertStatus.HELD: "held back: the budget is used up",
    AlertStatus.ACKNOWLEDGED: "acknowledged, and not closed",
}

Work = Alert | Incident | EmergencyResource
_WORK: Mapping[str, type[Work]] = {"alert@1": Alert, "incident@1": Incident, "unit@1": EmergencyResource}

NOBODY = frozenset({DESK, "install"})
"""Who is no person on a shift: the desk itself, and whoever holds the machine."""

LONGEST = 2 * DAY
"""How far back a handover looks."""

SHIFT = 12 * HOUR
"""How far back it looks when nobody handed over before."""


class Line(Noun, frozen=True, kw_only=True):
    """One line of a handover: in which section, what it is about (`name` for people, `about` its id), and the event that says so.

    `at` is when (microseconds), `by` who did it, `until` when it ends by itself. Where one of these says nothing it is empty.
    """

    section: str
    about: str
    name: str
    says: str
    event: str
    at: int
    by: str = ""
    purpose: str = ""
    agency: str = ""
    place: Place | None = None
    until: int | None = None


class Written(Noun, frozen=True, kw_only=True):
    """A handover as the system writes it: of the time since then, at that moment (microseconds). `did` counts what each person did."""

    since: int
    at: int
    lines: tuple[Line, ...]
    did: dict[str, int]

    @property
    def counts(self) -> dict[str, int]:
        """How many lines each section has."""
        found = Counter(one.section for one in self.lines)
        return {section: found[section] for section in SECTIONS}

    @property
    def digest(self) -> str:
        """Of the events that the lines name, in order."""
        return digest(*(one.event for one in self.lines)).hex()


def work_of(event: Event) -> Work | None:
    """What a person changed by that event; None when it is about something else, or nobody on a shift did it."""
    of = _WORK.get(event.kind)
    if of is None or event.by in NOBODY or event.timeline != LIVE:
        return None
    return msgspec.json.decode(event.body, type=of)


def did(work: Work, event: Event) -> Line:
    """What a person did."""
    made = _about(work, CHANGED, says_of(work), event.at)
    return msgspec.structs.replace(made, event=event.id, by=event.by)


def says_of(work: Work) -> str:
    """Where it went by that."""
    if isinstance(work, Alert):
        return BECAME.get(work.status, str(work.status))
    if isinstance(work, EmergencyResource):
        return f"now {work.status}"
    return "opened" if work.revision == 0 else f"changed; it is {work.status}"


def under_way(incidents: Iterable[Incident]) -> Iterator[Line]:
    """The incidents that people work on."""
    for one in incidents:
        parts = f"{len(one.alerts)} alerts, {len(one.calls)} calls, {len(one.notes)} notes"
        yield _about(one, OPEN, f"{one.status}; {parts}", one.opened_at, by=one.opened_by)


def standing(alerts: Iterable[Alert]) -> Iterator[Line]:
    """The alerts that wait, and those that rest, with when that ends."""
    for one in alerts:
        if one.status is AlertStatus.SHELVED:
            line = _about(one, SHELVED, one.reason or "", one.last, by=one.by or "")
            yield msgspec.structs.replace(line, until=one.shelved_until)
        else:
            yield _about(one, WAITING, f"{WAITS[one.status]}, ×{one.count}", one.last, by=one.by or "")


def out_of_service(units: Iterable[EmergencyResource]) -> Iterator[Line]:
    """The units that can't be sent."""
    for one in units:
        if one.status is UnitStatus.OUT_OF_SERVICE:
            yield _about(one, UNITS, "out of service", one.since, by=one.by)


def down(sources: Iterable[SourceNow], reached: Mapping[str, Reach], now: int) -> Iterator[tuple[str, str, int]]:
    """The sources that are entered and from which nothing comes: name, what is wrong, since when."""
    for one in sources:
        name, last = one.health.source, one.health.last
        reach = reached.get(name)
        if one.entry is None:
            continue
        if reach is not None and reach.reachable is False:
            yield name, f"not reachable: {reach.says}", reach.came or reach.at
        elif last is not None and now - last > SILENT:
            yield name, "silent", last


def _about(work: Work, section: str, says: str, at: int, by: str = "") -> Line:
    line = Line(
        section=section, about=work.id, name="", says=says, event=work.event, at=at, by=by, purpose=work.purpose
    )
    if isinstance(work, EmergencyResource):  # its place is where its crew is, and not told here
        return msgspec.structs.replace(line, name=work.name, agency=work.agency)
    agencies = ", ".join(work.agencies) if isinstance(work, Incident) else ""
    return msgspec.structs.replace(line, name=work.type, agency=agencies, place=work.place)
