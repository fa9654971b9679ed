"""How far places are beyond the edge of an area, in metres.

Places are put on a plane that touches the ground in the middle of the area. An area reaches at most 20 km from its
middle: there distances are right to within one in a hundred up to 70 degrees of latitude. It may lie across the
180th meridian, and not beyond 85 degrees of latitude. A polygon has what an odd number of its lines surround: so a hole
is out, and where a line crosses itself, what it goes round twice is out too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import cos, hypot, radians, sin

import numpy as np
import numpy.typing as npt

from tutela.errors import BadInput
from tutela.model.area import Area, Circle
from tutela.model.place import Place

from .cells import EARTH, cell_of

Floats = npt.NDArray[np.float64]

REACH = 20_000.0
HIGHEST = 85.0
DEGREE = radians(1.0) * EARTH
PAIRS = 1 << 20
"""Places times lines that are worked on together."""
LEAST = 0.01
FINEST = 1e-6
"""Metres: the least steps of a walk, by how far it has to go."""
STEPS = 500
"""Of a walk; it takes some twenty."""
TURNS = (0.0, 0.01, -0.01, 0.1, -0.1, 0.5, -0.5)
"""Radians by which a walk turns off its way, the first that gets there."""


@dataclass(frozen=True, slots=True)
class Outline:
    """An area on its plane: metres east and north of `middle`. A circle has a radius, a polygon has lines.

    `begin`, `end`: the ends of the lines, one (east, north) a row.
    """

    middle: Place
    radius: float
    begin: Floats
    end: Floats

    @property
    def cell(self) -> int:
        """The cell of its middle."""
        return cell_of(self.middle)

    def plane(self, lat: Floats, lon: Floats) -> Floats:
        """Places on the plane, one (east, north) a row."""
        east = ((lon - self.middle.lon + 180.0) % 360.0 - 180.0) * DEGREE * cos(radians(self.middle.lat))
        return np.stack([east, (lat - self.middle.lat) * DEGREE], axis=-1)

    def beyond(self, lat: Floats, lon: Floats) -> Floats:
        """How many metres each place is beyond the edge; less than 0 inside."""
        return self.beyond_at(self.plane(lat, lon))

    def beyond_at(self, points: Floats) -> Floats:
        """The same for points of the plane."""
        if not len(self.begin):
            from_middle: Floats = np.hypot(points[:, 0], points[:, 1])
            return from_middle - self.radius
        size = max(1, PAIRS // len(self.begin))
        parts = [self._beyond(points[first : first + size]) for first in range(0, len(points), size)]
        return np.concatenate(parts) if parts else np.empty(0, np.float64)

    def _beyond(self, points: Floats) -> Floats:
        far: Floats = np.hypot(*np.moveaxis(self._to_lines(points), -1, 0)).min(axis=1)
        return np.where(self._inside(points), -far, far)

    def _to_lines(self, points: Floats) -> Floats:
        """From each point to the nearest point of each line: point, line, (east, north)."""
        along, off = self.end - self.begin, points[:, None] - self.begin
        part = np.clip((off * along).sum(axis=-1) / (along**2).sum(axis=-1), 0.0, 1.0)
        steps: Floats = part[..., None] * along - off
        return steps

    def _inside(self, points: Floats) -> npt.NDArray[np.bool_]:
        """An odd number of lines lies to the east (Shimrat 1962, "Position of point relative to polygon")."""
        east, north = points[:, 0, None], points[:, 1, None]
        spans = (self.begin[:, 1] > north) != (self.end[:, 1] > north)
        rise = self.end[:, 1] - self.begin[:, 1]
        slope = (self.end[:, 0] - self.begin[:, 0]) / np.where(rise == 0.0, 1.0, rise)
        crossed = spans & (east < self.begin[:, 0] + (north - self.begin[:, 1]) * slope)
        odd: npt.NDArray[np.bool_] = crossed.sum(axis=1) % 2 == 1
        return odd

    def _way_out(self, point: Floats) -> tuple[float, float]:
        """East and north of a step of one metre towards the nearest point of the edge; north where there is none."""
        if len(self.begin):
            steps = self._to_lines(point[None])[0]
            east, north = steps[np.hypot(steps[:, 0], steps[:, 1]).argmin()].tolist()
        else:
            inside = float(self.beyond_at(point[None])[0]) < 0
            east, north = (point if inside else -point).tolist()
        length = hypot(east, north)
        return (east / length, north / length) if length else (0.0, 1.0)

    def walk(self, lat: float, lon: float, level: float, *, out: bool) -> tuple[float, float, float]:
        """The way towards the nearest edge, until a place is more than `level` beyond it (`out`), or no more.

        Degrees of latitude and of longitude, and metres. Half of it is too little: no step is longer than what it is off the
        level, so nothing is passed but what is narrower than a centimetre. A way that runs along an edge is left for one
        that turns off a little.
        """
        start = self.plane(np.array([lat]), np.array([lon]))[0]
        east, north = self._way_out(start)
        gone, way = 0.0, np.zeros(2)
        for turn in TURNS:
            way = np.array((east * cos(turn) - north * sin(turn), east * sin(turn) + north * cos(turn)))
            gone, there = self._walk(start, way, level, out=out)
            if there:
                break
        further = float(way[1]) * gone / DEGREE, float(way[0]) * gone / (DEGREE * cos(radians(self.middle.lat)))
        return *further, gone

    def _walk(self, start: Floats, way: Floats, level: float, *, out: bool) -> tuple[float, bool]:
        """How far it went in that direction, and whether it got there."""
        sign = 1.0 if out else -1.0
        gone, off = 0.0, sign * (level - float(self.beyond_at(start[None])[0]))
        least = max(FINEST, min(LEAST, off / 4))
        for _ in range(STEPS):
            if off <= -least / 10:
                return gone, True
            gone += max(least, off)
            off = sign * (level - float(self.beyond_at((start + gone * way)[None])[0]))
        return gone, False


@lru_cache(maxsize=256)
def outline(area: Area) -> Outline:
    """The area on its plane; raises BadInput for one that is too large, or too near a pole."""
    none = np.empty((0, 2))
    if isinstance(area, Circle):
        _check(area.centre, area.radius)
        return Outline(area.centre, area.radius, none, none)
    middle = _middle(area.outer)
    plane = Outline(middle, 0.0, none, none)
    rings = [
        plane.plane(*np.array([(corner.lat, corner.lon) for corner in ring]).T) for ring in (area.outer, *area.holes)
    ]
    begin, end = np.concatenate(rings), np.concatenate([np.roll(ring, -1, axis=0) for ring in rings])
    some = (begin != end).any(axis=1)
    if not some.any():
        raise BadInput("all corners of this polygon are at one place; give it three that are not")
    _check(middle, float(np.hypot(begin[:, 0], begin[:, 1]).max()))
    return Outline(middle, 0.0, begin[some], end[some])


def _middle(ring: Sequence[Place]) -> Place:
    """The middle of the least and the greatest of latitude and longitude, the short way round."""
    lon = [(corner.lon - ring[0].lon + 180.0) % 360.0 - 180.0 for corner in ring]
    lat = [corner.lat for corner in ring]
    east = ring[0].lon + (min(lon) + max(lon)) / 2
    return Place(lat=(min(lat) + max(lat)) / 2, lon=(east + 180.0) % 360.0 - 180.0)


def _check(middle: Place, reach: float) -> None:
    if reach > REACH:
        raise BadInput(f"this area reaches {reach / 1000:.0f} km from its middle; cut it into parts of 20 km at most")
    if abs(middle.lat) > HIGHEST:
        raise BadInput(f"this area lies at {middle.lat:.0f} degrees of latitude; areas beyond 85 are not measured")
