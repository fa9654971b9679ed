"""What one alert is made of: the detections that it joins, and how high it stands in the queue. Pure.

The rank is a whole number, the sum of these, so that the order of a queue can be worked out by hand:

    grave       10,000 when Immediate and Extreme or Severe: above everything that is not
    pressing    100 × severity × urgency, each from the tables below (at most 6,400)
    sure        10 × certainty (at most 80), and the confidence in per cent (at most 100)
    backed      20 for each source after the first (at most 100), 5 for each doubling of the count

So a graver one stands above a lesser one, and among like ones the surer and better backed stands above.
CAP's Unknown counts as somewhat worse than the least: what nobody could judge is looked at.
"""

from __future__ import annotations

from typing import TypeVar

import msgspec

from tutela.maths.ids import uuid_of
from tutela.model.alert import Alert, AlertStatus
from tutela.model.detection import Detection
from tutela.model.scales import Certainty, Scale, Severity, Urgency

Name = TypeVar("Name")

KEPT = 50
"""Detections, sources and datastreams that an alert names. Each of its events names the one that made it."""

GRAVE = 10_000
SEVERITY = {Severity.EXTREME: 8, Severity.SEVERE: 6, Severity.MODERATE: 4, Severity.UNKNOWN: 3, Severity.MINOR: 2}
URGENCY = {Urgency.IMMEDIATE: 8, Urgency.EXPECTED: 5, Urgency.UNKNOWN: 3, Urgency.FUTURE: 2, Urgency.PAST: 1}
CERTAINTY = {
    Certainty.OBSERVED: 8,
    Certainty.LIKELY: 6,
    Certainty.POSSIBLE: 4,
    Certainty.UNKNOWN: 3,
    Certainty.UNLIKELY: 1,
}


def rank(scale: Scale, confidence: float, count: int = 1, sources: int = 1) -> int:
    """Where an alert stands: see the table above. `confidence` is 0 … 1."""
    pressing = 100 * SEVERITY[scale.severity] * URGENCY[scale.urgency]
    sure = 10 * CERTAINTY[scale.certainty] + round(100 * min(max(confidence, 0.0), 1.0))
    backed = 20 * min(max(sources - 1, 0), 5) + 5 * (count.bit_length() - 1)
    return GRAVE * scale.grave + pressing + sure + backed


def id_of(detection: Detection) -> str:
    """The id of an alert that begins with it. A later revision begins another one, when the first is over."""
    return uuid_of("alert", detection.timeline, detection.type, detection.id, detection.revision)


def opened(detection: Detection, *, simulated: bool) -> Alert:
    """A new alert, held: whoever calls this decides whether it is shown."""
    return Alert(
        id=id_of(detection),
        timeline=detection.timeline,
        type=detection.type,
        status=AlertStatus.HELD,
        scale=detection.scale,
        confidence=detection.confidence,
        rank=rank(detection.scale, detection.confidence, 1, len(set(detection.sources))),
        place=detection.place,
        cell=detection.cell,
        since=detection.since,
        last=detection.at,
        count=1,
        detections=(detection.id,),
        sources=_newest((), detection.sources),
        datastreams=_newest((), detection.datastreams),
        purpose=detection.purpose,
        message=detection.why.message,
        parameters=detection.why.inputs,
        simulated=simulated,
    )


def joined(alert: Alert, detection: Detection) -> Alert:
    """The alert with one more detection."""
    return _with(alert, detection, alert.count + 1, _newest(alert.detections, (detection.id,)))


def revised(alert: Alert, detection: Detection) -> Alert:
    """The alert with a new revision of a detection that it holds: counted once. Nothing new gives the same alert."""
    return _with(alert, detection, alert.count, alert.detections)


def _with(alert: Alert, detection: Detection, count: int, detections: tuple[str, ...]) -> Alert:
    """It speaks for its most pressing detection; of equals, the newest. A revision of its only one may lower it."""
    leads = count == 1 or rank(detection.scale, detection.confidence) >= rank(alert.scale, alert.confidence)
    scale, confidence = (detection.scale, detection.confidence) if leads else (alert.scale, alert.confidence)
    sources = _newest(alert.sources, detection.sources)
    return msgspec.structs.replace(
        alert,
        scale=scale,
        confidence=confidence,
        message=detection.why.message if leads else alert.message,
        parameters=detection.why.inputs if leads else alert.parameters,
        rank=rank(scale, confidence, count, len(sources)),
        since=min(alert.since, detection.since),
        last=max(alert.last, detection.at),
        count=count,
        detections=detections,
        sources=sources,
        datastreams=_newest(alert.datastreams, detection.datastreams),
    )


def _newest(old: tuple[Name, ...], new: tuple[Name, ...]) -> tuple[Name, ...]:
    return tuple(dict.fromkeys((*old, *new)))[-KEPT:]
