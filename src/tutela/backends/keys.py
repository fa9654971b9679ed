"""Bucket keys: one data key at a time for each bucket, wrapped under the root key (AES-KW, RFC 3394).

Destroying a data key erases all that it sealed, in every copy and backup of the data; what comes later gets a new key.
The root key is a file beside the database and must be backed up apart from it.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

from tutela.backends.envelope import close, disclose, erased, keyed, new_key, no_key
from tutela.backends.key_file import keep, secret
from tutela.backends.postgres.database import Database
from tutela.backends.tombstones import Tombstones, shred
from tutela.errors import Broken
from tutela.model.backup import Tombstone
from tutela.model.retention import BucketKey

ROOT = 32
"""Bytes of the root key."""

FRESH = 60.0
"""Seconds for which a key is used without asking: within this time a destroyed key is forgotten everywhere."""

_ROW = "select id, bucket, wrapped, destroyed_at from bucket_key "


def root_key(path: Path) -> bytes:
    """The root key, which is made at the first call; raises Broken when others can read it, or it is damaged."""
    if not path.exists():
        keep(path, secrets.token_bytes(ROOT))
    return secret(path, "the root key", ROOT)


@dataclass(frozen=True, slots=True)
class _Held:
    id: str
    bucket: str
    data_key: bytes
    read_at: float


@dataclass
class Keys:
    """The keys of all buckets, in the table `bucket_key`. `clock` gives the time of destruction (microseconds).

    `tombstones` remembers what was destroyed, whatever backup the table is restored from.
    """

    db: Database
    root: bytes
    clock: Callable[[], int]
    monotonic: Callable[[], float] = time.monotonic
    tombstones: Tombstones | None = None
    _held: dict[str, _Held] = field(default_factory=dict)
    _of: dict[str, str] = field(default_factory=dict)

    async def seal(self, bucket: str, plain: bytes) -> tuple[str, bytes]:
        """The id of the bucket's key, and the sealed bytes."""
        held = self._fresh(self._of.get(bucket)) or await self._made(bucket)
        return held.id, close(held.data_key, bucket, plain)

    async def open(self, key: str, sealed: bytes) -> bytes:
        """The plain bytes; raises NotFound, Refused when they were erased, Broken when they were altered."""
        held = self._fresh(key) or await self._found(key)
        return disclose(held.data_key, held.bucket, sealed)

    def keyed(self, body: bytes) -> bytes:
        """The digest that this body has in this install; who lacks its root key can neither make nor check it."""
        return keyed(self.root, body)

    async def destroy(self, key: str) -> None:
        """Erase all that this key sealed. Destroying twice keeps the first date.

        What another process seals with it before it has forgotten it (FRESH) is erased too: a bucket that is still
        being filled loses that minute.
        """
        async with self.db.reading() as connection:
            row = await connection.fetchrow(_ROW + "where id = $1", key)
            if row is None:
                raise no_key(key)
            at = self.clock()
            if self.tombstones and row["wrapped"] is not None:
                await self.tombstones.add([Tombstone(key=key, at=at)])
            await connection.execute(
                "update bucket_key set wrapped = null, destroyed_at = coalesce(destroyed_at, $2) where id = $1", key, at
            )
        self._held.pop(key, None)

    async def in_use(self) -> Sequence[BucketKey]:
        """The keys that are in use."""
        return await self._those("wrapped is not null")

    async def gone(self) -> Sequence[BucketKey]:
        """Those that were destroyed, the first one first."""
        return await self._those("wrapped is null order by destroyed_at, id")

    async def _those(self, which: str) -> Sequence[BucketKey]:
        async with self.db.reading() as connection:
            rows = await connection.fetch(f"select id, bucket, at, destroyed_at from bucket_key where {which}")  # noqa: S608  words of ours
        return [BucketKey(**row) for row in rows]

    async def shred(self) -> None:
        """What was destroyed leaves the table's file too."""
        await shred(self.db)

    async def fits(self) -> None:
        """Raise Broken when the root key is not the one that these keys are wrapped under."""
        async with self.db.reading() as connection:
            row = await connection.fetchrow(_ROW + "where wrapped is not null limit 1")
        if row is not None:
            self._keep(row)

    def _fresh(self, key: str | None) -> _Held | None:
        held = self._held.get(key) if key else None
        return held if held and self.monotonic() - held.read_at < FRESH else None

    async def _made(self, bucket: str) -> _Held:
        """The key of a bucket, made when none is in use: whoever comes first, all get the same one."""
        async with self.db.reading() as connection:
            while (
                row := await connection.fetchrow(_ROW + "where bucket = $1 and wrapped is not null", bucket)
            ) is None:
                await connection.execute(
                    "insert into bucket_key (id, bucket, wrapped, at) values ($1, $2, $3, $4) on conflict do nothing",
                    secrets.token_hex(8),
                    bucket,
                    aes_key_wrap(self.root, new_key()),
                    self.clock(),
                )
        return self._keep(row)

    async def _found(self, key: str) -> _Held:
        async with self.db.reading() as connection:
            row = await connection.fetchrow(_ROW + "where id = $1", key)
        if row is None:
            raise no_key(key)
        return self._keep(row)

    def _keep(self, row: asyncpg.Record) -> _Held:
        if row["wrapped"] is None:
            raise erased(row["bucket"], row["destroyed_at"])
        try:
            data_key = aes_key_unwrap(self.root, row["wrapped"])
        except InvalidUnwrap as wrong:
            raise Broken(
                f"the root key does not open the key of the bucket {row['bucket']!r}; restore the root key of this install"
            ) from wrong
        held = _Held(row["id"], row["bucket"], data_key, self.monotonic())
        self._forget()
        self._held[held.id], self._of[held.bucket] = held, held.id
        return held

    def _forget(self) -> None:
        """Drop what is no longer fresh: keys stay in memory no longer than they are of use."""
        self._held = {key: held for key, held in self._held.items() if self._fresh(key)}
        self._of = {held.bucket: key for key, held in self._held.items()}
