"""Post: what somebody wrote in public on a subject, from somewhere in a cell. Never who (governance G24)."""

from __future__ import annotations

from .noun import Noun
from .place import Place


class Post(Noun, tag="post", tag_field="noun", frozen=True, kw_only=True):
    """A public post. `said` is personal data: it is only ever stored sealed, and for a day.

    `category` is the subject that the feed was asked for, such as "Fire" (open vocabulary): a feed is followed by subject
    and area, never by account. `place` is the middle of `cell`, once it is recorded: no closer is kept.
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
