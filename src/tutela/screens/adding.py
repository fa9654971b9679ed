"""A source as a form says it: a few fields, and TOML where a part has options of its own. Pure."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from typing import Any

from tutela.errors import BadInput
from tutela.flow.source_acts import Adding
from tutela.model.register import Connection, Datastream, Source

Fields = Mapping[str, str]


def adding(said: Fields) -> Adding:
    """A source as the form says it; raises BadInput with the field that is wrong."""
    if not said.get("name", "").strip():
        raise BadInput("give the source a name, such as attic-air: it is part of its topics")
    days = said.get("retention_days", "").strip()
    source = Source(
        name=said["name"].strip(),
        owner=said.get("owner", "").strip() or _lacks("owner"),
        kind=said.get("kind", "").strip() or _lacks("kind"),
        purposes=(said.get("purpose", ""),),
        legal_basis=said.get("legal_basis", ""),
        personal_data=said.get("personal") == "yes",
        place=said.get("place", "").strip() or _lacks("place"),
        retention_days=int(number(said, "retention_days", 1, 36_500)) if days else None,
    )
    fetched = said.get("way") == "fetched"
    return Adding(
        source=source,
        datastreams=()
        if fetched
        else tuple(_stream(line) for line in said.get("measures", "").splitlines() if line.strip()),
        connection=_connection(said) if fetched else None,
        secret=_toml(said, "secret") if fetched else {},
        approval=said.get("approval", "").strip() or None,
    )


def _connection(said: Fields) -> Connection:
    return Connection(
        source="",
        part=said.get("part", ""),
        standard=said.get("standard", ""),
        options=_toml(said, "options"),
        reading=_toml(said, "reading"),
    )


def _stream(line: str) -> Datastream:
    """`attic/pm25 pm25 ug/m3 60`: its name, which begins with its Thing's, what it measures, in which unit, and each how many seconds."""
    name, *rest = line.split()
    if "/" not in name or not 1 <= len(rest) <= 3:
        raise BadInput(f"{line.strip()!r} is not THING/NAME PROPERTY UNIT SECONDS, such as attic/pm25 pm25 ug/m3 60")
    observed, unit, interval = (rest + [["1", ""], [""], []][len(rest) - 1])[:3]
    try:
        seconds = float(interval) if interval else None
    except ValueError as wrong:
        raise BadInput(f"{line.strip()!r}: {interval!r} is no number of seconds") from wrong
    return Datastream(
        id=0,
        name=name,
        source="",
        thing=name.rpartition("/")[0],
        kind="readings",
        observed_property=observed,
        unit=unit,
        interval=seconds,
    )


def _toml(said: Fields, field: str) -> dict[str, Any]:
    try:
        return tomllib.loads(said.get(field, ""))
    except tomllib.TOMLDecodeError as wrong:
        raise BadInput(
            f'the {field} can\'t be read: {wrong}; write one a line, as in host = "broker.example"'
        ) from wrong


def number(said: Fields, field: str, least: float, most: float) -> float:
    """A number that the form asks for; raises BadInput."""
    try:
        number = float(said.get(field, ""))
    except ValueError as wrong:
        raise BadInput(f"{field.replace('_', ' ')}: give a number") from wrong
    if not least <= number <= most:
        raise BadInput(f"{field.replace('_', ' ')}: give a number from {least:g} to {most:g}")
    return number


def _lacks(field: str) -> str:
    raise BadInput(f"say the source's {field}: the public register shows it")


part = adding
