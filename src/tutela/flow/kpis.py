"""How fast help comes, measured from the log, beside the lines of NFPA 1225 and 1710; what the log can't tell is said, and not guessed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import ceil
from statistics import median

from msgspec.structs import replace

from tutela.errors import BadInput, NotFound
from tutela.model.access import Access
from tutela.model.alert import Alert, AlertStatus
from tutela.model.incident import Incident, IncidentStatus
from tutela.model.noun import Noun
from tutela.model.resource import EmergencyResource, UnitStatus
from tutela.model.timeline import LIVE
from tutela.model.when import DAY, SECOND
from tutela.policy.purposes import Action, ask

from .changes import Changes

LONGEST = 31 * DAY
"""How far back they look."""

SHARE = 0.9
"""The share of all cases that has to be within a line, in both standards."""


class Timed(Noun, frozen=True, kw_only=True):
    """How long one step took: of so many cases the median, and within what nine of ten were, in seconds.

    `line` is what the standard allows nine of ten (None: there is no standard), `within` how many of the cases were. `unknown` says why it
    can't be measured.
    """

    name: str
    says: str
    line: float | None = None
    standard: str = ""
    cases: int = 0
    within: int | None = None
    median: float | None = None
    ninety: float | None = None
    unknown: str = ""

    @property
    def kept(self) -> bool | None:
        """Whether the line was kept; None where nobody can tell."""
        return None if self.within is None or not self.cases else self.within >= SHARE * self.cases


class Kpis(Noun, frozen=True, kw_only=True):
    """All of it, of the time since then, at that moment (microseconds)."""

    since: int
    at: int
    steps: tuple[Timed, ...]


@dataclass(slots=True)
class _Seen:
    """What the log says, gathered event by event: seconds of each step, and what is under way."""

    dispatched: dict[str, int] = field(default_factory=dict)
    opened: dict[str, Incident] = field(default_factory=dict)
    acknowledged: list[float] = field(default_factory=list)
    enroute: dict[str, int] = field(default_factory=dict)
    travelled: list[float] = field(default_factory=list)
    noticed: set[str] = field(default_factory=set)

    def add(self, work: Alert | Incident | EmergencyResource, at: int) -> None:
        """One event."""
        if isinstance(work, Alert):
            self._alert(work, at)
        elif isinstance(work, Incident):
            self.opened.setdefault(work.id, work)
            if work.status is IncidentStatus.DISPATCHED:
                self.dispatched.setdefault(work.id, at)
        else:
            self._unit(work)

    def _alert(self, alert: Alert, at: int) -> None:
        if alert.status is AlertStatus.ACKNOWLEDGED and alert.shown_at is not None and alert.id not in self.noticed:
            self.noticed.add(alert.id)
            self.acknowledged.append(max(0, at - alert.shown_at) / SECOND)

    def _unit(self, unit: EmergencyResource) -> None:
        began = self.enroute.pop(unit.id, None)
        if unit.status is UnitStatus.ENROUTE:
            self.enroute[unit.id] = unit.since
        elif unit.status is UnitStatus.ON_SCENE and began is not None:
            self.travelled.append((unit.since - began) / SECOND)


@dataclass(frozen=True, slots=True, kw_only=True)
class KpiReads:
    """Measures them. Raises Refused for whoever may not read calls, incidents and units, and leaves one event."""

    changes: Changes

    async def measured(self, access: Access, days: float) -> Kpis:
        """Of the last so many days; raises BadInput."""
        ledger = self.changes.desk.ledger
        now = ledger.now
        since = now - round(days * DAY)
        if not now - LONGEST <= since < now:
            raise BadInput("give a number of days of more than 0, and at most 31")
        query = f"response times of {days:g} days"
        for of in ("calls", "incidents", "units"):
            await ledger.must(ask(access, Action.READ, of, now), LIVE, query)
        seen = _Seen()
        async for work, event in self.changes.work(access, since):
            seen.add(work, event.at)
        called = await self._called(seen.opened.values())
        await ledger.wrote(access, LIVE, query, seen.opened)
        return Kpis(since=since, at=now, steps=tuple(_steps(seen, called)))

    async def _called(self, incidents: Iterable[Incident]) -> dict[str, int]:
        """When somebody called first about each incident that was opened from a call."""
        found = {}
        for one in incidents:
            for call in one.calls[:1]:
                try:
                    found[one.id] = (await self.changes.desk.desk.bare(call)).at
                except NotFound:
                    continue  # erased with its time
        return found


def _steps(seen: _Seen, called: dict[str, int]) -> list[Timed]:
    sent = [(seen.dispatched[id_] - at) / SECOND for id_, at in called.items() if id_ in seen.dispatched]
    made = [(seen.opened[id_].opened_at - at) / SECOND for id_, at in called.items()]
    return [
        Timed(
            name="answer",
            says="from the first ring until somebody answers",
            line=10.0,
            standard="NFPA 1225",
            unknown="a call reaches the log when it is answered; nobody tells when it rang",
        ),
        timed("process", "from the call until its incident is dispatched", sent, 60.0, "NFPA 1225"),
        Timed(
            name="turnout",
            says="from being sent until the unit moves",
            line=80.0,
            standard="NFPA 1710",
            unknown="which unit was sent to which incident is not in the log yet",
        ),
        timed("travel", "from Enroute until OnScene, of each unit", seen.travelled, 240.0, "NFPA 1710"),
        timed("call to incident", "from the call until somebody opened its incident", made),
        timed("alert to person", "from an alert's showing until somebody saw to it", seen.acknowledged),
    ]


def timed(name: str, says: str, took: Sequence[float], line: float | None = None, standard: str = "") -> Timed:
    """A step of which these are the seconds."""
    made = Timed(name=name, says=says, line=line, standard=standard, cases=len(took))
    if not took:
        return replace(made, unknown="it did not happen in this time")
    within = None if line is None else sum(one <= line for one in took)
    return replace(made, within=within, median=median(took), ninety=sorted(took)[ceil(SHARE * len(took)) - 1])
