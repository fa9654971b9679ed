"""Any JSON, in: what a webhook posts or a broker brings, by a declarative mapping in TOML.

    about = "Parking of the city"

    [[datastream]]
    each = "/parks/*"                 # one item for each element of this list; left out: the message is the one item
    thing = "park/{/id}"              # text in braces is replaced
    time = "#/sent"                   # from the message, not from the item
    result = "/free"                  # from the item
    observed_property = "free-places"
    unit = "1"
    kind = "counts"
    lat = "/at/lat"
    lon = "/at/lon"

A path is a JSON Pointer (RFC 6901) from the item, or from the whole message when it begins with `#`. In `each`, `*`
stands for every element of a list or member of an object, and `{key}` in a name is the place or the name of the last
one. `{topic}` in a name is what the message was published to, `{topic/1}` a level of that, counted from 0; `#` is the whole
message, where it is nothing but a number. The datastream is `SOURCE/THING/FIELD`, and `field` is the observed property when it
is left out. A result is a number, a truth value (1 or 0) or text that is a number. A time is ISO 8601, with an offset unless
`zone` is set, or a number of `time_unit`; left out, it is when the message came, and a message that is sent again is then another one. Of kind "positions", `lat` and `lon` are the result. What is missing or no number is refused
with its path, unless the block is `optional`. `told` shows what a message would become, before anything is sent.
"""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec

from tutela.errors import BadInput
from tutela.model.heard import Heard
from tutela.model.kinds import kind
from tutela.model.noun import Noun
from tutela.model.when import MINUTE, SECOND, iso

from . import _topics
from ._hearing import Hearing, Measure, at, decoded, number, since_epoch
from ._shapes import point

WHAT = "JSON message"
SCALES = {"us": 1, "ms": 1_000, "s": SECOND, "min": MINUTE}
LONGEST = 80
"""Characters of a text that is taken as a number."""
SHOWN = 20
"""Datastreams that are shown by themselves."""
_BRACES = re.compile(r"\{([^{}]*)\}")
_NUMBER = re.compile(r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*", re.ASCII)


class Stream(Noun, frozen=True, kw_only=True):
    """One result of each item, as datastreams whose names are made from other parts of the message."""

    thing: str
    observed_property: str
    unit: str
    time: str = ""
    result: str = ""
    each: str = ""
    field: str = ""
    kind: str = "readings"
    thing_kind: str = "station"
    time_unit: Literal["iso", "us", "ms", "s", "min"] = "iso"
    zone: str | None = None
    lat: str = ""
    lon: str = ""
    interval: float | None = None
    purpose: str = ""
    optional: bool = False

    @property
    def measure(self) -> Measure:
        """What its datastreams observe."""
        return Measure(self.kind, self.observed_property, self.unit, self.interval, self.purpose)


class Map(Noun, frozen=True, kw_only=True):
    """The whole mapping."""

    datastream: tuple[Stream, ...]
    about: str = ""

    def __post_init__(self) -> None:
        """Refuse blocks that could never be used."""
        if not self.datastream:
            raise BadInput("the mapping maps nothing: add a [[datastream]] block")
        for place, stream in enumerate(self.datastream):
            _proper(stream, f"datastream {place}")


@dataclass(frozen=True, slots=True)
class _Message:
    """What came, what it was published to (or nothing), and when it came (microseconds; None: nobody knows)."""

    whole: object
    topic: str
    received: int | None


@dataclass(frozen=True, slots=True)
class _Item:
    """A part of a message, its path, and the key of its last `*`."""

    found: object
    message: _Message
    path: str
    key: str


def load(text: str) -> Map:
    """A mapping from its TOML; the error says which field is wrong."""
    try:
        return msgspec.convert(tomllib.loads(text), Map)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as wrong:
        raise BadInput(f"the mapping can't be read: {wrong}") from wrong


def _proper(stream: Stream, where: str) -> None:
    """Raise BadInput for a block that could never be used."""
    kind(stream.kind)
    needed = ("lat", "lon") if stream.kind == "positions" else ("result",)
    for name in (name for name in needed if not getattr(stream, name)):
        raise BadInput(f"{where}: {stream.kind} need {name}, a path such as /value")
    inner = [inner for text in (stream.thing, stream.field) for inner in _BRACES.findall(text) if inner != "key"]
    named = [one for one in inner if not _topics.names(one)]
    for path in (stream.time, stream.result, stream.lat, stream.lon, *named):
        if "*" in path.split("/"):
            raise BadInput(f"{where}: {path!r} may lead to several; * belongs into each")
        _steps(path, where)
    _steps(stream.each, where)


def read(body: bytes, source: str, mapping: Map, *, topic: str = "", received: int | None = None) -> Heard:
    """What a message says by a mapping; raises BadInput when it is no JSON."""
    message = _Message(decoded(body, object, WHAT), topic, received)
    hearing = Hearing(source)
    for stream in mapping.datastream:
        found = False
        for item in _items(message, _steps(stream.each.removeprefix("#"), "each")):
            found = True
            try:
                _hear(hearing, stream, item)
            except BadInput as wrong:
                hearing.refuse(f"{item.path or 'the message'}: {wrong}")
        if not found and not stream.optional:
            hearing.refuse(f"there is nothing at {stream.each!r}")
    return hearing.heard()


def _hear(hearing: Hearing, stream: Stream, item: _Item) -> None:
    paths = _columns(stream)
    if stream.optional and any(_at(item, path) is None for path in paths):
        return
    columns = [_number(item, path) for path in paths]
    time = _time(stream, item)
    place = None
    if stream.kind != "positions" and stream.lat and stream.lon:
        place = point(_number(item, stream.lat), _number(item, stream.lon))
    name = hearing.thing(_filled(stream.thing, item), stream.thing_kind, place)
    if name is not None:
        hearing.say(name, _filled(stream.field or stream.observed_property, item), stream.measure, time, *columns)


def _columns(stream: Stream) -> tuple[str, ...]:
    return (stream.lat, stream.lon) if stream.kind == "positions" else (stream.result,)


def _time(stream: Stream, item: _Item) -> int:
    if not stream.time:
        if item.message.received is None:
            raise BadInput("nobody knows when it came; set time")
        return item.message.received
    if stream.time_unit != "iso":
        return since_epoch(_number(item, stream.time), SCALES[stream.time_unit])
    said = _there(item, stream.time)
    if not isinstance(said, str):
        raise BadInput(f"{stream.time} is no text with a time; where it is a number, set time_unit")
    return at(said, stream.zone)


def _number(item: _Item, path: str) -> float:
    said = _there(item, path)
    if isinstance(said, (bool, int, float)):
        return number(said)
    if isinstance(said, str) and len(said) <= LONGEST and _NUMBER.fullmatch(said):
        return float(said)
    raise BadInput(f"{path} is no number")


def _filled(template: str, item: _Item) -> str:
    """The template with what the item says in the places of the braces."""
    return _BRACES.sub(lambda found: item.key if found[1] == "key" else _word(item, found[1]), template)


def _word(item: _Item, path: str) -> str:
    if _topics.names(path):
        return _topics.part(item.message.topic, path)
    said = _there(item, path)
    if isinstance(said, bool) or not isinstance(said, (str, int)) or said == "":
        raise BadInput(f"{path} is no text and no whole number, so that nothing can be named by it")
    return str(said)


# ── paths ───────────────────────────────────────────────────────────────────────────────────────
def _steps(path: str, where: str) -> tuple[str, ...]:
    """The steps of a path; raises BadInput when it is none."""
    plain = path.removeprefix("#")
    if plain and not plain.startswith("/"):
        raise BadInput(f"{where}: {path!r} is no path; write it like /value, or #/value from the whole message")
    return tuple(one.replace("~1", "/").replace("~0", "~") for one in plain.split("/")[1:])


def _there(item: _Item, path: str) -> object:
    """What stands at a path; raises BadInput when there is nothing, or null."""
    found = _at(item, path)
    if found is None:
        raise BadInput(f"there is nothing at {path}")
    return found


def _at(item: _Item, path: str) -> object:
    found = item.message.whole if path.startswith("#") else item.found
    for step in _steps(path, "path"):
        found = _step(found, step)
    return found


def _step(found: object, step: str) -> object:
    """One step down; None when there is nothing."""
    if isinstance(found, dict):
        return found.get(step)
    if isinstance(found, list) and step.isdecimal() and step.isascii() and len(step) < 9 and int(step) < len(found):
        return found[int(step)]
    return None


def _items(message: _Message, steps: Sequence[str]) -> Iterator[_Item]:
    """Each item that the steps lead to, with its path."""
    level: Iterator[tuple[object, str, str]] = iter([(message.whole, "", "")])
    for step in steps:
        level = _deeper(level, step)
    for found, path, key in level:
        yield _Item(found, message, path, key)


def _deeper(level: Iterator[tuple[object, str, str]], step: str) -> Iterator[tuple[object, str, str]]:
    for found, path, key in level:
        if step != "*":
            if (inner := _step(found, step)) is not None:
                yield inner, f"{path}/{step}", key
        elif isinstance(found, dict):
            yield from ((one, f"{path}/{name}"[-200:], name) for name, one in found.items())
        elif isinstance(found, list):
            yield from ((one, f"{path}/{place}"[-200:], str(place)) for place, one in enumerate(found))


# ── before it is used ───────────────────────────────────────────────────────────────────────────
def told(heard: Heard) -> tuple[str, ...]:
    """What a message would become, in lines for people: what is mapped, and what is refused and why."""
    counts = Counter(value.datastream for value in heard.values)
    newest = {value.datastream: value for value in heard.values}
    lines = [f"{len(heard.values)} values of {len(heard.datastreams)} datastreams on {len(heard.things)} things"]
    for stream in heard.datastreams[:SHOWN]:
        last = newest[stream.name]
        shown = ", ".join(f"{column:g}" for column in last.columns)
        lines.append(f"{stream.name}: {counts[stream.name]}, such as {shown} {stream.unit} at {iso(last.time)}")
    if len(heard.datastreams) > SHOWN:
        lines.append(f"and {len(heard.datastreams) - SHOWN} more datastreams")
    refused = sum(refusal.count for refusal in heard.refused)
    return (*lines, f"{refused} refused", *(f"{refusal.says} ({refusal.count})" for refusal in heard.refused))


part = read
