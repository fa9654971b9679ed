"""How sources are reached, from files into the register. Values that are secret are compared, and never told.

What is sealed is in no exported file: a file only names it. It comes from a file of one's own, with a table for each source, or
stays as it is in the register, as long as the part and its options do.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from tutela.app.config_changes import Change, differs
from tutela.app.connections import completed, made, same_way, still_sealed
from tutela.app.sources import Entry
from tutela.errors import BadInput, PartMissing
from tutela.flow.ports import Keys
from tutela.model.register import Connection, Kept

Secrets = Mapping[str, Mapping[str, Any]]
"""Secret fields with their values, by source."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A connection as it is to be, with its secrets."""

    connection: Connection
    secret: Mapping[str, Any]


def secrets_in(file: Path | None, sources: Sequence[str]) -> Secrets:
    """A file of secrets; raises BadInput for one that can't be read, or speaks of a source that no file here enters."""
    if file is None:
        return {}
    try:
        told: Secrets = msgspec.convert(tomllib.loads(file.read_text(encoding="utf-8")), dict[str, dict[str, Any]])
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, UnicodeDecodeError, OSError) as wrong:
        raise BadInput(
            f"{file} can't be read: {wrong}; it has a table for each source, with its secret fields"
        ) from wrong
    if others := sorted(told.keys() - set(sources)):
        raise BadInput(f"{file} has secrets of {others[0]!r}, which no file enters; correct the name, or take it out")
    return told


async def planned(
    entry: Entry, kept: Kept | None, keys: Keys, given: Mapping[str, Any]
) -> tuple[Wanted | None, Change | None]:
    """What is to be connected, if that is new or otherwise, and what is told of it; raises BadInput for what could never run."""
    name, told, connection = entry.source.name, entry.connection, entry.connected
    if told is None or connection is None:
        says = "is not in its file"
        return None, Change(how="stays", what="connection", name=name, says=says) if kept else None
    secret, missing = await completed(connection, {**told.secret, **given}, told.sealed, kept, keys)
    if missing:
        says = _lacking(" and ".join(missing), kept, connection)
        return None, Change(how="stays", what="connection", name=name, says=says)
    try:
        made(connection, secret)
    except (BadInput, PartMissing) as wrong:
        raise BadInput(f"the connection of {name}: {wrong.message}") from wrong
    if kept is None:
        return Wanted(connection, secret), Change(how="new", what="connection", name=name)
    says = ", ".join(
        filter(None, (differs(_flat(kept.connection), _flat(connection)), await _other(kept, secret, keys)))
    )
    if not says:
        return None, None
    return Wanted(connection, secret), Change(how="changed", what="connection", name=name, says=says)


def _lacking(names: str, kept: Kept | None, connection: Connection) -> str:
    """What is told of secrets that have to be given."""
    if kept is None or same_way(kept.connection, connection):
        return f"not connected: its {names} is in no file; give it with --secrets FILE"
    otherwise = differs(_flat(kept.connection), _flat(connection))
    return f"not changed ({otherwise}): its {names} was for the old options; give it again with --secrets FILE"


async def _other(kept: Kept, secret: Mapping[str, Any], keys: Keys) -> str:
    """Which secret fields are others than before. What can't be opened any more is another one."""
    before = await still_sealed(kept, keys)
    names = sorted(name for name in {**before, **secret} if before.get(name) != secret.get(name))
    return ", ".join(f"the secret {name}" for name in names)


def _flat(connection: Connection) -> dict[str, Any]:
    """Its fields, those of options by themselves."""
    told = msgspec.to_builtins(connection)
    plain = {"part": told["part"], "standard": told["standard"]}
    return plain | {f"{table}.{name}": one for table in ("options", "reading") for name, one in told[table].items()}
