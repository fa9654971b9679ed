"""What the watchdog knows of a disk: how full it is, and a ballast to throw off when it is full.

Telemetry stops at `reserve` (the log's limit is set by it, and the gateway looks by itself), so that what is left serves the facts:
calls must still be taken when sensors have filled the disk.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import inf
from pathlib import Path

from tutela.errors import StorageFull

MB = 1 << 20
GB = 1 << 30

FRESH = 1.0
"""Seconds for which a look at a disk counts."""

AGAIN = 10.0
"""Seconds after which a sender may try again."""


class Level(StrEnum):
    """How much room a disk has."""

    GOOD = "good"
    LOW = "low"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class DiskState:
    """One file system as an ordinary user may use it; sizes in bytes. `inodes` is 0 where it has no such limit."""

    path: Path
    total: int
    free: int
    inodes: int
    inodes_free: int

    @property
    def reserve(self) -> int:
        """The bytes that telemetry leaves alone: a tenth of the disk, at most 2 GB."""
        return min(self.total // 10, 2 * GB)

    @property
    def level(self) -> Level:
        """Good, low (into the reserve) or full (an eighth of the reserve, or of a hundredth of the inodes, is left)."""
        inodes = self.inodes_free / self.inodes if self.inodes else 1.0
        if self.free < self.reserve // 8 or inodes < 0.01 / 8:
            return Level.FULL
        return Level.LOW if self.free < self.reserve or inodes < 0.01 else Level.GOOD


def look(path: Path) -> DiskState:
    """The disk that holds this path, or would hold it once it is made."""
    there = path.absolute()
    while not there.exists():
        there = there.parent
    stat = os.statvfs(there)
    unit = stat.f_frsize
    return DiskState(path, stat.f_blocks * unit, stat.f_bavail * unit, stat.f_files, stat.f_favail)


class Reserve:
    """What telemetry leaves alone on these disks, so that facts always find room. Each is looked at once a second."""

    def __init__(self, paths: Sequence[Path], monotonic: Callable[[], float] = time.monotonic) -> None:
        self._paths = tuple(paths)
        self._monotonic = monotonic
        self._looked = -inf
        self._low: DiskState | None = None

    def check(self) -> None:
        """Raise StorageFull when one of them is low. NATS can't be told so: it takes no lower limit while it runs (2.15.1)."""
        now = self._monotonic()
        if now - self._looked >= FRESH:
            self._looked = now
            self._low = next((state for state in map(look, self._paths) if state.level is not Level.GOOD), None)
        if self._low is not None:
            raise StorageFull(
                f"the disk is low, {self._low.free >> 20} MB are free: telemetry is refused so that calls are still taken; "
                "what was accepted is safe, keep this and send it again",
                retry_after=AGAIN,
            )


@dataclass(frozen=True, slots=True)
class Ballast:
    """A file that only takes up room: 5 % of the disk, at most 256 MB. Deleting it lets the engines recover."""

    path: Path

    def lay(self) -> bool:
        """Takes the room if there is plenty of it; says whether the ballast lies there now."""
        state = look(self.path)
        size = min(state.total // 20, 256 * MB)
        if self.path.exists():
            return True
        if state.free < state.reserve + 2 * size:
            return False
        new = self.path.with_suffix(".new")
        with new.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, size)
        new.replace(self.path)
        return True

    def release(self) -> bool:
        """Gives the room back; says whether there was any to give."""
        there = self.path.exists()
        self.path.unlink(missing_ok=True)
        return there
