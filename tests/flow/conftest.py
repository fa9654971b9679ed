"""Time for tests of loops: it passes only when everybody waits, and then at once."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Protocol, TypeVar

import pytest


class _Leaps(selectors.SelectSelector):
    """A selector that does not wait: it moves the loop's time on."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise RuntimeError("everybody waits for somebody else: nothing can ever happen again")
        self.now += max(0.0, timeout)
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose `time` starts at 0 and costs nothing."""

    def __init__(self) -> None:
        self._leaps = _Leaps()
        super().__init__(self._leaps)
        self._clock_resolution = 1e-6  # after months a billionth of a second is too short to be added to the time

    def time(self) -> float:
        return self._leaps.now


Result = TypeVar("Result")


class Virtually(Protocol):
    """Runs a coroutine to its end in virtual time, on a loop of its own."""

    def __call__(self, main: Coroutine[object, object, Result]) -> Result: ...


def _virtually(main: Coroutine[object, object, Result]) -> Result:
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)


@pytest.fixture(scope="session")
def virtually() -> Virtually:
    """See `Virtually`."""
    return _virtually
