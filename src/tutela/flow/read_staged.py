"""Was it found? The staged events of the demonstration city beside the alerts of the same hours.

Honest on both sides: what was found, as what and how late; what was not; and what was raised although nothing was staged.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import msgspec

from tutela.maths.cells import metres
from tutela.model.access import Access
from tutela.model.alert import Alert
from tutela.model.noun import Noun
from tutela.model.staged import Staged
from tutela.model.timeline import LIVE
from tutela.model.when import DAY, HOUR, MINUTE, SECOND, iso
from tutela.policy.purposes import Action, ask, ask_about

from .ledger import Ledger
from .ports import Desk, Log

SOON = 5 * MINUTE
"""So long after its end a staged event may still be found: some detectors wait before they tell."""

LONGEST = 30 * MINUTE
"""No staged event lasts longer: the cause of an alert that is older than that is told, if it has one."""

NEAR = 600.0
"""Metres around a staged event in which an alert counts as finding it; one without a place counts anywhere."""

BACK = 24 * HOUR
MOST = 2000
"""Alerts that are looked at, the newest ones."""

_staged = msgspec.json.Decoder(Staged).decode


class Outcome(Noun, frozen=True, kw_only=True):
    """What became of a staged event: the alert that found it first (None: nothing did).

    `late`: seconds from its beginning until people saw that alert (None: it is held, and was never shown).
    """

    staged: Staged
    alert: Alert | None = None
    late: float | None = None


class Outcomes(Noun, frozen=True, kw_only=True):
    """All that was staged and is over, newest first, and the simulated alerts that nothing was staged for."""

    since: int
    outcomes: tuple[Outcome, ...]
    without_cause: tuple[Alert, ...]

    @property
    def found(self) -> int:
        """How many were found."""
        return sum(one.alert is not None for one in self.outcomes)


def of_day(at: int) -> str:
    """What the events of that day's staged events are about."""
    return f"staged/{iso(at)[:10]}"


def judged(staged: Sequence[Staged], alerts: Sequence[Alert], now: int) -> Outcomes:
    """Lay the two beside each other. An alert of what is not over yet belongs to what nobody may know of: it is left out."""
    ordered = sorted(alerts, key=lambda alert: (alert.since, alert.id))
    outcomes = [_outcome(one, ordered) for one in sorted(staged, key=lambda one: -one.at)]
    since = min((one.at for one in staged), default=now)
    known = min(max((one.until for one in staged), default=0), now - LONGEST)
    causeless = [
        alert
        for alert in ordered
        if alert.simulated and since <= alert.since < known and not any(_finds(alert, one) for one in staged)
    ]
    return Outcomes(since=since, outcomes=tuple(outcomes), without_cause=tuple(reversed(causeless)))


def _outcome(staged: Staged, alerts: Sequence[Alert]) -> Outcome:
    first = next((alert for alert in alerts if alert.type in staged.expects and _finds(alert, staged)), None)
    if first is None:
        return Outcome(staged=staged)
    late = None if first.shown_at is None else max(0, first.shown_at - staged.at) / SECOND
    return Outcome(staged=staged, alert=first, late=late)


def _finds(alert: Alert, staged: Staged) -> bool:
    """Whether the alert may come from it: at that time, near that place. What it is called does not matter here."""
    in_time = staged.at <= alert.last and alert.since <= staged.until + SOON
    return in_time and (alert.place is None or metres(alert.place, staged.place) <= NEAR)


@dataclass(frozen=True, slots=True, kw_only=True)
class StagedReads:
    """Reads of it; each raises Refused, and leaves one event."""

    ledger: Ledger
    desk: Desk
    log: Log

    async def outcomes(self, access: Access) -> Outcomes:
        """Those of the last day."""
        now, query = self.ledger.now, "staged events and alerts of the last day"
        alerts = await self.desk.alerts_since(LIVE, now - BACK, MOST)
        general = ask(access, Action.READ, "alerts", now)
        shown = await self.ledger.permitted(
            alerts, lambda alert: ask_about(access, Action.READ, alert, now), general, LIVE, query
        )
        found = judged([one async for one in self._staged(now)], shown, now)
        await self.ledger.wrote(access, LIVE, query, [alert.id for alert in shown])
        return found

    async def _staged(self, now: int) -> AsyncIterator[Staged]:
        for day in (of_day(now - DAY), of_day(now)):
            for event in await self.log.about(day):
                if event.kind == "staged@1" and event.at > now - BACK:
                    yield _staged(event.body)
