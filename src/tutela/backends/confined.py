"""A program that reads what others made runs by itself, with limited memory and time, few threads, and no network where it can be cut off.

A file can be made so that its decoder takes all memory, never ends, or does what its maker wants. Then that program ends, and the platform
goes on. The parent opens both files; the program inherits them and needs no others.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from threading import Thread
from typing import IO

from tutela.errors import BadInput

GIGABYTE = 1 << 30
NOBODY = 65_534
CUT = 0x40000000  # CLONE_NEWNET
OWN = 0x10000000  # CLONE_NEWUSER
NO_NEW_RIGHTS = 38  # PR_SET_NO_NEW_PRIVS
KEPT = ("PATH", "LANG", "LC_ALL", "PYTHONPATH", "VIRTUAL_ENV")
"""Of the environment: no address of an engine, no session, no key."""

TASKS = 16
"""Threads and processes: decoders have a thread that reads ahead."""

SAID = 4000
"""Bytes of what a program says of itself that are looked at, the last ones."""

REFUSED = 3
"""The exit code of a program that says in words what is wrong with the file."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bytes of memory and of what is written, seconds of work and of waiting, files open."""

    memory: int
    output: int = 16 * GIGABYTE
    cpu: int = 1800
    seconds: float = 3600.0
    files: int = 64


def usual() -> Limits:
    """Three quarters of the machine's memory, 2 GB at least."""
    there = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return Limits(memory=max(2 * GIGABYTE, there // 4 * 3))


def confined(program: str, words: Sequence[str], source: Path, result: Path, limits: Limits, what: str) -> None:
    """Run it: `program` is Python text that is ours, `source` its input, `result` its output. Raises BadInput in words, with the file's name."""
    command = [
        sys.executable,
        "-P",
        "-c",
        program,
        str(limits.memory),
        str(limits.cpu),
        str(limits.output),
        str(limits.files),
        *words,
    ]
    env = {name: os.environ[name] for name in KEPT if name in os.environ}
    with (
        source.open("rb") as given,
        result.open("wb") as made,
        TemporaryFile() as errors,  # the limit of what it may write holds for this as well
        subprocess.Popen(  # noqa: S603  the interpreter that runs this, with a program of ours
            command, stdin=given, stdout=made, stderr=errors, env=env, start_new_session=True
        ) as process,
    ):
        try:
            process.wait(timeout=limits.seconds)
        except subprocess.TimeoutExpired:
            raise BadInput(
                f"{what} was not read within {limits.seconds:.0f} s and was given up; split it, or look at who made it"
            ) from None
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # and whatever it started
        said = _last(errors)
    if process.returncode:
        raise BadInput(f"{what} {_why(process.returncode, said, limits)}")


def _last(errors: IO[bytes]) -> str:
    """The end of what it said."""
    errors.seek(max(0, errors.seek(0, os.SEEK_END) - SAID))
    return errors.read().decode(errors="replace")


def _why(code: int, said: str, limits: Limits) -> str:
    last = said.strip().rpartition("\n")[2]
    if code == REFUSED:
        return f"can't be read: {last}"
    if code == -signal.SIGXCPU:
        return f"was not read within {limits.cpu} s of work and was given up; split it, or look at who made it"
    if "MemoryError" in last or "malloc" in last or "bad_alloc" in last or "Cannot allocate" in last:
        return f"needs more than {limits.memory >> 20:,} MB of memory to be read; split it, or look at who made it"
    if code < 0:
        return (
            f"made what reads it end with {signal.Signals(-code).name}; nothing of it was taken, so look at who made it"
        )
    return f"made what reads it end with {code}: {last[:200] or 'it said nothing'}; nothing of it was taken"


# ── inside ──────────────────────────────────────────────────────────────────────────────────────
def enter(told: Sequence[str]) -> list[str]:
    """Called by the program first of all, while it has one thread: from here on it has no network and the limits hold. The words that are left."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CUT) != 0:
        libc.unshare(OWN | CUT)  # as an ordinary user; where the kernel allows neither, the network stays
    memory, cpu, output, files = map(int, told[:4])
    resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu + 5))  # told at the first, ended at the second
    for name, most in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_FSIZE, output),
        (resource.RLIMIT_NOFILE, files),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(name, (most, most))
    return list(told[4:])


def closed() -> None:
    """Called when all that it needs is loaded, and before it reads a byte that others made: it is not root, starts next to nothing and gains no rights."""
    if os.geteuid() == 0:
        with suppress(PermissionError):  # a root that may not even be somebody else, as in some containers
            os.setgroups([])
            os.setresgid(NOBODY, NOBODY, NOBODY)
            os.setresuid(NOBODY, NOBODY, NOBODY)
    ctypes.CDLL(None).prctl(NO_NEW_RIGHTS, 1, 0, 0, 0)
    _few()


def _few() -> None:
    """No more than `TASKS` threads and processes. Where the kernel counts all that this user runs elsewhere, too, the limit is left as it was."""
    before = resource.getrlimit(resource.RLIMIT_NPROC)
    resource.setrlimit(resource.RLIMIT_NPROC, (TASKS, before[1]))
    try:
        thread = Thread(target=int)
        thread.start()
        thread.join()
    except RuntimeError:
        resource.setrlimit(resource.RLIMIT_NPROC, before)
        return
    resource.setrlimit(resource.RLIMIT_NPROC, (TASKS, TASKS))
