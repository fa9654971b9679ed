"""A backup of a million sealed events, made while the instance runs; and a whole instance from it.

The restore counts from the command until it has verified the log: hashes checked, files laid out, PostgreSQL recovered,
streams made, a new seal epoch signed. The file cache is warm, as after a copy from elsewhere.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time
from pathlib import Path

from benchmarks import report
from benchmarks.report import promise, tell
from benchmarks.stack import forget
from benchmarks.starts import STORED, fill
from benchmarks.upped import Upped, stop

from tutela.app import backing_up, restoring
from tutela.app.settings import Settings
from tutela.backends.copies import MANIFEST
from tutela.backends.engines import Engines

BAR = 60.0
"""Seconds for a million events."""


def say(_: str) -> None:
    """Nobody watches."""


async def backed_up(here: Upped, folder: Path, stored: int) -> float:
    """Fill an instance and copy it; gives its size in MB."""
    main = await here.start()
    await here.ready(main)
    async with here.inside() as inside:
        await fill(inside, stored)
    begun = time.monotonic()
    made = await backing_up.run(here.settings, folder, keys=True, said=say)
    size = made.size / 1e6
    tell("restore.backup", time.monotonic() - begun, "s", megabytes=size, events=stored, files=len(made.files))
    await stop(main)
    return size


async def restored(folder: Path, to: Path, stored: int, size: float) -> None:
    """And back."""
    settings = Settings(to, {})
    wanted = restoring.Wanted(folder=folder, keys=None, tombstones=())
    begun = time.monotonic()
    try:
        done = await restoring.run(settings, wanted, say)
        took = time.monotonic() - begun
        events = done.verified.witnessed + done.verified.unwitnessed
        tell("restore.back", took, "s", most=None if report.quick() else BAR, megabytes=size, events=events)
        promise("restore.whole", done.verified.sound and events >= stored, events=events)
    finally:
        forget(Engines(settings.data, settings.env))


async def main() -> None:
    """Both, in one directory."""
    stored = 20_000 if report.quick() else STORED
    home = Path(tempfile.mkdtemp(prefix="tutela-bench-"))
    here = Upped.at(home / "city")
    try:
        size = await backed_up(here, home / "backup", stored)
        if (home / "backup" / MANIFEST).exists():
            await restored(home / "backup", home / "again", stored, size)
    finally:
        here.forget()
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    asyncio.run(main())
