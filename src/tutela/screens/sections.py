"""What each section of the page reads, and in which shape its template gets it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from tutela.errors import Refused
from tutela.flow.measures import Measures, measures
from tutela.flow.read import AlertDetail, Located
from tutela.flow.read_health import Vitals
from tutela.model.access import Access
from tutela.model.alert import Alert, AlertStatus
from tutela.model.incident import STEPS, Incident, IncidentStatus
from tutela.model.people import Shift
from tutela.model.resource import STEPS as UNIT_STEPS
from tutela.model.resource import UnitStatus
from tutela.model.telling import Call, Telling
from tutela.model.timeline import LIVE

from . import look, story
from .console import Console, Opened

Seen = TypeVar("Seen")

KINDS = ("readings", "counts")
CALLS = 10
TOLD = 8
"""Reports, and posts, that the page shows: the newest ones."""

UNDER_WAY = 200
OVER = 50
"""Incidents that the page shows: the newest ones."""

UNITS = 200
"""Units that the page shows, in order of call sign."""

ELSEWHERE = frozenset({IncidentStatus.CLOSED, IncidentStatus.FUSED})


@dataclass(frozen=True, slots=True)
class Queue:
    """The open alerts by state, each highest rank first, and how the queue is doing."""

    measures: Measures
    new: list[Alert]
    acknowledged: list[Alert]
    shelved: list[Alert]
    held: list[Alert]


@dataclass(frozen=True, slots=True)
class OpenedAlert:
    """An alert with its reasons and its story, and the incidents it can be added to."""

    detail: AlertDetail
    story: list[story.Line]
    incidents: Sequence[Incident]


@dataclass(frozen=True, slots=True)
class OpenedIncident:
    """An incident with what it rests on, its story, the steps it can take, and the incidents it can be fused with.

    An alert or call that this person may not see, or that was erased, is known by its id only.
    """

    incident: Incident
    alerts: list[tuple[str, Alert | None]]
    calls: list[tuple[str, Call | None]]
    story: list[story.Line]
    steps: list[IncidentStatus]
    others: Sequence[Incident]


@dataclass(frozen=True, slots=True)
class Work:
    """The newest incidents that people work on, and the newest of those that are over."""

    under_way: Sequence[Incident]
    over: Sequence[Incident]

    @property
    def cut(self) -> tuple[bool, bool]:
        """Whether there may be more of each than are shown."""
        return len(self.under_way) == UNDER_WAY, len(self.over) == OVER


@dataclass(frozen=True, slots=True)
class UnitRow:
    """A unit with its place, its status in words, and the statuses that it can be given, each with its words."""

    located: Located
    status: str
    next: list[tuple[UnitStatus, str]]


@dataclass(frozen=True, slots=True)
class Units:
    """The first units in order of call sign, and how many there are."""

    rows: list[UnitRow]
    count: int


async def queue(here: Console, access: Access, opened: Opened) -> Queue:
    """The queue."""
    del opened
    alerts = await here.reads.desk.alerts(access, LIVE)
    by = {status: [alert for alert in alerts if alert.status is status] for status in AlertStatus}
    return Queue(
        measures=measures(alerts, here.reads.desk.ledger.now),
        new=by[AlertStatus.NEW],
        acknowledged=by[AlertStatus.ACKNOWLEDGED],
        shelved=by[AlertStatus.SHELVED],
        held=by[AlertStatus.HELD],
    )


async def alert(here: Console, access: Access, opened: Opened) -> OpenedAlert | None:
    """The alert that somebody looks at."""
    if not opened.alert:
        return None
    detail = await here.reads.desk.alert(access, opened.alert)
    zone, now = here.install.zone, here.reads.desk.ledger.now
    events = await here.reads.log.about(access, LIVE, opened.alert)
    told = story.of_alert(events, lambda at: look.clock(at, zone, now))
    return OpenedAlert(detail, told, await _under_way(here, access))


async def incidents(here: Console, access: Access, opened: Opened) -> Work:
    """What people work on."""
    del opened
    under_way = await here.reads.desk.incidents(access, LIVE, UNDER_WAY)
    return Work(under_way, await _seen(here.reads.desk.incidents(access, LIVE, OVER, over=True)) or ())


async def incident(here: Console, access: Access, opened: Opened) -> OpenedIncident | None:
    """The incident that somebody looks at."""
    if not opened.incident:
        return None
    found = await here.reads.desk.incident(access, opened.incident)
    told = story.of_incident(await here.reads.log.about(access, LIVE, opened.incident))
    others = [one for one in await _under_way(here, access) if one.id != found.id]
    steps = [status for status in IncidentStatus if status in STEPS[found.status] - ELSEWHERE]
    return OpenedIncident(
        incident=found,
        alerts=[(id_, await _seen(_alert(here, access, id_))) for id_ in found.alerts],
        calls=[(id_, await _seen(here.reads.desk.call(access, id_))) for id_ in found.calls],
        story=told,
        steps=steps,
        others=others,
    )


async def _under_way(here: Console, access: Access) -> Sequence[Incident]:
    """The incidents that something can be added to, as far as they may be seen."""
    return await _seen(here.reads.desk.incidents(access, LIVE, UNDER_WAY)) or ()


async def _alert(here: Console, access: Access, id_: str) -> Alert:
    return (await here.reads.desk.alert(access, id_)).alert


async def _seen(read: Awaitable[Seen]) -> Seen | None:
    """What may be seen; None for what may not."""
    try:
        return await read
    except Refused:
        return None


async def calls(here: Console, access: Access, opened: Opened) -> list[tuple[Call, Incident | None]]:
    """The newest calls, each with the incident that somebody made of it: nobody is to do so twice."""
    del opened
    told = await here.reads.desk.calls(access, LIVE, CALLS)
    made = await _seen(here.reads.desk.incidents_of(access, LIVE, [call.id for call in told])) or {}
    return [(call, made.get(call.id)) for call in told]


async def reports(here: Console, access: Access, opened: Opened) -> Sequence[object]:
    """The newest reports of residents, each with how it stands."""
    del opened
    return await here.moderating.beside(await here.reads.told.newest(access, "report", LIVE, TOLD))


async def posts(here: Console, access: Access, opened: Opened) -> Sequence[Telling]:
    """The newest public posts."""
    del opened
    return await here.reads.told.newest(access, "post", LIVE, TOLD)


async def units(here: Console, access: Access, opened: Opened) -> Units:
    """The units, and what can be done with each."""
    del opened
    found = await here.reads.units.units(access, LIVE)
    rows = [
        UnitRow(
            located=one,
            status=look.status(one.unit.status),
            next=[(status, look.status(status)) for status in UnitStatus if status in UNIT_STEPS[one.unit.status]],
        )
        for one in found[:UNITS]
    ]
    return Units(rows, len(found))


async def values(here: Console, access: Access, opened: Opened) -> list[look.Group]:
    """The newest values."""
    del opened
    observed = [await here.reads.observations.newest(access, LIVE, kind) for kind in KINDS]
    return look.groups(observed, here.reads.desk.ledger.now)


async def vitals(here: Console, access: Access, opened: Opened) -> Vitals:
    """How the sources are doing, and how far the log is sealed."""
    del opened
    return await here.health.vitals(access)


async def shift(here: Console, access: Access, opened: Opened) -> Shift | None:
    """The shift that this person is on."""
    del opened
    return await here.staff.shift(access)


Read = Callable[[Console, Access, Opened], Awaitable[object]]

SHOWN: tuple[Read, ...] = (
    vitals,
    shift,
    queue,
    alert,
    incidents,
    incident,
    calls,
    reports,
    posts,
    units,
    values,
)
SECTIONS: dict[str, Read] = {read.__name__: read for read in SHOWN}
"""In the order in which they are read: first how far the log is, so that following from there misses nothing."""

AGAIN = tuple(name for name in SECTIONS if name != "shift")
"""Those that are fetched again by themselves."""
