"""Web Mercator (EPSG 3857) on a square world of side 1: x goes east, y goes south, as tiles are counted."""

from __future__ import annotations

from math import asinh, atan, cos, degrees, pi, radians, sinh, tan

import numpy as np
import numpy.typing as npt

from tutela.model.place import Place

Floats = npt.NDArray[np.float64]
HIGHEST = 85.0511287
"""Degrees of latitude where the square ends."""
ROUND = 40_075_016.7
"""Metres around the equator."""
EXTENT = 4096
"""Units along the side of a tile."""
FINEST = 15
"""The zoom at which nothing is left out or made simpler."""


def world(degrees_: Floats) -> Floats:
    """Longitude and latitude, one place a row, as places on the square."""
    lat = np.radians(np.clip(degrees_[:, 1], -HIGHEST, HIGHEST))
    return np.stack([degrees_[:, 0] / 360 + 0.5, 0.5 - np.arcsinh(np.tan(lat)) / (2 * np.pi)], axis=-1)


def at(place: Place) -> tuple[float, float]:
    """One place on the square."""
    lat = radians(min(HIGHEST, max(-HIGHEST, place.lat)))
    return place.lon / 360 + 0.5, 0.5 - asinh(tan(lat)) / (2 * pi)


def back(x: float, y: float) -> Place:
    """The place on the ground."""
    return Place(lat=degrees(atan(sinh(pi * (1 - 2 * y)))), lon=(x - 0.5) * 360)


def metre(place: Place) -> float:
    """How long a metre of the ground is on the square, there."""
    lat = radians(min(HIGHEST, max(-HIGHEST, place.lat)))
    return 1 / cos(lat) / ROUND
