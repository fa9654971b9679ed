"""Tiles: what lies on the ground is in each tile that it touches, on whole numbers, and whole again when they are put together."""

from __future__ import annotations

import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from tutela.maths.cutting import MARGIN, covered, cut, sheet
from tutela.maths.mercator import EXTENT, FINEST, at, back, metre
from tutela.model.mapped import MapFeature, Tags, TilePiece
from tutela.model.place import Place

HERE = Place(lat=60.17, lon=24.94)


def feature(shape: object, zoom: int = 0, tags: Tags = (("kind", "x"),)) -> MapFeature:
    return MapFeature(layer="l", zoom=zoom, shape=shapely.to_wkb(shape), tags=tags)


def tile(zoom: int) -> tuple[int, int, int]:
    x, y = at(HERE)
    return zoom, int(x * 2**zoom), int(y * 2**zoom)


@given(st.floats(-85, 85), st.floats(-180, 179.99))
def test_a_place_on_the_square_is_the_same_place_on_the_ground(lat: float, lon: float) -> None:
    found = back(*at(Place(lat=lat, lon=lon)))

    assert [found.lat, found.lon] == pytest.approx([lat, lon], abs=1e-9)


def test_a_metre_is_longer_on_the_square_in_the_north() -> None:
    equator = Place(lat=0, lon=0)

    assert metre(equator) * 40_075_016.7 == pytest.approx(1)
    assert metre(HERE) / metre(equator) == pytest.approx(2.01, abs=0.01)


def test_a_point_is_where_it_is_in_its_tile_from_its_zoom_on() -> None:
    found = sheet([feature(shapely.Point(HERE.lon, HERE.lat), zoom=12)])

    assert cut(found, *tile(11)) == ()
    (piece,) = cut(found, *tile(15))
    zoom, x, y = tile(15)
    across, down = at(HERE)
    assert piece.paths == (((round((across * 2**zoom - x) * EXTENT), round((down * 2**zoom - y) * EXTENT)),),)


def test_streets_that_are_told_the_same_and_go_on_are_one_line() -> None:
    ends = [(24.94, 60.170), (24.941, 60.170), (24.942, 60.170), (24.943, 60.1705)]
    lines = [shapely.LineString(ends[first : first + 2]) for first in range(3)]

    pieces = cut(
        sheet([*(feature(line) for line in lines[:2]), feature(lines[2], tags=(("kind", "y"),))]), *tile(FINEST)
    )

    assert [(piece.tags, len(piece.paths)) for piece in pieces] == [((("kind", "x"),), 1), ((("kind", "y"),), 1)]


def test_what_is_too_small_to_be_seen_is_left_out_until_one_is_near() -> None:
    shed = feature(shapely.Point(HERE.lon, HERE.lat).buffer(0.00001))

    assert cut(sheet([shed]), *tile(12)) == ()
    assert cut(sheet([shed]), *tile(FINEST))


def area(paths: tuple[tuple[tuple[int, int], ...], ...]) -> float:
    """By the surveyor's formula: outer rings count, holes take away."""
    return sum(
        (x * down - across * y) / 2
        for path in paths
        for (x, y), (across, down) in zip(path, path[1:] + path[:1], strict=True)
    )


corners = st.lists(
    st.tuples(st.floats(24.90, 24.99), st.floats(60.15, 60.19)), min_size=3, max_size=8, unique=True
).map(lambda ring: shapely.make_valid(shapely.Polygon(ring)))


@settings(deadline=None, max_examples=40)
@given(corners)
def test_the_tiles_of_a_shape_have_its_area_between_them(shape: object) -> None:
    flat = [part for part in shapely.get_parts(shape) if part.geom_type == "Polygon"]
    found = sheet([feature(part) for part in flat])
    if not flat:
        return
    zoom, whole = FINEST - 2, 0.0
    bounds = shapely.total_bounds(found.shapes).tolist()
    frame = shapely.box(0, 0, EXTENT, EXTENT)
    for x, y in covered(bounds, zoom):
        for piece in cut(found, zoom, x, y):
            assert all(-MARGIN <= side <= EXTENT + MARGIN for path in piece.paths for spot in path for side in spot)
            assert area(piece.paths) > 0
            whole += shapely.union_all(
                [shapely.make_valid(shapely.Polygon(path)).intersection(frame) for path in piece.paths]
            ).area
    wanted = shapely.area(found.shapes).sum() * (2**zoom * EXTENT) ** 2

    assert whole == pytest.approx(wanted, rel=0.03, abs=60_000)


def test_a_hole_runs_the_other_way_round() -> None:
    square = shapely.box(24.939, 60.1695, 24.941, 60.1705)
    (piece,) = cut(sheet([feature(square.difference(square.buffer(-0.0002)))]), *tile(FINEST))

    outer, hole = piece.paths
    assert area((outer,)) > 0 > area((hole,))
    assert isinstance(piece, TilePiece)


def test_the_tiles_of_a_box_are_all_those_that_it_touches() -> None:
    assert list(covered((0.0, 0.0, 1.0, 1.0), 1)) == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert list(covered((0.1, 0.1, 0.2, 0.2), 2)) == [(0, 0)]
