"""The witness' file keeps whole lines only; the key is made once and is its owner's alone."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tutela.backends import checkpoints
from tutela.backends.checkpoints import Checkpoints, Key, settle, verifier
from tutela.errors import BadInput, Broken, EngineDown, NotFound, StorageFull

ORIGIN = "helsinki.example/log"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deeper" / "checkpoints.jsonl"


async def all_lines(path: Path) -> list[bytes]:
    return [line async for line in Checkpoints(path).lines()]


async def test_lines_come_back_in_their_order(path: Path) -> None:
    kept = Checkpoints(path)
    assert await kept.last() is None
    assert await all_lines(path) == []

    for number in range(3):
        await kept.append(b"line %d" % number)

    assert await all_lines(path) == [b"line 0", b"line 1", b"line 2"]
    assert await kept.last() == b"line 2"


async def test_a_line_that_was_cut_off_was_never_there(path: Path) -> None:
    kept = Checkpoints(path)
    await kept.append(b"whole")
    with path.open("ab") as file:
        file.write(b"torn off")

    assert await kept.last() == b"whole"
    assert await all_lines(path) == [b"whole"]
    await kept.append(b"next")
    assert await all_lines(path) == [b"whole", b"next"]


def test_a_file_of_one_torn_line_is_empty(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"torn off")

    assert asyncio.run(Checkpoints(path).last()) is None
    asyncio.run(Checkpoints(path).append(b"first"))
    assert path.read_bytes() == b"first\n"


async def test_long_lines_are_read_piece_by_piece(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoints, "CHUNK", 10)
    kept = Checkpoints(path)
    wanted = [bytes([number]) * (7 * number) for number in range(65, 75)]
    for line in wanted:
        await kept.append(line)

    assert await kept.last() == wanted[-1]
    assert await all_lines(path) == wanted


async def test_lines_that_come_while_reading_are_left_for_the_next_time(path: Path) -> None:
    kept = Checkpoints(path)
    await kept.append(b"one")
    found = []
    async for line in kept.lines():
        found.append(line)
        await kept.append(b"later")

    assert found == [b"one"]


async def test_a_line_feed_within_a_line_is_refused(path: Path) -> None:
    with pytest.raises(BadInput, match="line feed"):
        await Checkpoints(path).append(b"a\nb")


def test_a_full_disk_is_told_as_one_and_a_later_line_is_kept(path: Path) -> None:
    path.parent.mkdir()
    path.symlink_to("/dev/full")

    with pytest.raises(StorageFull, match="no room for the witness"):
        asyncio.run(Checkpoints(path).append(b"line"))

    path.unlink()
    asyncio.run(Checkpoints(path).append(b"line"))
    assert asyncio.run(all_lines(path)) == [b"line"]


def test_a_disk_that_fails_is_told_as_an_engine_that_is_down(path: Path) -> None:
    path.mkdir(parents=True)

    with pytest.raises(EngineDown, match="can't be read or written"):
        asyncio.run(Checkpoints(path).append(b"line"))


@pytest.fixture
def where(tmp_path: Path) -> Path:
    """Where the key is; a folder that only the keys are in."""
    return tmp_path / "deeper" / "log.key"


def settled(where: Path, *, signed: bool = False) -> Key:
    settle(where, where.with_suffix(".pub"), ORIGIN, signed=signed)
    return Key(where)


def test_a_key_is_made_once_and_read_by_its_owner_alone(where: Path) -> None:
    first, second = settled(where), settled(where, signed=True)

    assert first.public == second.public
    assert where.stat().st_mode & 0o777 == 0o600
    assert sorted(entry.name for entry in where.parent.iterdir()) == ["log.key", "log.pub"]


def test_reading_a_key_makes_none(where: Path) -> None:
    with pytest.raises(Broken, match="is gone"):
        Key(where)

    assert not where.parent.exists()


@pytest.mark.parametrize("left", ["witness", "public key"])
def test_a_key_that_was_lost_is_not_replaced(where: Path, left: str) -> None:
    settled(where)
    where.unlink()
    if left == "witness":
        where.with_suffix(".pub").unlink()

    with pytest.raises(Broken, match="restore it from its backup"):
        settled(where, signed=left == "witness")

    assert not where.exists()


def test_a_key_that_others_can_read_is_refused(where: Path) -> None:
    settled(where)
    where.chmod(0o640)

    with pytest.raises(Broken, match="chmod 600"):
        Key(where)


def test_a_key_that_was_cut_short_is_refused(where: Path) -> None:
    settled(where)
    where.write_bytes(b"short")

    with pytest.raises(Broken, match="5 bytes, not 32"):
        Key(where)


def test_a_public_key_of_another_log_is_found_out(where: Path, tmp_path: Path) -> None:
    settled(where)
    settled(tmp_path / "other" / "log.key")
    (tmp_path / "other" / "log.pub").replace(where.with_suffix(".pub"))

    with pytest.raises(Broken, match="does not belong"):
        settled(where)


def test_only_the_keys_own_signature_verifies(where: Path, tmp_path: Path) -> None:
    key, other = settled(where), settled(tmp_path / "other" / "log.key")
    genuine = verifier(where.with_suffix(".pub"))

    assert genuine(key.sign(b"text"), b"text")
    assert not genuine(key.sign(b"text"), b"another")
    assert not genuine(other.sign(b"text"), b"text")
    assert not genuine(b"", b"text")


def test_nothing_is_verified_without_a_public_key(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="log's public key"):
        verifier(tmp_path / "log.pub")

    (tmp_path / "log.pub").write_bytes(b"\xff\x00")
    with pytest.raises(BadInput, match="no public key of a log"):
        verifier(tmp_path / "log.pub")
