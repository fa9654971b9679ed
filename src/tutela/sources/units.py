"""Simulated units: police, fire and ambulance vehicles that drive through a city's real streets and stop for a while.

Everything here is made up and says so. In each half hour a unit leaves its base, drives to some places, waits
a while at each, and is back at its base before the half hour is over. So where it is follows from the seed and the time alone:
nothing has to be remembered, and no clock is needed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from tutela.errors import BadInput
from tutela.model.card import Card
from tutela.model.place import Place
from tutela.model.register import Datastream, Source, Thing
from tutela.model.resource import ResourceKind, Skill
from tutela.model.when import SECOND, iso

TOUR = 1800
EVERY = 5
STOPS = (30.0, 240.0)
"""All in seconds."""

SPEEDS = (20 / 3.6, 50 / 3.6)
"""Metres a second: 20 to 50 km/h."""

UNITS = Source(
    name="simulated-units",
    owner="Demonstration city (simulated)",
    kind="positions of police, fire and ambulance units",
    purposes=("emergency-response", "public-safety"),
    legal_basis="PublicInterest",
    personal_data=True,
    place="Central Helsinki",
    simulated=True,
)


class Way(Protocol):
    """A path through the streets."""

    @property
    def length(self) -> float:
        """In metres."""

    def at(self, along: float) -> Place:
        """The place after so many metres; past the end it is the end."""


class Streets(Protocol):
    """A net of streets in which every node can be reached from every other."""

    @property
    def nodes(self) -> tuple[int, ...]:
        """All nodes, in an order that is always the same."""

    @property
    def places(self) -> Mapping[int, Place]:
        """Where each is."""

    def path(self, start: int, end: int) -> Way | None:
        """The shortest way from one node to another."""


@dataclass(frozen=True, slots=True)
class Simulated:
    """A unit of the demonstration city."""

    name: str
    agency: str
    kind: ResourceKind
    skills: tuple[Skill, ...]
    purpose: str = "emergency-response"

    @property
    def thing(self) -> str:
        """The Thing whose positions are its own."""
        return f"unit/{self.name}"

    @property
    def datastream(self) -> str:
        """The datastream that tells them."""
        return f"{self.thing}/position"


FIRE = (Skill.FIREFIGHTING, Skill.BREATHING_APPARATUS)
MEDIC = (Skill.BASIC_LIFE_SUPPORT, Skill.PATIENT_TRANSPORT)
FLEET = (
    Simulated("H11", "fire", ResourceKind.ENGINE, (*FIRE, Skill.EXTRICATION)),
    Simulated("H16", "fire", ResourceKind.LADDER, (*FIRE, Skill.AERIAL_LADDER)),
    Simulated("H10", "fire", ResourceKind.COMMAND, (Skill.INCIDENT_COMMAND,)),
    Simulated("A21", "ambulance", ResourceKind.AMBULANCE, (*MEDIC, Skill.ADVANCED_LIFE_SUPPORT)),
    Simulated("A22", "ambulance", ResourceKind.AMBULANCE, MEDIC),
    Simulated("P301", "police", ResourceKind.PATROL, (Skill.POLICING,), "public-safety"),
    Simulated("P302", "police", ResourceKind.PATROL, (Skill.POLICING, Skill.DOG), "public-safety"),
    Simulated("P310", "police", ResourceKind.MOTORCYCLE, (Skill.POLICING,), "public-safety"),
)


@dataclass(frozen=True, slots=True)
class Leg:
    """A drive: `begins` in seconds of its tour, `speed` in metres a second. At its end the unit stands."""

    begins: float
    way: Way
    speed: float

    @property
    def ends(self) -> float:
        """When it arrives, in seconds of its tour."""
        return self.begins + self.way.length / self.speed


class Units:
    """The units of a simulated city: the same streets, seed and second give the same positions.

    `streets`: a net in which every node can be reached from every other.
    """

    name = "units"
    card = Card(
        finds="Made-up positions of police, fire and ambulance units, on real streets. It is a simulation.",
        needs=frozenset(),
        key="thing",
        lateness=0,
        personal_data=True,
        cannot="Tell where any real unit is; obey signals, turning restrictions or an order to go somewhere.",
    )

    def __init__(self, streets: Streets, seed: int, fleet: Sequence[Simulated] = FLEET) -> None:
        self.streets, self.seed, self.fleet = streets, seed, tuple(fleet)
        self._nodes = streets.nodes
        if not self._nodes:
            raise BadInput("there are no streets to drive on; give the units the streets of a map")
        chance = np.random.default_rng(seed)
        self._bases = [self._nodes[int(chance.integers(len(self._nodes)))] for _ in self.fleet]
        self._tours: dict[int, tuple[int, tuple[Leg, ...]]] = {}

    @property
    def things(self) -> tuple[Thing, ...]:
        """A Thing for each unit."""
        return tuple(Thing(id=0, name=unit.thing, kind="unit", source=UNITS.name) for unit in self.fleet)

    @property
    def streams(self) -> tuple[Datastream, ...]:
        """A datastream of positions for each unit."""
        return tuple(
            Datastream(
                id=0,
                name=unit.datastream,
                source=UNITS.name,
                thing=unit.thing,
                kind="positions",
                observed_property="position",
                unit="deg",
                interval=EVERY,
                purpose=unit.purpose,
            )
            for unit in self.fleet
        )

    def base(self, number: int) -> Place:
        """Where the unit of that number in the fleet is at home."""
        return self.streets.places[self._bases[number]]

    def place(self, number: int, at: int) -> Place:
        """Where the unit of that number in the fleet is at that time (microseconds)."""
        which, into = divmod(at, TOUR * SECOND)
        under_way = [leg for leg in self._tour(number, which) if leg.begins * SECOND <= into]
        if not under_way:
            return self.base(number)
        leg = under_way[-1]
        return leg.way.at((into / SECOND - leg.begins) * leg.speed)

    def lines(self, at: int) -> list[dict[str, object]]:
        """What the units tell in the second that begins at `at` (whole seconds), as the HTTP door takes it."""
        second = at // SECOND
        told = [number for number in range(len(self.fleet)) if (second + number) % EVERY == 0]
        return [self._line(number, at) for number in told]

    def _line(self, number: int, at: int) -> dict[str, object]:
        place = self.place(number, at)
        name = self.fleet[number].datastream
        return {
            "datastream": name,
            "phenomenonTime": iso(at),
            "lat": round(place.lat, 6),
            "lon": round(place.lon, 6),
        }

    def _tour(self, number: int, which: int) -> tuple[Leg, ...]:
        """What a unit does in a half hour; that of the last one asked for is kept."""
        known = self._tours.get(number)
        if known is None or known[0] != which:
            known = self._tours[number] = which, tuple(self._drawn(number, which))
        return known[1]

    def _drawn(self, number: int, which: int) -> Iterator[Leg]:
        """Drives to places by chance, as many as leave time to be back when the half hour ends, at the slowest."""
        chance = np.random.default_rng((self.seed, number, which))
        base = here = self._bases[number]
        now = float(chance.uniform(*STOPS))
        while True:
            there = self._nodes[int(chance.integers(len(self._nodes)))]
            leg = Leg(now, self._way(here, there), float(chance.uniform(*SPEEDS)))
            leaves = leg.ends + float(chance.uniform(*STOPS))
            if leaves + self._way(there, base).length / SPEEDS[0] > TOUR:
                break
            yield leg
            here, now = there, leaves
        yield Leg(now, self._way(here, base), SPEEDS[0])

    def _way(self, start: int, end: int) -> Way:
        way = self.streets.path(start, end)
        if way is None:
            raise BadInput(
                f"no street leads from node {start} to node {end}; give the units streets that all hang together"
            )
        return way


part = Units
