"""`tutela sources`: what is in the register, a new entry with its token, and tokens for single devices."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path

import msgspec
from rich.table import Table

from tutela.app.core import clock, core
from tutela.app.settings import Settings
from tutela.errors import BadInput
from tutela.flow.entering import define, enter
from tutela.model.flow import Sender
from tutela.model.noun import Noun
from tutela.model.register import Datastream, Source, Thing

BY = "install"


class Entry(Noun, frozen=True, kw_only=True):
    """A file that enters a source: its register entry, and the Things and Datastreams that it speaks of."""

    source: Source
    thing: tuple[Thing, ...] = ()
    datastream: tuple[Datastream, ...] = ()


def read(path: Path) -> Entry:
    """The entry in a TOML file; the error says which field is wrong."""
    try:
        told = tomllib.loads(path.read_text())
        name = told.get("source", {}).get("name", "")
        for part in ("thing", "datastream"):
            told[part] = [{"id": 0, "source": name, **one} for one in told.get(part, [])]
        return msgspec.convert(told, Entry)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, OSError) as wrong:
        raise BadInput(f"{path} can't be read: {wrong}") from wrong


async def listed(settings: Settings) -> Sequence[tuple[Source, int]]:
    """Every register entry, with how many datastreams it has."""
    async with core(settings, "sources", connections=1) as inside:
        await inside.known.refresh()
        streams = [inside.known.datastream(number).source for number in range(1, inside.known.last + 1)]
        return [(source, streams.count(source.name)) for source in await inside.facts.sources()]


def table(found: Sequence[tuple[Source, int]]) -> Table:
    """The register's entries, for people."""
    drawn = Table("source", "owner", "for", "on the basis of", "personal data", "datastreams", box=None)
    for entry, streams in found:
        name = f"{entry.name} (simulated)" if entry.simulated else entry.name
        personal = "yes" if entry.personal_data else "no"
        drawn.add_row(name, entry.owner, ", ".join(entry.purposes), entry.legal_basis, personal, str(streams))
    return drawn


async def add(settings: Settings, path: Path) -> tuple[Source, str]:
    """Enter a source from a file; gives its token, which is shown once."""
    entry = read(path)
    async with core(settings, "sources", connections=2) as inside:
        await enter(inside.facts, entry.source, BY, clock())
        await define(inside.facts, entry.thing, entry.datastream, BY, clock())
        return entry.source, await inside.tokens.issue(entry.source.name)


async def device(settings: Settings, source: str, thing: str) -> tuple[Sender, str]:
    """A token for one Thing of a source, which then speaks for itself only; it is shown once."""
    async with core(settings, "sources", connections=1) as inside:
        return Sender(source, thing), await inside.tokens.issue(source, thing)
