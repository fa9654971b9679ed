"""Programs that run under this one: started, started again when they die, stopped together.

A child dies with its parent (Linux: PR_SET_PDEATHSIG) and has a run file, by which the next start finds and
stops what a crash left behind.
"""

from __future__ import annotations

import asyncio
import ctypes
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import psutil

from tutela.backends.orphans import Lock, RunFile, reap
from tutela.errors import EngineDown, NotFound

log = logging.getLogger(__name__)

LIVED = 30.0
"""Seconds after which a child counts as healthy: the next restart does not wait."""

PAUSES = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Seconds to wait before each restart in a row."""

TRIES = 3
"""How often a child may die before it was ever ready."""

LOG_SIZE = 16 << 20

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


@dataclass(frozen=True, slots=True)
class Account:
    """The system user that a child runs as."""

    name: str
    uid: int
    gid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What to run, when it is ready, and how it wants to be stopped.

    `command` is absolute and no script (its process must show this very command); it runs in `/`. `ready` is
    asked until it says yes. `prepare` runs before each start. `env` is the whole environment; None: ours.
    """

    name: str
    command: tuple[str, ...]
    ready: Callable[[], Awaitable[bool]]
    prepare: Callable[[], object] | None = None
    env: Mapping[str, str] | None = None
    account: Account | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    stop_within: float = 10.0
    start_within: float = 30.0


class Children:
    """The children of one instance. Open it in the thread that stays: on Linux they die with that thread."""

    def __init__(self, run: Path, logs: Path) -> None:
        self._run = run
        self._logs = logs
        self._lock = Lock(run / "lock")
        self._children: dict[str, Child] = {}

    async def open(self) -> None:
        """Takes the instance and stops what an earlier run left behind."""
        for path in (self._run, self._logs):
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock.take()
        await asyncio.to_thread(reap, self._run)

    async def start(self, program: Program) -> Child:
        """Starts it and returns when it is ready; raises `EngineDown` with its last words otherwise."""
        child = Child(program, self._run / f"{program.name}.json", self._logs / f"{program.name}.log")
        self._children[program.name] = child
        await child.begin()
        return child

    def child(self, name: str) -> Child:
        """The child of that name."""
        if name not in self._children:
            raise NotFound(f"no child is called {name!r}; there are: {', '.join(self._children) or 'none'}")
        return self._children[name]

    def all(self) -> Sequence[Child]:
        """The children, in the order in which they were started."""
        return tuple(self._children.values())

    async def watch(self) -> None:
        """Runs until the supervision itself fails, and raises that."""
        while True:
            keepers = [child.keeper for child in self._children.values() if child.keeper]
            for keeper in keepers:
                if keeper.done():
                    keeper.result()
            await asyncio.sleep(1)

    async def close(self) -> None:
        """Stops all, the last started first, and gives the instance free."""
        try:
            while self._children:
                _, child = self._children.popitem()
                await child.end()
        finally:
            self._lock.release()


class Child:
    """One program, kept running until `end`."""

    def __init__(self, program: Program, run_file: Path, log_file: Path) -> None:
        self.program = program
        self.starts = 0
        self.keeper: asyncio.Task[None] | None = None
        self._run_file = run_file
        self._log_file = log_file
        self._process: asyncio.subprocess.Process | None = None
        self._ready = asyncio.Event()
        self._ending = asyncio.Event()
        self._hurry = False

    @property
    def pid(self) -> int | None:
        """The pid of the running process."""
        return self._process.pid if self._process and self._process.returncode is None else None

    @property
    def running(self) -> bool:
        """Whether it runs and was ready."""
        return self._ready.is_set()

    async def begin(self) -> None:
        """Starts keeping it; returns when it is ready."""
        self.keeper = asyncio.create_task(self._keep(), name=f"keep {self.program.name}")
        try:
            await self.ready(self.program.start_within)
        except EngineDown:
            await self.end()
            raise

    async def ready(self, within: float) -> None:
        """Returns when the program is ready, at once if it is."""
        ready = asyncio.ensure_future(self._ready.wait())
        both: set[asyncio.Future[object]] = {ready, self.keeper} if self.keeper else {ready}  # type: ignore[arg-type]
        try:
            await asyncio.wait(both, timeout=within, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ready.cancel()
        if self.keeper and self.keeper.done():
            self.keeper.result()
        if not self._ready.is_set():
            raise EngineDown(f"{self.program.name} was not ready within {within:.0f} s; {self._last_words()}")

    async def restart(self, why: str) -> None:
        """Stops it and returns when it is ready again."""
        log.warning("restarting %s: %s", self.program.name, why)
        self._hurry = True
        self._ready.clear()
        if self._process:
            await self._stop(self._process)
        await self.ready(self.program.start_within)

    def signal(self, number: signal.Signals) -> None:
        """Sends it a signal, if it runs."""
        if self._process and self._process.returncode is None:
            self._process.send_signal(number)

    async def end(self) -> None:
        """Stops it for good."""
        self._ending.set()
        if self._process:
            await self._stop(self._process)
        if self.keeper:
            await asyncio.wait({self.keeper})

    async def _keep(self) -> None:
        deaths = 0
        while not self._ending.is_set():
            began = monotonic()
            how = await self._live()
            was_ready = self._ready.is_set()
            self._ready.clear()
            self._run_file.unlink(missing_ok=True)
            if self._ending.is_set():
                return
            deaths = 0 if self._hurry or monotonic() - began > LIVED else deaths + 1
            self._check(deaths, how, was_ready=was_ready)
            await self._pause(deaths)

    async def _live(self) -> str:
        """One life of the process; says how it ended. On the way it becomes ready."""
        try:
            process = self._process = await self._spawn()
        except OSError as wrong:
            return f"it can't be started: {wrong}"
        if self._ending.is_set():
            await self._stop(process)
        async with asyncio.TaskGroup() as group:
            probe = group.create_task(self._probe())
            code = await process.wait()
            probe.cancel()
        return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"

    def _check(self, deaths: int, how: str, *, was_ready: bool) -> None:
        if self._hurry:
            return
        log.error("%s ended (%s); %s", self.program.name, how, self._last_words())
        if self.starts == deaths >= TRIES and not was_ready:
            raise EngineDown(f"{self.program.name} does not start ({how}); {self._last_words()}")

    async def _pause(self, deaths: int) -> None:
        self._hurry = False
        if deaths:
            with suppress(TimeoutError):
                async with asyncio.timeout(PAUSES[min(deaths, len(PAUSES)) - 1]):
                    await self._ending.wait()

    async def _spawn(self) -> asyncio.subprocess.Process:
        program = self.program
        self.starts += 1
        if program.prepare:
            program.prepare()
        if self._log_file.exists() and self._log_file.stat().st_size > LOG_SIZE:
            self._log_file.replace(self._log_file.with_suffix(".old.log"))
        with self._log_file.open("ab") as output:
            process = await asyncio.create_subprocess_exec(
                *program.command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=program.env,
                cwd="/",
                start_new_session=True,
                preexec_fn=_Birth(program, os.getpid()),
            )
        self._note(process.pid)
        return process

    def _note(self, pid: int) -> None:
        program = self.program
        try:
            RunFile.of(program.name, pid, program.command, program.stop_signal).save(self._run_file)
        except psutil.NoSuchProcess:
            return
        except OSError as wrong:
            log.warning("%s runs without a run file, since %s", program.name, wrong)

    async def _probe(self) -> None:
        pause = 0.01
        while not await self._says_ready():
            await asyncio.sleep(pause)
            pause = min(1.5 * pause, 0.2)
        self._ready.set()

    async def _says_ready(self) -> bool:
        """A program that dies under the question, or does not speak yet, is not ready; that is no fault of ours."""
        try:
            return await self.program.ready()
        except (OSError, EngineDown):
            return False

    async def _stop(self, process: asyncio.subprocess.Process) -> None:
        if process.returncode is not None:
            return
        with suppress(ProcessLookupError):
            process.send_signal(self.program.stop_signal)
            try:
                async with asyncio.timeout(self.program.stop_within):
                    await process.wait()
            except TimeoutError:
                log.warning("%s does not stop; it is killed", self.program.name)
                os.killpg(process.pid, signal.SIGKILL)
                await process.wait()

    def _last_words(self) -> str:
        lines = (
            self._log_file.read_bytes()[-2000:].decode(errors="replace").splitlines() if self._log_file.exists() else []
        )
        words = " | ".join(line.strip() for line in lines[-3:]) or "nothing"
        return f"its last words in {self._log_file}: {words}"


class _Birth:
    """Runs in the child before its program: gives up root and asks to die with the parent.

    The order matters: a change of user clears the wish, so it comes after.
    """

    def __init__(self, program: Program, parent: int) -> None:
        self._account = program.account
        self._signal = int(program.stop_signal)
        self._parent = parent

    def __call__(self) -> None:
        if self._account:
            os.setgroups([self._account.gid])
            os.setgid(self._account.gid)
            os.setuid(self._account.uid)
        if _libc is not None:
            _libc.prctl(_PR_SET_PDEATHSIG, self._signal)
        if os.getppid() != self._parent:
            os._exit(1)
