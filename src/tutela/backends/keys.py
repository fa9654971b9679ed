"""Bucket keys: one data key at a time for each bucket, wrapped under the root key (AES-KW, RFC 3394).

Destroying a data key erases all that it sealed, in every copy and backup of the data; what comes later gets a new key.
The root key is a file beside the database and must be backed up apart from it. Another one can take its place (`rotation.py`); the key that
ids are made with stays the same then, in a bucket of its own, which tells by its wrapping which root key is in force.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import asyncpg
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

from tutela.backends.envelope import close, disclose, erased, ids_key, keyed, new_key, no_key
from tutela.backends.postgres.database import Database
from tutela.backends.tombstones import Tombstones, shred
from tutela.errors import Broken
from tutela.model.backup import Tombstone
from tutela.model.retention import BucketKey

IDS = "install/ids"
"""The bucket of the key that ids are made with, once the root key was another one."""

SWITCH = 7_498_353_081_642_916
"""An advisory lock: shared by whoever makes a key, held alone by whoever switches to another root key."""

FRESH = 60.0
"""Seconds for which a key is used without asking: within this time a destroyed key is forgotten everywhere."""

_ROW = "select id, bucket, wrapped, destroyed_at from bucket_key "
_MAKE = "insert into bucket_key (id, bucket, wrapped, at) values ($1, $2, $3, $4) on conflict do nothing"


@dataclass(frozen=True, slots=True)
class _Held:
    id: str
    bucket: str
    data_key: bytes
    read_at: float


@dataclass
class Keys:
    """The keys of all buckets, in the table `bucket_key`. `clock` gives the time of destruction (microseconds).

    `tombstones` remembers what was destroyed, whatever backup the table is restored from. `others` gives all root keys that there are
    now: it is asked when none that is known opens a key.
    """

    db: Database
    root: bytes
    clock: Callable[[], int]
    monotonic: Callable[[], float] = time.monotonic
    tombstones: Tombstones | None = None
    others: Callable[[], Mapping[str, bytes]] = dict
    _roots: list[bytes] = field(default_factory=list)
    _ids: bytes = b""
    _held: dict[str, _Held] = field(default_factory=dict)
    _of: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._roots, self._ids = [self.root], ids_key(self.root)

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
        return keyed(self._ids, body)

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

    async def fits(self) -> bytes:
        """The root key in force; raises Broken when there is none that these keys are wrapped under. The key of ids is known then."""
        row = await self._one(_ROW + "where wrapped is not null order by bucket = $1 desc limit 1", IDS)
        if row is None:
            return self.root
        root, key = await self._unwrapped(row)
        self._ids = key if row["bucket"] == IDS else ids_key(root)
        return root

    async def settle(self) -> None:
        """Know the key of ids. A lost root key keeps nobody from verifying the log: who opens or makes a key is told of it."""
        with suppress(Broken):
            await self.fits()

    # ── another root key ────────────────────────────────────────────────────────────────────────
    async def reload(self) -> None:
        """Know all root keys that there are now."""
        self._roots = [*dict.fromkeys([*(await asyncio.to_thread(self.others)).values(), self.root])]

    async def keep_ids(self) -> None:
        """The key of ids lies in a bucket of its own from now on, so that the root key can be another one."""
        await self.fits()
        async with self.db.writing() as connection:
            await connection.execute("select pg_advisory_xact_lock_shared($1)", SWITCH)
            root = await self._in_force(connection)
            await connection.execute(_MAKE, secrets.token_hex(8), IDS, aes_key_wrap(root, self._ids), self.clock())

    async def under(self, root: bytes) -> int:
        """How many keys that root key opens."""
        async with self.db.reading() as connection:
            rows = await connection.fetch("select wrapped from bucket_key where wrapped is not null")
        return sum(_opened(root, row["wrapped"]) is not None for row in rows)

    def unwrapped(self, wrapped: bytes) -> tuple[bytes, bytes]:
        """The root key that a key is wrapped under, of those that are known, and the key; raises Broken."""
        for root in self._roots:
            key = _opened(root, wrapped)
            if key is not None:
                return root, key
        raise Broken("no root key opens the key of a bucket; restore the root key of this install")

    async def _in_force(self, connection: asyncpg.Connection) -> bytes:
        """The root key under which keys are wrapped now."""
        row = await connection.fetchrow(_ROW + "where bucket = $1 and wrapped is not null", IDS)
        return self.root if row is None else (await self._unwrapped(row))[0]

    async def _unwrapped(self, row: asyncpg.Record) -> tuple[bytes, bytes]:
        try:
            return self.unwrapped(row["wrapped"])
        except Broken:
            await self.reload()
        try:
            return self.unwrapped(row["wrapped"])
        except Broken as wrong:
            raise Broken(
                f"the root key does not open the key of the bucket {row['bucket']!r}; restore the root key of this install"
            ) from wrong

    async def _one(self, query: str, *words: str) -> asyncpg.Record | None:
        async with self.db.reading() as connection:
            return await connection.fetchrow(query, *words)

    def _fresh(self, key: str | None) -> _Held | None:
        held = self._held.get(key) if key else None
        return held if held and self.monotonic() - held.read_at < FRESH else None

    async def _made(self, bucket: str) -> _Held:
        """The key of a bucket, made when none is in use: whoever comes first, all get the same one."""
        used = _ROW + "where bucket = $1 and wrapped is not null"
        while (row := await self._one(used, bucket)) is None:
            async with self.db.writing() as connection:
                await connection.execute("select pg_advisory_xact_lock_shared($1)", SWITCH)
                wrapped = aes_key_wrap(await self._in_force(connection), new_key())
                await connection.execute(_MAKE, secrets.token_hex(8), bucket, wrapped, self.clock())
        return await self._keep(row)

    async def _found(self, key: str) -> _Held:
        row = await self._one(_ROW + "where id = $1", key)
        if row is None:
            raise no_key(key)
        return await self._keep(row)

    async def _keep(self, row: asyncpg.Record) -> _Held:
        if row["wrapped"] is None:
            raise erased(row["bucket"], row["destroyed_at"])
        held = _Held(row["id"], row["bucket"], (await self._unwrapped(row))[1], self.monotonic())
        self._forget()
        self._held[held.id], self._of[held.bucket] = held, held.id
        return held

    def _forget(self) -> None:
        """Drop what is no longer fresh: keys stay in memory no longer than they are of use."""
        self._held = {key: held for key, held in self._held.items() if self._fresh(key)}
        self._of = {held.bucket: key for key, held in self._held.items()}


def _opened(root: bytes, wrapped: bytes) -> bytes | None:
    try:
        return aes_key_unwrap(root, wrapped)
    except InvalidUnwrap:
        return None
