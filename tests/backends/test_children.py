"""Children are kept running, heard when they fail, and never outlive their supervisor."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import psutil
import pytest

from tutela.backends import children as module
from tutela.backends.children import Children, Program
from tutela.backends.orphans import Lock, RunFile, orphans, reap
from tutela.errors import Conflict, EngineDown, NotFound

SLEEP = (sys.executable, "-c", "import signal; print('hello', flush=True); signal.pause()")


@pytest.fixture
async def children(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Children]:
    monkeypatch.setattr(module, "PAUSES", (0.01,))
    children = Children(tmp_path / "run", tmp_path / "log")
    await children.open()
    yield children
    await children.close()


def program(tmp_path: Path, command: tuple[str, ...] = SLEEP, stop_within: float = 5) -> Program:
    async def ready() -> bool:
        log = tmp_path / "log" / "one.log"
        return log.exists() and b"hello" in log.read_bytes()

    return Program(name="one", command=command, ready=ready, stop_within=stop_within, start_within=10)


async def until(truth: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not truth():  # noqa: ASYNC110  another process sets no event here
            await asyncio.sleep(0.01)


async def test_a_child_is_ready_when_its_probe_says_so_and_speaks_into_its_log(
    children: Children, tmp_path: Path
) -> None:
    child = await children.start(program(tmp_path))

    assert child.running
    assert (tmp_path / "log" / "one.log").read_text() == "hello\n"


async def test_a_child_that_dies_is_started_again(children: Children, tmp_path: Path) -> None:
    child = await children.start(program(tmp_path))
    before = child.pid

    child.signal(signal.SIGKILL)
    await until(lambda: child.starts == 2 and child.running)

    assert child.pid not in (None, before)


async def test_a_child_that_can_not_start_is_told_with_its_last_words(children: Children, tmp_path: Path) -> None:
    broken = (sys.executable, "-c", "raise SystemExit('no such galaxy')")

    with pytest.raises(EngineDown, match=r"exit code 1.*no such galaxy"):
        await children.start(program(tmp_path, broken))


async def test_a_program_that_is_not_there_is_told(children: Children, tmp_path: Path) -> None:
    with pytest.raises(EngineDown, match="can't be started"):
        await children.start(program(tmp_path, ("/nowhere/at/all",)))


async def test_a_child_that_does_not_stop_is_killed(children: Children, tmp_path: Path) -> None:
    deaf = "import signal; signal.signal(15, signal.SIG_IGN); print('hello', flush=True)\nwhile True: signal.pause()"
    child = await children.start(program(tmp_path, (sys.executable, "-c", deaf), stop_within=0.2))
    process = psutil.Process(child.pid)

    await children.close()

    assert not process.is_running()


async def test_a_stop_leaves_no_run_file_and_no_lock(children: Children, tmp_path: Path) -> None:
    await children.start(program(tmp_path))
    assert len(orphans(tmp_path / "run")) == 1
    assert Lock.held(tmp_path / "run" / "lock")

    await children.close()

    assert list((tmp_path / "run").glob("*.json")) == []
    assert not Lock.held(tmp_path / "run" / "lock")


async def test_a_restart_on_demand_does_not_count_as_a_death(children: Children, tmp_path: Path) -> None:
    child = await children.start(program(tmp_path))
    before = child.pid

    await child.restart("the test asks for it")

    assert child.running
    assert child.pid != before


async def test_two_supervisors_of_one_instance_are_refused(children: Children, tmp_path: Path) -> None:
    with pytest.raises(Conflict, match=f"pid {os.getpid()}"):
        await Children(tmp_path / "run", tmp_path / "log").open()
    assert children is not None


async def test_an_unknown_child_is_named_with_those_that_are_there(children: Children, tmp_path: Path) -> None:
    await children.start(program(tmp_path))

    with pytest.raises(NotFound, match="there are: one"):
        children.child("other")


async def test_a_probe_that_finds_nobody_yet_is_asked_again(children: Children) -> None:
    asked = 0

    async def ready() -> bool:
        nonlocal asked
        asked += 1
        if asked == 1:
            raise ConnectionResetError
        if asked == 2:
            raise EngineDown("it does not answer yet")
        return True

    child = await children.start(Program(name="one", command=SLEEP, ready=ready, start_within=10))

    assert (child.running, child.starts, asked) == (True, 1, 3)


async def test_supervision_that_breaks_is_heard(children: Children) -> None:
    async def wrong() -> bool:
        raise ZeroDivisionError

    with pytest.raises(ExceptionGroup, match="TaskGroup"):
        await children.start(Program(name="one", command=SLEEP, ready=wrong))
    with pytest.raises(ExceptionGroup, match="TaskGroup"):
        await children.watch()


def orphan(run: Path, *, started: float = 0.0, command: tuple[str, ...] = SLEEP) -> subprocess.Popen[bytes]:
    """A process that a crashed supervisor might have left, with its run file; altered on demand."""
    run.mkdir(exist_ok=True)
    process = subprocess.Popen(SLEEP, stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    file = RunFile.of("one", process.pid, command, signal.SIGTERM)
    RunFile(
        name="one", pid=file.pid, started=file.started + started, command=command, stop_signal=file.stop_signal
    ).save(run / "one.json")
    return process


def test_a_start_stops_what_a_crash_left_behind(tmp_path: Path) -> None:
    process = orphan(tmp_path)

    assert reap(tmp_path) == ["one"]
    assert process.poll() is not None
    assert list(tmp_path.glob("*.json")) == []


@pytest.mark.parametrize(
    "altered", [{"started": 100.0}, {"command": ("/bin/other",)}], ids=["another start time", "another command"]
)
def test_a_process_that_only_has_the_same_pid_is_left_alone(tmp_path: Path, altered: dict[str, object]) -> None:
    process = orphan(tmp_path, **altered)  # type: ignore[arg-type]  # one of two known keywords

    assert reap(tmp_path) == []
    assert process.poll() is None
    process.kill()
    process.wait()


def test_a_run_file_that_is_torn_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "one.json").write_text('{"name": "on')

    assert reap(tmp_path) == []


def test_a_run_file_of_a_process_that_is_gone_is_passed_over(tmp_path: Path) -> None:
    process = orphan(tmp_path)
    process.kill()
    process.wait()

    assert orphans(tmp_path) == []
