"""What a crash leaves behind: run files of children, the processes they name, and the lock of the instance.

Nothing is killed whose pid, start time and command do not all agree with its run file.
"""

from __future__ import annotations

import fcntl
import logging
import os
from contextlib import suppress
from pathlib import Path
from typing import IO, Self

import msgspec
import psutil

from tutela.errors import Conflict
from tutela.model.noun import Noun

log = logging.getLogger(__name__)


class RunFile(Noun, frozen=True, kw_only=True):
    """What is known of a child after its parent is gone. `started`: seconds since 1970, as the system tells."""

    name: str
    pid: int
    started: float
    command: tuple[str, ...]
    stop_signal: int

    @classmethod
    def of(cls, name: str, pid: int, command: tuple[str, ...], stop_signal: int) -> Self:
        """Of a child that has just been started; raises `psutil.NoSuchProcess` when it is gone already."""
        started = psutil.Process(pid).create_time()
        return cls(name=name, pid=pid, started=started, command=command, stop_signal=stop_signal)

    def save(self, path: Path) -> None:
        """Writes it at once or not at all."""
        new = path.with_suffix(".new")
        new.write_bytes(msgspec.json.encode(self))
        new.replace(path)

    def process(self) -> psutil.Process | None:
        """The process itself, if it still runs: pid, start time and command agree."""
        with suppress(psutil.Error):
            found = psutil.Process(self.pid)
            if abs(found.create_time() - self.started) < 2 and tuple(found.cmdline()) == self.command:
                return found
        return None


def orphans(run: Path) -> list[tuple[RunFile, psutil.Process]]:
    """The children named by run files that still run. They are orphans if nobody holds the lock."""
    found = []
    for path in sorted(run.glob("*.json")):
        with suppress(msgspec.DecodeError, OSError):
            file = msgspec.json.decode(path.read_bytes(), type=RunFile)
            if process := file.process():
                found.append((file, process))
    return found


def reap(run: Path, within: float = 20.0) -> list[str]:
    """Stops the orphans of this run directory, at last by force, and gives their names. Blocks."""
    left = orphans(run)
    for file, process in left:
        log.warning("stopping %s (pid %d), which an earlier run left behind", file.name, file.pid)
        with suppress(psutil.NoSuchProcess):
            process.send_signal(file.stop_signal)
    _, alive = psutil.wait_procs([process for _, process in left], timeout=within)
    for process in alive:
        process.kill()
    psutil.wait_procs(alive, timeout=within)
    for path in run.glob("*.json"):
        path.unlink(missing_ok=True)
    return [file.name for file, _ in left]


class Lock:
    """Only one supervisor at a time works on an instance."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[str] | None = None

    def take(self) -> None:
        """Takes the lock or raises `Conflict`."""
        file = self._path.open("a+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as taken:
            file.seek(0)
            by = file.read().strip() or "unknown"
            file.close()
            raise Conflict(
                f"another tutela (pid {by}) already runs on {self._path.parent.parent}: stop it first, "
                f"or choose another data directory"
            ) from taken
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        self._file = file

    def release(self) -> None:
        """Lets the next one in."""
        if self._file is not None:
            self._file.close()
            self._file = None

    @staticmethod
    def held(path: Path) -> bool:
        """Whether a supervisor is at work."""
        if not path.exists():
            return False
        with path.open("a+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False
