"""Where: WGS 84 degrees. Cells are H3; the cell of a place is worked out in `maths.cells`."""

from __future__ import annotations

from typing import Annotated

import msgspec

from .noun import Noun

Latitude = Annotated[float, msgspec.Meta(ge=-90, le=90)]
Longitude = Annotated[float, msgspec.Meta(ge=-180, le=180)]


class Place(Noun, frozen=True, kw_only=True):
    """A point on the ground, in WGS 84 degrees."""

    lat: Latitude
    lon: Longitude


class Address(Noun, frozen=True, kw_only=True):
    """A place by a name that people know it by: a house, a street, a square, a part of the city. `own`: the map's own name, and no translation."""

    name: str
    place: Place
    own: bool = True
