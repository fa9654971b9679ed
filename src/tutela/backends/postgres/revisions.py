"""Alerts and incidents as they are stored: each change is one revision, and only who knows the last one makes the next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import asyncpg

from tutela.backends.postgres.log import newest_about
from tutela.backends.rules import Change, changed_first, changes
from tutela.model.alert import Alert
from tutela.model.flow import encode
from tutela.model.incident import Incident

# `order by id` within both locks and writes: two transactions never wait for one another in a circle
_LOCK_ALERTS = "select id, revision, body from alert where id = any($1::text[]) order by id for update"
_LOCK_INCIDENTS = "select id, revision, body from incident where id = any($1::text[]) order by id for update"

_STORE_ALERTS = """
insert into alert (id, timeline, status, rank, last, revision, body)
select id, timeline, status, rank, last, revision, body::json
from unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::int[], $7::text[])
    as a (id, timeline, status, rank, last, revision, body) order by id
on conflict (id) do update
set status = excluded.status, rank = excluded.rank, last = excluded.last, revision = excluded.revision, body = excluded.body
where alert.revision < excluded.revision
returning id
"""

_STORE_INCIDENTS = """
insert into incident (id, timeline, status, opened_at, revision, body)
select id, timeline, status, opened_at, revision, body::json
from unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::int[], $6::text[])
    as i (id, timeline, status, opened_at, revision, body) order by id
on conflict (id) do update set status = excluded.status, revision = excluded.revision, body = excluded.body
where incident.revision < excluded.revision
returning id
"""


async def change_alerts(connection: asyncpg.Connection, alerts: Sequence[Alert]) -> None:
    """Store alerts in the transaction that is open; raises Conflict when somebody else was first."""
    if not alerts:
        return
    due = await _due(connection, changes(alerts), _LOCK_ALERTS)
    rows = [
        (one.id, one.timeline, one.status, one.rank, one.last, one.revision, encode(one).decode())
        for one in due
        if isinstance(one, Alert)
    ]
    await _store(connection, _STORE_ALERTS, due, rows)


async def change_incidents(connection: asyncpg.Connection, incidents: Sequence[Incident]) -> None:
    """Store incidents in the transaction that is open; raises Conflict when somebody else was first."""
    if not incidents:
        return
    due = await _due(connection, changes(incidents), _LOCK_INCIDENTS)
    rows = [
        (one.id, one.timeline, one.status, one.opened_at, one.revision, encode(one).decode())
        for one in due
        if isinstance(one, Incident)
    ]
    await _store(connection, _STORE_INCIDENTS, due, rows)


async def _due(connection: asyncpg.Connection, wanted: dict[str, Change], lock: str) -> list[Alert | Incident]:
    """What is to be stored, without what is there already."""
    stored = {row["id"]: row for row in await connection.fetch(lock, list(wanted))}
    due = []
    for id_, change in wanted.items():
        row = stored.get(id_)
        if change.follows(row and row["revision"]):
            due.append(change.last)
        elif row is not None and not await _known(connection, change.last, row["body"]):
            raise await _conflict(connection, change.last, row["revision"])
    return due


async def _known(connection: asyncpg.Connection, noun: Alert | Incident, stored: str) -> bool:
    """Whether this very revision was stored or logged before: the turn or act is done again."""
    body = encode(noun)
    return body == stored.encode() or await connection.fetchval(
        "select exists (select from event where subject = $1 and subject <> '' and body = $2)", noun.id, body
    )


async def _conflict(connection: asyncpg.Connection, noun: Alert | Incident, revision: int) -> Exception:
    return changed_first(noun, revision, await newest_about(connection, noun.id))


async def _store(
    connection: asyncpg.Connection, statement: str, due: Sequence[Alert | Incident], rows: Sequence[tuple[Any, ...]]
) -> None:
    if not rows:
        return
    kept = {row["id"] for row in await connection.fetch(statement, *(list(c) for c in zip(*rows, strict=True)))}
    for noun in due:
        if noun.id not in kept:  # new to both of us a moment ago, and the other one was first
            raise await _conflict(connection, noun, noun.revision)
