"""What people call the places of this city, from its map: for whoever tells where something is in words.

It is read once, when somebody first asks. An instance whose city has no map here knows no address; then a place is given as numbers.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from functools import cache

import numpy as np
import numpy.typing as npt

from tutela.app.city import extract
from tutela.errors import NotFound
from tutela.model.place import Address, Place
from tutela.sources.streetmap import StreetMap

Floats = npt.NDArray[np.float64]

METRES = 111_195.0
"""Of a degree of latitude, on the sphere of 6,371 km."""

NEAR = 150.0
"""Metres within which a place goes by the name of another."""

MOST = 8
"""Places that are offered."""


async def find(words: str) -> Sequence[Address]:
    """The places whose name has all these words at the beginning of its own, the shortest name first; the first is the best."""
    known = await asyncio.to_thread(_known)
    wanted = _plain(words)
    found = [one for own, one in known if wanted and _fits(wanted, own)]
    return sorted(found, key=lambda one: (_plain(one.name) != wanted, len(one.name), one.name))[:MOST]


async def named(place: Place) -> str:
    """What people call the nearest house, street or square, when it is near enough to say so; else ""."""
    lats, lons, known = await asyncio.to_thread(_where)
    if not known:
        return ""
    north = (lats - place.lat) * METRES
    east = (lons - place.lon) * METRES * math.cos(math.radians(place.lat))
    away = north**2 + east**2
    nearest = int(np.argmin(away))
    return known[nearest] if away[nearest] <= NEAR**2 else ""


@cache
def _where() -> tuple[Floats, Floats, tuple[str, ...]]:
    """Latitudes, longitudes, and the map's own names."""
    known = [one for _, one in _known() if one.own]
    lats = np.array([one.place.lat for one in known], np.float64)
    lons = np.array([one.place.lon for one in known], np.float64)
    return lats, lons, tuple(one.name for one in known)


def _fits(wanted: Sequence[str], own: Sequence[str]) -> bool:
    """Whether each word begins one of the name's; a house number is meant whole."""
    return all(any(word == one or (not word[0].isdigit() and one.startswith(word)) for one in own) for word in wanted)


def _plain(words: str) -> tuple[str, ...]:
    return tuple(words.casefold().replace(",", " ").split())


@cache
def _known() -> tuple[tuple[tuple[str, ...], Address], ...]:
    try:
        return tuple((_plain(one.name), one) for one in StreetMap(extract()).addresses())
    except NotFound:
        return ()
