"""Bucket keys: one key for each bucket, nothing readable without it, and nothing at all once it is destroyed."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tutela.backends.keys import FRESH, Keys
from tutela.backends.memory_keys import MemoryKeys
from tutela.backends.migrate import migrate
from tutela.backends.postgres.database import Database
from tutela.backends.postgres.facts import PostgresFacts
from tutela.backends.ring import root_key
from tutela.errors import Broken, NotFound, Refused
from tutela.flow.ports import Keys as KeysPort

BUCKET = "emergency-response/call/2026-11-25"
PLAIN = b"my neighbour fell"
ROOT = bytes(range(32))
THEN = 1_795_593_600_000_000


@pytest.fixture
async def keys(dsn: str) -> AsyncIterator[KeysPort]:
    """The keys of both engines."""
    if not dsn:
        yield MemoryKeys(lambda: THEN)
        return
    await migrate(dsn, 1)
    db = await Database.open(dsn)
    yield Keys(db, ROOT, lambda: THEN)
    await db.close()


async def test_what_is_sealed_opens_again_and_looks_like_nothing(keys: KeysPort) -> None:
    key, sealed = await keys.seal(BUCKET, PLAIN)
    again, other = await keys.seal(BUCKET, PLAIN)

    assert await keys.open(key, sealed) == PLAIN == await keys.open(again, other)
    assert key == again
    assert sealed != other
    assert PLAIN not in sealed
    assert len(sealed) == 12 + len(PLAIN) + 16


async def test_each_bucket_has_a_key_of_its_own(keys: KeysPort) -> None:
    key, sealed = await keys.seal(BUCKET, PLAIN)
    other, _ = await keys.seal("traffic/positions/2026-11-25", PLAIN)

    assert key != other
    with pytest.raises(Broken, match="was altered or belongs to another one"):
        await keys.open(other, sealed)


@pytest.mark.parametrize("spoilt", [b"", b"short", b"x" * 40])
async def test_an_altered_body_is_noticed(keys: KeysPort, spoilt: bytes) -> None:
    key, sealed = await keys.seal(BUCKET, PLAIN)

    for body in (spoilt, sealed[:-1] + bytes([sealed[-1] ^ 1]), bytes([sealed[0] ^ 1]) + sealed[1:]):
        with pytest.raises(Broken, match="tutela verify"):
            await keys.open(key, body)


async def test_destroying_a_key_erases_all_that_it_sealed_for_ever(keys: KeysPort) -> None:
    key, sealed = await keys.seal(BUCKET, PLAIN)
    kept, other = await keys.seal("another", PLAIN)
    await keys.destroy(key)
    await keys.destroy(key)

    with pytest.raises(Refused, match="was erased on 2026-11-25") as wrong:
        await keys.open(key, sealed)
    assert wrong.value.policy == "erased"
    assert await keys.open(kept, other) == PLAIN


async def test_an_erased_bucket_gets_a_new_key_for_what_comes_later(keys: KeysPort) -> None:
    erased = []
    for _ in range(3):
        key, sealed = await keys.seal(BUCKET, PLAIN)
        assert (await keys.seal(BUCKET, PLAIN))[0] == key
        await keys.destroy(key)
        erased.append((key, sealed))

    key, sealed = await keys.seal(BUCKET, b"another fell")

    assert await keys.open(key, sealed) == b"another fell"
    assert len({key, *(old for old, _ in erased)}) == 4
    for old, body in erased:
        with pytest.raises(Refused, match="was erased"):
            await keys.open(old, body)
        with pytest.raises(Broken):
            await keys.open(key, body)


async def test_a_keyed_digest_is_the_same_for_ever_and_another_one_of_another_body(keys: KeysPort) -> None:
    assert keys.keyed(PLAIN) == keys.keyed(PLAIN)
    assert len({keys.keyed(body) for body in (PLAIN, PLAIN + b"!", b"")}) == 3


def test_the_same_root_key_gives_the_same_digests_whatever_else_was_lost(tmp_path: Path) -> None:
    """As after a restore: it brings the root key, and another process has nothing but that."""
    before = MemoryKeys(root=root_key(tmp_path / "root.key")).keyed(PLAIN)

    assert MemoryKeys(root=root_key(tmp_path / "root.key")).keyed(PLAIN) == before
    assert MemoryKeys(root=ROOT).keyed(PLAIN) != before
    # worked out as RFC 5869 and RFC 2104 tell, so that no later version makes other ids of what was told
    key = hmac.digest(hmac.digest(bytes(32), ROOT, "sha256"), b"tutela: ids of what people told, 1\x01", "sha256")
    assert MemoryKeys(root=ROOT).keyed(PLAIN) == hmac.digest(key, PLAIN, "sha256")


async def test_a_key_that_is_not_there_says_so(keys: KeysPort) -> None:
    with pytest.raises(NotFound, match="there is no key 'k9'"):
        await keys.open("k9", b"")
    with pytest.raises(NotFound):
        await keys.destroy("k9")


@pytest.mark.integration
async def test_many_processes_agree_on_one_key(pg_facts: PostgresFacts) -> None:
    many = [Keys(pg_facts.db, ROOT, lambda: THEN) for _ in range(8)]
    sealed = await asyncio.gather(*(keys.seal(BUCKET, b"%d" % n) for n, keys in enumerate(many)))

    assert len({key for key, _ in sealed}) == 1
    assert [await many[-1 - n].open(*body) for n, body in enumerate(sealed)] == [b"%d" % n for n in range(8)]


@pytest.mark.integration
async def test_a_destroyed_key_is_forgotten_by_every_process_within_a_minute(pg_facts: PostgresFacts) -> None:
    now = 0.0
    here = Keys(pg_facts.db, ROOT, lambda: THEN)
    there = Keys(pg_facts.db, ROOT, lambda: THEN, monotonic=lambda: now)
    key, sealed = await there.seal(BUCKET, PLAIN)
    await here.destroy(key)

    assert await there.open(key, sealed) == PLAIN
    now += FRESH
    with pytest.raises(Refused, match="was erased"):
        await there.open(key, sealed)
    new, later = await there.seal(BUCKET, PLAIN)
    assert new != key
    assert await here.open(new, later) == PLAIN


@pytest.mark.integration
async def test_many_processes_agree_on_the_new_key_of_an_erased_bucket(pg_facts: PostgresFacts) -> None:
    key, _ = await Keys(pg_facts.db, ROOT, lambda: THEN).seal(BUCKET, PLAIN)
    await Keys(pg_facts.db, ROOT, lambda: THEN).destroy(key)

    many = [Keys(pg_facts.db, ROOT, lambda: THEN) for _ in range(8)]
    sealed = await asyncio.gather(*(keys.seal(BUCKET, PLAIN) for keys in many))

    assert len({new for new, _ in sealed} - {key}) == 1
    assert key not in {new for new, _ in sealed}


@pytest.mark.integration
async def test_a_destroyed_key_leaves_the_file_of_its_table_too(pg_facts: PostgresFacts) -> None:
    keys = Keys(pg_facts.db, ROOT, lambda: THEN)
    key, _ = await keys.seal(BUCKET, PLAIN)
    kept, sealed = await keys.seal("another", PLAIN)

    async def held(what: bytes) -> bool:
        async with pg_facts.db.reading() as connection:
            await connection.execute("checkpoint")
            file: bytes = await connection.fetchval("select pg_read_binary_file(pg_relation_filepath('bucket_key'))")
        return what in file

    async with pg_facts.db.reading() as connection:
        wrapped = await connection.fetchval("select wrapped from bucket_key where id = $1", key)
        other = await connection.fetchval("select wrapped from bucket_key where id = $1", kept)
    await keys.destroy(key)
    assert await held(wrapped)
    await keys.shred()

    assert not await held(wrapped)
    assert await held(other)
    assert await keys.open(kept, sealed) == PLAIN


@pytest.mark.integration
async def test_the_database_alone_opens_nothing(pg_facts: PostgresFacts) -> None:
    key, sealed = await Keys(pg_facts.db, ROOT, lambda: THEN).seal(BUCKET, PLAIN)

    with pytest.raises(Broken, match="restore the root key"):
        await Keys(pg_facts.db, bytes(32), lambda: THEN).open(key, sealed)


def test_the_root_key_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "root.key"
    with ThreadPoolExecutor(8) as many:
        made = list(many.map(root_key, [path] * 8))

    assert len(set(made)) == 1
    assert len(made[0]) == 32
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_root_key_that_others_can_read_or_that_is_damaged_stops_the_start(tmp_path: Path) -> None:
    path = tmp_path / "root.key"
    root_key(path)
    path.chmod(0o640)
    with pytest.raises(Broken, match="chmod 600"):
        root_key(path)

    path.chmod(0o600)
    path.write_bytes(b"short")
    with pytest.raises(Broken, match="has 5 bytes, not 32"):
        root_key(path)
