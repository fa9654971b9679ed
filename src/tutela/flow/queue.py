"""The alerts that the desk has before it, and where to find them: by place, by datastream, by detection. Pure.

A turn of the desk copies the queue, changes the copy, and leaves the one before as it was.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from tutela.maths import cells
from tutela.model.alert import OPEN, Alert, AlertStatus
from tutela.model.detection import Detection

JOINS = OPEN | {AlertStatus.DISMISSED}
"""Alerts that a detection may still join."""

REACH = 200.0
"""Metres: at H3 resolution 9 a ring of neighbours reaches at least about so far, whatever the direction."""

Like = tuple[str, str, bool]
"""What may be joined at all: type, purpose, and simulated or not. What is real never hides behind a simulation."""

Spot = tuple[Like, str, int | str]
"""A likeness, and the H3 cell ("cell"), the datastream ("stream") or, for what has no place, the source ("source")."""


@dataclass(slots=True)
class Queue:
    """The tables. `alerts` has the open ones and some that were closed not long ago; `held` wait to be shown.

    `spots` gives the alerts at a place or datastream, `holders` the alert of a detection: the newest of
    its detections, so many as the alert names.
    """

    alerts: dict[str, Alert] = field(default_factory=dict)
    held: set[str] = field(default_factory=set)
    spots: dict[Spot, tuple[str, ...]] = field(default_factory=dict)
    holders: dict[str, str] = field(default_factory=dict)

    def copy(self) -> Queue:
        """Another one with the same alerts."""
        return Queue(dict(self.alerts), set(self.held), dict(self.spots), dict(self.holders))

    def holder(self, detection: str) -> Alert | None:
        """The alert that holds this detection."""
        return self.alerts.get(self.holders.get(detection, ""))

    def around(self, detection: Detection, like: Like, metres: float) -> Iterator[Alert]:
        """The alerts of that likeness on one of its datastreams, or within about so many metres; each once.

        At no one place, of many datastreams: those of the same source that are so too.
        """
        near = cells.around(detection.cell, 1 + int(metres // REACH)) if detection.place else ()
        spots: list[Spot] = [(like, "cell", cell) for cell in near]
        spots += [(like, "stream", stream) for stream in detection.datastreams]
        spots += [(like, "source", source) for source in sources_of(detection)]
        for id_ in dict.fromkeys(id_ for spot in spots for id_ in self.spots.get(spot, ())):
            yield self.alerts[id_]

    def best_held(self) -> Alert:
        """The one to be shown next: the highest rank; of equals, the one that waits longest."""
        return max((self.alerts[id_] for id_ in self.held), key=lambda one: (one.rank, -one.since, one.id))

    def put(self, alert: Alert) -> None:
        """Keep this alert as it is now."""
        before = self.alerts.get(alert.id)
        self._move(alert.id, _spots(before), _spots(alert))
        for detection in set(before.detections if before else ()).difference(alert.detections):
            self._let_go(detection, alert.id)
        self.holders.update(dict.fromkeys(alert.detections, alert.id))
        self.alerts[alert.id] = alert
        if alert.status is AlertStatus.HELD:
            self.held.add(alert.id)
        else:
            self.held.discard(alert.id)

    def forget(self, alert: Alert) -> None:
        """Keep it no longer."""
        self._move(alert.id, _spots(alert), set())
        for detection in alert.detections:
            self._let_go(detection, alert.id)
        del self.alerts[alert.id]

    def _let_go(self, detection: str, alert: str) -> None:
        if self.holders.get(detection) == alert:
            del self.holders[detection]

    def _move(self, alert: str, old: set[Spot], new: set[Spot]) -> None:
        for spot in old - new:
            left = tuple(id_ for id_ in self.spots[spot] if id_ != alert)
            if left:
                self.spots[spot] = left
            else:
                del self.spots[spot]
        for spot in new - old:
            self.spots[spot] = (*self.spots.get(spot, ()), alert)


def _spots(alert: Alert | None) -> set[Spot]:
    """Where a detection looks for this alert; nowhere, once it is not to be joined any more."""
    if alert is None or alert.status not in JOINS:
        return set()
    like = (alert.type, alert.purpose, alert.simulated)
    found: set[Spot] = {(like, "stream", stream) for stream in alert.datastreams}
    found |= {(like, "source", source) for source in sources_of(alert)}
    return found | ({(like, "cell", alert.cell)} if alert.place else set())


def sources_of(one: Alert | Detection) -> tuple[str, ...]:
    """Whose datastreams it is about, where it is about many of them, and so at no one place; else none."""
    return one.sources if one.place is None and len(one.datastreams) > 1 else ()
