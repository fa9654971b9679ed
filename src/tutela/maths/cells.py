"""Cells (H3, kept as 64-bit whole numbers) and distances on the ground."""

from __future__ import annotations

from collections.abc import Sequence
from math import asin, cos, radians, sin, sqrt

import h3.api.basic_int as h3

from tutela.model.place import Place

RESOLUTION = 9
PARENT = 6
EARTH = 6_371_008.8


def cell_of(place: Place | None, resolution: int = RESOLUTION) -> int:
    """The H3 cell of a place; 0 for nowhere."""
    return 0 if place is None else int(h3.latlng_to_cell(place.lat, place.lon, resolution))


def parent_of(cell: int, resolution: int = PARENT) -> int:
    """The larger cell that a cell lies in; 0 for nowhere."""
    return int(h3.cell_to_parent(cell, resolution)) if cell else 0


def around(cell: int, rings: int = 1) -> tuple[int, ...]:
    """A cell and its neighbours, in ascending order."""
    return tuple(sorted(int(near) for near in h3.grid_disk(cell, rings))) if cell else (0,)


def metres(one: Place, other: Place) -> float:
    """Great-circle distance (haversine) in metres."""
    lat1, lat2 = radians(one.lat), radians(other.lat)
    half = sin((lat2 - lat1) / 2) ** 2 + cos(lat1) * cos(lat2) * sin(radians(other.lon - one.lon) / 2) ** 2
    return 2 * EARTH * asin(min(1.0, sqrt(half)))


def centre_of(cell: int) -> Place:
    """The middle of a cell, to the centimetre."""
    lat, lon = h3.cell_to_latlng(cell)
    return Place(lat=round(lat, 7), lon=round(lon, 7))


def plane(places: Sequence[Place]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Whole metres east and north of the first place, on a plane that touches the ground there.

    For one city: the error is under a thousandth within 50 km, below 70 degrees of latitude.
    """
    at, along = places[0], radians(1.0) * EARTH
    wide = along * cos(radians(at.lat))
    east = tuple(round(((place.lon - at.lon + 180.0) % 360.0 - 180.0) * wide) for place in places)
    return east, tuple(round((place.lat - at.lat) * along) for place in places)


def north_of(place: Place, by: float) -> Place:
    """The place that many metres to the north."""
    return Place(lat=place.lat + by / 111_195.0, lon=place.lon)
