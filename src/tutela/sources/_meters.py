"""What the Things of the simulated city measure, and from which sources it comes: all of it made up, and it says so."""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tutela.model.register import Datastream, Source, Thing
from tutela.model.when import DAY, HOUR, MINUTE, SECOND

LAMPS = "simulated-lamps"
SENSORS = "simulated-sensors"
SIGNALS = "simulated-signals"
BOLLARDS = "simulated-bollards"
CAMERAS = "simulated-cameras"
CALL_CENTRE = "simulated-calls"
PORTAL = "simulated-reports"
FEED = "simulated-posts"

DUSK = 0.5
"""Degrees: the first lamps come on when the sun is so far below the horizon, the last ones when it is seven times as far."""

PASSES = 10 * MINUTE
DOWN = 90 * SECOND
"""In each ten minutes a bollard may let somebody through, and is down for so long."""


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
    _entry(SIGNALS, "faults of traffic signals", "traffic"),
    _entry(BOLLARDS, "whether bollards are raised", "city-operations"),
    _entry(CAMERAS, "whether cameras work; no pictures", "city-operations"),
    _entry(CALL_CENTRE, "call taking", "emergency-response", personal=True),
    _entry(PORTAL, "reports of residents", "city-operations", personal=True),
    _entry(FEED, "public posts, followed by subject and area", "public-safety", personal=True),
)
PURPOSES = {entry.name: entry.purposes[0] for entry in ENTRIES}


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
    noise: float = 0.0
    source: str = SENSORS


METERS = (
    Meter("traffic-signal", 1, "counts", "vehicles", "1/min", 10, 4, 40, 3),
    Meter("street-lamp", 1, "readings", "power", "W", 60, 3, 58, 0.8, LAMPS),
    Meter("street-lamp", 1, "readings", "lamp-lit", "1", 60, 0, 1, source=LAMPS),
    Meter("street-lamp", 12, "readings", "noise", "dB(A)", 5, 46, 63, 1.6),
    Meter("street-lamp", 24, "readings", "pm25", "ug/m3", 10, 5, 13, 0.7),
    Meter("street-lamp", 24, "readings", "no2", "ug/m3", 10, 14, 38, 2),
    Meter("camera", 4, "counts", "people", "1", 10, 1, 22, 2),
    Meter("camera", 1, "readings", "camera-works", "1", 60, 1, 1, source=CAMERAS),
    Meter("traffic-signal", 1, "readings", "speed", "km/h", 10, 22, 46, 2.5),
    Meter("traffic-signal", 1, "readings", "signal-fails", "1", 30, 0, 0, source=SIGNALS),
    Meter("bollard", 1, "readings", "tilt", "deg", 30, 0.4, 1.2, 0.1),
    Meter("bollard", 1, "readings", "bollard-raised", "1", 30, 0, 1, source=BOLLARDS),
    Meter("lift-gate", 1, "readings", "open", "1", 20, 0, 0),
)


def meters(things: Sequence[Thing]) -> tuple[Datastream, ...]:
    """The datastreams of the simulated meters on those Things."""
    return tuple(
        _stream(meter, thing)
        for meter in METERS
        for thing in [thing for thing in things if thing.kind == meter.thing][:: meter.each]
    )


def _stream(meter: Meter, thing: Thing) -> Datastream:
    return Datastream(
        id=0,
        name=f"{thing.name}/{meter.observed_property}",
        source=meter.source,
        thing=thing.name,
        kind=meter.kind,
        observed_property=meter.observed_property,
        unit=meter.unit,
        place=thing.place,
        interval=meter.every,
        purpose=PURPOSES[meter.source],
    )


@dataclass(frozen=True, slots=True)
class Sky:
    """A moment (microseconds) of a city with that seed, and how high the sun stands in it (degrees)."""

    seed: int
    at: int
    sun: float

    def share(self, observed: str, thing: str) -> float:
        """How far that property of that Thing is from its least value to its greatest now."""
        if observed in {"power", "lamp-lit"}:
            return float(-self.sun > DUSK * (1 + _own(thing) % 7))
        if observed == "bollard-raised":
            return float(not self._passing(_own(thing)))
        tide = 0.5 - 0.5 * math.cos((self.at % DAY / HOUR - 3) / 24 * 2 * math.pi)
        return 1.0 - tide if observed == "speed" else tide

    def _passing(self, own: int) -> bool:
        """Whether somebody is let through just now: in one of so many ten minutes, at a time by chance."""
        number, into = divmod(self.at, PASSES)
        chance = np.random.default_rng((self.seed, own, number))
        begins = chance.random() * (PASSES - DOWN)
        return bool(chance.random() < 0.1 and begins <= into < begins + DOWN)


def _own(thing: str) -> int:
    """A number of the Thing's own, the same everywhere."""
    return zlib.crc32(thing.encode())
