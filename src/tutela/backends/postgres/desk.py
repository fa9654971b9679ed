"""What people change: alerts, incidents, calls, shifts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import asyncpg
import msgspec

from tutela.backends.postgres import log, outbox
from tutela.backends.postgres.database import Database
from tutela.backends.postgres.notices import EVENT, OUTBOX
from tutela.backends.postgres.revisions import change_alerts, change_incidents
from tutela.backends.rules import not_there, told_before
from tutela.model.alert import Alert
from tutela.model.detection import Detection
from tutela.model.event import Event
from tutela.model.flow import Outgoing, encode
from tutela.model.incident import Incident
from tutela.model.people import Shift
from tutela.model.telling import Call, Telling, word_of

_alert = msgspec.json.Decoder(Alert).decode
_call = msgspec.json.Decoder(Call).decode
_telling = msgspec.json.Decoder(Telling).decode
_detection = msgspec.json.Decoder(Detection).decode
_incident = msgspec.json.Decoder(Incident).decode

_OPEN = """
select body from alert where timeline = $1 and status in ('held', 'new', 'acknowledged', 'shelved')
order by rank desc, last desc, id
"""

_SINCE = "select body from alert where timeline = $1 and last >= $2 order by last desc, id limit $3"

_PAGE = """
select body from incident
where timeline = $1 and status {} ('Closed', 'Fused') and opened_at <= $3 and (opened_at < $3 or id > $4)
order by opened_at desc, id limit $2
"""
_UNDER_WAY, _OVER = _PAGE.format("not in"), _PAGE.format("in")

NEWEST = 2**63 - 1
"""No incident was opened later: the greatest number that PostgreSQL's bigint holds."""

_OF_CALLS = """
select body from incident where timeline = $1 and body::jsonb -> 'calls' ?| $2::text[] order by opened_at desc, id
"""

_DETECTIONS = """
select d.body from unnest($1::text[]) with ordinality as u (id, n),
    lateral (select body from detection where id = u.id order by revision desc limit 1) d
order by n
"""

# one statement, so that what is told costs one round trip and one flush of the disk
_TELL = """
with logged as (
    insert into event (id, at, by, cause, kind, timeline, body, key, salt, subject)
    values ($1::text::uuid, $2, $3, $4, $5, $6, $7, $8, $9, $10) on conflict (id) do nothing returning id
), told as (
    insert into told (id, timeline, at, word, event, body) select $11, $12, $13, $14, id, $15::text::json from logged
), sent as (
    insert into outbox (id, subject, body, trace)
    select o.id, o.subject, o.body, o.trace
    from logged, unnest($16::text[], $17::text[], $18::bytea[], $19::text[]) with ordinality as o (id, subject, body, trace, n)
    order by n
    on conflict (id) do nothing
)
select count(*) from logged
"""

_TELLING = f"select {log.COLUMNS} from told t join event e on e.id = t.event where t.id = $1"  # noqa: S608  constants

_NEWEST = "select body, event::text from told where word = $1 and timeline = $2 order by at desc, id limit $3"

_TOLD_WITHIN = (
    "select body from told where word = $1 and timeline = $2 and at >= $3 and at < $4 order by at, id limit $5"
)
_ALERTS_WITHIN = "select body from alert where timeline = $1 and last >= $2 and last < $3 order by last, id limit $4"

_SIGN = """
insert into shift (agent, since, budget, until) values ($1, $2, $3, $4)
on conflict (agent, since) do update set budget = excluded.budget, until = excluded.until
"""


async def open_alerts(connection: asyncpg.Connection, timeline: str) -> list[Alert]:
    """The open alerts, highest rank first."""
    return [_alert(row["body"]) for row in await connection.fetch(_OPEN, timeline)]


@dataclass(frozen=True)
class PostgresDesk:
    """What people change, each with its events."""

    db: Database

    async def alerts(self, timeline: str) -> Sequence[Alert]:
        """The open alerts, highest rank first."""
        async with self.db.reading() as connection:
            return await open_alerts(connection, timeline)

    async def alerts_since(self, timeline: str, since: int, most: int) -> Sequence[Alert]:
        """Those whose last detection is of then or later, the newest first."""
        async with self.db.reading() as connection:
            return [_alert(row["body"]) for row in await connection.fetch(_SINCE, timeline, since, most)]

    async def alert_counts(self, timeline: str) -> Mapping[str, int]:
        """How many alerts of each type there ever were."""
        async with self.db.reading() as connection:
            rows = await connection.fetch(
                "select body->>'type' as type, count(*) as n from alert where timeline = $1 group by 1", timeline
            )
        return {row["type"]: row["n"] for row in rows}

    async def alert(self, id_: str) -> Alert:
        """One alert; raises NotFound."""
        async with self.db.reading() as connection:
            body = await connection.fetchval("select body from alert where id = $1", id_)
        if body is None:
            raise not_there("alert", id_)
        return _alert(body)

    async def detections(self, ids: Sequence[str]) -> Sequence[Detection]:
        """The newest revision of each, in the order of the ids; unknown ones are left out."""
        async with self.db.reading() as connection:
            return [_detection(row["body"]) for row in await connection.fetch(_DETECTIONS, list(ids))]

    async def incidents(
        self, timeline: str, most: int, *, over: bool = False, after: Incident | None = None
    ) -> Sequence[Incident]:
        """Some incidents, newest first: those under way, or those that are over."""
        place = (NEWEST, "") if after is None else (after.opened_at, after.id)
        async with self.db.reading() as connection:
            rows = await connection.fetch(_OVER if over else _UNDER_WAY, timeline, most, *place)
        return [_incident(row["body"]) for row in rows]

    async def incidents_of(self, timeline: str, calls: Sequence[str]) -> Sequence[Incident]:
        """All incidents that hold one of these calls, newest first."""
        async with self.db.reading() as connection:
            rows = await connection.fetch(_OF_CALLS, timeline, list(calls))
        return [_incident(row["body"]) for row in rows]

    async def incident(self, id_: str) -> Incident:
        """One incident; raises NotFound."""
        async with self.db.reading() as connection:
            body = await connection.fetchval("select body from incident where id = $1", id_)
        if body is None:
            raise not_there("incident", id_)
        return _incident(body)

    async def calls(self, timeline: str, most: int) -> Sequence[tuple[Call, str]]:
        """The newest calls, bare, each with the id of its event."""
        async with self.db.reading() as connection:
            rows = await connection.fetch(_NEWEST, "call", timeline, most)
        return [(_call(row["body"]), row["event"]) for row in rows]

    async def told(self, word: str, timeline: str, most: int) -> Sequence[tuple[Telling, str]]:
        """The newest calls, reports or posts, bare, each with the id of its event."""
        async with self.db.reading() as connection:
            rows = await connection.fetch(_NEWEST, word, timeline, most)
        return [(_telling(row["body"]), row["event"]) for row in rows]

    async def told_within(self, word: str, timeline: str, since: int, until: int, most: int) -> Sequence[Telling]:
        """What was told from then until then, bare, the oldest first."""
        async with self.db.reading() as connection:
            rows = await connection.fetch(_TOLD_WITHIN, word, timeline, since, until, most)
        return [_telling(row["body"]) for row in rows]

    async def alerts_within(self, timeline: str, since: int, until: int, most: int) -> Sequence[Alert]:
        """Those whose last detection is of that time, the oldest first."""
        async with self.db.reading() as connection:
            return [_alert(row["body"]) for row in await connection.fetch(_ALERTS_WITHIN, timeline, since, until, most)]

    async def call(self, id_: str) -> Event:
        """The sealed event of a call; raises NotFound."""
        await self.bare(id_)
        return await self.telling(id_)

    async def telling(self, id_: str) -> Event:
        """The sealed event of a call, report or post; raises NotFound."""
        async with self.db.reading() as connection:
            row = await connection.fetchrow(_TELLING, id_)
        if row is None:
            raise not_there("telling", id_)
        return log.event_of(tuple(row))

    async def bare(self, id_: str) -> Call:
        """A call without its personal data; raises NotFound."""
        async with self.db.reading() as connection:
            body = await connection.fetchval("select body from told where id = $1 and word = 'call'", id_)
        if body is None:
            raise not_there("call", id_)
        return _call(body)

    async def tell(self, told: Telling, event: Event, outgoing: Sequence[Outgoing]) -> bool:
        """Commit what was told; whether it is new. What was told before is left alone."""
        bare, word = encode(told.bare()).decode(), word_of(told)
        facts = (told.id, told.timeline, told.at, word, bare)
        async with self.db.reading() as connection:
            try:
                new = await connection.fetchval(_TELL, *log.values(event), *facts, *outbox.columns(outgoing))
            except asyncpg.UniqueViolationError as wrong:
                raise told_before(word, told.id) from wrong
            if not new:
                before = await connection.fetchrow("select body, event::text from told where id = $1", told.id)
                if before is None or tuple(before) != (bare, event.id):
                    raise told_before(word, told.id)
                return False
        self.db.notices.ring(EVENT, OUTBOX)
        return True

    async def act(
        self, events: Sequence[Event], alerts: Sequence[Alert], incidents: Sequence[Incident], shifts: Sequence[Shift]
    ) -> None:
        """Commit what somebody did; raises Conflict when somebody else was first."""
        async with self.db.writing() as connection:
            await change_alerts(connection, alerts)
            await change_incidents(connection, incidents)
            await log.append(connection, events)
            for shift in shifts:
                await connection.execute(_SIGN, shift.agent, shift.since, shift.budget, shift.until)
        self.db.notices.ring(EVENT)
