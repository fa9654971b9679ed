"""Detections for a desk."""

from __future__ import annotations

from tutela.model.detection import Detection
from tutela.model.place import Place
from tutela.model.scales import Certainty, Scale, Severity, Urgency
from tutela.model.when import SECOND
from tutela.model.why import Fewer, Why

START = 1_700_000_000 * SECOND
GRAVE = Scale(urgency=Urgency.IMMEDIATE, severity=Severity.SEVERE, certainty=Certainty.LIKELY)
MINOR = Scale(urgency=Urgency.EXPECTED, severity=Severity.MINOR, certainty=Certainty.LIKELY)


def detection(id_: str, at: float = 0.0, *, lat: float = 60.0, scale: Scale = MINOR, source: str = "city") -> Detection:
    time = START + round(at * SECOND)
    return Detection(
        id=id_,
        timeline="live",
        detector="threshold",
        version=1,
        options="00",
        type="noise",
        key="k",
        since=time,
        at=time,
        place=Place(lat=lat, lon=24.9),
        cell=0,
        scale=scale,
        confidence=0.5,
        purpose="public-safety",
        why=Why(message="noise.high", inputs={}, unless=Fewer(by=1, of=(id_,))),
        sources=(source,),
    )
