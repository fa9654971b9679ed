"""The witness' file keeps whole lines only; the key is made once and is its owner's alone."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tutela.backends import checkpoints
from tutela.backends.checkpoints import Checkpoints, Key, Verifier
from tutela.errors import BadInput


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


def test_a_key_is_made_once_and_read_by_its_owner_alone(tmp_path: Path) -> None:
    where = tmp_path / "deeper" / "log.key"

    first, second = Key(where), Key(where)

    assert first.public == second.public
    assert where.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in where.parent.iterdir()] == ["log.key"]


def test_only_the_keys_own_signature_verifies(tmp_path: Path) -> None:
    key, other = Key(tmp_path / "one"), Key(tmp_path / "other")
    genuine = Verifier(key.public)

    assert genuine(key.sign(b"text"), b"text")
    assert not genuine(key.sign(b"text"), b"another")
    assert not genuine(other.sign(b"text"), b"text")
    assert not genuine(b"", b"text")
