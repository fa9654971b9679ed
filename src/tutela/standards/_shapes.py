"""Points and GeoJSON geometries (RFC 7946), as places on Earth."""

from __future__ import annotations

from typing import Annotated

import msgspec

from tutela.errors import BadInput
from tutela.model.place import Place

MOST_POINTS = 2_000
"""Points of one geometry that is kept."""


def point(lat: float, lon: float) -> Place | None:
    """A place on Earth; None for what is none, and for 0, 0, which is what devices say that do not know."""
    there = abs(lat) <= 90 and abs(lon) <= 180 and (lat != 0 or lon != 0)
    return Place(lat=lat, lon=lon) if there else None


Coordinates = Annotated[list[float], msgspec.Meta(min_length=2, max_length=4)]
Line = list[Coordinates]


class _Point(msgspec.Struct, tag="Point"):
    coordinates: Coordinates


class _MultiPoint(msgspec.Struct, tag="MultiPoint"):
    coordinates: Line


class _LineString(msgspec.Struct, tag="LineString"):
    coordinates: Line


class _MultiLineString(msgspec.Struct, tag="MultiLineString"):
    coordinates: list[Line]


class _Polygon(msgspec.Struct, tag="Polygon"):
    coordinates: list[Line]


class _MultiPolygon(msgspec.Struct, tag="MultiPolygon"):
    coordinates: list[list[Line]]


Geometry = _Point | _MultiPoint | _LineString | _MultiLineString | _Polygon | _MultiPolygon


def shape(geometry: object) -> tuple[Place, str]:
    """A GeoJSON geometry (RFC 7946) as a place and as JSON text; BadInput when it is none, or is not on Earth.

    The place is the point in the middle of a line, so that it lies on the road, or the middle of the bounds of an area.
    """
    try:
        found = msgspec.convert(geometry, Geometry)
    except (msgspec.ValidationError, RecursionError, OverflowError) as wrong:
        raise BadInput(f"the geometry is no GeoJSON: {wrong}") from wrong
    points = list(_points(found))
    if not 0 < len(points) <= MOST_POINTS:
        raise BadInput(f"the geometry has {len(points)} points; it needs 1 to {MOST_POINTS}")
    if any(point(lat, lon) is None for lon, lat, *_ in points):
        raise BadInput("the geometry is not on the Earth; write longitude and latitude of WGS 84, in this order")
    lon, lat = _middle(points, area=isinstance(found, (_Polygon, _MultiPolygon)))
    return Place(lat=lat, lon=lon), msgspec.json.encode(found).decode()


def _points(found: Geometry) -> Line:
    match found:
        case _Point():
            return [found.coordinates]
        case _MultiPoint() | _LineString():
            return found.coordinates
        case _MultiLineString() | _Polygon():
            return [one for line in found.coordinates for one in line]
        case _MultiPolygon():
            return [one for area in found.coordinates for line in area for one in line]


def _middle(points: Line, *, area: bool) -> tuple[float, float]:
    if not area:
        lon, lat, *_ = points[len(points) // 2]
        return lon, lat
    lons, lats = [one[0] for one in points], [one[1] for one in points]
    return (min(lons) + max(lons)) / 2, (min(lats) + max(lats)) / 2
