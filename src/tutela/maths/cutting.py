"""Features cut into tiles: each clipped to its tile with a margin, made simpler where that can't be seen, on whole numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

from tutela.model.mapped import Kind, MapFeature, Spot, Tags, TilePiece

from .mercator import EXTENT, FINEST, Floats, world

MARGIN = 64
"""Units of its neighbours that a tile has too, so that what is drawn there has no seam: 8 pixels."""
FAITHFUL = 2.0
"""Units that a line may be off at other zooms: a quarter of a pixel."""
SMALLEST = 128.0
"""Square units: at other zooms, what is smaller (2 pixels) is left out."""

Shapes = Any  # an array of shapely's shapes; shapely ships no types


@dataclass(frozen=True, slots=True)
class Sheet:
    """The features of one layer, on the square of `mercator`, with a tree to find them by."""

    shapes: Shapes
    zooms: npt.NDArray[np.int64]
    tags: Sequence[Tags]
    tree: Any


def sheet(features: Sequence[MapFeature], *, points: bool = False) -> Sheet:
    """The features of one layer. `points`: of a surface a point on it is enough."""
    shapes = on_world(shapely.from_wkb([one.shape for one in features]))
    if points:
        shapes = shapely.point_on_surface(shapes)
    zooms = np.array([one.zoom for one in features], np.int64)
    return Sheet(shapes, zooms, [one.tags for one in features], shapely.STRtree(shapes))


def on_world(shapes: Shapes) -> Shapes:
    """Shapes in degrees, on the square of `mercator`."""
    return shapely.transform(shapes, world)


def covered(box: tuple[float, float, float, float], zoom: int) -> Iterator[tuple[int, int]]:
    """The tiles of that zoom that a box touches."""
    count = 2**zoom
    left, top, right, bottom = (min(count - 1, max(0, int(side * count))) for side in box)
    for x in range(left, right + 1):
        for y in range(top, bottom + 1):
            yield x, y


def cut(found: Sheet, zoom: int, x: int, y: int) -> tuple[TilePiece, ...]:
    """What the tile shows of that layer. What is told the same becomes one piece, but for points."""
    margin = MARGIN / EXTENT
    box = shapely.box(*(side / 2**zoom for side in (x - margin, y - margin, x + 1 + margin, y + 1 + margin)))
    index = np.sort(found.tree.query(box))
    index = index[found.zooms[index] <= zoom]
    if not len(index):
        return ()
    shapes = _seen(found.shapes[index], zoom, x, y)
    there = ~shapely.is_empty(shapes)
    tags = [found.tags[each] for each in index[there].tolist()]
    return tuple(_pieces(shapes[there], tags))


def _seen(shapes: Shapes, zoom: int, x: int, y: int) -> Shapes:
    def units(coordinates: Floats) -> Floats:
        return (coordinates * 2.0**zoom - (x, y)) * EXTENT

    shapes = shapely.transform(shapes, units)
    if zoom < FINEST:
        shapes = shapely.simplify(shapes, FAITHFUL)
    low, high = -MARGIN, EXTENT + MARGIN
    shapes = shapely.clip_by_rect(shapes, low, low, high, high)
    flat = shapely.get_dimensions(shapes) == 2
    area = np.array(shapes)
    torn = flat & ~shapely.is_valid(area)
    area[torn] = shapely.make_valid(area[torn])
    if zoom < FINEST:
        area[flat & (shapely.area(area) < SMALLEST)] = shapely.Polygon()
    area[flat] = shapely.orient_polygons(shapely.set_precision(area[flat], 1.0))
    area[~flat] = shapely.set_precision(area[~flat], 1.0, mode="pointwise")
    return area


def _pieces(shapes: Shapes, tags: Sequence[Tags]) -> Iterator[TilePiece]:
    groups: dict[tuple[int, Tags], list[Any]] = {}
    for shape, told in zip(shapes, tags, strict=True):
        for part in shapely.get_parts(shape):
            groups.setdefault((int(shapely.get_dimensions(part)), told), []).append(part)
    for (dimensions, told), parts in groups.items():
        yield from _as_told(dimensions, told, parts)


def _as_told(dimensions: int, told: Tags, parts: Sequence[Any]) -> Iterator[TilePiece]:
    if dimensions == 0:
        for part in parts:
            yield TilePiece(kind="point", paths=(_path(part),), tags=told)
        return
    kind: Kind = "line"
    lines = [_path(line) for line in _joined(parts)] if dimensions == 1 else []
    if dimensions == 2:
        kind = "polygon"
        lines = [_path(ring)[:-1] for part in parts for ring in (part.exterior, *part.interiors)]
    least = 2 if dimensions == 1 else 3
    paths = tuple(line for line in lines if len(line) >= least)
    if paths:
        yield TilePiece(kind=kind, paths=paths, tags=told)


def _joined(lines: Sequence[Any]) -> Sequence[Any]:
    """Lines that go on where others end, as one: fewer to draw, and long enough for a name."""
    return list(shapely.get_parts(shapely.line_merge(shapely.multilinestrings(list(lines)), directed=True)))


def _path(line: Any) -> tuple[Spot, ...]:  # noqa: ANN401  shapely ships no types
    """Its corners, without those that are where the one before is."""
    spots = np.rint(shapely.get_coordinates(line)).astype(np.int64)
    moved = np.ones(len(spots), np.bool_)
    moved[1:] = (spots[1:] != spots[:-1]).any(axis=1)
    return tuple((x, y) for x, y in spots[moved].tolist())
