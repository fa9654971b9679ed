"""Wakes those who wait until something is committed."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import suppress
from weakref import WeakKeyDictionary


class Bell:
    """Rings by name. What was rung while a task was busy wakes it at its next wait: nothing is missed.

    A task that waits for the first time hears only what is rung from then on.
    """

    def __init__(self) -> None:
        self._rung: Counter[str] = Counter()
        self._heard: WeakKeyDictionary[asyncio.Task[object], Counter[str]] = WeakKeyDictionary()
        self._next = asyncio.Event()

    def ring(self, *names: str) -> None:
        """Wake everybody who waits for one of these names."""
        self._rung.update(names)
        rung, self._next = self._next, asyncio.Event()
        rung.set()

    async def wait(self, names: tuple[str, ...], seconds: float) -> None:
        """Return when one of the names was rung since this task last waited, or after that many seconds."""
        heard = self.listen()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while all(heard[name] == self._rung[name] for name in names):
                    await self._next.wait()
        heard.update({name: self._rung[name] - heard[name] for name in names})

    def listen(self) -> Counter[str]:
        """What this task has heard so far."""
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("wait inside a task, so that the bell knows who has heard what")
        return self._heard.setdefault(task, self._rung.copy())
