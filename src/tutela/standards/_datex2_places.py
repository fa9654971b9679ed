"""DATEX II: where a site or a situation is. Coordinates are understood; Alert-C and OpenLR need maps of their own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from xml.etree.ElementTree import Element

from tutela.errors import BadInput
from tutela.model.place import Place

from ._shapes import point, shape
from ._xml import points

DISPLAY = {"locationForDisplay", "coordinatesForDisplay"}


def where(locations: Iterable[Element | None], *, lon_first: bool) -> tuple[Place | None, str]:
    """The place of some locations, and their geometry as GeoJSON text where there is more than a point.

    The place is the one for display, where that is told. Raises BadInput for coordinates that are none.
    """
    there = [location for location in locations if location is not None]
    shown, others = _pairs(there)
    geometry = _geometry(there, others, lon_first=lon_first)
    middle, drawn = shape(geometry) if geometry else (None, "")
    told = shown or others
    if told and (place := point(*told[0])) is None:
        raise BadInput(f"{told[0]} is no latitude and longitude of WGS 84")
    if shown or middle is None:
        return (place if told else None), drawn
    return middle, drawn


def _pairs(locations: Iterable[Element]) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
    """Latitudes and longitudes that are for display, and the others."""
    shown: list[tuple[float, float]] = []
    others: list[tuple[float, float]] = []
    for location in locations:
        for node, lat, lon in points(location):
            (shown if node.tag in DISPLAY else others).append((lat, lon))
    return shown, others


def _geometry(
    locations: Iterable[Element], pairs: list[tuple[float, float]], *, lon_first: bool
) -> Mapping[str, object] | None:
    """A GeoJSON geometry: areas before lines, and lines before the ends of a line."""
    areas, lines = [], []
    for location in locations:
        rings = [ring for outer in location.iter("exterior") for ring in outer.iter("posList")]
        areas += [[_line(ring, lon_first=lon_first)] for ring in rings]
        lines += [] if rings else [_line(one, lon_first=lon_first) for one in location.iter("posList")]
    if areas:
        return {"type": "MultiPolygon", "coordinates": areas}
    if len(lines) == 1:
        return {"type": "LineString", "coordinates": lines[0]}
    if lines:
        return {"type": "MultiLineString", "coordinates": lines}
    ends = [[lon, lat] for lat, lon in dict.fromkeys(pairs)]
    return {"type": "LineString", "coordinates": ends} if len(ends) > 1 else None


def _line(node: Element, *, lon_first: bool) -> list[list[float]]:
    """A GML list of positions as longitudes and latitudes; its heights are left out."""
    step = int(node.get("srsDimension", "2")) if node.get("srsDimension", "2") in {"2", "3"} else 2
    try:
        numbers = [float(one) for one in (node.text or "").split()]
    except ValueError as wrong:
        raise BadInput(f"a list of positions holds what is no number: {wrong}") from wrong
    if len(numbers) % step:
        raise BadInput(f"a list of positions has {len(numbers)} numbers, which are no positions of {step}")
    lon, lat = (0, 1) if lon_first else (1, 0)
    return [[numbers[first + lon], numbers[first + lat]] for first in range(0, len(numbers), step)]
