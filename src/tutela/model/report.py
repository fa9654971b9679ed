"""ServiceRequest (Open311 GeoReport v2): a resident reports that something in the city is broken or in the way."""

from __future__ import annotations

from .noun import Noun
from .place import Place


class ServiceRequest(Noun, tag="report", tag_field="noun", frozen=True, kw_only=True):
    """A report, as it was told. `said` is personal data: it is only ever stored sealed. Nobody is asked who reports.

    Who reports here may say more, which is stored sealed as well: `contact`, how they are reached (under a seal of its own, since it
    goes sooner), `photo`, the id of the event with a picture, and `exact`, where it is, when `place` is a coarse one, as they wanted.
    `category` is what is reported: GeoReport's `service_code` (open vocabulary), such as "Trees: fallen tree". What
    becomes of it (GeoReport's `status`) is no part of it: a report stays what was told.
    """

    id: str
    timeline: str
    source: str
    at: int
    place: Place
    cell: int
    category: str
    said: str = ""
    purpose: str = "city-operations"
    contact: str = ""
    photo: str = ""
    exact: Place | None = None

    def bare(self) -> ServiceRequest:
        """The report without its personal data: what detectors and the second hop see."""
        return ServiceRequest(
            id=self.id,
            timeline=self.timeline,
            source=self.source,
            at=self.at,
            place=self.place,
            cell=self.cell,
            category=self.category,
            purpose=self.purpose,
        )
