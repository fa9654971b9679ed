"""`tutela config`: the register as files, and files into the register, with what would change told first.

Nothing is removed by an import: what the files leave out stays as it is. People come in by themselves, with a code; what
they may do can't be given by a file, so their roles are compared and told, no more. Secrets of connections are in none of these files:
they come from a file of one's own (`config_connections`).
"""

from __future__ import annotations

import asyncio
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import msgspec

from tutela.app.approving import enter_here
from tutela.app.config_changes import Change, differs
from tutela.app.config_connections import Wanted, planned, secrets_in
from tutela.app.config_files import city_text, entry_text, fields, file_name, people_text
from tutela.app.core import Core, clock, core
from tutela.app.refusing import written_down
from tutela.app.settings import Settings
from tutela.app.sources import Entry, Reached, read
from tutela.backends.rules import same_place
from tutela.errors import BadInput, Conflict, NotFound
from tutela.flow.entering import connect, define
from tutela.flow.line import health_thing
from tutela.model.people import Agent
from tutela.model.register import Datastream, Kept, Source, Thing
from tutela.policy import refusals
from tutela.policy.purposes import proper, purpose_of

BY = "install"
SOURCES, PEOPLE, CITY = "sources", "people.toml", "city.toml"


@dataclass(frozen=True, slots=True)
class _Plan:
    """What an import does with one source: its entry, if that is new or changed, and what else is."""

    entry: Entry
    enters: bool
    things: tuple[Thing, ...]
    datastreams: tuple[Datastream, ...]
    connects: Wanted | None = None


@dataclass(frozen=True, slots=True)
class _Kept:
    """What the register holds, by name."""

    sources: Mapping[str, Source]
    things: Mapping[str, Thing]
    datastreams: Mapping[str, Datastream]

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> Self:
        """All of it."""
        entries = tuple(entries)
        return cls(
            {entry.source.name: entry.source for entry in entries},
            {thing.name: thing for entry in entries for thing in entry.thing},
            {stream.name: stream for entry in entries for stream in entry.datastream},
        )


async def write(settings: Settings, folder: Path) -> Sequence[Path]:
    """Write everything into that folder; gives the files. Raises Conflict for one that is of another instance."""
    async with core(settings, "config", connections=1) as inside:
        texts = {Path(CITY): city_text(inside.install), Path(PEOPLE): people_text(await _agents(inside))}
        texts |= {
            Path(SOURCES) / file_name(entry.source.name): entry_text(_entered(entry))
            for entry in (await _entries(inside)).values()
        }
    await asyncio.to_thread(_write, folder, texts)
    return [folder / name for name in texts]


async def load(settings: Settings, folder: Path, *, dry: bool, secrets: Path | None = None) -> Sequence[Change]:
    """What differs; and, unless `dry`, the register is changed, with its events. An import that fails can be run again."""
    async with written_down(settings, f"import of {folder.name}"):
        return await _load(settings, folder, dry=dry, secrets=secrets)


async def _load(settings: Settings, folder: Path, *, dry: bool, secrets: Path | None) -> Sequence[Change]:
    wanted = await asyncio.to_thread(_read, folder)
    given = await asyncio.to_thread(secrets_in, secrets, [entry.source.name for entry in wanted])
    async with core(settings, "config", connections=2) as inside:
        known = await _entries(inside)
        found = [*_city(folder, inside), *await _people(folder, inside)]
        plans, kept, reached = [], _Kept.of(known.values()), await _reached(inside)
        for entry in wanted:
            plan, changes = _planned(entry, kept)
            name = entry.source.name
            connects, change = await planned(entry, reached.get(name), inside.keys, given.get(name, {}))
            plans.append(replace(plan, connects=connects))
            found += [*changes, *([change] if change else [])]
        names = {entry.source.name for entry in wanted}
        found += [Change(how="stays", what="source", name=name, says="no file") for name in known if name not in names]
        if not dry:
            for plan in plans:
                await _apply(inside, plan)
        return found


def words(changes: Sequence[Change], *, dry: bool) -> str:
    """The changes as a person reads them."""
    signs = {"new": "+", "changed": "~", "stays": "="}
    lines = [f"{signs[one.how]} {one.what} {one.name}{f': {one.says}' if one.says else ''}" for one in changes]
    if not any(one.how != "stays" for one in changes):
        return "\n".join([*lines, "Nothing differs."])
    return "\n".join([*lines, "Nothing was changed yet: run it without --dry-run." if dry else "All of it is done."])


async def _apply(inside: Core, plan: _Plan) -> None:
    if plan.enters:
        await enter_here(inside, plan.entry.source)
    if plan.things or plan.datastreams:
        await define(inside.facts, plan.things, plan.datastreams, BY, clock())
    if wanted := plan.connects:
        await connect(inside.facts, inside.keys, wanted.connection, wanted.secret, BY, clock())


def _planned(entry: Entry, kept: _Kept) -> tuple[_Plan, list[Change]]:
    """What to do with one file; raises BadInput or Conflict for what can't be."""
    proper(entry.source)
    wanted = [msgspec.structs.replace(one, purpose=purpose_of(one, entry.source)) for one in entry.datastream]
    own = _change("source", entry.source, kept.sources.get(entry.source.name))
    things = [(one, _placed("thing", one, kept.things.get(one.name))) for one in entry.thing]
    streams = [(one, _placed("datastream", one, kept.datastreams.get(one.name))) for one in wanted]
    plan = _Plan(
        entry,
        own is not None,
        tuple(one for one, change in things if change),
        tuple(one for one, change in streams if change),
    )
    changes = [change for change in (own, *(change for _, change in [*things, *streams])) if change]
    return plan, changes


def _placed(what: str, new: Thing | Datastream, old: Thing | Datastream | None) -> Change | None:
    if old is not None:
        same_place(new, old)
    return _change(what, new, old)


def _change(what: str, new: Source | Thing | Datastream, old: Source | Thing | Datastream | None) -> Change | None:
    if old is None:
        return Change(how="new", what=what, name=new.name)
    says = differs(fields(old), fields(new))
    return Change(how="changed", what=what, name=new.name, says=says) if says else None


async def _reached(inside: Core) -> dict[str, Kept]:
    return {kept.connection.source: kept for kept in await inside.facts.connections()}


async def _entries(inside: Core) -> dict[str, Entry]:
    """The register, source by source."""
    things: dict[str, list[Thing]] = {}
    streams: dict[str, list[Datastream]] = {}
    for thing in await inside.facts.things():
        things.setdefault(thing.source, []).append(thing)
    after = 0
    while some := await inside.facts.datastreams(after):
        after = some[-1].version
        for stream in some:
            streams.setdefault(stream.source, []).append(stream)
    reached = await _reached(inside)
    return {
        source.name: Entry(
            source=source,
            thing=tuple(things.get(source.name, ())),
            datastream=tuple(streams.get(source.name, ())),
            connection=Reached.of(reached[source.name].connection) if source.name in reached else None,
        )
        for source in await inside.facts.sources()
    }


def _entered(entry: Entry) -> Entry:
    """Without what a connection tells of itself: that comes by itself, and two exports must not differ by when it came."""
    own = health_thing(entry.source.name)
    return msgspec.structs.replace(
        entry,
        thing=tuple(one for one in entry.thing if one.name != own),
        datastream=tuple(one for one in entry.datastream if one.thing != own),
    )


async def _agents(inside: Core) -> Sequence[Agent]:
    async with inside.facts.db.reading() as connection:
        rows = await connection.fetch("select entry from agent order by id")
    return [msgspec.json.decode(row["entry"], type=Agent) for row in rows]


def _city(folder: Path, inside: Core) -> Iterator[Change]:
    """What was settled at the first start holds, whatever a file says."""
    told = _tables(folder / CITY).get("city", {})
    says = differs(fields(inside.install), told) if told else ""
    if says:
        yield Change(how="stays", what="city", name=inside.install.city, says=says)


async def _people(folder: Path, inside: Core) -> list[Change]:
    """Who is not here, or here as somebody else."""
    known = {agent.id: fields(agent) for agent in await _agents(inside)}
    found = []
    for person in _tables(folder / PEOPLE).get("person", ()):
        name, own = str(person.get("id")), known.get(str(person.get("id")))
        if own is None:
            says = f"not here; `tutela invite {person.get('role')}` makes a code for them"
        else:
            says = differs(own, person)
        found += [Change(how="stays", what="person", name=name, says=says)] if says else []
    return found


def _read(folder: Path) -> list[Entry]:
    """Every source's file; raises NotFound when there is none, BadInput for a name that is there twice."""
    paths = sorted((folder / SOURCES).glob("*.toml"))
    if not paths:
        raise NotFound(f"there are no files in {folder / SOURCES}; `tutela config export` writes them")
    entries = [read(path) for path in paths]
    for what in ("source", "thing", "datastream"):
        names = [name for entry in entries for name in _names(entry, what)]
        if len(names) > len(set(names)):
            [(twice, _)] = Counter(names).most_common(1)
            raise BadInput(f"{folder}: the {what} {twice!r} is there twice; give each a name of its own")
    return entries


def _names(entry: Entry, what: str) -> list[str]:
    if what == "source":
        return [entry.source.name]
    return [one.name for one in (entry.thing if what == "thing" else entry.datastream)]


def _tables(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, OSError) as wrong:
        raise BadInput(f"{path} can't be read: {wrong}") from wrong
    refusals.switched_off(told, path.name)
    return told


def _write(folder: Path, texts: Mapping[Path, str]) -> None:
    sources = folder / SOURCES
    sources.mkdir(parents=True, exist_ok=True)
    others = sorted({path.relative_to(folder) for path in sources.glob("*.toml")} - texts.keys())
    if others:
        raise Conflict(f"{folder / others[0]} is of no source of this instance; move it, or name another folder")
    for name, text in texts.items():
        new = folder / name.with_suffix(".new")
        new.write_text(text, encoding="utf-8")
        new.replace(folder / name)
