"""How high the sun stands: as the almanac says, to a few hundredths of a degree."""

from __future__ import annotations

import pytest

from tutela.maths.sun import height
from tutela.model.place import Place
from tutela.model.when import HOUR, parse

HELSINKI = Place(lat=60.1699, lon=24.9384)


@pytest.mark.parametrize(
    ("place", "at", "degrees"),
    [
        # At noon of a solstice: 90° less the latitude, more or less the tilt of the axis, 23.436°.
        (HELSINKI, "2026-06-21T10:22:00Z", 90 - 60.1699 + 23.436),
        (HELSINKI, "2026-12-21T10:18:00Z", 90 - 60.1699 - 23.436),
        # In the moment of the equinox of March 2026 the sun is over the equator, noon at 180° - 14:46 - 7.5 min.
        (Place(lat=0, lon=-39.7), "2026-03-20T14:46:00Z", 90.0),
        (Place(lat=90, lon=0), "2026-03-20T14:46:00Z", 0.0),
        (Place(lat=-90, lon=0), "2026-06-21T08:24:00Z", -23.436),
    ],
)
def test_it_stands_as_high_as_the_almanac_says(place: Place, at: str, degrees: float) -> None:
    assert height(place, parse(at)) == pytest.approx(degrees, abs=0.1)


def test_in_helsinki_it_sets_as_long_after_noon_as_its_declination_says() -> None:
    """On 25 November declination is -20.8° and the equation of time 13.0 min: noon is at 10:07 UTC, and -0.83° 204 min later."""
    at = parse("2026-11-25T13:31:00Z")

    assert height(HELSINKI, at) == pytest.approx(-0.83, abs=0.1)


def test_it_rises_until_noon_and_then_falls() -> None:
    hours = [height(HELSINKI, parse("2026-11-25T00:00:00Z") + hour * HOUR) for hour in range(24)]

    assert hours.index(max(hours)) == 10
    assert hours[:11] == sorted(hours[:11])
    assert hours[10:22] == sorted(hours[10:22], reverse=True)
