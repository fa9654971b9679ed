"""Areas: what shapely says of the same polygon on the same plane, and what great circles say of distances."""

from __future__ import annotations

from math import cos, hypot, pi, radians, sin

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from tutela.errors import BadInput
from tutela.maths import area
from tutela.maths.area import DEGREE, Outline, outline
from tutela.maths.cells import metres
from tutela.model.area import Area, Circle, Polygon
from tutela.model.place import Place

MIDDLES = st.sampled_from(
    [(60.17, 24.94), (0.0, 0.0), (-33.9, 151.2), (69.6, 18.9), (-17.8, 179.999), (51.9, -179.998)]
)


def at(middle: tuple[float, float], east: float, north: float) -> Place:
    """So many metres from there, by whichever side of the 180th meridian it is."""
    lon = middle[1] + east / (DEGREE * cos(radians(middle[0])))
    return Place(lat=middle[0] + north / DEGREE, lon=(lon + 180.0) % 360.0 - 180.0)


@st.composite
def polygons(draw: st.DrawFn) -> tuple[tuple[float, float], Polygon]:
    """A star around a middle, with a hole or without."""
    middle, corners = draw(MIDDLES), draw(st.lists(st.floats(200, 2000), min_size=3, max_size=12))
    turns = [2 * pi * number / len(corners) for number in range(len(corners))]
    rings = [
        tuple(
            at(middle, scale * far * sin(turn), scale * far * cos(turn))
            for far, turn in zip(corners, turns, strict=True)
        )
        for scale in (1.0, 0.4)
    ]
    return middle, Polygon(outer=rings[0], holes=tuple(rings[1:][: draw(st.integers(0, 1))]))


def points(lat: list[float], lon: list[float]) -> tuple[np.ndarray, np.ndarray]:
    return np.array(lat), np.array(lon)


def of_shapely(edge: Outline, polygon: Polygon) -> shapely.Polygon:
    def ring(corners: tuple[Place, ...]) -> np.ndarray:
        return edge.plane(*points([corner.lat for corner in corners], [corner.lon for corner in corners]))

    return shapely.Polygon(ring(polygon.outer), [ring(hole) for hole in polygon.holes])


@settings(deadline=None)
@given(polygons(), st.lists(st.tuples(st.floats(-3000, 3000), st.floats(-3000, 3000)), min_size=1, max_size=20))
def test_a_polygon_is_where_shapely_says_and_its_edge_as_far(
    given_: tuple[tuple[float, float], Polygon], spots: list[tuple[float, float]]
) -> None:
    middle, polygon = given_
    edge, places = outline(polygon), [at(middle, *spot) for spot in spots]
    flat = of_shapely(edge, polygon)
    beyond = edge.beyond(*points([place.lat for place in places], [place.lon for place in places]))
    for place, far in zip(places, beyond.tolist(), strict=True):
        spot = shapely.Point(edge.plane(*points([place.lat], [place.lon]))[0])
        assert abs(far) == pytest.approx(flat.boundary.distance(spot), abs=1e-6)
        assert (far < 0) == flat.contains(spot) or abs(far) < 1e-6


@given(MIDDLES, st.floats(0, 2 * pi), st.floats(0, 18_000), st.floats(1, 15_000))
def test_a_circle_is_as_wide_as_great_circles_say(
    middle: tuple[float, float], turn: float, far: float, radius: float
) -> None:
    centre = Place(lat=middle[0], lon=middle[1])
    place = at(middle, far * sin(turn), far * cos(turn))

    (beyond,) = outline(Circle(centre=centre, radius=radius)).beyond(*points([place.lat], [place.lon])).tolist()

    assert beyond == pytest.approx(metres(centre, place) - radius, abs=0.01 * far + 0.01)


@settings(deadline=None)
@given(
    polygons() | MIDDLES.map(lambda middle: (middle, Circle(centre=at(middle, 0, 0), radius=700.0))),
    st.tuples(st.floats(-2500, 2500), st.floats(-2500, 2500)),
    st.sampled_from((-20.0, 0.0, 20.0)),
)
def test_a_walk_ends_beyond_the_level_and_half_of_it_does_not(
    given_: tuple[tuple[float, float], Area], spot: tuple[float, float], level: float
) -> None:
    middle, given_area = given_
    edge, place = outline(given_area), at(middle, *spot)
    (before,) = edge.beyond(*points([place.lat], [place.lon])).tolist()
    if abs(before - level) < 1e-4 or before > max(level, 0.0) > 0:
        return
    out = before < level
    if not out and level < 0:
        return  # an area can be too narrow to be that far inside

    lat, lon, gone = edge.walk(place.lat, place.lon, level, out=out)
    whole, half = edge.beyond(
        *points([place.lat + part * lat for part in (1, 0.5)], [place.lon + part * lon for part in (1, 0.5)])
    ).tolist()

    assert (whole > level) is out
    assert (half > level) is not out
    assert gone == pytest.approx(hypot(lat * DEGREE, lon * DEGREE * cos(radians(edge.middle.lat))))


def test_from_the_very_middle_of_a_circle_the_way_out_is_north() -> None:
    edge = outline(Circle(centre=Place(lat=60.0, lon=25.0), radius=100.0))

    lat, lon, gone = edge.walk(60.0, 25.0, 0.0, out=True)

    assert lon == 0.0
    assert lat * DEGREE == pytest.approx(gone)
    assert gone == pytest.approx(100.0, abs=0.1)


def test_many_places_are_measured_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    square = Polygon(outer=tuple(at((60.0, 25.0), *spot) for spot in ((0, 0), (900, 0), (900, 900), (0, 900))))
    lat, lon = np.linspace(59.99, 60.02, 50), np.linspace(24.99, 25.02, 50)
    whole = outline(square).beyond(lat, lon)
    monkeypatch.setattr(area, "PAIRS", 12)

    assert (outline(square).beyond(lat, lon) == whole).all()
    assert len(outline(square).beyond(lat[:0], lon[:0])) == 0


def test_a_corner_that_repeats_the_first_changes_nothing() -> None:
    corners = tuple(at((60.0, 25.0), *spot) for spot in ((0, 0), (900, 0), (0, 900)))
    one, other = (outline(Polygon(outer=ring)) for ring in (corners, (*corners, corners[0])))

    assert (one.begin == other.begin).all()


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (Circle(centre=Place(lat=60.0, lon=25.0), radius=30_000.0), "reaches 30 km from its middle; cut it"),
        (Circle(centre=Place(lat=86.0, lon=25.0), radius=10.0), "beyond 85 are not measured"),
        (Polygon(outer=(Place(lat=60.0, lon=25.0),) * 3), "all corners of this polygon are at one place"),
        (Polygon(outer=tuple(Place(lat=60.0, lon=25.0 + n) for n in (0, 1, 2))), "reaches 56 km"),
    ],
)
def test_an_area_that_cannot_be_measured_is_refused(wrong: Area, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        outline(wrong)
