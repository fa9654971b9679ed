"""`tutela up` as a person starts it: a process of its own, in a directory that stays between starts."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from benchmarks.stack import forget, plain, port

from tutela.app.core import Core, core
from tutela.app.settings import MQTT_PORT, Settings
from tutela.backends.engines import Engines


@dataclass(frozen=True, slots=True)
class Upped:
    """One instance, whose processes come and go. `home` is its data directory."""

    settings: Settings

    @classmethod
    def at(cls, home: Path) -> Upped:
        """An instance that was never started, on a port that is free."""
        return cls(Settings(home.resolve(), plain(), port(), port()))

    @property
    def url(self) -> str:
        """Where the API is."""
        return f"http://127.0.0.1:{self.settings.port}"

    async def start(self, *, demo: bool = False) -> asyncio.subprocess.Process:
        """Start the main process; gives it at once."""
        words = ["up", "--data", str(self.settings.data), "--port", str(self.settings.port), "--json"]
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tutela",
            *words,
            *([] if demo else ["--empty"]),
            stdout=asyncio.subprocess.DEVNULL,
            env={**self.settings.env, MQTT_PORT: str(self.settings.mqtt_port)},
        )

    async def ready(self, main: asyncio.subprocess.Process, within: float = 120.0) -> float:
        """Seconds until it says that it is ready; stops the bench when it ends before, or does not become so."""
        begun = time.monotonic()
        async with httpx.AsyncClient(timeout=2) as client:
            while time.monotonic() - begun < within:
                if main.returncode is not None:
                    raise SystemExit(f"`tutela up` ended with {main.returncode} before it was ready")
                try:
                    if (await client.get(f"{self.url}/ready")).is_success:
                        return time.monotonic() - begun
                except httpx.HTTPError:
                    pass
                await asyncio.sleep(0.02)
        raise SystemExit(f"`tutela up` was not ready within {within} s")

    @asynccontextmanager
    async def inside(self) -> AsyncIterator[Core]:
        """This process's own view of the instance, while it runs."""
        async with core(self.settings, "bench", connections=2) as seen:
            yield seen

    def forget(self) -> None:
        """Remove what it keeps outside its data directory when it runs as root."""
        forget(Engines(self.settings.data, self.settings.env))


async def stop(main: asyncio.subprocess.Process) -> None:
    """Ask it to stop, and wait."""
    if main.returncode is None:
        main.send_signal(signal.SIGTERM)
        await asyncio.wait_for(main.wait(), 60)
