"""Land and sea from coastlines, as OpenStreetMap draws them: land lies to the left of the way in which they run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import shapely

from .mercator import Floats

ASIDE = 1e-7
"""So far beside a coast it is asked what lies there: a centimetre, in degrees."""


def land(coasts: Sequence[Any], box: tuple[float, float, float, float]) -> Any:  # noqa: ANN401  shapely ships no types
    """What of the box is land: all of it where there is no coast. In degrees, x to the east and y to the north.

    Within one city they are as good as a plane: nothing is asked but on which side of the coast something lies.

    A coast that ends inside of the box, as at the edge of an extract, is led on to the nearest side of the box.
    """
    frame = shapely.box(*box)
    inside = [line for line in _lines(coasts, frame) if line.length > 0] if coasts else []
    if not inside:
        return frame
    edges = [*inside, *(end for line in inside for end in _led_on(line, frame)), frame.exterior]
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(shapely.node(shapely.union_all(edges)))))
    return shapely.union_all(faces[_votes(inside, faces) > 0])


def _lines(coasts: Sequence[Any], frame: Any) -> list[Any]:  # noqa: ANN401  as above
    merged = shapely.line_merge(shapely.intersection(shapely.multilinestrings(list(coasts)), frame), directed=True)
    return [line for line in shapely.get_parts(merged) if line.geom_type == "LineString"]


def _led_on(line: Any, frame: Any) -> list[Any]:  # noqa: ANN401  as above
    if line.is_ring:
        return []
    ends = shapely.points([line.coords[0], line.coords[-1]])
    ways = shapely.shortest_line(ends, frame.exterior)
    return [way for way in ways if way.length > 0]


def _votes(lines: Sequence[Any], faces: Any) -> Floats:  # noqa: ANN401  as above
    """For each face, how much coast has it to its left, less how much has it to its right."""
    begin = np.concatenate([shapely.get_coordinates(line)[:-1] for line in lines])
    end = np.concatenate([shapely.get_coordinates(line)[1:] for line in lines])
    along = end - begin
    length = np.hypot(along[:, 0], along[:, 1])
    aside = np.stack([-along[:, 1], along[:, 0]], axis=-1) / np.maximum(length, ASIDE)[:, None] * ASIDE
    tree, votes = shapely.STRtree(faces), np.zeros(len(faces))
    for side, sign in ((aside, 1.0), (-aside, -1.0)):
        asked, face = tree.query(shapely.points((begin + end) / 2 + side), predicate="within")
        np.add.at(votes, face, sign * length[asked])
    return votes
