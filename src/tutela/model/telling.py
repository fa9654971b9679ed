"""What people tell: calls, residents' reports and public posts. Facts all three, with the same bones."""

from __future__ import annotations

from .call import Call
from .post import Post
from .report import ServiceRequest

__all__ = ["TELLINGS", "Call", "Post", "ServiceRequest", "Telling", "word_of"]

Telling = Call | ServiceRequest | Post

TELLINGS = {"call": Call, "report": ServiceRequest, "post": Post}
"""By the word that rules, events and detectors know them by."""


def word_of(told: Telling) -> str:
    """Its word: the tag of its noun."""
    return str(told.__struct_config__.tag)
