"""How high the sun stands: for lamps that burn when it is dark. Good to a few hundredths of a degree, without refraction.

Source: The Astronomical Almanac, "Low precision formulas for the Sun's coordinates", and sidereal time by its mean.
"""

from __future__ import annotations

import math

from tutela.model.place import Place
from tutela.model.when import DAY, parse

J2000 = parse("2000-01-01T12:00:00Z")


def height(place: Place, at: int) -> float:
    """Degrees above the horizon there at that time (microseconds); below it they are negative."""
    days = (at - J2000) / DAY
    anomaly = math.radians((357.528 + 0.9856003 * days) % 360)
    mean = 280.460 + 0.9856474 * days
    longitude = math.radians(mean + 1.915 * math.sin(anomaly) + 0.020 * math.sin(2 * anomaly))
    tilt = math.radians(23.439 - 0.0000004 * days)
    ascension = math.atan2(math.cos(tilt) * math.sin(longitude), math.cos(longitude))
    declination = math.asin(math.sin(tilt) * math.sin(longitude))
    sidereal = math.radians((280.46062 + 360.98564737 * days + place.lon) % 360)
    lat, hour = math.radians(place.lat), sidereal - ascension
    up = math.sin(lat) * math.sin(declination) + math.cos(lat) * math.cos(declination) * math.cos(hour)
    return math.degrees(math.asin(max(-1.0, min(1.0, up))))
