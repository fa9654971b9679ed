"""A simulated day on real Things: readings, counts and calls that a city like this might send.

Everything here is made up and says so: its register entries carry `simulated`, and so does each screen that
shows it. It is sent through the public HTTP door like any device's data. What is staged is written in a
plan (`staging/day.toml`); its time and place are drawn from a seed, and detectors never see either.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import numpy as np

from tutela.errors import BadInput
from tutela.model.card import Card
from tutela.model.noun import Noun
from tutela.model.place import Place
from tutela.model.register import Datastream, Source, Thing
from tutela.model.staged import Staged
from tutela.model.when import DAY, HOUR, MINUTE, SECOND, iso

FIRST = 20 * SECOND
"""After the origin the first staged event begins."""

EVERY = 3 * MINUTE
"""From one staged event to the next, give or take; some last longer, so several may be on."""

DEGREE = 111_195.0
"""Metres of latitude."""

CALLS = (
    ("EMS: fall", "An elderly person fell on the stairs."),
    ("EMS: chest pain", "A man holds his chest and is short of breath."),
    ("Traffic: collision", "Two cars, nobody seems hurt."),
    ("Police: noise", "Loud music from a flat since an hour."),
    ("Fire: alarm", "The fire alarm of the building rings, no smoke seen."),
)


@dataclass(frozen=True, slots=True)
class Meter:
    """What one kind of Thing measures: one datastream on each `each`-th of them, a value every `every` seconds."""

    thing: str
    each: int
    kind: str
    observed_property: str
    unit: str
    every: int
    low: float
    high: float
    noise: float


METERS = (
    Meter("traffic-signal", 1, "counts", "vehicles", "1/min", 10, 4, 40, 3),
    Meter("street-lamp", 1, "readings", "power", "W", 60, 3, 58, 0.8),
    Meter("street-lamp", 12, "readings", "noise", "dB(A)", 5, 46, 63, 1.6),
    Meter("street-lamp", 24, "readings", "pm25", "ug/m3", 10, 5, 13, 0.7),
    Meter("street-lamp", 24, "readings", "no2", "ug/m3", 10, 14, 38, 2),
    Meter("camera", 4, "counts", "people", "1", 10, 1, 22, 2),
    Meter("traffic-signal", 1, "readings", "speed", "km/h", 10, 22, 46, 2.5),
    Meter("bollard", 1, "readings", "tilt", "deg", 30, 0.4, 1.2, 0.1),
    Meter("lift-gate", 1, "readings", "open", "1", 20, 0, 0, 0),
)

LAMPS = "simulated-lamps"
SENSORS = "simulated-sensors"
CALL_CENTRE = "simulated-calls"


def _entry(name: str, kind: str, purpose: str, *, personal: bool = False) -> Source:
    return Source(
        name=name,
        owner="Demonstration city (simulated)",
        kind=kind,
        purposes=(purpose,),
        legal_basis="PublicInterest",
        personal_data=personal,
        place="Central Helsinki",
        simulated=True,
    )


ENTRIES = (
    _entry(LAMPS, "street lighting", "city-operations"),
    _entry(SENSORS, "environment, traffic and street sensors", "public-safety"),
    _entry(CALL_CENTRE, "call taking", "emergency-response", personal=True),
)


def meters(things: Sequence[Thing]) -> tuple[Datastream, ...]:
    """The datastreams of the simulated meters on those Things."""
    return tuple(
        _stream(meter, thing)
        for meter in METERS
        for thing in [thing for thing in things if thing.kind == meter.thing][:: meter.each]
    )


def _stream(meter: Meter, thing: Thing) -> Datastream:
    lamps = meter.observed_property == "power"
    return Datastream(
        id=0,
        name=f"{thing.name}/{meter.observed_property}",
        source=LAMPS if lamps else SENSORS,
        thing=thing.name,
        kind=meter.kind,
        observed_property=meter.observed_property,
        unit=meter.unit,
        place=thing.place,
        interval=meter.every,
        purpose="city-operations" if lamps else "public-safety",
    )


class Cue(Noun, frozen=True, kw_only=True):
    """A call in a staged event: so many seconds after its beginning, at most `off` metres away."""

    after: int
    category: str
    said: str
    off: float = 0.0


class Staging(Noun, frozen=True, kw_only=True):
    """What may be staged: `staging/day.toml` says what each field means."""

    what: str
    says: str
    at: str
    near: tuple[str, ...]
    lasts: int
    expects: tuple[str, ...]
    first: bool = False
    reach: float = 0.0
    adds: dict[str, float] = {}
    sets: dict[str, float] = {}
    freezes: tuple[str, ...] = ()
    silences: str = ""
    calls: tuple[Cue, ...] = ()


class _Plan(Noun, frozen=True, kw_only=True):
    staging: tuple[Staging, ...]


def plan(text: str) -> tuple[Staging, ...]:
    """The stagings of a plan in TOML, the first one first."""
    read = msgspec.convert(tomllib.loads(text), _Plan).staging
    return tuple(sorted(read, key=lambda staging: not staging.first))


@dataclass(frozen=True, slots=True)
class On:
    """A staged event of the day: what, its number, from when to when, and where."""

    staging: Staging
    number: int
    at: int
    until: int
    place: Place

    def of(self, stream: Datastream, place: Place | None) -> bool:
        """Whether it changes what that datastream says."""
        own = stream.place
        if own is None or place is None:
            return False
        return own == place if not self.staging.reach else _metres(own, place) <= self.staging.reach

    @property
    def noun(self) -> Staged:
        """As it is told when it is over."""
        staging = self.staging
        return Staged(
            what=staging.what,
            says=staging.says,
            at=self.at,
            until=self.until,
            place=self.place,
            expects=staging.expects,
        )


@dataclass(frozen=True, slots=True)
class Told:
    """A simulated call, in the shape that the HTTP door takes."""

    id: str
    at: str
    lat: float
    lon: float
    category: str
    said: str


@dataclass(frozen=True, slots=True)
class Moment:
    """What the city sends in one second: by source and kind, the lines; and the calls."""

    lines: dict[tuple[str, str], list[dict[str, object]]]
    calls: tuple[Told, ...]


class City:
    """A simulated city: the same seed, Things and second give the same data."""

    name = "simulated"
    card = Card(
        finds="Made-up readings, counts and calls of a demonstration city, on real places. It is a simulation.",
        needs=frozenset(),
        key="datastream",
        lateness=0,
        personal_data=False,
        cannot="Tell anything about the real city.",
    )

    def __init__(self, things: Sequence[Thing], seed: int, origin: int, stagings: Sequence[Staging]) -> None:
        self.things, self.seed, self.origin = tuple(things), seed, origin
        self.streams = meters(things)
        self.meter = {(meter.thing, meter.observed_property): meter for meter in METERS}
        self.kind_of = {thing.name: thing.kind for thing in things}
        self.stagings = tuple(stagings)
        self.places = {staging.what: _places(staging, things, self.streams) for staging in stagings}
        self._changed: dict[int, frozenset[str]] = {}

    def event(self, number: int) -> On:
        """The staged event of that number. All are staged in turn, each round in an order of its own."""
        round_, place = divmod(number, len(self.stagings))
        order = [0, *np.random.default_rng((self.seed, round_)).permutation(range(1, len(self.stagings))).tolist()]
        staging = self.stagings[order[place]]
        chance = np.random.default_rng((self.seed, round_, place))
        late = int(chance.integers(0, 40)) * SECOND if number else 0
        begins = self.origin + FIRST + number * EVERY + late
        places = self.places[staging.what]
        return On(staging, number, begins, begins + staging.lasts * SECOND, places[int(chance.integers(len(places)))])

    def on(self, at: int) -> tuple[On, ...]:
        """The staged events that are on at that time, by number."""
        newest = (at - self.origin - FIRST) // EVERY
        events = (self.event(number) for number in range(max(0, newest - self._span()), newest + 1))
        return tuple(event for event in events if event.at <= at < event.until)

    def over(self, after: int, at: int) -> tuple[Staged, ...]:
        """The staged events that ended after that time, up to `at`."""
        newest = (at - self.origin - FIRST) // EVERY
        events = (self.event(number) for number in range(max(0, newest - self._span(at - after)), newest + 1))
        return tuple(event.noun for event in events if after < event.until <= at)

    def _span(self, more: int = 0) -> int:
        """So many events ago began the first that may have gone on for so long (microseconds)."""
        return (max(staging.lasts for staging in self.stagings) * SECOND + more) // EVERY + 2

    def moment(self, at: int) -> Moment:
        """All that the city sends in the second that begins at `at` (whole seconds)."""
        second = at // SECOND
        chance = np.random.default_rng((self.seed, second))
        on = self.on(at)
        lines: dict[tuple[str, str], list[dict[str, object]]] = {}
        for number, stream in enumerate(self.streams):
            meter = self.meter[self.kind_of[stream.thing], stream.observed_property]
            if (second + number) % meter.every:
                continue
            value = self._staged(stream, [one for one in on if stream.name in self._of(one)], meter, at, chance)
            if value is None:
                continue
            result = max(0, round(value)) if stream.kind == "counts" else round(max(0.0, value), 2)
            line: dict[str, object] = {
                "datastream": stream.name,
                "phenomenonTime": iso(at),
                "result": result,
                "unit": stream.unit,
            }
            lines.setdefault((stream.source, stream.kind), []).append(line)
        return Moment(lines, self._calls(at, on, chance))

    def _of(self, event: On) -> frozenset[str]:
        """The datastreams that an event changes."""
        found = self._changed.get(event.number)
        if found is None:
            found = frozenset(stream.name for stream in self.streams if event.of(stream, event.place))
            self._changed = {**dict(list(self._changed.items())[-20:]), event.number: found}
        return found

    def _staged(
        self, stream: Datastream, on: Sequence[On], meter: Meter, at: int, chance: np.random.Generator
    ) -> float | None:
        """The value, with what is staged there; None where nothing is said."""
        value = self._value(meter, at, chance)
        for event in on:
            staging, observed = event.staging, stream.observed_property
            if staging.silences == stream.source:
                return None
            if observed in staging.freezes:
                value = meter.low + (meter.high - meter.low) / 3
            value = staging.sets.get(observed, value + staging.adds.get(observed, 0.0))
        return value

    def _value(self, meter: Meter, at: int, chance: np.random.Generator) -> float:
        hour = at % DAY / HOUR
        tide = 0.5 - 0.5 * math.cos((hour - 3) / 24 * 2 * math.pi)
        if meter.observed_property == "power":
            tide = 0.0 if 6 < hour < 14 else 1.0
        if meter.observed_property == "speed":
            tide = 1.0 - tide
        return meter.low + (meter.high - meter.low) * tide + float(chance.normal()) * meter.noise

    def _calls(self, at: int, on: Sequence[On], chance: np.random.Generator) -> tuple[Told, ...]:
        second = at // SECOND
        calls = []
        if chance.random() < 1 / 45:
            category, said = CALLS[int(chance.integers(len(CALLS)))]
            thing = self.things[int(chance.integers(len(self.things)))]
            if thing.place:
                calls.append(Told(f"call-{second}", iso(at), thing.place.lat, thing.place.lon, category, said))
        for event in on:
            for number, cue in enumerate(event.staging.calls):
                if event.at // SECOND + cue.after == second:
                    place = _off(event.place, cue.off, np.random.default_rng((self.seed, event.number, number)))
                    id_ = f"{event.staging.what}-{event.number}-{second}"
                    calls.append(Told(id_, iso(at), place.lat, place.lon, cue.category, cue.said))
        return tuple(calls)


def _places(staging: Staging, things: Sequence[Thing], streams: Sequence[Datastream]) -> tuple[Place, ...]:
    """Where it may be staged: at Things of its kind that have what it needs measured on them, or within its reach."""
    measured = {
        name: [one.place for one in streams if one.place and one.observed_property == name] for name in staging.near
    }
    found = [
        thing.place
        for thing in things
        if thing.kind == staging.at
        and thing.place
        and all(_any_near(places, thing.place, staging.reach * 0.9) for places in measured.values())
    ]
    if not found:
        raise BadInput(f"{staging.what} can be staged nowhere: no {staging.at} has {', '.join(staging.near)} near it")
    return tuple(found)


def _any_near(places: Sequence[Place], place: Place, reach: float) -> bool:
    return place in places or any(_metres(one, place) <= reach for one in places if reach)


def _metres(one: Place, other: Place) -> float:
    """Near enough to metres for places in one city."""
    east = (other.lon - one.lon) * math.cos(math.radians(one.lat))
    return DEGREE * math.hypot(other.lat - one.lat, east)


def _off(place: Place, most: float, chance: np.random.Generator) -> Place:
    """A place at most so many metres away."""
    way, far = chance.uniform(0, 2 * math.pi), chance.uniform(0, most)
    north, east = far * math.cos(way) / DEGREE, far * math.sin(way) / DEGREE
    return Place(lat=place.lat + north, lon=place.lon + east / math.cos(math.radians(place.lat)))


part = City
