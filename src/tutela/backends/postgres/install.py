"""What is settled at install, and the timelines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg

from tutela.backends.postgres.database import Database
from tutela.backends.rules import not_installed
from tutela.model.install import Install
from tutela.model.timeline import LIVE

_INSTALLED = "select id::text, partitions, ways, zone, city, at from install"

_LEASES = """
insert into lease (timeline, stage, partition)
select $1, stage, partition
from install, lateral (values ('detect', partitions), ('correlate', ways), ('desk', 1)) as stages (stage, n),
    generate_series(0, n - 1) as partition
on conflict do nothing
"""


@dataclass(frozen=True)
class PostgresTimelines:
    """What is settled at install, and the timelines."""

    db: Database

    async def install(self, wanted: Install) -> Install:
        """What holds from now on: the first install there was."""
        async with self.db.writing() as connection:
            await connection.execute(
                "insert into install (id, partitions, ways, zone, city, at) values ($1::text::uuid, $2, $3, $4, $5, $6)"
                " on conflict do nothing",
                wanted.id,
                wanted.partitions,
                wanted.ways,
                wanted.zone,
                wanted.city,
                wanted.at,
            )
            await _open(connection, LIVE, wanted.at, "The city as it is now.")
            return Install(**await connection.fetchrow(_INSTALLED))

    async def timelines(self) -> Sequence[str]:
        """The names of all timelines."""
        async with self.db.reading() as connection:
            return [row["name"] for row in await connection.fetch("select name from timeline order by name")]

    async def open_timeline(self, name: str, at: int, says: str = "") -> None:
        """A timeline with its lease rows; nothing happens when there is one."""
        async with self.db.writing() as connection:
            if await connection.fetchrow(_INSTALLED) is None:
                raise not_installed()
            await _open(connection, name, at, says)


async def _open(connection: asyncpg.Connection, name: str, at: int, says: str) -> None:
    await connection.execute(
        "insert into timeline (name, says, at) values ($1, $2, $3) on conflict do nothing", name, says, at
    )
    await connection.execute(_LEASES, name)
