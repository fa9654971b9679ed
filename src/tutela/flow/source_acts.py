"""A source as somebody adds it from a page: its entry, what it measures, how it is reached, and the token by which it sends. Or nothing of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

from tutela.errors import Conflict
from tutela.model.access import Access
from tutela.model.noun import Noun
from tutela.model.register import Connection, Datastream, Reach, Source, Thing
from tutela.model.timeline import LIVE
from tutela.policy import refusals
from tutela.policy.purposes import Action, ask

from .entering import connect, define
from .entry_acts import EntryActs
from .ports import Connections, Keys, Register

Ready = Callable[[Connection, Mapping[str, object]], bool]
"""Whether such a source sends by itself, so that it needs a token; raises BadInput for a connection that could never run."""


class Kept(Register, Connections, Protocol):
    """The register, and how its sources are reached."""


class Adding(Noun, frozen=True, kw_only=True):
    """A source that is to be added: what it measures, and how it is reached (None: it sends by itself).

    `secret` are fields of the connection's part that are sealed before they are kept; `approval` is the proposal by which it was approved, where
    that takes two people.
    """

    source: Source
    datastreams: tuple[Datastream, ...] = ()
    connection: Connection | None = None
    secret: dict[str, Any] = {}
    approval: str | None = None


class Added(Noun, frozen=True, kw_only=True):
    """What became of it: its entry, and the token by which it sends, which is shown once (None: it is fetched)."""

    source: Source
    token: str | None


class Reached(Noun, frozen=True, kw_only=True):
    """A source, how it is reached (without what is secret), and how that is doing. None: it sends by itself."""

    source: Source
    connection: Connection | None = None
    condition: Reach | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceActs:
    """Each method raises Refused. `issue` makes a token of a source."""

    entries: EntryActs
    kept: Kept
    keys: Keys
    ready: Ready
    issue: Callable[[str], Awaitable[str]]

    async def listed(self, access: Access) -> Sequence[Reached]:
        """All sources, and how they are reached."""
        ledger, query = self.entries.ledger, "sources and connections"
        for of in ("register", "health"):
            await ledger.must(ask(access, Action.READ, of, ledger.now), LIVE, query)
        reached = {one.connection.source: one.connection for one in await self.kept.connections()}
        doing = {one.source: one for one in await self.kept.conditions()}
        found = [
            Reached(source=one, connection=reached.get(one.name), condition=doing.get(one.name))
            for one in sorted(await self.kept.sources(), key=lambda one: one.name)
        ]
        await ledger.wrote(access, LIVE, query, (one.source.name for one in found))
        return found

    async def add(self, access: Access, new: Adding) -> Added:
        """Add one. With data of people that takes a second person, and is proposed first (`/v1/entries/propose`).

        Raises Conflict for a name that the register has, and BadInput for what could never run; nothing is kept then.
        """
        name, now, by = new.source.name, self.entries.ledger.now, access.agent.id
        await self.entries.may(access, new.source)
        if any(one.name == name for one in await self.kept.sources()):
            raise Conflict(f"the register has a source called {name!r} already; choose another name", source=name)
        things = [
            Thing(id=0, name=thing, kind=new.source.kind, source=name)
            for thing in dict.fromkeys(one.thing for one in new.datastreams)
        ]
        streams = [msgspec.structs.replace(one, id=0, source=name) for one in new.datastreams]
        refusals.defined(things, streams)
        reached = new.connection and msgspec.structs.replace(new.connection, source=name)
        if reached:
            refusals.names(refusals.declared((reached.options, reached.reading)), name)
        sends = self.ready(reached, new.secret) if reached else True
        await self.entries.enter(access, new.source, new.approval)
        if things:
            await define(self.kept, things, streams, by, now)
        if reached:
            await connect(self.kept, self.keys, reached, new.secret, by, now)
        return Added(source=new.source, token=await self.issue(name) if sends else None)
