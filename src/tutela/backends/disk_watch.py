"""Looks after the disks of an instance: says when one runs low, and throws off its ballast when it is full.

PostgreSQL ends itself when its disk has no room for what it must write first; with the ballast gone it comes back, and calls are taken.
As root its data lies elsewhere, maybe on another disk: each disk has a ballast of its own.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path

from tutela.backends.disk import Ballast, DiskState, Level, look
from tutela.backends.places import Places

log = logging.getLogger(__name__)

EVERY = 2.0
"""Seconds between two looks."""


class DiskWatch:
    """The disks that an instance writes on, each once. `facts`: whether PostgreSQL is ours. `states` is what was seen last."""

    def __init__(self, where: Places, *, facts: bool) -> None:
        self.ballasts: Sequence[Ballast] = [Ballast(where.ballast)]
        beside = where.postgres.parent / "ballast"
        if facts and _device(beside) != _device(where.ballast):
            self.ballasts = [*self.ballasts, Ballast(beside)]
        self.states: dict[Path, DiskState] = {}

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            self.look()
            await asyncio.sleep(EVERY)

    def look(self) -> None:
        """One look at each, and what has to be done about it."""
        for ballast in self.ballasts:
            try:
                self._see(ballast)
            except OSError as wrong:
                log.warning("the disk of %s can't be looked after now: %s", ballast.path.parent, wrong)

    def _see(self, ballast: Ballast) -> None:
        path = ballast.path.parent
        before, now = self.states.get(path), look(path)
        self.states[path] = now
        if now.level is not (before.level if before else Level.GOOD):
            log.warning("the disk of %s is %s: %d MB free", path, now.level, now.free >> 20)
        if now.level is Level.FULL and ballast.release():
            log.warning("the ballast of %s is thrown off, so that the engines can go on; free some space", path)
        if now.level is Level.GOOD:
            ballast.lay()


def _device(path: Path) -> int:
    """The disk that holds this path, or would hold it once it is made."""
    while not path.exists():
        path = path.parent
    return path.stat().st_dev
