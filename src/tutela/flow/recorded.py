"""What a replay and a backtest ask of the rooms around them: all that they may see. Structural, as all ports."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from tutela.model.event import Event
from tutela.model.flow import Message


class Recorded(Protocol):
    """All that a replay may see of the lake: what was recorded.

    `forgotten` tells, up to a sequence, how many rows were deleted since their time was over, and the first sequence that
    lacks some (None: none does).
    """

    async def offset(self, stream: str) -> int: ...
    def recorded(self, timeline: str, stage: str, partition: int, since: int, until: int) -> AsyncIterator[Message]: ...
    async def forgotten(self, timeline: str, upto: int) -> tuple[int, int | None]: ...


class Backtested(Protocol):
    """All that a backtest may see: what was recorded, and where its days begin.

    `ticked` is the newest archived tick of a timeline (0: none). `passed` is the sequence of the last tick before `at` in
    the stream that the stage reads (0: there is none): what was recorded later comes after it.
    """

    async def offset(self, stream: str) -> int: ...
    def recorded(self, timeline: str, stage: str, partition: int, since: int, until: int) -> AsyncIterator[Message]: ...
    async def ticked(self, timeline: str) -> int: ...
    async def passed(self, timeline: str, stage: str, at: int) -> int: ...


class Stored(Protocol):
    """What was found and stored: events of these kinds whose cause begins so, by id, after that id ("": from the start)."""

    async def stored(
        self, timeline: str, cause: str, kinds: Sequence[str], after: str, most: int
    ) -> Sequence[Event]: ...
