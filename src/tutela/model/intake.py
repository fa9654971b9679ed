"""What a source that fetches or listens is given to work with: the way in, where it stopped, and time."""

from __future__ import annotations

from typing import Protocol

from .flow import Receipt
from .heard import Heard
from .telling import Telling

LONGEST = 900.0
"""Seconds that a pause grows to, unless the usual one is longer."""


class Intake(Protocol):
    """The way in, for one source. What is given to it is durable when it returns; while an engine is down it waits.

    `take` reads a body by the connection's standard and hears what it says; a body that can't be read is counted as
    refused. `topic` is what it was published to, where there is such a thing. `hear` defines the Things and Datastreams that are new or changed, and offers the values. `mark` is what
    `remember` was last given, b"" at first: remember a place only after what came before it was heard. `well` says
    that the other side answered; so does whatever is taken, heard or told. `trouble` says that something went wrong
    that the source lives with. `chance` is a number from 0 up to 1.
    """

    @property
    def source(self) -> str: ...
    async def take(self, body: bytes, topic: str = "") -> Receipt: ...
    async def hear(self, heard: Heard) -> Receipt: ...
    async def tell(self, told: Telling) -> str: ...
    async def mark(self) -> bytes: ...
    async def remember(self, mark: bytes) -> None: ...
    def well(self) -> None: ...
    def trouble(self, says: str) -> None: ...
    def clock(self) -> int: ...
    def chance(self) -> float: ...
    async def wait(self, seconds: float) -> None: ...


def pause(every: float, failures: int, chance: float, longest: float = LONGEST) -> float:
    """Seconds until the next try: twice as long after each failure in a row, up to `longest`.

    After failures it is up to a quarter shorter by chance (0 to 1), so that many who fail together don't come back together.
    """
    if not failures:
        return every
    return min(every * 2.0 ** min(failures, 30), max(every, longest)) * (1 - chance / 4)
