"""Dead letter: something that could not be worked off after several tries. Visible, and replayable."""

from __future__ import annotations

import re
from collections.abc import Mapping

from .noun import Noun

AGAIN = "Letter"
"""The header by which a message that is sent once more says which dead letter it was, taken up for which time."""

_AGAIN = re.compile(r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}) ([1-9][0-9]{0,8})")


class DeadLetter(Noun, frozen=True, kw_only=True):
    """What was set aside, why, and in words that tell the fix.

    `reason` is one of a few words; `body` is what came, sealed under `key` when it may be personal, on `subject`
    with these `headers`.
    `tries` counts how often it was taken up again, `replayed_at` tells when last (None: it waits).
    """

    id: str
    source: str
    at: int
    reason: str
    says: str
    body: bytes
    key: str | None = None
    subject: str = ""
    headers: dict[str, str] = {}
    tries: int = 0
    replayed_at: int | None = None

    @property
    def again(self) -> dict[str, str]:
        """The headers with which it is sent once more."""
        return {**self.headers, AGAIN: f"{self.id} {self.tries}"}


def was(headers: Mapping[str, str]) -> tuple[str, int] | None:
    """Which dead letter the message with these headers was, and its tries; None when it was none."""
    told = _AGAIN.fullmatch(headers.get(AGAIN, ""))
    return (told[1], int(told[2])) if told else None
