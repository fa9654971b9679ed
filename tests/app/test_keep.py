"""The keeper seals while it can, and goes on with all else when it can't."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from tutela.app import keep
from tutela.app.core import Core
from tutela.app.settings import settings


class Said(logging.Handler):
    """Sets an event at the second thing that is said."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.twice = asyncio.Event()

    def emit(self, record: logging.LogRecord) -> None:
        self.words.append(record.getMessage())
        if len(self.words) == 2:
            self.twice.set()


async def without_a_key(data: Path) -> list[str]:
    """What is said meanwhile."""
    said, stop = Said(), asyncio.Event()
    logging.getLogger(keep.__name__).addHandler(said)
    inside = cast("Core", SimpleNamespace(settings=settings(data)))

    sealing = asyncio.create_task(keep.seal(inside, "one", stop))
    await asyncio.wait_for(said.twice.wait(), 10)
    stop.set()
    await sealing

    logging.getLogger(keep.__name__).removeHandler(said)
    return said.words


def test_a_lost_key_stops_the_sealing_alone_and_is_told_again_and_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keep, "AGAIN", 0)

    said = asyncio.run(without_a_key(tmp_path))

    assert all("the log's key" in words and "is gone" in words for words in said)
    assert not list(tmp_path.iterdir())
