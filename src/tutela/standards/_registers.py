"""What the forms of public registers share: a record with what it lacks, and sentences that all of them say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tutela.model.capability import Capability, PublicRegister, Record
from tutela.model.register import Source
from tutela.model.when import moment


def told(name: str, fields: Mapping[str, object], required: Iterable[str]) -> Record:
    """The record without what is empty."""
    record = {field: value for field, value in fields.items() if value not in ("", (), [], None)}
    return Record(name=name, record=record, missing=tuple(field for field in required if field not in record))


def sources_of(capability: Capability, register: PublicRegister) -> str:
    """Which sources may feed it: those that are entered for a purpose of it."""
    fed = fed_by(capability, register)
    if not fed:
        return "None is entered yet."
    names = ", ".join(
        f"{one.name} (of {one.owner}{', with personal data' if one.personal_data else ''})" for one in fed
    )
    people = (
        "It is given personal data."
        if capability.personal_data
        else "It is given no personal data, also of those that have some."
    )
    return f"{names}. {people}"


def fed_by(capability: Capability, register: PublicRegister) -> list[Source]:
    """The sources that are entered for a purpose of it."""
    return [one.source for one in register.sources if set(one.source.purposes) & set(capability.purposes)]


def day(at: int | None) -> str:
    """The day of a moment, in UTC."""
    return "" if at is None else moment(at).date().isoformat()
