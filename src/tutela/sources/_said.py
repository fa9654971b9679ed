"""What people say in a simulated city on an ordinary day, and how it is told: calls, reports and public posts."""

from __future__ import annotations

from dataclasses import dataclass

from tutela.model.place import Place
from tutela.model.when import iso

from ._meters import CALL_CENTRE, FEED, PORTAL

SOURCES = {"call": CALL_CENTRE, "report": PORTAL, "post": FEED}
EVERY = {"call": 45, "report": 120, "post": 90}
"""Seconds from one to the next, by chance."""

ORDINARY = {
    "call": (
        ("EMS: fall", "An elderly person fell on the stairs."),
        ("EMS: chest pain", "A man holds his chest and is short of breath."),
        ("Traffic: collision", "Two cars, nobody seems hurt."),
        ("Police: noise", "Loud music from a flat since an hour."),
        ("Fire: alarm", "The fire alarm of the building rings, no smoke seen."),
    ),
    "report": (
        ("Lighting: lamp out", "The lamp in front of our door has been dark for three days."),
        ("Streets: pothole", "A deep hole in the bicycle lane."),
        ("Streets: ice", "The steps have not been gritted."),
        ("Waste: bin is full", "The bin at the stop overflows again."),
        ("Parking: on the pavement", "A van stands on the pavement, a pram can't pass."),
        ("Graffiti: wall", "Somebody sprayed the underpass."),
    ),
    "post": (
        ("Traffic", "The tram has not moved for five minutes."),
        ("Traffic", "Roadworks again on the way to the station."),
        ("Traffic", "Nearly all lights green this morning, what a day."),
        ("Crowd", "So many people at the market today."),
        ("Crowd", "The queue goes around the block."),
        ("Crowd", "The choir on the steps is wonderful."),
        ("Weather", "Sleet. Of course."),
        ("Weather", "The sea is frozen at the edge."),
        ("Weather", "Sun! For ten minutes."),
        ("Fire", "Is that a fire, or somebody's grill on a balcony?"),
    ),
}
"""Category, or subject, and words. Of a fire somebody posts without one, too."""


@dataclass(frozen=True, slots=True)
class Told:
    """A simulated call, report or post."""

    word: str
    id: str
    at: int
    place: Place
    category: str
    said: str

    @property
    def source(self) -> str:
        """Which source tells it."""
        return SOURCES[self.word]

    @property
    def path(self) -> str:
        """Where the HTTP door takes it."""
        return f"/v1/{self.word}s"

    @property
    def body(self) -> dict[str, object]:
        """In the shape that the HTTP door takes: reports are told in the words of Open311."""
        lat, lon, at = self.place.lat, self.place.lon, iso(self.at)
        if self.word == "report":
            return {
                "service_request_id": self.id,
                "service_code": self.category,
                "description": self.said,
                "requested_datetime": at,
                "lat": lat,
                "long": lon,
            }
        of = "subject" if self.word == "post" else "category"
        return {"id": self.id, "at": at, "lat": lat, "lon": lon, of: self.category, "said": self.said}
