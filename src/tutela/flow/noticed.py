"""What a stage found, as it is committed: a detection with its event and its outbox rows, and corrections.

A row that comes too late for the detectors is history all the same. It is counted, and each minute of
recorded time that had such rows is told once, by an event `correction@1`: what was detected about the
time from `since` to `until` did not know of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tutela.maths.ids import uuid_of
from tutela.model.detection import Detection
from tutela.model.event import Event
from tutela.model.flow import encode
from tutela.model.noun import Noun
from tutela.model.when import MINUTE, SECOND

from .stage import Where


@dataclass(frozen=True, slots=True)
class Noticed:
    """What came of a turn. `late` counts rows by minute of event time; `ticked` is the last tick in it (None: none)."""

    detections: tuple[Detection, ...]
    events: tuple[Event, ...]
    late: Mapping[int, int]
    ticked: int | None


class Late(Noun, frozen=True, kw_only=True):
    """How many came late, and from when to when (event time, microseconds)."""

    count: int
    since: int
    until: int

    def and_(self, other: Late | None) -> Late:
        """Both together."""
        if other is None:
            return self
        return Late(
            count=self.count + other.count, since=min(self.since, other.since), until=max(self.until, other.until)
        )


class Correction(Noun, frozen=True, kw_only=True):
    """Body of `correction@1`: what came late in that minute of recorded time, for detectors of that lateness (seconds).

    `minute` in microseconds; 0: before the first tick.
    """

    stage: str
    partition: int
    minute: int
    lateness: float
    count: int
    since: int
    until: int


def event_of(detection: Detection, where: Where, sequence: int) -> Event:
    """The event of a detection that follows from the message of that sequence."""
    return Event(
        id=uuid_of("detection", detection.id, detection.revision),
        at=detection.at,
        by=detection.detector,
        cause=where.cause(sequence),
        kind="detection@1",
        timeline=where.timeline,
        body=encode(detection),
        subject=detection.id,
    )


def corrections(late: Mapping[int, Late], where: Where, before: int, tick: int, sequence: int) -> tuple[Event, ...]:
    """The corrections of the minute of the tick `before`, if this `tick` is of a later one.

    `late`: by lateness (microseconds). `sequence`: of the message that brought the tick.
    """
    minute = before // MINUTE * MINUTE
    if tick < minute + MINUTE:
        return ()
    return tuple(_correction(where, minute, lateness, late[lateness], tick, sequence) for lateness in sorted(late))


def _correction(where: Where, minute: int, lateness: int, late: Late, tick: int, sequence: int) -> Event:
    body = Correction(
        stage=where.stage,
        partition=where.partition,
        minute=minute,
        lateness=lateness / SECOND,
        count=late.count,
        since=late.since,
        until=late.until,
    )
    return Event(
        id=uuid_of("correction", where.timeline, where.stage, where.partition, minute, lateness),
        at=tick,
        by=where.stage,
        cause=where.cause(sequence),
        kind="correction@1",
        timeline=where.timeline,
        body=encode(body),
    )
