"""`tutela sources`: what is in the register and how it is doing, a new entry with its token, and tokens for single devices."""

from __future__ import annotations

import tomllib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import msgspec
from rich.markup import escape

from tutela.app.approving import enter_here
from tutela.app.connections import completed, made, same_way
from tutela.app.core import Core, clock, core
from tutela.app.refusing import written_down
from tutela.app.settings import Settings
from tutela.errors import BadInput
from tutela.flow.entering import connect, define, disconnect
from tutela.model.flow import Sender
from tutela.model.noun import Noun
from tutela.model.register import Connection, Datastream, Reach, Source, Thing
from tutela.model.when import SECOND
from tutela.policy import refusals

BY = "install"
HEAD = ("source", "owner", "for", "on the basis of", "personal data", "datastreams")
STALE = 15
"""Seconds after which a condition is old: nobody runs the connections."""


class Reached(Noun, frozen=True, kw_only=True):
    """`[connection]` of an entry file. `secret` are fields of the part that are sealed before they are kept.

    `sealed` names those of them that the file leaves out: they are kept already, or given elsewhere.
    """

    part: str
    standard: str = ""
    sealed: tuple[str, ...] = ()
    options: dict[str, Any] = {}
    reading: dict[str, Any] = {}
    secret: dict[str, Any] = {}

    @classmethod
    def of(cls, connection: Connection) -> Self:
        """A connection as a file may tell it: of what is secret, the names."""
        one = connection
        return cls(part=one.part, standard=one.standard, sealed=one.secret, options=one.options, reading=one.reading)


class Entry(Noun, frozen=True, kw_only=True):
    """A file that enters a source: its register entry, the Things and Datastreams that it speaks of, and how it is reached."""

    source: Source
    thing: tuple[Thing, ...] = ()
    datastream: tuple[Datastream, ...] = ()
    connection: Reached | None = None

    @property
    def connected(self) -> Connection | None:
        """How it is reached, as the register keeps it."""
        own = self.connection
        if own is None:
            return None
        return Connection(
            source=self.source.name, part=own.part, standard=own.standard, options=own.options, reading=own.reading
        )


@dataclass(frozen=True, slots=True)
class Listed:
    """One register entry, how many datastreams it has, how it is reached, and how that is doing."""

    source: Source
    datastreams: int
    connection: Connection | None
    condition: Reach | None


def read(path: Path) -> Entry:
    """The entry in a TOML file; the error says which field is wrong. Raises Refused for what nobody may have."""
    try:
        told = tomllib.loads(path.read_text())
        refusals.switched_off(told, path.name)
        name = told.get("source", {}).get("name", "")
        for part in ("thing", "datastream"):
            told[part] = [{"id": 0, "source": name, **one} for one in told.get(part, [])]
        entry = msgspec.convert(told, Entry)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, OSError) as wrong:
        raise BadInput(f"{path} can't be read: {wrong}") from wrong
    refusals.defined(entry.thing, entry.datastream)
    if entry.connection is not None:
        refusals.names(refusals.declared((entry.connection.options, entry.connection.reading)), entry.source.name)
    return entry


async def listed(settings: Settings) -> Sequence[Listed]:
    """Every register entry."""
    async with core(settings, "sources", connections=1) as inside:
        await inside.known.refresh()
        streams = [inside.known.datastream(number).source for number in range(1, inside.known.last + 1)]
        reached = {kept.connection.source: kept.connection for kept in await inside.facts.connections()}
        doing = {condition.source: condition for condition in await inside.facts.conditions()}
        return [
            Listed(source, streams.count(source.name), reached.get(source.name), doing.get(source.name))
            for source in await inside.facts.sources()
        ]


async def add(settings: Settings, path: Path) -> tuple[Source, str | None]:
    """Enter a source from a file; gives its token, which is shown once. What is fetched needs none."""
    async with written_down(settings, f"enter {path.name}"), _entering(settings, path) as (entry, inside):
        secret = await _secret(entry, inside)
        ready = made(entry.connected, secret) if entry.connected else None  # what could never run is not entered
        await enter_here(inside, entry.source)
        await define(inside.facts, entry.thing, entry.datastream, BY, clock())
        if entry.connected:
            await connect(inside.facts, inside.keys, entry.connected, secret, BY, clock())
        else:
            await disconnect(inside.facts, entry.source.name, BY, clock())
        sends = ready is None or ready.part is None
        return entry.source, await inside.tokens.issue(entry.source.name) if sends else None


@asynccontextmanager
async def _entering(settings: Settings, path: Path) -> AsyncIterator[tuple[Entry, Core]]:
    """The entry that a file tells, and the instance that it is for."""
    entry = read(path)
    async with core(settings, "sources", connections=2) as inside:
        yield entry, inside


async def _secret(entry: Entry, inside: Core) -> Mapping[str, Any]:
    """The secrets of its connection; raises BadInput for those that the file only names, and the register does not have."""
    if entry.connection is None or entry.connected is None:
        return {}
    kept = {one.connection.source: one for one in await inside.facts.connections()}.get(entry.source.name)
    own = entry.connection
    secret, missing = await completed(entry.connected, own.secret, own.sealed, kept, inside.keys)
    if missing:
        names = " and ".join(missing)
        why = (
            ""
            if kept is None or same_way(kept.connection, entry.connected)
            else ", and what is kept was for the old options"
        )
        raise BadInput(f"the file only names {names}{why}; put the value into [connection.secret]")
    return secret


def entered(source: Source, token: str | None) -> str:
    """What a person is told who entered it."""
    then = f"token: {token}" if token else "It is fetched from now on; `tutela sources list` tells how that goes."
    return f"{source.name} is in the register.\n{then}"


def told(one: Listed) -> dict[str, object]:
    """An entry for programs: the fields of its source, and its connection without what is secret."""
    reached = {"connection": msgspec.to_builtins(one.connection), "condition": msgspec.to_builtins(one.condition)}
    return {**msgspec.to_builtins(one.source), "datastreams": one.datastreams, **(reached if one.connection else {})}


def row(one: Listed) -> tuple[str, ...]:
    """An entry for people: the cells of its row."""
    source = one.source
    return (
        escape(f"{source.name} (simulated)" if source.simulated else source.name),
        escape(source.owner),
        ", ".join(source.purposes),
        source.legal_basis,
        "yes" if source.personal_data else "no",
        str(one.datastreams),
    )


def doing(found: Sequence[Listed]) -> str:
    """How the connections of these are doing, a line each, for people."""
    return "\n".join(f"{one.source.name}: {_doing(one, one.connection)}" for one in found if one.connection)


def _doing(one: Listed, connection: Connection) -> str:
    how, state = "+".join(filter(None, (connection.part, connection.standard))), one.condition
    if state is None:
        return how
    age = (clock() - state.at) // SECOND
    if age > STALE:
        return f"{how}: nobody has run it for {age} s; see `tutela doctor`"
    words = {None: "no answer yet", True: "reachable", False: "not reachable"}[state.reachable]
    came = "" if state.came is None else f", something came {max(0, clock() - state.came) // SECOND} s ago"
    wrong = f", {state.troubles} troubles, the last: {state.says}" if state.troubles else ""
    return f"{how}: {words}{came}{wrong}"


async def device(settings: Settings, source: str, thing: str) -> tuple[Sender, str]:
    """A token for one Thing of a source, which then speaks for itself only; it is shown once."""
    async with core(settings, "sources", connections=1) as inside:
        return Sender(source, thing), await inside.tokens.issue(source, thing)
