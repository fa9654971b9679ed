"""What waits beside the log is on the disk before it is answered, unreadable there, and in the order in which it came."""

from __future__ import annotations

import errno
import os
from itertools import count
from pathlib import Path

import pytest

from tutela.backends import spool
from tutela.backends.spool import SpoolFolder
from tutela.errors import EngineDown, StorageFull

ROOT = bytes(range(32))


def folder(path: Path, root: bytes = ROOT) -> SpoolFolder:
    return SpoolFolder(path / "spool", lambda: root, lambda: {"root": root}, clock=count(10).__next__)


async def test_what_is_put_waits_in_order_until_it_is_done_also_for_the_next_process(tmp_path: Path) -> None:
    here = folder(tmp_path)
    assert await here.waiting() == []
    for said in (b"one", b"two", b"three"):
        await here.put(said)
    (first, _), *_ = await here.waiting()
    await here.done(first)
    await here.done(first)

    assert [said for _, said in await folder(tmp_path).waiting()] == [b"two", b"three"]
    assert await here.count() == 2


async def test_nobody_reads_it_without_the_root_key(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    await folder(tmp_path).put(b"my neighbour's kitchen burns")

    (path,) = (tmp_path / "spool").iterdir()
    assert b"kitchen" not in path.read_bytes()
    assert path.stat().st_mode & 0o077 == 0
    assert await folder(tmp_path, bytes(32)).waiting() == []
    assert "was altered, or is of another instance" in caplog.text
    assert path.exists()


async def test_what_was_sealed_under_the_root_key_before_is_read_all_the_same(tmp_path: Path) -> None:
    await folder(tmp_path).put(b"one")
    after = SpoolFolder(tmp_path / "spool", lambda: bytes(32), lambda: {"new": bytes(32), "before": ROOT})
    await after.put(b"two")

    assert sorted(said for _, said in await after.waiting()) == [b"one", b"two"]


async def test_what_was_altered_keeps_nobody_else_waiting(tmp_path: Path) -> None:
    here = folder(tmp_path)
    await here.put(b"one")
    await here.put(b"two")
    path = min((tmp_path / "spool").iterdir())
    path.write_bytes(path.read_bytes()[:-1] + b"?")

    assert [said for _, said in await here.waiting()] == [b"two"]


@pytest.mark.parametrize(("number", "error"), [(errno.ENOSPC, StorageFull), (errno.EIO, EngineDown)])
async def test_a_disk_that_fails_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, error: type[EngineDown]
) -> None:
    def fails(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(spool, "keep", fails)
    with pytest.raises(error):
        await folder(tmp_path).put(b"one")
