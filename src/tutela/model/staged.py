"""A staged event of the demonstration city: what it was, where and when, and which alerts would find it."""

from __future__ import annotations

from .noun import Noun
from .place import Place


class Staged(Noun, frozen=True, kw_only=True):
    """Body of `staged@1`, written when it is over: whoever looks for it must not know before. Times in microseconds."""

    what: str
    says: str
    at: int
    until: int
    place: Place
    expects: tuple[str, ...]
