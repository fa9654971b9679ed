"""Call (NENA EIDO): somebody asks for help. A fact: committed before it is acknowledged."""

from __future__ import annotations

from .noun import Noun
from .place import Place


class Call(Noun, tag="call", tag_field="noun", frozen=True, kw_only=True):
    """An emergency call. `said` and `caller` are personal data: they are only ever stored sealed.

    `category` is the call taker's type of event, such as "EMS: FALL VICTIM" (open vocabulary).
    """

    id: str
    timeline: str
    source: str
    at: int
    place: Place
    cell: int
    category: str
    said: str = ""
    caller: str = ""
    purpose: str = "emergency-response"

    def bare(self) -> Call:
        """The call without its personal data: what detectors and the second hop see."""
        return Call(
            id=self.id,
            timeline=self.timeline,
            source=self.source,
            at=self.at,
            place=self.place,
            cell=self.cell,
            category=self.category,
            purpose=self.purpose,
        )
