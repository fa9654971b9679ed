"""A handover from one shift to the next: what the system wrote from the log, with words of whoever goes; and who took it over."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from .event import Event
from .noun import Noun

SUBJECT = "handovers"
"""What all events of handovers are about."""

KIND, TAKEN = "shift-handover@1", "shift-taken@1"


class ShiftHandover(Noun, frozen=True, kw_only=True):
    """Body of `shift-handover@1`: somebody signed what the system wrote of the time since then, and added words. Times are microseconds.

    `counts` says how many lines each section had, `lines` is the digest of the events that they name, in order: the same log gives the same
    lines. `words` are sealed where they are stored. `taken_by` and `taken_at` follow from `shift-taken@1`.
    """

    id: str
    by: str
    since: int
    at: int
    counts: dict[str, int]
    lines: str
    words: str = ""
    taken_by: str = ""
    taken_at: int | None = None


class ShiftTaken(Noun, frozen=True, kw_only=True):
    """Body of `shift-taken@1`: somebody read it, and goes on from there."""

    id: str


_handover = msgspec.json.Decoder(ShiftHandover).decode
_taken = msgspec.json.Decoder(ShiftTaken).decode


def signed(events: Iterable[Event]) -> dict[str, ShiftHandover]:
    """All, by id, as they stand by these events, in the order in which they were signed."""
    found: dict[str, ShiftHandover] = {}
    for event in events:
        if event.kind == KIND:
            made = _handover(event.body)
            found[made.id] = made
        elif event.kind == TAKEN and (before := found.get(_taken(event.body).id)) is not None:
            taken = msgspec.structs.replace(before, taken_by=event.by, taken_at=event.at)
            found[before.id] = before if before.taken_at is not None else taken
    return found
