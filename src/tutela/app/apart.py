"""A backtest in a process of its own: the door goes on meanwhile. One at a time; it ends with whoever asked for it."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from tutela.app.settings import Settings
from tutela.errors import BadInput, EngineDown
from tutela.flow.read_rules import On
from tutela.flow.tried import Tried
from tutela.model.flow import encode
from tutela.model.rule import Rule

SAYS = "tutela: "
"""So begins what a verb says of an error that was raised on purpose."""
LONGEST = 600.0
"""Seconds; after that it is given up."""


@dataclass(slots=True)
class Apart:
    """Runs `tutela backtest`; raises what that says in words."""

    settings: Settings
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def run(self, rule: Rule, on: On) -> Tried:
        """Try it, as soon as nobody else does."""
        async with self.turn:
            with tempfile.TemporaryDirectory(prefix="tutela-backtest-") as folder:
                file = Path(folder) / "rule.json"
                file.write_bytes(encode(rule))
                return await self._run(file, on)

    async def _run(self, file: Path, on: On) -> Tried:
        words = ("backtest", str(file), "--timeline", on.timeline, "--days", str(on.days), "--each", str(on.each))
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tutela",
            *words,
            "--json",
            "--data",
            str(self.settings.data),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            said, wrong = await asyncio.wait_for(process.communicate(), LONGEST)
        except TimeoutError:
            raise BadInput(f"this took longer than {LONGEST:.0f} s and was given up; try fewer days") from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode == 0:
            return msgspec.json.decode(said, type=Tried)
        last = wrong.decode(errors="replace").strip().rpartition("\n")[2]
        if process.returncode == 1 and last.startswith(SAYS):
            raise BadInput(last.removeprefix(SAYS))
        raise EngineDown(f"the backtest ended with {process.returncode}; `tutela doctor` tells more")
