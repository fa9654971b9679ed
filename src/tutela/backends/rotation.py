"""Another root key, while everything goes on: all keys of buckets are wrapped under it, in batches, and nothing is lost on the way.

The row of the bucket IDS says which root key is the one in force: whoever makes a key looks at it under a lock that the switch takes for
itself alone. So no key is wrapped under the old one after the switch, and each is in the reach of whoever reads: all root keys lie side
by side until nothing is wrapped under the old one any more. It can be killed anywhere, and goes on where it was when it is begun again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.keywrap import aes_key_wrap

from tutela.backends import ring
from tutela.backends.keys import IDS, SWITCH, Keys
from tutela.backends.postgres.database import Database

BATCH = 500
"""Keys that are wrapped anew in one transaction."""

_SOME = "select id, wrapped from bucket_key where wrapped is not null and id > $1 order by id limit $2"
# What was destroyed meanwhile stays destroyed: only the row that was read is written.
_ANEW = """
update bucket_key k set wrapped = n.after
from unnest($1::text[], $2::bytea[], $3::bytea[]) as n (id, before, after) where k.id = n.id and k.wrapped = n.before
"""


@dataclass(frozen=True, slots=True)
class Rotation:
    """One rotation, or the rest of one. `said` hears of each step before it is taken."""

    folder: Path
    db: Database
    keys: Keys
    said: Callable[[str], object]

    async def wrap(self) -> tuple[str, str, int]:
        """Wrap everything under the next root key: what the old one and the new one are called, and how many keys there are.

        The next root key is made if there is none. All are readable before, meanwhile and after.
        """
        self.said("making the next root key")
        new = await asyncio.to_thread(ring.root_key, self.folder / ring.NEXT)
        old = await asyncio.to_thread(ring.root_key, self.folder / ring.CURRENT)
        await self.keys.reload()
        self.said("keeping the key of ids")
        await self.keys.keep_ids()
        self.said("switching to the next root key")
        async with self.db.writing() as connection:
            await connection.execute("select pg_advisory_xact_lock($1)", SWITCH)
            row = await connection.fetchrow("select id, wrapped from bucket_key where bucket = $1", IDS)
            await connection.execute(
                "update bucket_key set wrapped = $2 where id = $1", row["id"], self._anew(new, row["wrapped"])
            )
        count = await self._all(new)
        return ring.name_of(old), ring.name_of(new), count

    async def settle(self) -> None:
        """The next root key is the current one; what was destroyed, and how keys were wrapped, leaves the table's file."""
        self.said("clearing the table of keys")
        await self.keys.shred()
        self.said("putting the root keys in their places")
        await asyncio.to_thread(ring.advance, self.folder)

    async def _all(self, new: bytes) -> int:
        count, after = 0, ""
        while True:
            self.said(f"{count:,} keys are wrapped under it")
            async with self.db.writing() as connection:
                rows = await connection.fetch(_SOME, after, BATCH)
                if not rows:
                    return count
                anew = [(row["id"], row["wrapped"], self._anew(new, row["wrapped"])) for row in rows]
                await connection.execute(_ANEW, *(list(column) for column in zip(*anew, strict=True)))
            count, after = count + len(rows), rows[-1]["id"]

    def _anew(self, new: bytes, wrapped: bytes) -> bytes:
        """The same key under the new root key. Wrapping is the same each time, so what is wrapped so already stays."""
        return aes_key_wrap(new, self.keys.unwrapped(wrapped)[1])
