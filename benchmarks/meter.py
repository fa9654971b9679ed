"""What processes cost: CPU seconds, and the most memory they ever held."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

EVERY = 0.5
KEPT = psutil.NoSuchProcess, psutil.AccessDenied, FileNotFoundError, ProcessLookupError


@dataclass(slots=True)
class Used:
    """CPU seconds of user and system together, and the peak of memory in MB."""

    cpu: float = 0.0
    peak_mb: float = 0.0


@dataclass(slots=True)
class Meter:
    """Looks at processes by name, twice a second, from `start` to `stop`. A pid may change when a process is restarted.

    A process with children (PostgreSQL) counts as the sum of them: those that ended meanwhile are in their
    parent's account, and memory that is shared is counted once (PSS).
    """

    pids: Mapping[str, Callable[[], int | None]]
    _begun: dict[str, float] = field(default_factory=dict)
    _peaks: dict[str, float] = field(default_factory=dict)
    _over: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to count."""
        self._begun = {name: _cpu(pid()) for name, pid in self.pids.items()}
        self._peaks = dict.fromkeys(self.pids, 0.0)
        self._over.clear()
        self._thread = threading.Thread(target=self._look, name="meter", daemon=True)
        self._thread.start()

    def stop(self) -> dict[str, Used]:
        """What was used since `start`."""
        self._over.set()
        if self._thread:
            self._thread.join()
        return {name: Used(_cpu(pid()) - self._begun[name], self._peaks[name]) for name, pid in self.pids.items()}

    def _look(self) -> None:
        while True:
            for name, pid in self.pids.items():
                self._peaks[name] = max(self._peaks[name], memory(pid()))
            if self._over.wait(EVERY):
                return


def memory(pid: int | None) -> float:
    """MB that a process and its children hold now."""
    found = 0.0
    with suppress(*KEPT):
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)] if pid else []
        found = _pss(family) if len(family) > 1 else process.memory_info().rss / 1e6
    return found


def _pss(family: list[psutil.Process]) -> float:
    total = 0
    for member in family:
        with suppress(*KEPT, StopIteration):
            lines = Path(f"/proc/{member.pid}/smaps_rollup").read_text().splitlines()
            total += int(next(line for line in lines if line.startswith("Pss:")).split()[1])
    return total / 1e3


def _cpu(pid: int | None) -> float:
    if pid is None:
        return 0.0
    total = 0.0
    with suppress(*KEPT):
        process = psutil.Process(pid)
        times = process.cpu_times()
        total = times.user + times.system + times.children_user + times.children_system
        for child in process.children(recursive=True):
            with suppress(*KEPT):
                own = child.cpu_times()
                total += own.user + own.system
    return total
