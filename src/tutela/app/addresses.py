"""What people call the places of this city, from its map: for whoever tells where something is in words, or in numbers.

It is read once, when somebody first asks. An instance whose city brings no extract knows no address; then a place is given as numbers.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tutela.model.place import Address, Place
from tutela.sources.streetmap import StreetMap

Floats = npt.NDArray[np.float64]

METRES = 111_195.0
"""Of a degree of latitude, on the sphere of 6,371 km."""

NEAR = 150.0
"""Metres within which a place goes by the name of another."""

MOST = 8
"""Places that are offered."""

Named = tuple[tuple[str, ...], Address]
"""The words of a name, and what it names."""


class Addresses:
    """The places of a city by name, and the names of places."""

    def __init__(self, city: str) -> None:
        self._city = city

    async def find(self, words: str) -> Sequence[Address]:
        """The place of just that name; else those of which each word begins one of the name's, the shortest name first."""
        extract = _extract(self._city)
        known = () if extract is None else await asyncio.to_thread(_read, extract)
        wanted = _plain(words)
        found = [one for own, one in known if wanted and _fits(wanted, own)]
        if exact := [one for one in found if _plain(one.name) == wanted]:
            return exact[:1]
        return sorted(found, key=lambda one: (len(one.name), one.name))[:MOST]

    async def named(self, place: Place) -> str:
        """What people call the nearest house, street or square, when it is near enough to say so; else ""."""
        extract = _extract(self._city)
        if extract is None:
            return ""
        lats, lons, known = await asyncio.to_thread(_where, extract)
        north = (lats - place.lat) * METRES
        east = (lons - place.lon) * METRES * math.cos(math.radians(place.lat))
        away = north**2 + east**2
        nearest = int(np.argmin(away))
        return known[nearest] if away[nearest] <= NEAR**2 else ""


@cache
def _where(extract: Path) -> tuple[Floats, Floats, tuple[str, ...]]:
    """Latitudes, longitudes, and the map's own names."""
    known = [one for _, one in _read(extract) if one.own]
    lats = np.array([one.place.lat for one in known], np.float64)
    lons = np.array([one.place.lon for one in known], np.float64)
    return lats, lons, tuple(one.name for one in known)


def _fits(wanted: Sequence[str], own: Sequence[str]) -> bool:
    """Whether each word begins one of the name's; a house number is meant whole."""
    return all(any(word == one or (not word[0].isdigit() and one.startswith(word)) for one in own) for word in wanted)


def _plain(words: str) -> tuple[str, ...]:
    return tuple(words.casefold().replace(",", " ").split())


@cache
def _read(extract: Path) -> tuple[Named, ...]:
    return tuple((_plain(one.name), one) for one in StreetMap(extract).addresses())


def _extract(city: str) -> Path | None:
    """That of the demonstration city, where it is this one and is installed."""
    try:
        import tutela_helsinki  # noqa: PLC0415  the city is a distribution of its own, and may be absent
    except ModuleNotFoundError:
        return None
    return Path(str(tutela_helsinki.EXTRACT)) if city == tutela_helsinki.NAME else None
