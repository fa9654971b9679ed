"""Detection (ONVIF Profile M): what a detector noticed. Never a claim about a person's guilt."""

from __future__ import annotations

from .noun import Noun
from .place import Place
from .scales import Scale
from .why import Why

OWN = "/"
"""Stands between a rule's name and its term's in a type of detection, such as `underpass/deep`."""


class Detection(Noun, tag="detection", tag_field="noun", frozen=True, kw_only=True):
    """What was noticed, where and when, how sure, by which part with which options, and why.

    `id` is a hash of (timeline, detector, version, options, key, since): the same input gives the
    same id anywhere. The same id with other content is a new `revision`.
    `cell` is H3 res 9 (0: nowhere). `datastreams` are those it rests on; `facts` likewise.
    """

    id: str
    revision: int = 0
    timeline: str
    detector: str
    version: int
    options: str
    type: str
    key: str
    since: int
    at: int
    place: Place | None
    cell: int
    scale: Scale
    confidence: float
    purpose: str
    why: Why
    datastreams: tuple[int, ...] = ()
    facts: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()

    @property
    def is_term(self) -> bool:
        """Whether it is a rule's own: for that rule, and nothing to show."""
        return OWN in self.type
