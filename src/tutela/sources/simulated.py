"""A simulated day on real Things: readings, counts and calls that a city like this might send.

Everything here is made up and says so: its register entries carry `simulated`, and so does each screen that
shows it. It is sent through the public HTTP door like any device's data. The day plan draws the time and place of
its staged events from a seed; detectors never see it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from tutela.model.card import Card
from tutela.model.place import Place
from tutela.model.register import Datastream, Source, Thing
from tutela.model.when import DAY, HOUR, MINUTE, SECOND, iso

Staging = Literal["fire", "crowd", "noise", "silent-lamps"]
STAGINGS: tuple[Staging, ...] = ("fire", "crowd", "noise", "silent-lamps")
EVERY = 4 * MINUTE
LASTS = 3 * MINUTE
NEAR = 0.0018
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
    _entry(SENSORS, "environment and traffic sensors", "public-safety"),
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


@dataclass(frozen=True, slots=True)
class Staged:
    """A staged event of the day plan: what, where, from when to when."""

    what: Staging
    at: int
    until: int
    place: Place


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

    def __init__(self, things: Sequence[Thing], seed: int, origin: int) -> None:
        self.things, self.seed, self.origin = tuple(things), seed, origin
        self.streams = meters(things)
        self.meter = {(meter.thing, meter.observed_property): meter for meter in METERS}
        self.kind_of = {thing.name: thing.kind for thing in things}
        self.stages = _stages(self.streams)

    def staged(self, at: int) -> Staged | None:
        """The staged event that is on at that time, if any; the first begins 20 s after the origin."""
        number = (at - self.origin - 20 * SECOND) // EVERY
        if number < 0:
            return None
        chance = np.random.default_rng((self.seed, number))
        begins = (
            self.origin + 20 * SECOND + number * EVERY + (0 if number == 0 else int(chance.integers(0, 50)) * SECOND)
        )
        place = self.stages[int(chance.integers(len(self.stages)))]
        what = "fire" if number == 0 else STAGINGS[int(chance.integers(len(STAGINGS)))]
        return Staged(what, begins, begins + LASTS, place) if begins <= at < begins + LASTS else None

    def moment(self, at: int) -> Moment:
        """All that the city sends in the second that begins at `at` (whole seconds)."""
        second = at // SECOND
        chance = np.random.default_rng((self.seed, second))
        staged = self.staged(at)
        lines: dict[tuple[str, str], list[dict[str, object]]] = {}
        for number, stream in enumerate(self.streams):
            meter = self.meter[self.kind_of[stream.thing], stream.observed_property]
            if (second + number) % meter.every or _silenced(stream, staged):
                continue
            value = self._value(meter, at, chance) + _extra(stream, staged)
            result = max(0, round(value)) if stream.kind == "counts" else round(max(0.0, value), 2)
            line: dict[str, object] = {
                "datastream": stream.name,
                "phenomenonTime": iso(at),
                "result": result,
                "unit": stream.unit,
            }
            lines.setdefault((stream.source, stream.kind), []).append(line)
        return Moment(lines, self._calls(at, staged, chance))

    def _value(self, meter: Meter, at: int, chance: np.random.Generator) -> float:
        hour = at % DAY / HOUR
        tide = 0.5 - 0.5 * math.cos((hour - 3) / 24 * 2 * math.pi)
        if meter.observed_property == "power":
            tide = 0.0 if 6 < hour < 14 else 1.0
        return meter.low + (meter.high - meter.low) * tide + float(chance.normal()) * meter.noise

    def _calls(self, at: int, staged: Staged | None, chance: np.random.Generator) -> tuple[Told, ...]:
        second = at // SECOND
        calls = []
        if chance.random() < 1 / 45:
            category, said = CALLS[int(chance.integers(len(CALLS)))]
            thing = self.things[int(chance.integers(len(self.things)))]
            if thing.place:
                calls.append(Told(f"call-{second}", iso(at), thing.place.lat, thing.place.lon, category, said))
        if staged and staged.what == "fire" and (at - staged.at) // SECOND in (15, 32, 41, 50):
            place = staged.place
            said = "There is smoke coming out of a window, and I see flames."
            calls.append(Told(f"fire-{second}", iso(at), place.lat, place.lon, "Fire: smoke in a building", said))
        return tuple(calls)


def _stages(streams: Sequence[Datastream]) -> tuple[Place, ...]:
    """Where events are staged: at cameras that count people and have a measuring lamp near enough to notice too."""
    air = [stream for stream in streams if stream.observed_property == "pm25"]
    cameras = [stream for stream in streams if stream.observed_property == "people"]
    return tuple(one.place for one in cameras if one.place and any(_near(other, one.place) for other in air))


def _near(stream: Datastream, place: Place) -> bool:
    own = stream.place
    return own is not None and math.hypot(own.lat - place.lat, (own.lon - place.lon) / 2) < NEAR


def _silenced(stream: Datastream, staged: Staged | None) -> bool:
    return bool(staged and staged.what == "silent-lamps" and stream.source == LAMPS and _near(stream, staged.place))


def _extra(stream: Datastream, staged: Staged | None) -> float:
    """What a staged event adds to a value near it."""
    if staged is None or not _near(stream, staged.place):
        return 0.0
    adds = {("fire", "pm25"): 260.0, ("fire", "people"): 45.0, ("crowd", "people"): 170.0, ("noise", "noise"): 42.0}
    return adds.get((staged.what, stream.observed_property), 0.0)


part = City
