"""What is settled once, when the database is made, and never changes after."""

from __future__ import annotations

from .noun import Noun


class Install(Noun, frozen=True, kw_only=True):
    """One installation.

    `id` is a UUID; `partitions` are those of the detect stage and `ways` those of the correlate stage
    (both name places in streams, so they can't move); `zone` is the city's time zone (IANA).
    """

    id: str
    partitions: int = 16
    ways: int = 4
    zone: str
    city: str
    at: int
