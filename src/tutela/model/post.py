"""Post: what somebody wrote in public on a subject, from somewhere in a cell. Never who (governance G24)."""

from __future__ import annotations

import unicodedata

from .noun import Noun
from .place import Place

LONGEST, WORDS = 40, 4
"""Of a subject: letters at most, and words."""

SUBJECT = f"up to {WORDS} words, only the first letter large, such as Storm or Burst pipe: {LONGEST} letters at most, no signs or digits"
"""The form of a subject, for whoever sends another one."""


def is_subject(text: str) -> bool:
    """Whether it has the form of a subject, which stays in the clear: no account, number or address has it, nor a full name."""
    words = text.replace("-", " ").split(" ")
    letters = all(word and all(unicodedata.category(letter)[0] in "LM" for letter in word) for word in words)
    return letters and len(words) <= WORDS and len(text) <= LONGEST and text[1:] == text[1:].lower()


class Post(Noun, tag="post", tag_field="noun", frozen=True, kw_only=True):
    """A public post. `said` is personal data: it is only ever stored sealed, and for a day.

    `category` is the subject that the feed was asked for, such as "Fire" (open vocabulary): a feed is followed by subject
    and area, never by account. It stays in the clear. `place` is the middle of `cell`, once it is recorded: no closer is kept.
    """

    id: str
    timeline: str
    source: str
    at: int
    place: Place
    cell: int
    category: str
    said: str = ""
    purpose: str = "public-safety"

    def bare(self) -> Post:
        """The post without its words: what detectors and the second hop see."""
        return Post(
            id=self.id,
            timeline=self.timeline,
            source=self.source,
            at=self.at,
            place=self.place,
            cell=self.cell,
            category=self.category,
            purpose=self.purpose,
        )
