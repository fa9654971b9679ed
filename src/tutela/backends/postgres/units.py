"""Units as they stand now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from tutela.backends.postgres import log
from tutela.backends.postgres.database import Database
from tutela.backends.postgres.notices import EVENT
from tutela.backends.rules import changed_first, not_there
from tutela.model.event import Event
from tutela.model.flow import encode
from tutela.model.resource import EmergencyResource

_unit = msgspec.json.Decoder(EmergencyResource).decode

# `order by id`: two transactions never wait for one another in a circle
_STORE = """
insert into unit (id, timeline, name, revision, body)
select id, timeline, name, revision, body::json
from unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::text[]) as u (id, timeline, name, revision, body) order by id
on conflict (id) do update set revision = excluded.revision, body = excluded.body
where unit.revision = excluded.revision - 1
returning id
"""


@dataclass(frozen=True)
class PostgresUnits:
    """Units, each with its events."""

    db: Database

    async def units(self, timeline: str) -> Sequence[EmergencyResource]:
        """All units of a timeline, in order of name."""
        async with self.db.reading() as connection:
            rows = await connection.fetch("select body from unit where timeline = $1 order by name, id", timeline)
        return [_unit(row["body"]) for row in rows]

    async def unit(self, id_: str) -> EmergencyResource:
        """One unit; raises NotFound."""
        async with self.db.reading() as connection:
            body = await connection.fetchval("select body from unit where id = $1", id_)
        if body is None:
            raise not_there("unit", id_)
        return _unit(body)

    async def change(self, events: Sequence[Event], units: Sequence[EmergencyResource]) -> None:
        """Keep all of them, or none; raises Conflict when somebody else was first."""
        columns = (
            [unit.id for unit in units],
            [unit.timeline for unit in units],
            [unit.name for unit in units],
            [unit.revision for unit in units],
            [encode(unit).decode() for unit in units],
        )
        async with self.db.writing() as connection:
            kept = {row["id"] for row in await connection.fetch(_STORE, *columns)}
            for unit in units:
                if unit.id not in kept:
                    stored = await connection.fetchval("select revision from unit where id = $1", unit.id)
                    raise changed_first(unit, stored, await log.newest_about(connection, unit.id))
            await log.append(connection, events)
        self.db.notices.ring(EVENT)
