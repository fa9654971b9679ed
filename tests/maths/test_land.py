"""Land and sea: land lies to the left of a coast, wherever the coast begins and ends."""

from __future__ import annotations

import pytest
import shapely

from tutela.maths.land import land

BOX = (24.0, 60.0, 25.0, 61.0)
SQUARE = [(24.4, 60.4), (24.6, 60.4), (24.6, 60.6), (24.4, 60.6), (24.4, 60.4)]


def test_where_there_is_no_coast_all_is_land() -> None:
    assert land([], BOX).area == pytest.approx(1.0)


def test_land_lies_to_the_left_of_a_coast() -> None:
    north = shapely.LineString([(23, 60.5), (26, 60.5)])

    assert land([north], BOX).bounds == pytest.approx((24, 60.5, 25, 61))
    assert land([north.reverse()], BOX).bounds == pytest.approx((24, 60, 25, 60.5))


def test_an_island_is_land_and_a_bay_is_not() -> None:
    ring = shapely.LineString(SQUARE)

    assert land([ring], BOX).area == pytest.approx(0.04)
    assert land([ring.reverse()], BOX).area == pytest.approx(0.96)


def test_a_coast_that_ends_at_the_edge_of_an_extract_is_led_on_to_the_side_of_the_box() -> None:
    pieces = [
        shapely.LineString([(24.1, 60.3), (24.4, 60.3)]),
        shapely.LineString([(24.4, 60.3), (24.9, 60.3)]),
        shapely.LineString(SQUARE).reverse(),
    ]

    found = land(pieces, BOX)

    assert found.area == pytest.approx(0.7 - 0.04)
    assert not found.contains(shapely.Point(24.5, 60.5))
    assert not found.contains(shapely.Point(24.05, 60.1))
    assert found.contains(shapely.Point(24.05, 60.9))


def test_a_coast_outside_of_the_box_says_nothing_of_it() -> None:
    assert land([shapely.LineString([(20, 60.5), (21, 60.5)])], BOX).area == pytest.approx(1.0)
