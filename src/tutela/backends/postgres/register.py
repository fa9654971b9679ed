"""The source register, how sources are reached, the catalogue, the rules, and what was refused or could not be worked off."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import asyncpg
import msgspec

from tutela.backends.postgres import log
from tutela.backends.postgres.database import Database
from tutela.backends.postgres.notices import EVENT
from tutela.backends.rules import LEASE, defined, not_connecting, not_registered, not_there, same_place, untold
from tutela.errors import BadInput
from tutela.model.dead_letter import DeadLetter
from tutela.model.event import Event
from tutela.model.flow import encode
from tutela.model.register import Connection, Datastream, Kept, Reach, Source, Thing
from tutela.model.rule import Armed

_source = msgspec.json.Decoder(Source).decode
_thing = msgspec.json.Decoder(Thing).decode
_datastream = msgspec.json.Decoder(Datastream).decode
_armed = msgspec.json.Decoder(Armed).decode
_headers = msgspec.json.Decoder(dict[str, str]).decode

_REFUSE = """
insert into refused (source, minute, reason, n)
select * from unnest($1::text[], $2::bigint[], $3::text[], $4::bigint[])
on conflict (source, minute, reason) do update set n = refused.n + excluded.n
"""

PORTION = 100_000
"""Datastreams that are read at once: a million would lie in the memory three times over."""
_AFTER = "select entry from datastream where version > $1 order by version limit $2"

_LETTER = "id::text, source, at, reason, says, body, key, subject, headers, tries, replayed_at"

_DEAD = """
insert into dead_letter (id, source, at, reason, says, body, key, subject, headers, tries)
select id::uuid, source, at, reason, says, body, key, subject, headers::json, tries
from unnest(
    $1::text[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::bytea[], $7::text[], $8::text[], $9::text[], $10::int[]
) as d (id, source, at, reason, says, body, key, subject, headers, tries)
on conflict (id) do update set replayed_at = null, at = excluded.at, reason = excluded.reason, says = excluded.says
    where dead_letter.tries <= excluded.tries
"""

_WAITING = f"""
select {_LETTER} from dead_letter where replayed_at is null order by at desc, id limit $1
"""  # noqa: S608  put together from constants

_REVIVE = f"""
update dead_letter set tries = tries + 1, replayed_at = $2 where id = $1::text::uuid returning {_LETTER}
"""  # noqa: S608  put together from constants


_THINGS = """
insert into thing (id, name, source, entry)
select id, name, source, entry::json
from unnest($1::int[], $2::text[], $3::text[], $4::text[]) as e (id, name, source, entry)
on conflict (id) do update set entry = excluded.entry
"""

_DATASTREAMS = """
insert into datastream (id, name, source, entry, version)
select id, name, source, entry::json, version
from unnest($1::int[], $2::text[], $3::text[], $4::text[], $5::bigint[]) as e (id, name, source, entry, version)
on conflict (id) do update set entry = excluded.entry, version = excluded.version
"""


_ARM = """
insert into rule (name, entry) values ($1, $2::text::json) on conflict (name) do update set entry = excluded.entry
"""

_connection = msgspec.json.Decoder(Connection).decode
_condition = msgspec.json.Decoder(Reach).decode

_CONNECT = """
insert into connection as c (source, entry, key, sealed) values ($1, $2::text::json, $3, $4)
on conflict (source) do update set entry = excluded.entry, key = excluded.key, sealed = excluded.sealed, condition = null,
    mark = case when (c.entry ->> 'part', c.entry ->> 'standard', c.entry ->> 'reading') is not distinct from
        (excluded.entry ->> 'part', excluded.entry ->> 'standard', excluded.entry ->> 'reading') then c.mark else '' end
"""

_ATTEND = """
update connecting set owner = $1, epoch = epoch + (owner is distinct from $1)::int,
    lease_until = clock_timestamp() + make_interval(secs => $2)
where owner is not distinct from $1 or lease_until <= clock_timestamp()
returning epoch
"""

_MINE = "exists (select from connecting where epoch = $1 and owner is not null)"

_REMEMBER = f"update connection set mark = $3 where source = $2 and {_MINE} returning true"  # noqa: S608  constants

_REPORT = f"""
update connection c set condition = d.condition::json
from unnest($2::text[], $3::text[]) as d (source, condition) where d.source = c.source and {_MINE}
"""  # noqa: S608  put together from constants


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
        """The datastreams with a higher version, by version: the first of them, when they are many."""
        async with self.db.reading() as connection:
            rows = await connection.fetch(_AFTER, after, PORTION)
        return [_datastream(row["entry"]) for row in rows]

    async def define(
        self,
        things: Sequence[Thing],
        datastreams: Sequence[Datastream],
        told: Callable[[Sequence[Datastream]], Sequence[Event]] | None = None,
        *,
        heard: bool = False,
    ) -> Sequence[Datastream]:
        """Enter or change Things and Datastreams by name; the datastreams with their ids and versions."""
        async with self.db.writing() as connection:
            await _registered(
                connection, {thing.source for thing in things} | {datastream.source for datastream in datastreams}
            )
            await connection.execute("lock table thing, datastream in share row exclusive mode")
            await _enter(connection, things, heard=heard)
            whole, new = await _define(connection, datastreams)
            if told and new:
                await log.append(connection, told(new))
        self.db.notices.ring(EVENT)
        return whole

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
class PostgresConnections:
    """How sources are reached."""

    db: Database

    async def connections(self) -> Sequence[Kept]:
        """All of them, by source."""
        async with self.db.reading() as connection:
            rows = await connection.fetch("select entry, key, sealed from connection order by source")
        return [Kept(connection=_connection(row["entry"]), key=row["key"], sealed=row["sealed"]) for row in rows]

    async def connect(self, kept: Kept, event: Event) -> None:
        """Enter or change a connection; one that reads otherwise than before begins without a mark."""
        source, entry = kept.connection.source, encode(kept.connection).decode()
        async with self.db.writing() as connection:
            if not await connection.fetchval("select exists (select from source where name = $1)", source):
                raise not_registered(source)
            await connection.execute(_CONNECT, source, entry, kept.key, kept.sealed)
            await log.append(connection, [event])
        self.db.notices.ring(EVENT)

    async def disconnect(self, source: str, event: Event) -> None:
        """Forget a connection, with its mark; when there is none, nothing is logged."""
        async with self.db.writing() as connection:
            if await connection.fetchval("delete from connection where source = $1 returning true", source):
                await log.append(connection, [event])
        self.db.notices.ring(EVENT)

    async def attend(self, worker: str) -> int | None:
        """The epoch while this worker runs the connections."""
        async with self.db.reading() as connection:
            epoch: int | None = await connection.fetchval(_ATTEND, worker, LEASE)
            return epoch

    async def mark(self, source: str) -> bytes:
        """Where it stopped; b"" for one that never did."""
        async with self.db.reading() as connection:
            mark: bytes | None = await connection.fetchval("select mark from connection where source = $1", source)
            return mark or b""

    async def remember(self, epoch: int, source: str, mark: bytes) -> None:
        """Keep where it stopped; raises Fenced when another process runs the connections, or it is there no more."""
        async with self.db.reading() as connection:
            if not await connection.fetchval(_REMEMBER, epoch, source, mark):
                raise not_connecting(source)

    async def report(self, epoch: int, conditions: Sequence[Reach]) -> None:
        """Keep how they are doing, while this epoch holds."""
        sources, told = [one.source for one in conditions], [encode(one).decode() for one in conditions]
        async with self.db.reading() as connection:
            await connection.execute(_REPORT, epoch, sources, told)

    async def conditions(self) -> Sequence[Reach]:
        """How they were doing when last told, by source."""
        async with self.db.reading() as connection:
            rows = await connection.fetch(
                "select condition from connection where condition is not null order by source"
            )
        return [_condition(row["condition"]) for row in rows]


@dataclass(frozen=True)
class PostgresDeadLetters:
    """What could not be worked off."""

    db: Database

    async def dead(self, letters: Sequence[DeadLetter], events: Sequence[Event]) -> None:
        """Set letters aside; one that was taken up before waits again, unless this is of an earlier try."""
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


@dataclass(frozen=True)
class PostgresRules:
    """The rules that people wrote: the newest of each name."""

    db: Database

    async def arm(self, armed: Armed, event: Event) -> None:
        """Keep it, with its event."""
        async with self.db.writing() as connection:
            await connection.execute(_ARM, armed.rule.name, encode(armed).decode())
            await log.append(connection, [event])
        self.db.notices.ring(EVENT)

    async def rules(self) -> Sequence[Armed]:
        """All, in order of name."""
        async with self.db.reading() as connection:
            return [_armed(row["entry"]) for row in await connection.fetch("select entry from rule order by name")]


def _columns(letter: DeadLetter) -> tuple[object, ...]:
    own = (letter.id, letter.source, letter.at, letter.reason, letter.says, letter.body, letter.key, letter.subject)
    return (*own, encode(letter.headers).decode(), letter.tries)


def _letter(row: asyncpg.Record) -> DeadLetter:
    return DeadLetter(**{**row, "headers": _headers(row["headers"])})


async def _registered(connection: asyncpg.Connection, sources: set[str]) -> None:
    known = await connection.fetch("select name from source where name = any($1::text[])", list(sources))
    for source in sorted(sources - {row["name"] for row in known}):
        raise not_registered(source)


async def _enter(connection: asyncpg.Connection, wanted: Sequence[Thing], *, heard: bool) -> None:
    """Each Thing under the id of its name, else under the next one: ids have no gaps. The table is locked."""
    if not wanted:
        return
    names = [thing.name for thing in wanted]
    rows = await connection.fetch("select entry from thing where name = any($1::text[])", names)
    known = {old.name: old for old in (_thing(row["entry"]) for row in rows)}
    top: int = await connection.fetchval("select coalesce(max(id), 0) from thing")
    for thing in wanted:
        old = known.get(thing.name)
        same_place(thing, old or thing)
        top += old is None
        entry = untold(thing, old) if heard and old else thing
        known[thing.name] = msgspec.structs.replace(entry, id=old.id if old else top)
    await connection.execute(_THINGS, *_entries(list(known.values())))


async def _define(
    connection: asyncpg.Connection, wanted: Sequence[Datastream]
) -> tuple[list[Datastream], list[Datastream]]:
    """All that are wanted as they are kept now, and those that are new or changed. The table is locked."""
    names = [stream.name for stream in wanted]
    rows = await connection.fetch("select entry from datastream where name = any($1::text[])", names)
    known = {old.name: old for old in (_datastream(row["entry"]) for row in rows)}
    top = await connection.fetchrow(
        "select coalesce(max(id), 0) as id, coalesce(max(version), 0) as version from datastream"
    )
    whole, new = defined(wanted, known, top["id"], top["version"])
    if new:
        await connection.execute(_DATASTREAMS, *_entries(new), [stream.version for stream in new])
    return whole, new


def _entries(entries: Sequence[Thing] | Sequence[Datastream]) -> tuple[list[int], list[str], list[str], list[str]]:
    """The columns that both tables have."""
    return (
        [entry.id for entry in entries],
        [entry.name for entry in entries],
        [entry.source for entry in entries],
        [encode(entry).decode() for entry in entries],
    )
