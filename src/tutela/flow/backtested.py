"""What a backtest asks of the rooms around it: all that it may see. Structural, as all ports."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

from tutela.model.flow import Message


class Backtested(Protocol):
    """All that a backtest may see: what was recorded, and where its days begin.

    `ticked` is the newest archived tick of a timeline (0: none). `passed` is the sequence of the last tick before `at` in
    the stream that the stage reads (0: there is none): what was recorded later comes after it.
    """

    async def offset(self, stream: str) -> int: ...
    def recorded(self, timeline: str, stage: str, partition: int, since: int, until: int) -> AsyncIterator[Message]: ...
    async def ticked(self, timeline: str) -> int: ...
    async def passed(self, timeline: str, stage: str, at: int) -> int: ...
