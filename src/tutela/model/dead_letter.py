"""Dead letter: something that could not be worked off after several tries. Visible, and replayable."""

from __future__ import annotations

from .noun import Noun


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
