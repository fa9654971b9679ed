"""What a resident sends, what they get for it, and what they see of it: all without an account."""

from __future__ import annotations

from tutela.errors import BadInput

from .handling import Handling, HandlingStep
from .noun import Noun
from .place import Place
from .register import Source
from .service import SERVICES

PORTAL = Source(
    name="resident-portal",
    owner="The city",
    kind="reports of residents, over the public page and Open311",
    purposes=("city-operations",),
    legal_basis="PublicInterest",
    personal_data=True,
    place="The city",
)
"""Its entry in the register, as the demonstration has it. Elsewhere the city enters it: while there is none, or it ended, no reports are taken."""

LONGEST, CONTACT, KEY = 5000, 200, 64


class Filing(Noun, frozen=True, kw_only=True):
    """What somebody reports. `key` is made up for the form: sent twice with the same one, it is one report. `blur`: nobody but who deals with it sees where exactly."""

    category: str
    place: Place
    words: str = ""
    contact: str = ""
    photo: bytes = b""
    blur: bool = False
    key: str

    def proper(self) -> Filing:
        """Itself, without spaces around; raises BadInput."""
        if self.category not in SERVICES:
            raise BadInput("Choose what is wrong, from the list.")
        if not 0 < len(self.key) <= KEY:
            raise BadInput("This form is not whole. Open the page again.")
        if len(self.words.strip()) > LONGEST:
            raise BadInput("What you wrote is too long. Use up to 5,000 letters.")
        if len(self.contact.strip()) > CONTACT:
            raise BadInput("How we reach you is too long. Use up to 200 letters.")
        return Filing(
            category=self.category,
            place=self.place,
            words=self.words.strip(),
            contact=self.contact.strip(),
            photo=self.photo,
            blur=self.blur,
            key=self.key,
        )


class Sent(Noun, frozen=True, kw_only=True):
    """What its reporter keeps: with both they see what becomes of it."""

    number: str
    secret: str


class Followed(Noun, frozen=True, kw_only=True):
    """How a report stands, for whoever has its secret."""

    handling: Handling
    history: tuple[HandlingStep, ...]
