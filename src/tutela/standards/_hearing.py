"""What the standards of a city's feeds share: a message is heard within bounds, and each bad part is refused by itself.

A name is `SOURCE/…`, and the datastream of a Thing is `THING/FIELD`. A Thing whose place is None was told without
one: keep what the register knows. Values may lie ahead of the message (a road that closes tonight). Whoever offers
them leaves those out until then: the next message tells them again. Personal words (texts, plates, owners) are never
kept, unless an option names them.

The same thing has the same observed property, whichever standard tells it:

| observed property | kind, unit | from |
|---|---|---|
| position | positions, deg | GTFS-RT, NGSI-LD, JSON |
| speed | readings, km/h (GTFS-RT: m/s) | DATEX II, WZDx, GTFS-RT, NGSI-LD |
| flow | readings, 1/h | DATEX II, WZDx, NGSI-LD |
| occupancy | readings, % | of a road: DATEX II, WZDx; of a vehicle: GTFS-RT |
| travel-time, delay | readings, s | DATEX II, GTFS-RT |
| road-closed, road-works, detour, incident | readings, 1: 1 while it is in force, else 0 | DATEX II, WZDx, GTFS-RT |
| people, vehicles | counts | NGSI-LD (other attributes by their own names) |
| rssi, snr, battery | readings, dBm, dB, % | ChirpStack, The Things Stack |
| log-messages, entries | counts, 1 | syslog, feeds |
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from math import isfinite, nan
from typing import TypeVar
from zoneinfo import ZoneInfo

import msgspec

from tutela.errors import BadInput
from tutela.model.flow import Refusal
from tutela.model.heard import Heard, Value
from tutela.model.place import Place
from tutela.model.register import Datastream, Thing
from tutela.model.when import SECOND, iso, micros, parse

from ._shapes import point
from .observations import NAMED, SAMPLE, UNREADABLE

T = TypeVar("T")

MOST_BYTES = 8_000_000
"""Bytes of one message, which is decoded at once."""
UPLINK = 200_000
"""Bytes of one message of a single device."""
MOST_VALUES = 50_000
"""Values, and Things, and datastreams, that one message may become."""
MOST_NAME, MOST_TEXT = 300, 1_000
"""Characters of a name, and of a property of a Thing."""
MOST_PERIODS = 200
"""Periods of one Thing that is in force now and then."""
WHOLE = 2**53
"""Up to here each whole number is a float."""
EARLIEST, LATEST = parse("0001-01-02T00:00:00Z"), parse("9999-12-30T00:00:00Z")
FOREVER = parse("2100-01-01T00:00:00Z")
"""An end from here on is none."""


@dataclass(frozen=True, slots=True)
class Measure:
    """What a datastream observes: the kind of its rows, the observed property, the unit; as in `Datastream`."""

    kind: str
    observed_property: str
    unit: str
    interval: float | None = None
    purpose: str = ""


POSITION = Measure("positions", "position", "deg")
SPEED = Measure("readings", "speed", "km/h")
FLOW = Measure("readings", "flow", "1/h")
OCCUPANCY = Measure("readings", "occupancy", "%")
RSSI = Measure("readings", "rssi", "dBm")
SNR = Measure("readings", "snr", "dB")
BATTERY = Measure("readings", "battery", "%")

Period = tuple[int | None, int | None]
"""From when until when, in microseconds; None where it is open."""


class Hearing:
    """What one message has said so far."""

    def __init__(self, source: str, most: int = MOST_VALUES) -> None:
        self.source, self._most = source, most
        self._things: dict[str, Thing] = {}
        self._streams: dict[str, Datastream] = {}
        self._values: list[Value] = []
        self._refused: list[Refusal] = []
        self._more = self._over = 0

    def thing(
        self, name: str, kind: str, place: Place | None = None, properties: Mapping[str, str] | None = None
    ) -> str | None:
        """Define `SOURCE/name` and give its whole name back; None when it can't be taken, which is refused."""
        if not (_plain(name) and _plain(kind)):
            shown = f"{name[:40]!a} of kind {kind[:40]!a}"
            self.refuse(f"a name is plain text in one line of at most {MOST_NAME} characters; this one is {shown}")
            return None
        whole = f"{self.source}/{name}"
        if whole not in self._things and len(self._things) >= self._most:
            self._over = self._bounded(self._over + 1)
            return None
        kept = {key: text if key == "geometry" else _line(text) for key, text in (properties or {}).items() if text}
        if before := self._things.get(whole):
            place, kept = before.place or place, kept or before.properties
        self._things[whole] = Thing(id=0, name=whole, kind=kind, source=self.source, place=place, properties=kept)
        return whole

    def say(self, thing: str, field: str, measure: Measure, at: int, *columns: float) -> None:
        """One value of the datastream `thing/field`, at `at` microseconds; a number that is none is refused."""
        name = f"{thing}/{field}"
        if not _plain(field):
            self.refuse(f"{thing}: a field is plain text in one line of at most {MOST_NAME} characters")
        elif name in self._streams and measure != _measure(self._streams[name]):
            self.refuse(f"{name}: two measurements of one message have this name")
        elif wrong := _wrong(measure, columns):
            self.refuse(f"{name}: {wrong}")
        elif len(self._values) >= self._most:
            self._over = self._bounded(self._over + 1)
        else:
            self._define(name, thing, measure)
            self._values.append(Value(name, at, columns))

    def _define(self, name: str, thing: str, measure: Measure) -> None:
        if name not in self._streams:
            self._streams[name] = Datastream(
                id=0,
                name=name,
                source=self.source,
                thing=thing,
                kind=measure.kind,
                observed_property=measure.observed_property,
                unit=measure.unit,
                interval=measure.interval,
                purpose=measure.purpose,
            )

    def fields(self, thing: str, payload: object, at: int, units: Mapping[str, str]) -> None:
        """Each number of a decoded payload as a reading, observed property and field being its dotted path."""
        for path, result in _flat(payload):
            self.say(thing, path, Measure("readings", path, units.get(path, "")), at, result)

    def in_force(self, thing: str, observed_property: str, periods: Iterable[Period], told: int | None) -> None:
        """The datastream `thing/in-force`: 1 from each start, 0 at each end, and what holds when it is `told`."""
        measure = Measure("readings", observed_property, "1")
        known = list(periods)
        if len(known) > MOST_PERIODS:
            self.refuse(f"{thing}: it is in force in {len(known)} periods; at most {MOST_PERIODS} are understood")
            return
        changes = {at for at in (told, *chain.from_iterable(known)) if at is not None}
        if not changes:
            self.refuse(f"{thing}: it tells no time from when it is in force")
        for at in sorted(changes):
            self.say(thing, "in-force", measure, at, float(any(_holds(during, at) for during in known)))

    def located(self, what: str, where: Callable[[], tuple[Place | None, str]]) -> tuple[Place | None, str]:
        """A place and its geometry; where it can't be understood that is refused, and the rest is taken without it."""
        try:
            return where()
        except BadInput as wrong:
            self.refuse(f"{what}: {wrong}")
            return None, ""

    def refuse(self, says: str, sample: bytes = b"", count: int = 1) -> None:
        """Parts that are not taken, and why; the first ones are told by themselves."""
        if len(self._refused) >= NAMED:
            self._more = self._bounded(self._more + count)
        else:
            self._refused.append(Refusal(UNREADABLE, says, count, sample[:SAMPLE]))

    def _bounded(self, count: int) -> int:
        """A count of what is not taken; raises BadInput when it is so much that the whole message is refused."""
        if count > self._most:
            raise BadInput(
                f"more than {self._most} parts of this message are not taken; send what is understood, in smaller ones"
            )
        return count

    def _placed(self, stream: Datastream) -> Datastream:
        """The datastream where its Thing is, which the message may have told later."""
        place = None if stream.kind == "positions" else self._things[stream.thing].place
        return stream if place is None else msgspec.structs.replace(stream, place=place)

    @property
    def silent(self) -> bool:
        """Whether nothing was said, good or bad."""
        return not (self._values or self._refused)

    def heard(self) -> Heard:
        """What the message says, as a whole."""
        others = []
        if self._more:
            others.append(Refusal(UNREADABLE, "more parts that can't be understood", self._more))
        if self._over:
            says = f"one message becomes at most {self._most} values; send the rest in another one"
            others.append(Refusal("too-many", says, self._over))
        return Heard(
            tuple(self._things.values()),
            tuple(self._placed(stream) for stream in self._streams.values()),
            tuple(self._values),
            (*self._refused, *others),
        )


def _holds(during: Period, when: int) -> bool:
    start, end = during
    return (start is None or start <= when) and (end is None or when < end)


def _measure(stream: Datastream) -> Measure:
    return Measure(stream.kind, stream.observed_property, stream.unit, stream.interval, stream.purpose)


def _plain(name: str) -> bool:
    return name.isprintable() and bool(name.strip()) and len(name) <= MOST_NAME


def _line(text: str) -> str:
    """A text as a property of a Thing: one line of bounded length."""
    return "".join(sign if sign.isprintable() else " " for sign in text[:MOST_TEXT])


def _wrong(measure: Measure, columns: Sequence[float]) -> str:
    """What is wrong with the numbers of a value; nothing, when they are fine."""
    if not all(isfinite(column) for column in columns):
        return "it is no finite number"
    if measure.kind == "counts" and not (columns[0].is_integer() and abs(columns[0]) <= WHOLE):
        return f"{columns[0]:g} is not a whole number; this datastream counts"
    if measure.kind == "positions" and point(*columns) is None:
        return "the position is not on the Earth, or was never set"
    return ""


# ── bytes ───────────────────────────────────────────────────────────────────────────────────────
def bounded(body: bytes, what: str, most: int = MOST_BYTES) -> bytes:
    """The body, when it is not longer than what is decoded at once."""
    if len(body) > most:
        raise BadInput(f"this {what} has {len(body):,} bytes; send at most {most:,} in one message")
    return body


def decoded(body: bytes, shape: type[T], what: str, most: int = MOST_BYTES) -> T:
    """A JSON body in that shape; BadInput says what is wrong and where."""
    try:
        return msgspec.json.decode(bounded(body, what, most), type=shape)
    except RecursionError as deep:
        raise BadInput(f"this is not a {what}: it is nested too deeply") from deep
    except (msgspec.DecodeError, ValueError) as wrong:
        raise BadInput(f"this is not a {what}: {wrong}") from wrong


def _flat(payload: object) -> Iterator[tuple[str, float]]:
    """Numbers in nested objects and lists, each with its dotted path; true is 1 and false is 0. Texts are left out.

    A path that is too long for a name is not followed, and given once, with no number, so that it is refused.
    """
    waiting: list[Iterator[tuple[str, object]]] = [iter([("", payload)])]
    while waiting:
        path, found = next(waiting[-1], (None, None))
        if path is None:
            waiting.pop()
        elif len(path) > MOST_NAME:
            yield path, nan
        elif isinstance(found, (bool, int, float)):
            yield path, number(found)
        elif isinstance(found, dict):
            waiting.append(_inside(path, found.items()))
        elif isinstance(found, list):
            waiting.append(_inside(path, enumerate(found)))


def _inside(path: str, members: Iterable[tuple[object, object]]) -> Iterator[tuple[str, object]]:
    for name, one in members:
        yield (f"{path}.{name}" if path else str(name)), one


def number(said: float) -> float:
    """A number as a float; one that no float can hold becomes infinite, which is then refused."""
    try:
        return float(said)
    except OverflowError:
        return float("inf")


# ── times ───────────────────────────────────────────────────────────────────────────────────────
def at(text: str, zone: str | None = None) -> int:
    """ISO 8601 as microseconds; a time without an offset is taken in `zone`, and without one it is BadInput."""
    plain = text.strip()
    if zone is None:
        return _within(parse(plain))
    try:
        when = datetime.fromisoformat(plain)
    except ValueError as wrong:
        raise BadInput(f"{plain[:40]!r} is not a time; write it like 2026-11-25T08:00:00Z") from wrong
    return _within(micros(when if when.tzinfo else when.replace(tzinfo=zoned(zone))))


def since_epoch(number: float, scale: int = SECOND) -> int:
    """A number of seconds (or of `scale` microseconds) since 1970 as microseconds."""
    if not (isfinite(number) and abs(number) * scale <= LATEST):
        raise BadInput(f"{number:g} is no time since 1970")
    return _within(round(number * scale))


def _within(when: int) -> int:
    if not EARLIEST <= when <= LATEST:
        raise BadInput("the time lies before the year 1 or after 9999")
    return when


def zoned(zone: str) -> ZoneInfo:
    """The time zone of that name."""
    try:
        return ZoneInfo(zone)
    except (KeyError, ValueError, OSError) as wrong:
        raise BadInput(f"there is no time zone {zone!r}; write it like Europe/Helsinki") from wrong


def period(start: int | None, end: int | None) -> Period:
    """From when until when. An end that is far away, as in 9999, is left open; one before the start is BadInput."""
    if start is not None and end is not None and end < start:
        raise BadInput(f"it ends at {iso(end)}, before it starts at {iso(start)}")
    return start, None if end is not None and end >= FOREVER else end


def span(periods: Sequence[Period]) -> dict[str, str]:
    """The first start and the last end of some periods, as properties of a Thing."""
    starts = [start for start, _ in periods if start is not None]
    ends = [end for _, end in periods if end is not None]
    told = {"start": iso(min(starts))} if starts else {}
    return told | ({"end": iso(max(ends))} if ends and len(ends) == len(periods) else {})
