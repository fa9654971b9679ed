"""What is near a place, for anybody: the newest values of sources whose data is about nobody. Where somebody asked for is not kept.

Only what the register says is not about people, and only what residents can do something with: air, noise, roads. It is read at most each
five seconds, however many ask.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tutela.maths.cells import metres
from tutela.model.noun import Noun
from tutela.model.place import Place
from tutela.model.register import Datastream
from tutela.model.timeline import LIVE
from tutela.model.when import DAY, SECOND

from . import lookup
from .catalogue import Known
from .ports import Clock, Values

KINDS = ("readings", "counts")
AIR = ("pm25", "pm10", "no2", "o3")
STREETS = ("noise", "vehicles")
IN_FORCE = ("road-closed", "road-works", "detour", "incident")
"""What is 1 while it is so, and 0 else."""

FAR = 2000.0
"""Metres within which something is near."""

LASTS = 5 * SECOND
STALE = 3
"""Intervals after which a value is stale."""

BANDS = {
    "pm25": (5.0, 15.0, 50.0, 90.0, 140.0),
    "pm10": (15.0, 45.0, 120.0, 195.0, 270.0),
    "no2": (10.0, 25.0, 60.0, 100.0, 150.0),
    "o3": (60.0, 100.0, 120.0, 160.0, 180.0),
}
"""µg/m³: the European Environment Agency's index of air quality, where good, fair, moderate, poor and very poor air end."""


class Measured(Noun, frozen=True, kw_only=True):
    """The newest value of something near by. `band`: of air from 0, good, to 5, extremely poor; None of all else."""

    observed_property: str
    unit: str
    result: float
    at: int
    metres: int
    source: str
    simulated: bool
    stale: bool
    band: int | None = None


class Around(Noun, frozen=True, kw_only=True):
    """What is near a place: of each property the nearest that is measured, and what is in force on roads, the nearest first."""

    air: tuple[Measured, ...]
    streets: tuple[Measured, ...]
    roads: tuple[Measured, ...]
    watched: bool
    """Whether anybody tells of roads here at all."""


@dataclass(slots=True, kw_only=True)
class Nearby:
    """Reads what is near."""

    values: Values
    known: Known
    clock: Clock
    _at: int = field(default=-LASTS)
    _newest: list[tuple[Datastream, int, float]] = field(default_factory=list)

    async def look(self, place: Place) -> Around:
        """What is near that place."""
        now = self.clock()
        if not 0 <= now - self._at < LASTS:
            self._newest, self._at = await self._read(), now
        found = [
            self._measured(stream, at, result, round(far), now)
            for stream, at, result in self._newest
            if stream.place is not None and (far := metres(place, stream.place)) <= FAR
        ]
        found.sort(key=lambda one: (one.stale, one.metres))
        return Around(
            air=_nearest(found, AIR),
            streets=_nearest(found, STREETS),
            roads=tuple(
                one for one in found if one.observed_property in IN_FORCE and one.result == 1 and not one.stale
            ),
            watched=any(stream.observed_property in IN_FORCE for stream, _, _ in self._newest),
        )

    async def _read(self) -> list[tuple[Datastream, int, float]]:
        wanted = {*AIR, *STREETS, *IN_FORCE}
        found = []
        for kind in KINDS:
            rows = await lookup.newest(self.values, LIVE, kind, None)
            columns = zip(rows.datastream.tolist(), rows.time.tolist(), rows.result.tolist(), strict=True)
            there = [one for one in columns if self.known.unit(one[0]) is not None]
            told = ((self.known.datastream(number), at, float(result)) for number, at, result in there)
            found += [one for one in told if one[0].observed_property in wanted and self._public(one[0], one[1])]
        return found

    def _public(self, stream: Datastream, at: int) -> bool:
        """Whether its source stands in the register, as one whose data is about nobody, and keeps it for so long."""
        now = self.clock()
        entry = self.known.admission.entry(stream.source, now)
        if entry is None or entry.personal_data:
            return False
        return entry.retention_days is None or at >= now - entry.retention_days * DAY

    def _measured(self, stream: Datastream, at: int, result: float, far: int, now: int) -> Measured:
        bands = BANDS.get(stream.observed_property, ())
        return Measured(
            observed_property=stream.observed_property,
            unit=stream.unit,
            result=result,
            at=at,
            metres=far,
            source=stream.source,
            simulated=self.known.sources[stream.source].simulated,
            stale=stream.interval is not None and now - at > STALE * stream.interval * SECOND,
            band=sum(result > end for end in bands) if bands else None,
        )


def _nearest(found: Sequence[Measured], properties: Sequence[str]) -> tuple[Measured, ...]:
    """Of each property the first."""
    first = (next((one for one in found if one.observed_property == name), None) for name in properties)
    return tuple(one for one in first if one is not None)
