"""A Thing comes into an area, leaves it, or stays in it."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import Annotated, ClassVar, Literal

import msgspec
import numpy as np

from tutela.errors import BadInput
from tutela.maths import found
from tutela.maths.area import Outline, outline
from tutela.maths.found import Found, Rests
from tutela.maths.sides import FIELDS, Crossed, Positions, Rule
from tutela.maths.slab import Slab
from tutela.model.area import Area
from tutela.model.card import Card, Sample
from tutela.model.detection import Detection
from tutela.model.noun import Noun
from tutela.model.scales import Certainty, Scale, Severity, Urgency
from tutela.model.seen import Catalogue, Seen
from tutela.model.why import Moved, Why

ROUGH = 10.0
"""Metres: what is told of how far a Thing was from the edge is rounded up to that."""


class Fence(Noun, frozen=True, kw_only=True):
    """Told when a Thing comes into the area, leaves it, or has stayed in it for `dwell` seconds.

    `area`: a circle (`centre`, `radius` in metres) or a polygon (`outer`, `holes`), as its `shape` says; corners are `lat` and
    `lon`, in WGS 84, and 40 km is the widest. `place` is what it is called. `margin`: metres that a Thing must be beyond
    the edge to have crossed it, either way: as much as its positions jitter. `observed_property`: whose positions.
    """

    word: ClassVar[str] = "fence"
    version: ClassVar[int] = 1
    card: ClassVar[Card] = Card(
        finds="A Thing that comes into an area, leaves it, or stays in it for longer than a set time.",
        needs=frozenset({"*"}),
        key="datastream",
        lateness=0.0,
        personal_data=True,
        cannot=(
            "Tell who drives or carries the Thing; see a way through the area between two positions, or one that"
            " comes after a newer one; know where a Thing is that stopped sending: its last position counts; tell"
            " that one came in which was never seen outside."
        ),
        options={
            "observed_property": "position",
            "area": {"shape": "circle", "centre": {"lat": 60.17, "lon": 24.94}, "radius": 200.0},
            "place": "the yard",
            "margin": 20.0,
        },
        fires=(
            Sample(at=0, values={"lat": 60.1730, "lon": 24.94}),
            Sample(at=60, values={"lat": 60.1719, "lon": 24.94}),
            Sample(at=120, values={"lat": 60.1715, "lon": 24.94}),
        ),
        near_miss=(
            Sample(at=0, values={"lat": 60.1730, "lon": 24.94}),
            Sample(at=60, values={"lat": 60.1719, "lon": 24.94}),
            Sample(at=120, values={"lat": 60.1717, "lon": 24.94}),
        ),
    )

    name: str = "fence"
    observed_property: str
    area: Area
    place: str
    tells: Literal["enters", "leaves", "stays"] = "enters"
    margin: Annotated[float, msgspec.Meta(ge=0)] = 15.0
    dwell: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    scale: Scale = Scale(urgency=Urgency.FUTURE, severity=Severity.MINOR, certainty=Certainty.OBSERVED)

    def __post_init__(self) -> None:
        if (self.tells == "stays") != bool(self.dwell):
            raise BadInput(f"{self.name}: only a fence that tells who stays has a dwell, and it needs one")
        outline(self.area)

    def begin(self) -> Slab:
        """Nobody was seen."""
        return Slab(FIELDS)

    def changed(self, state: Slab) -> Mapping[str, bytes]:
        """The columns written since this was last asked."""
        return dict(state.changed())

    def load(self, saved: Mapping[str, bytes]) -> Slab:
        """The state that was saved."""
        return Slab.load(FIELDS, saved)

    def step(self, state: Slab, seen: Seen) -> tuple[Slab, tuple[Detection, ...]]:
        """Positions cross the edge; a tick completes `dwell` where no position has come since."""
        catalogue = seen.catalogue
        if catalogue is None or self.observed_property not in catalogue.properties:
            return state, ()
        state, crossed = self._rows(state, seen, catalogue)
        if seen.tick is not None:
            state, stayed = self._rule.tick(state, seen.tick)
            crossed += stayed
        return state, tuple(self._detection(seen.timeline, catalogue, one) for one in crossed)

    @property
    def _rule(self) -> Rule:
        return Rule(enters=self.tells == "enters", margin=self.margin, dwell=self.dwell)

    def _rows(self, state: Slab, seen: Seen, catalogue: Catalogue) -> tuple[Slab, list[Crossed]]:
        if seen.rows is None or seen.slots is None or seen.rows.kind != "positions":
            return state, []
        code = catalogue.properties.index(self.observed_property)
        mine = np.flatnonzero(catalogue.property_code[seen.slots] == code)
        lat, lon = (seen.rows.values[name][mine].astype(np.float64) for name in ("lat", "lon"))
        beyond = outline(self.area).beyond(lat, lon)
        return self._rule.rows(state, Positions(seen.slots[mine], seen.rows.time[mine], lat, lon, beyond))

    def _unless(self, edge: Outline, datastream: int, one: Crossed) -> Moved:
        """The newest position on the other side; one that was the first inside, not far enough in to count."""
        out = self.tells != "leaves"
        first = self.tells == "enters" or one.time == one.since
        level = self.margin if not out or not first else -self.margin
        _, _, metres = edge.walk(one.lat, one.lon, level, out=out)
        return Moved(datastream=datastream, time=one.time, metres=ceil(metres / ROUGH) * ROUGH)

    def _detection(self, timeline: str, catalogue: Catalogue, one: Crossed) -> Detection:
        """It is where the area is, and not where the Thing was: that is personal data."""
        datastream, edge = catalogue.id_of(one.slot), outline(self.area)
        inputs: dict[str, float | int | str] = {
            "area": self.place,
            "margin": self.margin,
            "dwell": self.dwell,
            "since": one.since,
        }
        coming = self.tells == "enters"
        why = Why(
            message="fence.stays" if self.dwell else "fence.enters" if coming else "fence.leaves",
            inputs=inputs,
            unless=self._unless(edge, datastream, one),
        )
        told = Found(key=str(datastream), since=one.since, at=one.at, confidence=1.0, why=why)
        on = found.on(catalogue, (datastream,))
        rests = Rests(
            place=edge.middle,
            cell=edge.cell,
            purpose=on.purpose,
            datastreams=on.datastreams,
            sources=on.sources,
        )
        return found.detection(self, timeline, told, rests)


part = Fence
