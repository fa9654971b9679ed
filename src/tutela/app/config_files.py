"""Configuration as text: TOML that people read, compare and keep under version control.

One table a noun, fields in the order of their definition, and only what is not as it would be anyway. What the register
gives out itself (numbers, cells, versions) is left out, and so is every secret: how a source is reached only names those.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any
from urllib.parse import quote

import msgspec
import tomli_w

from tutela.app.sources import Entry, Reached
from tutela.model.install import Install
from tutela.model.people import Agent
from tutela.model.register import Datastream, Source, Thing

GIVEN = {
    Source: (),
    Thing: ("id", "source"),
    Datastream: ("id", "source", "cell", "version", "changed"),
    Agent: ("name",),
    Install: ("id", "at"),
}
"""Fields that are left out: the register gives them, another table tells them, or they are personal data."""

LONGEST = 200
"""Characters of a file's name: file systems take 255 bytes."""

SEALED = "Sealed, and in no file: {}. `tutela config import DIR --secrets FILE` gives it, where FILE has"

Fields = Mapping[str, Any]


def fields(noun: msgspec.Struct) -> Fields:
    """What of a noun is written, in the order of its definition."""
    plain: dict[str, Any] = msgspec.to_builtins(noun)
    own = [one for one in msgspec.structs.fields(noun) if one.name not in GIVEN[type(noun)]]
    return {one.name: plain[one.name] for one in own if getattr(noun, one.name) != _usual(one)}


def entry_text(entry: Entry) -> str:
    """A source with its Things and Datastreams, as `tutela sources enter` reads it; each sort by name."""
    parts = [_table("[source]", entry.source)]
    parts += [_table("[[thing]]", one) for one in sorted(entry.thing, key=lambda one: one.name)]
    parts += [_table("[[datastream]]", one) for one in sorted(entry.datastream, key=lambda one: one.name)]
    if entry.connection is not None:
        parts.append(_connection_text(entry.source.name, entry.connection))
    return "\n".join(parts)


def _connection_text(source: str, reached: Reached) -> str:
    """How it is reached, its tables sorted by name, and how to give what is secret."""
    names = sorted({*reached.sealed, *reached.secret})
    told: dict[str, Any] = {"standard": reached.standard, "sealed": names}
    told |= {"options": _sorted(reached.options), "reading": _sorted(reached.reading)}
    text = tomli_w.dumps({"connection": {"part": reached.part, **{name: one for name, one in told.items() if one}}})
    if not names:
        return text
    head = tomli_w.dumps({source: {"x": 0}}).partition("\n")[0]
    keys = [_key(name) for name in names]
    lines = [SEALED.format(" and ".join(keys)), head, *(f"{key} = …" for key in keys)]
    return "".join(f"# {line}\n" for line in lines) + text


def _sorted(value: object) -> object:
    """The same with the keys of all its tables in order."""
    if isinstance(value, Mapping):
        return {name: _sorted(value[name]) for name in sorted(value)}
    return [_sorted(one) for one in value] if isinstance(value, (list, tuple)) else value


def people_text(people: Iterable[Agent]) -> str:
    """Who is here in which role, by id: names are personal data, and stay where they are."""
    return "\n".join(_table("[[person]]", one) for one in sorted(people, key=lambda one: one.id))


def city_text(install: Install) -> str:
    """What was settled at the first start."""
    return _table("[city]", install)


def file_name(source: str) -> str:
    """The file of a source: its name, with what file systems don't take written as %XX; a long one is cut, and told apart by its hash."""
    name = quote(source, safe=" ")
    if len(name) > LONGEST:
        name = f"{name[:LONGEST]}-{sha256(source.encode()).hexdigest()[:12]}"
    return f"{name}.toml"


def _table(head: str, noun: msgspec.Struct) -> str:
    lines = [_pair(name, value) for name, value in fields(noun).items()]
    return "\n".join([head, *lines, ""])


def _pair(name: str, value: object) -> str:
    if not isinstance(value, Mapping):
        return tomli_w.dumps({name: value}).rstrip("\n")
    inside = ", ".join(_pair(key, value[key]) for key in sorted(value))
    return f"{_key(name)} = {{ {inside} }}"


def _key(name: str) -> str:
    """A name as TOML writes it, on one line."""
    return tomli_w.dumps({name: 0}).rpartition(" = ")[0]


def _usual(field: msgspec.structs.FieldInfo) -> object:
    """What a field is when nobody says anything; for one that must be said, something that no value is."""
    if field.default_factory is not msgspec.NODEFAULT:
        return field.default_factory()
    return field.default
