"""The supervisor's look at its disks never stops what it looks after."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from tutela.app import gauging
from tutela.app.gauging import Housekeeping
from tutela.backends.engines import Engines
from tutela.backends.metrics import Meters


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


async def looked(bad: Path) -> list[str]:
    """What is said meanwhile."""
    said = Said()
    logging.getLogger(gauging.__name__).addHandler(said)
    engines = cast("Engines", SimpleNamespace(places=SimpleNamespace(data=bad, postgres=bad)))

    looking = asyncio.create_task(Housekeeping(engines, Meters()).run())
    await asyncio.wait_for(said.twice.wait(), 10)
    assert not looking.done()
    looking.cancel()

    logging.getLogger(gauging.__name__).removeHandler(said)
    return said.words


def test_a_disk_that_can_not_be_looked_at_is_told_and_looked_at_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gauging, "EVERY", 0)

    said = asyncio.run(looked(tmp_path / ("x" * 300)))

    assert all("the disks can't be measured now" in words for words in said)
