"""What is staged in a simulated city: the plan in TOML, and a staged event of the day with its time and place."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import numpy as np

from tutela.errors import BadInput
from tutela.model.noun import Noun
from tutela.model.place import Place
from tutela.model.register import Datastream, Thing
from tutela.model.staged import Staged

DEGREE = 111_195.0
"""Metres of latitude."""


class Cue(Noun, frozen=True, kw_only=True):
    """A call, report or post in a staged event: so many seconds after its beginning, at most `off` metres away."""

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
    reports: tuple[Cue, ...] = ()
    posts: tuple[Cue, ...] = ()

    @property
    def cues(self) -> tuple[tuple[str, Cue], ...]:
        """All that people tell of it, each with its word."""
        every = {"call": self.calls, "report": self.reports, "post": self.posts}
        return tuple((word, cue) for word, cues in every.items() for cue in cues)


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


def places(staging: Staging, things: Sequence[Thing], streams: Sequence[Datastream]) -> tuple[Place, ...]:
    """Where it may be staged: at Things of its kind that have what it needs measured on them, or within its reach."""
    measured = {
        name: [one.place for one in streams if one.place and one.observed_property == name] for name in staging.near
    }
    found = [
        thing.place
        for thing in things
        if thing.kind == staging.at
        and thing.place
        and all(_any_near(near, thing.place, staging.reach * 0.9) for near in measured.values())
    ]
    if not found:
        raise BadInput(f"{staging.what} can be staged nowhere: no {staging.at} has {', '.join(staging.near)} near it")
    return tuple(found)


def _any_near(near: Sequence[Place], place: Place, reach: float) -> bool:
    return place in near or any(_metres(one, place) <= reach for one in near if reach)


def _metres(one: Place, other: Place) -> float:
    """Near enough to metres for places in one city."""
    east = (other.lon - one.lon) * math.cos(math.radians(one.lat))
    return DEGREE * math.hypot(other.lat - one.lat, east)


def off(place: Place, most: float, chance: np.random.Generator) -> Place:
    """A place at most so many metres away."""
    way, far = chance.uniform(0, 2 * math.pi), chance.uniform(0, most)
    north, east = far * math.cos(way) / DEGREE, far * math.sin(way) / DEGREE
    return Place(lat=place.lat + north, lon=place.lon + east / math.cos(math.radians(place.lat)))
