"""What was destroyed is remembered outside of the database, and destroyed again in a database that came back."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tutela.backends.keys import Keys
from tutela.backends.migrate import migrate
from tutela.backends.postgres.database import Database
from tutela.backends.tombstones import Tombstones, destroy_again, destroyed, handed, read
from tutela.errors import BadInput, NotFound, Refused
from tutela.model.backup import Tombstone

ROOT = bytes(range(32))
BUCKET = "emergency-response/call/2026-11-25"
THEN = 1_795_593_600_000_000


def stone(key: str, at: int = THEN) -> Tombstone:
    return Tombstone(key=key, at=at)


async def test_the_first_end_of_a_key_counts(tmp_path: Path) -> None:
    list_ = Tombstones(tmp_path / "tombstones.jsonl")

    assert await list_.all() == {}
    await list_.add([stone("a"), stone("b")])
    await list_.add([stone("a", THEN + 1)])

    assert await list_.all() == {"a": THEN, "b": THEN}
    assert (tmp_path / "tombstones.jsonl").stat().st_mode & 0o077 == 0


async def test_a_line_that_a_crash_cut_off_is_cut_away_before_the_next(tmp_path: Path) -> None:
    path = tmp_path / "tombstones.jsonl"
    await Tombstones(path).add([stone("a")])
    with path.open("ab") as file:
        file.write(b'{"key":"half')

    assert await Tombstones(path).all() == {"a": THEN}
    await Tombstones(path).add([stone("b")])
    assert await Tombstones(path).all() == {"a": THEN, "b": THEN}


async def test_two_who_write_at_once_lose_nothing(tmp_path: Path) -> None:
    lists = [Tombstones(tmp_path / "tombstones.jsonl") for _ in range(4)]

    await asyncio.gather(*(list_.add([stone(f"{who}-{n}")]) for who, list_ in enumerate(lists) for n in range(25)))

    assert len(await lists[0].all()) == 100


def test_a_file_that_is_no_list_is_named_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "list"
    path.write_text('{"key":"a","at":1}\nnonsense\n')

    with pytest.raises(BadInput, match=r"list, line 2: this is no list of destroyed keys"):
        read(path)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "names no destroyed key; if nothing was erased"),
        ("\n", "names no destroyed key"),
        ('{"key":"a","at":1}\n{"key":"b","at":2}', "does not end with a line feed"),
    ],
)
def test_a_list_that_may_lack_something_is_not_taken_from_anybody(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "list"
    path.write_text(text)

    with pytest.raises(BadInput, match=says):
        handed(path)


def test_a_whole_list_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "list"
    path.write_text('{"key":"a","at":1}\n')

    assert handed(path) == {"a": 1}


@pytest.mark.integration
async def test_a_key_that_was_destroyed_is_destroyed_again_in_a_database_from_before(
    pg_dsn: str, tmp_path: Path
) -> None:
    await migrate(pg_dsn, 1)
    db = await Database.open(pg_dsn)
    list_ = Tombstones(tmp_path / "tombstones.jsonl")
    keys = Keys(db, ROOT, lambda: THEN, tombstones=list_)
    key, sealed = await keys.seal(BUCKET, b"canary")
    kept, other = await keys.seal("traffic/positions/2026-11-25", b"kept")
    async with db.reading() as connection:
        before = await connection.fetchval("select wrapped from bucket_key where id = $1", key)
        await keys.destroy(key)
        await keys.destroy(key)
        await connection.execute("update bucket_key set wrapped = $2, destroyed_at = null where id = $1", key, before)
    assert await Keys(db, ROOT, lambda: THEN).open(key, sealed) == b"canary"

    stones = await list_.all()
    assert [await destroy_again(db, {**stones, "never here": 1}) for _ in range(2)] == [1, 0]

    again = Keys(db, ROOT, lambda: THEN)
    assert stones == {key: THEN} == await destroyed(db)
    with pytest.raises(Refused, match="was erased"):
        await again.open(key, sealed)
    assert await again.open(kept, other) == b"kept"
    await db.close()


@pytest.mark.integration
async def test_a_key_that_never_was_leaves_no_stone(pg_dsn: str, tmp_path: Path) -> None:
    await migrate(pg_dsn, 1)
    db = await Database.open(pg_dsn)
    list_ = Tombstones(tmp_path / "tombstones.jsonl")

    with pytest.raises(NotFound):
        await Keys(db, ROOT, lambda: THEN, tombstones=list_).destroy("nobody")

    assert await list_.all() == {}
    await db.close()
