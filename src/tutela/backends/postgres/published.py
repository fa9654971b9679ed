"""What is kept of the log for the public, and its witnesses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg
import msgspec

from tutela.backends.postgres import log
from tutela.backends.postgres.database import Database
from tutela.backends.postgres.notices import EVENT
from tutela.backends.rules import not_there
from tutela.errors import BadInput
from tutela.model.cosign import Cosignature, Cosigner, WitnessNow
from tutela.model.event import Checkpoint, Event
from tutela.model.flow import encode
from tutela.model.when import SECOND

_cosigner = msgspec.json.Decoder(Cosigner).decode

_POINT = "c.origin, c.seal_epoch as epoch, c.size, c.root, c.at, c.signature"
_NEWEST = f"""
select {_POINT} from checkpoint c where c.size >= $1 order by c.seal_epoch desc, c.size desc limit 1
"""  # noqa: S608  put together from constants
# A witness's public key is NAME+ID+KEY; what was cosigned by one that was ended, or under a key before, counts no more.
_COSIGNED = f"""
select {_POINT} from checkpoint c where c.size >= $1
    and exists (
        select from cosignature k join witness w on w.name = k.witness
        where (k.seal_epoch, k.size) = (c.seal_epoch, c.size)
            and split_part(w.body->>'key', '+', 2) = encode(k.key_id, 'hex')
    )
order by c.seal_epoch desc, c.size desc limit 1
"""  # noqa: S608  the same
_ONE = f"select {_POINT} from checkpoint c where (c.seal_epoch, c.size) = ($1, $2)"  # noqa: S608  the same

_KEEP_ROOTS = """
insert into tile (number, root) select $1 + n - 1, root from unnest($2::bytea[]) with ordinality as u (root, n)
on conflict (number) do update set root = excluded.root where tile.root <> excluded.root
"""

_COSIGN = """
insert into cosignature (seal_epoch, size, witness, key_id, at, signature) values ($1, $2, $3, $4, $5, $6)
on conflict do nothing
"""

# A witness is late by the oldest checkpoint after the newest one that it cosigned.
_NOW = """
select w.body, k.size, k.at, (
    select c.at from checkpoint c
    where (c.seal_epoch, c.size) > (coalesce(k.seal_epoch, 0), coalesce(k.size, 0)) order by c.seal_epoch, c.size limit 1
) as waits
from witness w left join lateral (
    select seal_epoch, size, at from cosignature where witness = w.name order by seal_epoch desc, size desc limit 1
) k on true
order by w.name
"""


async def watched(connection: asyncpg.Connection) -> Sequence[WitnessNow]:
    """The witnesses, by name, with how far each one is."""
    return [
        WitnessNow(
            cosigner=_cosigner(row["body"]),
            size=row["size"],
            at=None if row["at"] is None else row["at"] * SECOND,
            waits=row["waits"],
        )
        for row in await connection.fetch(_NOW)
    ]


@dataclass(frozen=True)
class PostgresPublished:
    """What is kept of the log for the public, and its witnesses."""

    db: Database

    async def place(self, event: str) -> tuple[int, bytes]:
        """Where an event is in the tree, and its leaf; raises NotFound."""
        try:
            async with self.db.reading() as connection:
                row = await connection.fetchrow("select position, leaf from sealed where event = $1::text::uuid", event)
        except BadInput as wrong:  # no UUID at all
            raise not_there("sealed event", event) from wrong
        if row is None:
            raise not_there("sealed event", event)
        return row["position"], row["leaf"]

    async def newest_point(self, least: int, *, cosigned: bool = False) -> Checkpoint | None:
        """The newest checkpoint of at least that size."""
        async with self.db.reading() as connection:
            return _point(await connection.fetchrow(_COSIGNED if cosigned else _NEWEST, least))

    async def point(self, epoch: int, size: int) -> Checkpoint | None:
        """One checkpoint."""
        async with self.db.reading() as connection:
            return _point(await connection.fetchrow(_ONE, epoch, size))

    async def roots(self, first: int, most: int) -> Sequence[bytes]:
        """The roots of whole tiles from that number on, as far as they follow on one another."""
        async with self.db.reading() as connection:
            rows = await connection.fetch(
                "select number, root from tile where number >= $1 order by number limit $2", first, most
            )
        return [row["root"] for place, row in enumerate(rows, first) if row["number"] == place]

    async def keep_roots(self, first: int, roots: Sequence[bytes]) -> None:
        """Keep them; they follow from the leaves, and what stood in their place does not count."""
        async with self.db.reading() as connection:
            await connection.execute(_KEEP_ROOTS, first, list(roots))

    async def cosigners(self) -> Sequence[Cosigner]:
        """The witnesses, by name."""
        async with self.db.reading() as connection:
            return [_cosigner(row["body"]) for row in await connection.fetch("select body from witness order by name")]

    async def watched(self) -> Sequence[WitnessNow]:
        """The witnesses, by name, with how far each one is."""
        async with self.db.reading() as connection:
            return await watched(connection)

    async def enter_cosigner(self, cosigner: Cosigner, event: Event) -> None:
        """Enter a witness, or change its entry, with its event."""
        async with self.db.writing() as connection:
            await connection.execute(
                "insert into witness values ($1, $2) on conflict (name) do update set body = excluded.body",
                cosigner.name,
                encode(cosigner).decode(),
            )
            await log.append(connection, [event])
        self.db.notices.ring(EVENT)

    async def end_cosigner(self, name: str, event: Event) -> None:
        """Wait for that witness no more; raises NotFound."""
        async with self.db.writing() as connection:
            if await connection.execute("delete from witness where name = $1", name) != "DELETE 1":
                raise not_there("witness", name)
            await log.append(connection, [event])
        self.db.notices.ring(EVENT)

    async def cosign(self, point: Checkpoint, given: Cosignature) -> None:
        """Keep what a witness says of a checkpoint; what it said before stays."""
        async with self.db.writing() as connection:
            await connection.execute(
                _COSIGN, point.epoch, point.size, given.witness, given.key_id, given.at, given.signature
            )

    async def cosignatures(self, point: Checkpoint) -> Sequence[Cosignature]:
        """What witnesses say of a checkpoint, by their names."""
        async with self.db.reading() as connection:
            rows = await connection.fetch(
                "select witness, key_id, at, signature from cosignature where (seal_epoch, size) = ($1, $2) order by witness",
                point.epoch,
                point.size,
            )
        return [Cosignature(**row) for row in rows]


def _point(row: asyncpg.Record | None) -> Checkpoint | None:
    return None if row is None else Checkpoint(**row)
