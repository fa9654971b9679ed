"""What a register entry permits more than the one before it (governance G03, G27). Pure.

More purposes, a longer retention, people in the data, a later end, fewer bounds on what is followed. What can't be compared, such as another
legal basis or another place, counts as more: only what is plainly narrower is entered by one person alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import inf

from tutela.model.register import Source

OTHERWISE = ("owner", "kind", "legal_basis", "place", "agency")
"""Fields whose values have no order: another one is another entry."""


def widened(before: Source | None, after: Source) -> tuple[str, ...]:
    """In words, each part of the entry that permits more than before; () when it narrows, or says what stands already."""
    if before is None:
        return ("it is entered for the first time",)
    return tuple(_parts(before, after))


def _parts(before: Source, after: Source) -> Iterator[str]:
    yield from _more(before, after)
    yield from _longer(before, after)
    yield from _otherwise(before, after)


def _more(before: Source, after: Source) -> Iterator[str]:
    """Of what, and for what."""
    if added := sorted(set(after.purposes) - set(before.purposes)):
        yield f"purposes are added: {', '.join(added)}"
    if after.personal_data and not before.personal_data:
        yield "personal data is allowed"
    if before.subjects and not after.subjects:
        yield "posts of any subject are followed"
    elif before.subjects and (followed := sorted(set(after.subjects) - set(before.subjects))):
        yield f"subjects are added: {', '.join(followed)}"


def _longer(before: Source, after: Source) -> Iterator[str]:
    """Kept for longer, or valid for longer; None is without an end."""
    if _or(after.retention_days, inf) > _or(before.retention_days, inf):
        yield "it is kept for longer"
    if _or(after.ends, inf) > _or(before.ends, inf):
        yield "its end is put off"


def _otherwise(before: Source, after: Source) -> Iterator[str]:
    for name in OTHERWISE:
        if getattr(after, name) != getattr(before, name):
            yield f"another {name.replace('_', ' ')}: {getattr(after, name)}"
    if before.dpia is not None and after.dpia != before.dpia:
        yield f"another impact assessment: {after.dpia or 'none'}"
    if before.simulated and not after.simulated:
        yield "it is simulated no more"


def _or(value: int | None, unlimited: float) -> float:
    return unlimited if value is None else value
