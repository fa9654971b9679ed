"""The source register, the catalogue of Things and Datastreams, and what was refused or could not be worked off."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import asyncpg
import msgspec

from tutela.backends.postgres import log
from tutela.backends.postgres.database import Database
from tutela.backends.postgres.notices import EVENT
from tutela.backends.rules import not_registered, not_there, same_place
from tutela.errors import BadInput
from tutela.model.dead_letter import DeadLetter
from tutela.model.event import Event
from tutela.model.flow import encode
from tutela.model.register import Datastream, Source, Thing

Entry = TypeVar("Entry", Thing, Datastream)

_source = msgspec.json.Decoder(Source).decode
_thing = msgspec.json.Decoder(Thing).decode
_datastream = msgspec.json.Decoder(Datastream).decode
_headers = msgspec.json.Decoder(dict[str, str]).decode

_REFUSE = """
insert into refused (source, minute, reason, n)
select * from unnest($1::text[], $2::bigint[], $3::text[], $4::bigint[])
on conflict (source, minute, reason) do update set n = refused.n + excluded.n
"""


_LETTER = "id::text, source, at, reason, says, body, key, subject, headers, tries, replayed_at"

_DEAD = """
insert into dead_letter (id, source, at, reason, says, body, key, subject, headers)
select id::uuid, source, at, reason, says, body, key, subject, headers::json
from unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::bytea[], $7::text[], $8::text[], $9::text[])
    as d (id, source, at, reason, says, body, key, subject, headers)
on conflict (id) do update set replayed_at = null
"""

_WAITING = f"""
select {_LETTER} from dead_letter where replayed_at is null order by at desc, id limit $1
"""  # noqa: S608  put together from constants

_REVIVE = f"""
update dead_letter set tries = tries + 1, replayed_at = $2 where id = $1::text::uuid returning {_LETTER}
"""  # noqa: S608  put together from constants


@dataclass(frozen=True, slots=True)
class _Table(Generic[Entry]):
    """The statements of one of the two tables of the catalogue, which have the same shape."""

    name: str
    decode: Callable[[str], Entry]

    @property
    def known(self) -> str:
        return f"select entry from {self.name} where name = any($1::text[])"  # noqa: S608  the name is a constant

    @property
    def top(self) -> str:
        return f"select coalesce(max(id), 0) from {self.name}"  # noqa: S608  the name is a constant

    @property
    def put(self) -> str:
        return (
            f"insert into {self.name} (id, name, source, entry) "  # noqa: S608  the name is a constant
            "select id, name, source, entry::json "
            "from unnest($1::int[], $2::text[], $3::text[], $4::text[]) as e (id, name, source, entry) "
            "on conflict (id) do update set entry = excluded.entry"
        )


_THINGS = _Table("thing", _thing)
_DATASTREAMS = _Table("datastream", _datastream)


@dataclass(frozen=True)
class PostgresRegister:
    """The source register and the catalogue."""

    db: Database

    async def sources(self) -> Sequence[Source]:
        """All entries, by name."""
        async with self.db.reading() as connection:
            return [_source(row["entry"]) for row in await connection.fetch("select entry from source order by name")]

    async def enter(self, source: Source, event: Event) -> None:
        """Enter a source, or change its entry."""
        async with self.db.writing() as connection:
            await connection.execute(
                "insert into source (name, entry) values ($1, $2::text::json)"
                " on conflict (name) do update set entry = excluded.entry",
                source.name,
                encode(source).decode(),
            )
            await log.append(connection, [event])
        self.db.notices.ring(EVENT)

    async def things(self) -> Sequence[Thing]:
        """All Things, by id."""
        async with self.db.reading() as connection:
            return [_thing(row["entry"]) for row in await connection.fetch("select entry from thing order by id")]

    async def datastreams(self, after: int = 0) -> Sequence[Datastream]:
        """The datastreams with a higher id, by id."""
        async with self.db.reading() as connection:
            rows = await connection.fetch("select entry from datastream where id > $1 order by id", after)
        return [_datastream(row["entry"]) for row in rows]

    async def define(self, things: Sequence[Thing], datastreams: Sequence[Datastream]) -> Sequence[Datastream]:
        """Enter or change Things and Datastreams by name; the datastreams with their ids."""
        async with self.db.writing() as connection:
            await _registered(
                connection, {thing.source for thing in things} | {datastream.source for datastream in datastreams}
            )
            await connection.execute("lock table thing, datastream in share row exclusive mode")
            await _enter(connection, _THINGS, things)
            return await _enter(connection, _DATASTREAMS, datastreams)

    async def refuse(self, counts: Mapping[tuple[str, int, str], int]) -> None:
        """Add to the counts by (source, minute, reason)."""
        rows = [(*key, count) for key, count in sorted(counts.items())]
        if rows:
            async with self.db.reading() as connection:
                await connection.execute(_REFUSE, *(list(column) for column in zip(*rows, strict=True)))

    async def refused(self, since: int) -> Mapping[tuple[str, int, str], int]:
        """The counts of minutes from then on."""
        async with self.db.reading() as connection:
            rows = await connection.fetch("select source, minute, reason, n from refused where minute >= $1", since)
        return {(row["source"], row["minute"], row["reason"]): row["n"] for row in rows}


@dataclass(frozen=True)
class PostgresDeadLetters:
    """What could not be worked off."""

    db: Database

    async def dead(self, letters: Sequence[DeadLetter], events: Sequence[Event]) -> None:
        """Set letters aside; one that was taken up before waits again."""
        rows = [_columns(letter) for letter in {letter.id: letter for letter in letters}.values()]
        async with self.db.writing() as connection:
            if rows:
                await connection.execute(_DEAD, *(list(column) for column in zip(*rows, strict=True)))
            await log.append(connection, events)
        self.db.notices.ring(EVENT)

    async def dead_letters(self, most: int) -> Sequence[DeadLetter]:
        """The newest letters that wait."""
        async with self.db.reading() as connection:
            return [_letter(row) for row in await connection.fetch(_WAITING, most)]

    async def revive(self, id_: str, at: int) -> DeadLetter:
        """Take a letter up again; raises NotFound."""
        try:
            async with self.db.reading() as connection:
                row = await connection.fetchrow(_REVIVE, id_, at)
        except BadInput as wrong:  # no UUID at all
            raise not_there("dead letter", id_) from wrong
        if row is None:
            raise not_there("dead letter", id_)
        return _letter(row)


def _columns(letter: DeadLetter) -> tuple[object, ...]:
    own = (letter.id, letter.source, letter.at, letter.reason, letter.says, letter.body, letter.key, letter.subject)
    return (*own, encode(letter.headers).decode())


def _letter(row: asyncpg.Record) -> DeadLetter:
    return DeadLetter(**{**row, "headers": _headers(row["headers"])})


async def _registered(connection: asyncpg.Connection, sources: set[str]) -> None:
    known = await connection.fetch("select name from source where name = any($1::text[])", list(sources))
    for source in sorted(sources - {row["name"] for row in known}):
        raise not_registered(source)


async def _enter(connection: asyncpg.Connection, table: _Table[Entry], wanted: Sequence[Entry]) -> list[Entry]:
    """Each entry under the id of its name, else under the next one: ids have no gaps. The table is locked."""
    if not wanted:
        return []
    rows = await connection.fetch(table.known, [entry.name for entry in wanted])
    known = {old.name: old for old in (table.decode(row["entry"]) for row in rows)}
    top: int = await connection.fetchval(table.top)
    for entry in wanted:
        old = known.get(entry.name)
        same_place(entry, old or entry)
        top += old is None
        known[entry.name] = msgspec.structs.replace(entry, id=old.id if old else top)
    await connection.execute(
        table.put,
        [entry.id for entry in known.values()],
        list(known),
        [entry.source for entry in known.values()],
        [encode(entry).decode() for entry in known.values()],
    )
    return [known[entry.name] for entry in wanted]
