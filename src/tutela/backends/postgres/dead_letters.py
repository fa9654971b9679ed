"""What could not be worked off: kept, listed, taken up again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tutela.backends.postgres import log
from tutela.backends.postgres.database import Database
from tutela.backends.postgres.notices import EVENT
from tutela.backends.rules import not_there
from tutela.errors import BadInput
from tutela.model.dead_letter import DeadLetter
from tutela.model.event import Event

_COLUMNS = "id::text, source, at, reason, says, body, key, tries, replayed_at"

_DEAD = """
insert into dead_letter (id, source, at, reason, says, body, key)
select id::uuid, source, at, reason, says, body, key
from unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::bytea[], $7::text[])
    as d (id, source, at, reason, says, body, key)
on conflict (id) do update set replayed_at = null
"""

_WAITING = f"""
select {_COLUMNS} from dead_letter where replayed_at is null order by at desc, id limit $1
"""  # noqa: S608  put together from constants

_REVIVE = f"""
update dead_letter set tries = tries + 1, replayed_at = $2 where id = $1::text::uuid returning {_COLUMNS}
"""  # noqa: S608  put together from constants


@dataclass(frozen=True)
class PostgresDeadLetters:
    """What could not be worked off."""

    db: Database

    async def dead(self, letters: Sequence[DeadLetter], events: Sequence[Event]) -> None:
        """Set letters aside; one that was taken up before waits again."""
        rows = [
            (one.id, one.source, one.at, one.reason, one.says, one.body, one.key)
            for one in {letter.id: letter for letter in letters}.values()
        ]
        async with self.db.writing() as connection:
            if rows:
                await connection.execute(_DEAD, *(list(column) for column in zip(*rows, strict=True)))
            await log.append(connection, events)
        self.db.notices.ring(EVENT)

    async def dead_letters(self, most: int) -> Sequence[DeadLetter]:
        """The newest letters that wait."""
        async with self.db.reading() as connection:
            return [DeadLetter(**row) for row in await connection.fetch(_WAITING, most)]

    async def revive(self, id_: str, at: int) -> DeadLetter:
        """Take a letter up again; raises NotFound."""
        try:
            async with self.db.reading() as connection:
                row = await connection.fetchrow(_REVIVE, id_, at)
        except BadInput as wrong:  # no UUID at all
            raise not_there("dead letter", id_) from wrong
        if row is None:
            raise not_there("dead letter", id_)
        return DeadLetter(**row)
