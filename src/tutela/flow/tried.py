"""What a rule that was tried would have told: its detections as the desk would have joined and shown them, day by day."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo
from itertools import groupby

from tutela.model.alert import Alert
from tutela.model.detection import Detection
from tutela.model.flow import Fact, Tick
from tutela.model.noun import Noun
from tutela.model.telling import Telling, word_of
from tutela.model.timeline import LIVE
from tutela.model.when import DAY, HOUR, MINUTE, moment
from tutela.policy.purposes import CLASSES

from .alert import DeskState, Options, fold

EXAMPLES = 10
BUDGET = 6
"""Alerts an hour that one operator is shown: no more than one in ten minutes (EEMUA 191)."""


class Tried(Noun, frozen=True, kw_only=True):
    """What a rule would have told from `since` to `until` (event time, microseconds).

    `detections` it makes, joined into `alerts`, of which so many are `shown` to one operator. `by_day`: alerts by the
    city's date, days without any too. `minutes`: of operators' time, if an alert takes one `each` minutes.
    `examples` are the first alerts, with their own words' id and parameters. Public posts that are past their day are
    not looked at on the live timeline, so a rule that speaks of posts tells of the last day alone there.
    """

    rule: str
    timeline: str
    since: int
    until: int
    detections: int
    alerts: int
    shown: int
    by_day: dict[str, int]
    each: float
    minutes: float
    examples: tuple[Alert, ...]

    @property
    def per_day(self) -> float:
        """Alerts a day."""
        return self.alerts * DAY / max(self.until - self.since, 1)


@dataclass(frozen=True, slots=True)
class Days:
    """The recorded days to try it on: since ≤ time < until. `asked`: when, for what is past its time by then is left out."""

    timeline: str
    since: int
    until: int
    asked: int

    @property
    def minutes(self) -> range:
        """The minutes that they have, by number."""
        return range(minute_of(self.since), minute_of(self.until) + 1)

    def holds(self, fact: Fact) -> bool:
        """Whether it is of these days, and its time is not over: only the live timeline goes by the clock."""
        if not self.since <= fact.at < self.until:
            return False
        if self.timeline != LIVE or not isinstance(fact, Telling):
            return True
        expires = CLASSES[f"{word_of(fact)}s"].expires(fact.at)
        return expires is None or expires > self.asked


def minute_of(at: int) -> int:
    """The minute at whose end a tick follows; what happens at a tick's own moment comes before it."""
    return (at - 1) // MINUTE


def summed(rule: str, found: Sequence[Detection], on: Days, each: float, zone: tzinfo) -> Tried:
    """The alerts of these detections, by the city's dates. `each`: minutes that an alert takes an operator."""
    alerts, shown = _desk(found, on)
    counted = Counter(_date(alert.since, zone) for alert in alerts)
    return Tried(
        rule=rule,
        timeline=on.timeline,
        since=on.since,
        until=on.until,
        detections=len({one.id for one in found}),
        alerts=len(alerts),
        shown=shown,
        by_day={date: counted[date] for date in _dates(on, zone)},
        each=each,
        minutes=round(len(alerts) * each, 1),
        examples=tuple(alerts[:EXAMPLES]),
    )


def _desk(found: Sequence[Detection], on: Days) -> tuple[list[Alert], int]:
    """The alerts that they become, by time, as they stand at the end, and how many of them are shown to one operator."""
    desk, known, options = DeskState(budget=BUDGET), dict[str, Alert](), Options()
    ordered = sorted(found, key=lambda one: (one.at, one.id, one.revision))
    by_minute = {minute: list(some) for minute, some in groupby(ordered, key=lambda one: minute_of(one.at))}
    for minute in on.minutes:
        desk, changes = fold(desk, [*by_minute.get(minute, ()), Tick((minute + 1) * MINUTE)], options)
        known |= {change.alert.id: change.alert for change in changes}
    alerts = sorted(known.values(), key=lambda alert: (alert.since, alert.id))
    return alerts, sum(alert.shown_at is not None for alert in alerts)


def _date(at: int, zone: tzinfo) -> str:
    return moment(at).astimezone(zone).date().isoformat()


def _dates(on: Days, zone: tzinfo) -> list[str]:
    """All dates of those days, in order."""
    return sorted({_date(at, zone) for at in (*range(on.since, on.until, HOUR), on.until - 1)})
