"""Step 5: detections become alerts, joined, ranked, and shown as fast as people can look at them. Pure.

**Joined.** A detection joins the newest alert of its type (and purpose, and simulated or not) that is

* near: within 300 m of the alert's first detection, or resting on one of the same datastreams, or of the same
  source, where both are about many datastreams and so at no one place; and
* recent: no more than 15 min apart in event time. On the same datastream an alert that still waits
  (held, new or shelved) takes what comes for as long as it waits.

An alert that was dismissed takes what comes to its place and type for 15 min more, counted and logged
but not shown again: who said "false" need not say it twice. One that expired or became an incident is
never joined. A new revision of a detection updates the alert that holds it and is not counted again.

**Shown.** Each operator on shift has a budget of alerts an hour. All budgets together are a bucket of
tokens: showing an alert takes one, which comes back an hour later, and no more than a sixth of them
(rounded up) are taken in ten minutes, so that one burst does not use up the hour (EEMUA 191 calls ten in
ten minutes a flood). So no hour shows more than the budget, however the day is cut into hours. With no
token left an alert is held; when one comes free, the highest rank of all that are held is shown.

**Grave ones** (Immediate, and Extreme or Severe) are shown at once and take no token: neither do they
wait for others, nor others for them. A grave detection never joins what people do not look at any more:
it brings a held or shelved alert back up, and makes a new alert where one was dismissed, or was
acknowledged as something less.

**Over.** Held and new ones expire, with an event, some hours after their last detection or after they
were shown. Acknowledged ones wait for their person. Shelved ones come back when their time is up.

Time passes by recorded ticks only. Before the first one, the time of the first detection stands in. What is due between
two ticks happens at its own moment, so that alerts do not depend on how far apart ticks are.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import msgspec

from tutela.errors import BadInput
from tutela.maths import cells
from tutela.maths.ids import uuid_of
from tutela.model.alert import OPEN, Alert, AlertStatus
from tutela.model.detection import Detection
from tutela.model.flow import Tick
from tutela.model.noun import Noun
from tutela.model.people import Shift
from tutela.model.scales import Severity
from tutela.model.when import HOUR, MINUTE

from .bundle import joined, opened, revised
from .queue import Queue, sources_of

FAR = 2**63 - 1
PACE = 10 * MINUTE
LIVES = {
    Severity.EXTREME: 24 * HOUR,
    Severity.SEVERE: 12 * HOUR,
    Severity.MODERATE: 4 * HOUR,
    Severity.UNKNOWN: 4 * HOUR,
    Severity.MINOR: HOUR,
}
WAITS = frozenset({AlertStatus.HELD, AlertStatus.NEW, AlertStatus.SHELVED})


class Options(Noun, frozen=True, kw_only=True):
    """How the desk joins and forgets: metres, and microseconds. `lives` is how long an alert waits for people."""

    near: float = 300.0
    window: int = 15 * MINUTE
    quiet: int = 15 * MINUTE
    lives: dict[Severity, int] = msgspec.field(default_factory=LIVES.copy)


@dataclass(frozen=True, slots=True)
class DeskState:
    """What the desk has before it. A new one comes out of each turn; none is ever changed.

    `closed` says until when a closed alert is remembered (0: it may be closed); `shown` which alerts took a token in
    the last hour, and when. `budget` is alerts an hour; `simulated` are sources. Nothing is due before `due`.
    """

    now: int = 0
    budget: int = 0
    simulated: frozenset[str] = frozenset()
    queue: Queue = field(default_factory=Queue)
    closed: dict[str, int] = field(default_factory=dict)
    shown: dict[str, int] = field(default_factory=dict)
    due: int = FAR


@dataclass(frozen=True, slots=True)
class Change:
    """An alert as it is from `at` on, its event before (None: it is new), and what did it (None: time did)."""

    alert: Alert
    at: int
    after: str | None
    because: Detection | None


class Kept(Noun, frozen=True, kw_only=True):
    """What a desk has to save: the rest is in the alerts themselves.

    `recent` are open alerts: when it begins again, people may have closed them.
    """

    now: int
    recent: tuple[str, ...]
    closed: dict[str, int]
    shown: dict[str, int]


def fold(desk: DeskState, seen: Iterable[Detection | Tick], options: Options) -> tuple[DeskState, tuple[Change, ...]]:
    """The desk after all of these, in their order, and every change of an alert, each one revision later."""
    turn = _Turn(desk, options)
    for one in seen:
        if isinstance(one, Tick):
            turn.pass_time(one.at)
        else:
            turn.see(one)
    return turn.desk(), tuple(turn.changes)


def budget(shifts: Iterable[Shift], now: int) -> int:
    """Alerts an hour that those on shift at that time can look at together."""
    return sum(shift.budget for shift in shifts if shift.since <= now and (shift.until is None or now < shift.until))


def save(desk: DeskState, options: Options) -> bytes:
    """What is not in the alerts, as JSON."""
    since = desk.now - options.quiet
    recent = tuple(id_ for id_, one in desk.queue.alerts.items() if one.last > since and id_ not in desk.closed)
    return msgspec.json.encode(Kept(now=desk.now, recent=recent, closed=desk.closed, shown=desk.shown), order="sorted")


def load(saved: bytes | None) -> DeskState:
    """The desk that was saved, still without its alerts: `stand` brings them."""
    if saved is None:
        return DeskState()
    try:
        kept = msgspec.json.decode(saved, type=Kept)
    except msgspec.DecodeError as wrong:
        raise BadInput(f"this is not what a desk saved: {wrong}") from wrong
    return DeskState(now=kept.now, closed=dict.fromkeys(kept.recent, 0) | kept.closed, shown=kept.shown)


def stand(desk: DeskState, alerts: Iterable[Alert], options: Options) -> DeskState:
    """The same desk with the alerts as they stand in the record, after people acted on them.

    `alerts` are the open ones, and closed ones that it still has or remembers. Tokens that were taken since
    the desk was saved are known from when the open ones were shown.
    """
    turn = _Turn(desk, options)
    for alert in sorted(alerts, key=lambda one: (one.status in OPEN, one.scale.grave, one.since, one.id)):
        before = desk.queue.alerts.get(alert.id)
        if before is not None and (before.revision, before.event) == (alert.revision, alert.event):
            continue
        if alert.status not in OPEN:
            turn.closed[alert.id] = desk.closed.get(alert.id) or desk.now + options.quiet
        else:
            turn.closed.pop(alert.id, None)
            if (alert.shown_at or 0) > desk.now - HOUR and not alert.scale.grave:
                turn.shown.setdefault(alert.id, alert.shown_at or 0)
        turn.keep(alert)
    return turn.desk()


class _Turn:
    """One stretch of the fold, on copies of the desk's tables."""

    def __init__(self, desk: DeskState, options: Options) -> None:
        self.start = desk
        self.options = options
        self.now, self.due = desk.now, desk.due
        self.queue, self.closed, self.shown = desk.queue.copy(), dict(desk.closed), dict(desk.shown)
        self.changes: list[Change] = []

    def desk(self) -> DeskState:
        return replace(self.start, now=self.now, due=self.due, queue=self.queue, closed=self.closed, shown=self.shown)

    def see(self, detection: Detection) -> None:
        """It is known, or joins an alert, or makes one."""
        self.now = self.now or detection.at
        holder = self.queue.holder(detection.id)
        if holder is not None and not _missed(holder, detection):
            self.change(holder, revised(holder, detection), detection)
            return
        simulated = not self.start.simulated.isdisjoint(detection.sources)
        like = (detection.type, detection.purpose, simulated)
        fitting = [one for one in self.queue.around(detection, like, self.options.near) if self.fits(one, detection)]
        if fitting:
            newest = max(fitting, key=lambda one: (one.last, one.id))
            self.change(newest, joined(newest, detection), detection)
            return
        new = opened(detection, simulated=simulated)
        if new.id not in self.queue.alerts:
            self.enter(new, None, detection)
            self.show_held()

    def fits(self, alert: Alert, detection: Detection) -> bool:
        """Whether the two are one thing that happens: see the head of this file."""
        dismissed = alert.status is AlertStatus.DISMISSED
        if _missed(alert, detection) or (dismissed and detection.scale.grave):
            return False
        same = not set(alert.datastreams).isdisjoint(detection.datastreams)
        if dismissed or (same and alert.status in WAITS):
            return same or self.near(alert, detection)
        apart = max(detection.since - alert.last, alert.since - detection.at)
        return apart <= self.options.window and (same or self.near(alert, detection))

    def near(self, alert: Alert, detection: Detection) -> bool:
        one, other = alert.place, detection.place
        if one is None or other is None:
            return not set(sources_of(alert)).isdisjoint(sources_of(detection))
        return cells.metres(one, other) <= self.options.near

    def pass_time(self, at: int) -> None:
        """A recorded tick. What happens by itself happens at its own moment, however far apart the ticks are."""
        self.come_to(self.now)  # somebody may have signed on meanwhile
        while self.now < (when := min(self.due, self.next_free())) < at:
            self.come_to(when)
        self.come_to(max(self.now, at))

    def come_to(self, now: int) -> None:
        """Tokens come back, shelved alerts too, old ones expire, held ones are shown."""
        self.now = now
        for id_ in [id_ for id_, taken in self.shown.items() if taken <= now - HOUR]:
            del self.shown[id_]
        if now >= self.due:
            self.due = FAR
            for alert in tuple(self.queue.alerts.values()):
                self.end(alert)
        self.show_held()

    def end(self, alert: Alert) -> None:
        """What happens by itself when its time is over; until then, remember when that will be."""
        when = self.end_of(alert)
        if when > self.now:
            self.due = min(self.due, when)
        elif alert.id in self.closed:
            del self.closed[alert.id]
            self.queue.forget(alert)
        elif alert.status is AlertStatus.SHELVED:
            self.enter(alert.to(AlertStatus.NEW), alert)
        else:
            self.closed[alert.id] = self.now + self.options.quiet
            self.enter(alert.to(AlertStatus.EXPIRED), alert)

    def end_of(self, alert: Alert) -> int:
        if alert.id in self.closed:
            return self.closed[alert.id]
        if alert.status is AlertStatus.ACKNOWLEDGED:
            return FAR
        if alert.status is AlertStatus.SHELVED:
            return alert.shelved_until or 0
        waits_since = max(alert.last, alert.shown_at or 0, alert.shelved_until or 0)
        return waits_since + self.options.lives[alert.scale.severity]

    def show_held(self) -> None:
        """Show the highest of what is held, while there are tokens."""
        for _ in range(min(self.free(), len(self.queue.held))):
            best = self.queue.best_held()
            self.shown[best.id] = self.now
            self.enter(best.to(AlertStatus.NEW, shown_at=self.now), best)

    def free(self) -> int:
        """Tokens that may be taken now: of the hour's, and of these ten minutes'."""
        lately = sum(taken > self.now - PACE for taken in self.shown.values())
        return min(self.start.budget - len(self.shown), self.share() - lately)

    def share(self) -> int:
        return -(-self.start.budget // 6)

    def next_free(self) -> int:
        """When what is held gets a token; FAR when nothing is held, or nobody is there."""
        if not self.queue.held or self.start.budget <= 0:
            return FAR
        taken = [self.now - HOUR] * self.start.budget + sorted(self.shown.values())
        return max(taken[-self.start.budget] + HOUR, taken[-self.share()] + PACE)

    def change(self, before: Alert, after: Alert, because: Detection) -> None:
        """Enter what a detection made different; the same again makes nothing different."""
        if after != before:
            self.enter(msgspec.structs.replace(after, revision=before.revision + 1), before, because)

    def enter(self, alert: Alert, before: Alert | None, because: Detection | None = None) -> None:
        """One change, as it will be told. A grave alert is never held or shelved."""
        if alert.scale.grave and alert.status in (AlertStatus.HELD, AlertStatus.SHELVED):
            shown_at = self.now if alert.shown_at is None else alert.shown_at
            alert = msgspec.structs.replace(alert, status=AlertStatus.NEW, shown_at=shown_at)
        alert = msgspec.structs.replace(alert, event=uuid_of("alert", alert.id, alert.revision))
        self.changes.append(Change(alert, self.now, before.event if before else None, because))
        self.keep(alert)

    def keep(self, alert: Alert) -> None:
        self.queue.put(alert)
        self.due = min(self.due, self.end_of(alert))


def _missed(alert: Alert, detection: Detection) -> bool:
    """Whether people would miss this grave detection in that alert: they are done with it, and it was less."""
    if not detection.scale.grave or alert.status in WAITS or alert.status is AlertStatus.INCIDENT:
        return False
    return alert.status is AlertStatus.EXPIRED or not alert.scale.grave
