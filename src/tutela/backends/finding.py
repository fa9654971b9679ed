"""One finding of the doctor."""

from __future__ import annotations

from enum import StrEnum

from tutela.model.noun import Noun


class Health(StrEnum):
    """How bad it is."""

    GOOD = "good"
    WARNING = "warning"
    BAD = "bad"


class Finding(Noun, frozen=True, kw_only=True):
    """What was found, where, and what to do about it (empty when nothing is to be done)."""

    health: Health
    what: str
    where: str
    do: str = ""


def good(what: str, where: object) -> Finding:
    """All is well there."""
    return Finding(health=Health.GOOD, what=what, where=str(where))


def warning(what: str, where: object, do: str) -> Finding:
    """It works, but somebody should see to it."""
    return Finding(health=Health.WARNING, what=what, where=str(where), do=do)


def bad(what: str, where: object, do: str) -> Finding:
    """It does not work."""
    return Finding(health=Health.BAD, what=what, where=str(where), do=do)
