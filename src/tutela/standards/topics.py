"""MQTT, in: messages that are read by their topic, as plain sensors and SensorThings servers publish them.

    [[connection.reading.datastream]]
    topic = "city/+/pm25"                     # + is one level of it, # all that follow
    thing = "{topic/1}"                       # that level, counted from 0; {topic} is the whole
    observed_property = "pm25"
    unit = "ug/m3"

A message is a number, a JSON object with a `result`, or several of these, one a line (`standards.payloads`): so an
Observation of SensorThings 1.1 too, whose topic is `v1.1/Datastreams(12)/Observations`, with the number that its own server has for
it. Without a `phenomenonTime` it is of the time when it came. The first block whose topic fits reads it. The datastream is
`SOURCE/THING/FIELD`, and `field` is the observed property when it is left out.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

import msgspec

from tutela.errors import BadInput
from tutela.model.heard import Heard
from tutela.model.noun import Noun
from tutela.model.place import Place
from tutela.model.register import Datastream

from . import _topics, payloads
from ._hearing import UPLINK, Hearing, Measure, bounded, number
from .payloads import Line, Position, Stamps

_BRACES = re.compile(r"\{([^{}]*)\}")


class Stream(Noun, frozen=True, kw_only=True):
    """What comes by the topics that fit `topic`."""

    topic: str
    thing: str
    observed_property: str
    unit: str
    field: str = ""
    kind: Literal["readings", "counts", "positions"] = "readings"
    thing_kind: str = "device"
    place: Place | None = None
    interval: float | None = None
    purpose: str = ""

    def __post_init__(self) -> None:
        """Refuse what no topic could fit, or name."""
        _topics.proper(self.topic)
        for inner in (inner for text in (self.thing, self.field) for inner in _BRACES.findall(text)):
            if not _topics.names(inner):
                raise BadInput(f"{{{inner}}} is no part of a topic; write {{topic}}, or a level of it like {{topic/1}}")

    @property
    def measure(self) -> Measure:
        """What its datastreams observe."""
        return Measure(self.kind, self.observed_property, self.unit, self.interval, self.purpose)


Streams = Annotated[tuple[Stream, ...], msgspec.Meta(min_length=1)]


def read(body: bytes, source: str, *, datastream: Streams, topic: str = "", received: int = 0) -> Heard:
    """What one message says that came by that topic at `received` (microseconds); BadInput when no block takes it."""
    stream = next((one for one in datastream if _topics.fits(topic, one.topic)), None)
    if stream is None:
        raise BadInput(f"no block takes the topic {topic[:80]!r}; add one whose topic fits, or subscribe to less")
    hearing = Hearing(source)
    thing = _filled(stream.thing, topic)
    field = _filled(stream.field or stream.observed_property, topic)
    about = Datastream(
        id=0,
        name=f"{source}/{thing}/{field}",
        source=source,
        thing=thing,
        kind=stream.kind,
        observed_property=stream.observed_property,
        unit=stream.unit,
    )
    lines, refused = payloads.read(bounded(body, "message", UPLINK), about, Stamps(lambda: received))
    for no in refused:
        hearing.refuse(no.says, no.sample, no.count)
    if lines and (name := hearing.thing(thing, stream.thing_kind, stream.place)):
        for line in lines:
            hearing.say(name, field, stream.measure, _time(line), *_columns(line))
    return hearing.heard()


def _filled(template: str, topic: str) -> str:
    return _BRACES.sub(lambda found: _topics.part(topic, found[1]), template)


def _time(line: Line) -> int:
    assert isinstance(line.phenomenonTime, int)  # noqa: S101  `payloads.read` gives each line its time
    return line.phenomenonTime


def _columns(line: Line) -> tuple[float, ...]:
    return (line.lat, line.lon) if isinstance(line, Position) else (number(line.result),)


part = read
