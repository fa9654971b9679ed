"""Connections made ready: the part with its options and its secrets, and the standard that reads what comes."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, get_type_hints

import msgspec

from tutela import parts
from tutela.app.core import clock
from tutela.errors import BadInput, Refused
from tutela.flow.line import Opened, Read
from tutela.flow.line import told as texts
from tutela.flow.ports import Keys
from tutela.model.heard import Heard
from tutela.model.register import Connection, Kept
from tutela.standards.payloads import Now, Stamps

SOURCES, STANDARDS = "sources", "standards"
RECEIVED, TOPIC = "received", "topic"
"""Arguments of a standard that needs to know when a body came (some messages do not tell their year), or what it was published to."""

_secret = msgspec.json.Decoder(dict[str, Any]).decode


def made(connection: Connection, secret: Mapping[str, object]) -> Opened:
    """The connection ready to run; raises BadInput or PartMissing with what a person has to put right."""
    part = parts.load(SOURCES, connection.part)
    sealed: frozenset[str] | None = getattr(part, "sealed", None)
    if sealed is None:
        there = [name for name in parts.names(SOURCES) if hasattr(parts.load(SOURCES, name), "sealed")]
        raise BadInput(
            f"{connection.part} in {SOURCES} does not connect to anything; those that do: {', '.join(there)}"
        )
    if bare := sealed & connection.options.keys():
        raise BadInput(f"{_and(bare)} would be kept in clear; put it into [connection.secret]")
    if other := secret.keys() - sealed:
        raise BadInput(f"{_and(other)} of {connection.part} is no secret; put it into [connection.options]")
    runs = parts.make(SOURCES, connection.part, {**connection.options, **secret})
    read = reading(connection) if connection.standard else partial(_unread, connection.source)
    return Opened(runs if hasattr(runs, "run") else None, read, tuple(texts(dict(secret))))


async def opened(kept: Kept, keys: Keys) -> Opened:
    """A connection as the register keeps it, ready to run; raises Refused when the key of its secrets was destroyed."""
    return made(kept.connection, await unsealed(kept, keys))


async def unsealed(kept: Kept, keys: Keys) -> dict[str, Any]:
    """Its secret fields with their values; raises Refused when their key was destroyed."""
    return _secret(await keys.open(kept.key, kept.sealed)) if kept.key else {}


async def still_sealed(kept: Kept, keys: Keys) -> dict[str, Any]:
    """The same; nothing, when their key was destroyed."""
    try:
        return await unsealed(kept, keys)
    except Refused:
        return {}


async def completed(
    connection: Connection, given: Mapping[str, Any], sealed: Sequence[str], kept: Kept | None, keys: Keys
) -> tuple[dict[str, Any], Sequence[str]]:
    """The secrets that were given, and of those that a file only names (`sealed`) the ones that are kept.

    They go where they went, as they did, or nowhere: whoever may edit a file could send them elsewhere, or in the clear. Also the
    names of those that have to be given.
    """
    secret, lacking = dict(given), {*sealed} - given.keys()
    if lacking and kept is not None and same_way(kept.connection, connection):
        secret |= {name: value for name, value in (await still_sealed(kept, keys)).items() if name in lacking}
    return secret, sorted({*sealed} - secret.keys())


def same_way(one: Connection, other: Connection) -> bool:
    """Whether both go to the same place in the same way: by all options, since nobody knows which of a part's tell that."""
    first, second = (msgspec.to_builtins((each.part, each.options)) for each in (one, other))
    return bool(first == second)


@dataclass(frozen=True, slots=True)
class _Reading:
    """A standard with its options, for one source. `asks`: what it wants to know of each body. No two came at the same time."""

    read: Callable[..., Heard]
    source: str
    options: Mapping[str, object]
    asks: frozenset[str]
    now: Now

    async def __call__(self, body: bytes, topic: str) -> Heard:
        """What the body says, worked out beside the loop: a long body leaves the others their turn."""
        told = {RECEIVED: self.now(), TOPIC: topic}
        asked = {name: told[name] for name in self.asks}
        return await asyncio.to_thread(self.read, body, self.source, **self.options, **asked)


def speaks(standard: object) -> bool:
    """Whether a standard says itself what its messages define: it reads (body, source), and gives a `Heard`."""
    if not callable(standard) or [*inspect.signature(standard).parameters][:2] != ["body", "source"]:
        return False
    return get_type_hints(standard).get("return") is Heard


def own_options(read: Callable[..., Heard]) -> list[inspect.Parameter]:
    """The options of a standard. What it calls `received` or `topic` is none: it is told of each body."""
    told = {"body", "source", RECEIVED, TOPIC}
    return [one for name, one in inspect.signature(read).parameters.items() if name not in told]


def reading(connection: Connection) -> Read:
    """The connection's standard, with each option checked against its own type."""
    read = parts.load(STANDARDS, connection.standard)
    if not speaks(read):
        raise BadInput(
            f"the standard {connection.standard!r} does not say what its messages define; name one that reads "
            "(body, source), see docs/how-to/connect-a-feed.md"
        )
    known, hints = own_options(read), get_type_hints(read, include_extras=True)
    fields = [(one.name, hints[one.name], *(() if one.default is one.empty else (one.default,))) for one in known]
    shape = msgspec.defstruct("Reading", fields, kw_only=True, forbid_unknown_fields=True)
    try:
        options = msgspec.convert(connection.reading, shape)
    except msgspec.ValidationError as wrong:
        names = ", ".join(one.name for one in known) or "none"
        raise BadInput(f"{connection.standard} in {STANDARDS}: {wrong}; its options are {names}") from wrong
    told = {one.name: getattr(options, one.name) for one in known}
    asks = {RECEIVED, TOPIC} & inspect.signature(read).parameters.keys()
    return _Reading(read, connection.source, told, frozenset(asks), Stamps(clock))


async def _unread(source: str, _: bytes, __: str) -> Heard:
    raise BadInput(f'the connection of {source} names no standard, so nobody can read this; add standard = "…" to it')


def _and(names: frozenset[str] | set[str]) -> str:
    return " and ".join(sorted(names))
