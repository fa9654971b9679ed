"""Time as it is stored: whole microseconds since 1970, UTC. The clock itself comes in by the door."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NewType

from tutela.errors import BadInput

Micros = NewType("Micros", int)

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
EVER = -(2**60)
"""Before all that was ever measured."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def micros(when: datetime) -> Micros:
    """A datetime with a zone, as microseconds since 1970 UTC."""
    if when.tzinfo is None:
        raise BadInput(f"the time {when.isoformat()} has no offset; write it like 2026-11-25T08:00:00Z")
    return Micros((when - EPOCH) // timedelta(microseconds=1))


def moment(at: int) -> datetime:
    """Microseconds since 1970, as a datetime in UTC."""
    return EPOCH + timedelta(microseconds=at)


def iso(at: int) -> str:
    """Microseconds since 1970, as ISO 8601 in UTC with a Z."""
    return moment(at).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse(text: str) -> Micros:
    """ISO 8601 with an offset, as microseconds since 1970 UTC."""
    try:
        when = datetime.fromisoformat(text)
    except ValueError as wrong:
        raise BadInput(f"{text!r} is not a time; write it like 2026-11-25T08:00:00Z") from wrong
    return micros(when)
