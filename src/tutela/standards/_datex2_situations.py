"""DATEX II: what is going on on the roads, record by record."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from xml.etree.ElementTree import Element

from tutela.errors import BadInput
from tutela.model.place import Place

from ._datex2_places import where
from ._hearing import Hearing, Period, at, period, span
from ._xml import kind, text

WORKS = {"MaintenanceWorks", "ConstructionWorks", "Roadworks"}
CLOSED = {"roadClosed", "carriagewayClosures", "closedPermanentlyForTheWinter", "bridgeClosed", "tunnelClosed"}
CODES = 20
"""Codes that one record keeps."""

Drawn = Mapping[str, tuple[Place, str]]
"""Place and geometry by id of a situation, where the envelope tells what the situation does not."""


def situation(hearing: Hearing, found: Element, told: str, options: tuple[str | None, bool], drawn: Drawn) -> None:
    """The records of one situation; `told` is when it was published, `options` the zone and the order of positions."""
    head = {
        "situation": found.get("id", ""),
        "severity": text(found, "overallSeverity"),
        "confidentiality": text(found, "headerInformation/confidentiality"),
    }
    for record in found.findall("situationRecord"):
        try:
            _record(hearing, record, head, told, options, drawn)
        except BadInput as wrong:
            hearing.refuse(f"situation record {record.get('id', '')[:80]!r}: {wrong}")


def _record(
    hearing: Hearing,
    record: Element,
    head: Mapping[str, str],
    told: str,
    options: tuple[str | None, bool],
    drawn: Drawn,
) -> None:
    zone, lon_first = options
    periods = list(_periods(record, zone))
    codes = list(dict.fromkeys(_codes(record)))[:CODES]
    locations = [*record.findall("groupOfLocations"), *record.findall("locationReference")]
    there = partial(where, locations, lon_first=lon_first)
    place, geometry = hearing.located(f"situation record {record.get('id', '')[:80]!r}", there)
    if place is None and head["situation"] in drawn:
        place, geometry = drawn[head["situation"]]
    properties = {
        **head,
        "severity": text(record, "severity") or head["severity"],
        "type": kind(record),
        "codes": ", ".join(codes),
        "road": _road(locations),
        "status": text(record, "validity/validityStatus"),
        "geometry": geometry,
        **span(periods),
    }
    name = hearing.thing(record.get("id", ""), "situation", place, properties)
    if name is not None:
        hearing.in_force(name, _property(kind(record), codes), periods, at(told, zone) if told else None)


def _property(of: str, codes: list[str]) -> str:
    if CLOSED.intersection(codes):
        return "road-closed"
    return "road-works" if of in WORKS else "incident"


def _codes(record: Element) -> Iterator[str]:
    """What the record says of its kind, in the words of the standard."""
    for one in record:
        if one.tag.endswith("Type") and one.text and one.text.strip():
            yield one.text.strip()[:80]


def _road(locations: list[Element]) -> str:
    for location in locations:
        if found := text(location, ".//roadNumber", ".//roadName//value", ".//roadName"):
            return found
    return ""


def _periods(record: Element, zone: str | None) -> Iterator[Period]:
    """When it is in force. What was cancelled or suspended holds no more since that version of it."""
    life = record.find("management/lifeCycleManagement")
    over = {name for name in ("cancel", "end") if life is not None and text(life, name).lower() in {"true", "1"}}
    version = _time(record, "situationRecordVersionTime", zone)
    spec = record.find("validity/validityTimeSpecification")
    start, end = (_time(spec, name, zone) for name in ("overallStartTime", "overallEndTime"))
    suspended = text(record, "validity/validityStatus") == "suspended"
    if (suspended or over) and version is None:
        raise BadInput("it holds no more, and it does not tell since which version")
    if suspended or "cancel" in over:
        yield None, version
    elif "end" in over:
        last = version if end is None else min(end, version or end)
        yield (start if start is None or last is None or start <= last else None), last
    elif spec is not None and (parts := spec.findall("validPeriod")):
        for part in parts:
            yield period(_time(part, "startOfPeriod", zone) or start, _time(part, "endOfPeriod", zone) or end)
    else:
        yield period(start, end)


def _time(node: Element | None, path: str, zone: str | None) -> int | None:
    said = "" if node is None else text(node, path)
    return at(said, zone) if said else None
