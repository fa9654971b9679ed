"""The log as it is written and read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg

from tutela.backends.postgres.database import Database
from tutela.backends.postgres.notices import EVENT, SEALED
from tutela.backends.rules import not_there
from tutela.errors import BadInput
from tutela.model.event import Event, Sealed

COLUMNS = "e.id::text, e.at, e.by, e.cause, e.kind, e.timeline, e.body, e.key, e.salt, e.subject"
"""The fields of Event, of a row of the table `event as e`."""

# Leaves are published, in proofs: without a salt, whoever guesses an event could see that it happened.
_APPEND = """
insert into event (id, at, by, cause, kind, timeline, body, key, salt, subject)
select id::uuid, at, by, cause, kind, timeline, body, key,
    case when salt = '' then uuid_send(gen_random_uuid()) else salt end, subject
from unnest(
    $1::text[], $2::bigint[], $3::text[], $4::text[], $5::text[],
    $6::text[], $7::bytea[], $8::text[], $9::bytea[], $10::text[]
) with ordinality as e (id, at, by, cause, kind, timeline, body, key, salt, subject, n)
order by n
on conflict (id) do nothing
"""

_SEALED = f"""
select s.position, s.leaf, {COLUMNS} from sealed s join event e on e.id = s.event
where s.position > $1 order by s.position limit $2
"""  # noqa: S608  put together from constants

_ABOUT = f"""
select {COLUMNS} from event e left join sealed s on s.event = e.id
where e.subject = $1 and e.subject <> '' order by s.position nulls last, e.txid, e.ord
"""  # noqa: S608  put together from constants

# A body is the bytes that were hashed: it is told apart by them first, and read as JSON then.
_NAMING = f"""
select * from (
    select {COLUMNS}, e.txid, e.ord from event e
    where e.kind = 'query@1' and e.at >= $2 and position(convert_to($1, 'UTF8') in e.body) > 0
        and convert_from(e.body, 'UTF8')::jsonb->'persons' ? $1
    order by e.at desc, e.txid desc, e.ord desc limit $3
) newest order by at, txid, ord
"""  # noqa: S608  put together from constants

_NEWEST_ABOUT = f"""
select {COLUMNS} from event e where e.subject = $1 and e.subject <> '' order by e.txid desc, e.ord desc limit 1
"""  # noqa: S608  put together from constants

_ONE = f"select {COLUMNS} from event e where e.id = $1::text::uuid"  # noqa: S608  put together from constants


async def append(connection: asyncpg.Connection, events: Sequence[Event]) -> None:
    """Append the events that are not there yet, in this order, in the transaction that is open."""
    if events:
        rows = [values(event) for event in events]
        await connection.execute(_APPEND, *(list(column) for column in zip(*rows, strict=True)))


def values(event: Event) -> tuple[str | int | bytes | None, ...]:
    """The fields of an event, in the order of COLUMNS."""
    return (
        event.id,
        event.at,
        event.by,
        event.cause,
        event.kind,
        event.timeline,
        event.body,
        event.key,
        event.salt,
        event.subject,
    )


def event_of(row: Sequence[Any]) -> Event:
    """An event from a row that ends with COLUMNS."""
    id_, at, by, cause, kind, timeline, body, key, salt, subject = row[-10:]
    return Event(
        id=id_, at=at, by=by, cause=cause, kind=kind, timeline=timeline, body=body, key=key, salt=salt, subject=subject
    )


async def about(connection: asyncpg.Connection, subject: str) -> Sequence[Event]:
    """The events about something, in order of commit."""
    return [event_of(tuple(row)) for row in await connection.fetch(_ABOUT, subject)]


async def newest_about(connection: asyncpg.Connection, subject: str) -> Event | None:
    """The newest event about something."""
    row = await connection.fetchrow(_NEWEST_ABOUT, subject)
    return None if row is None else event_of(tuple(row))


@dataclass(frozen=True)
class PostgresLog:
    """The one append-only log."""

    db: Database

    async def append(self, events: Sequence[Event]) -> None:
        """Append the events that are not there yet."""
        async with self.db.writing() as connection:
            await append(connection, events)
        self.db.notices.ring(EVENT)

    async def sealed(self, after: int, most: int) -> Sequence[Sealed]:
        """What comes after that position (-1: from the start)."""
        async with self.db.reading() as connection:
            rows = await connection.fetch(_SEALED, after, most)
        return [Sealed(position=row["position"], leaf=row["leaf"], event=event_of(tuple(row))) for row in rows]

    async def last(self) -> int:
        """The newest position; -1 when nothing is sealed."""
        async with self.db.reading() as connection:
            newest: int = await connection.fetchval("select coalesce(max(position), -1) from sealed")
            return newest

    async def event(self, id_: str) -> Event:
        """One event; raises NotFound."""
        try:
            async with self.db.reading() as connection:
                row = await connection.fetchrow(_ONE, id_)
        except BadInput as wrong:  # no UUID at all
            raise not_there("event", id_) from wrong
        if row is None:
            raise not_there("event", id_)
        return event_of(tuple(row))

    async def about(self, subject: str) -> Sequence[Event]:
        """The events about something, in order of commit."""
        async with self.db.reading() as connection:
            return await about(connection, subject)

    async def naming(self, record: str, since: int, most: int) -> Sequence[Event]:
        """The newest queries since then that showed that record about somebody, oldest first."""
        async with self.db.reading() as connection:
            return [event_of(tuple(row)[:-2]) for row in await connection.fetch(_NAMING, record, since, most)]

    async def wait(self, seconds: float) -> None:
        """Return when something was committed or sealed."""
        await self.db.notices.wait(seconds, EVENT, SEALED)
