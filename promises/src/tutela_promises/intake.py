"""An intake for tests: it keeps what comes, and time passes only when a source waits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

from tutela.errors import BadInput
from tutela.model.flow import Receipt, Refusal
from tutela.model.heard import Heard
from tutela.model.intake import Intake
from tutela.model.telling import Telling
from tutela.model.when import SECOND


class Over(Exception):
    """The test has seen enough."""


class Source(Protocol):
    async def run(self, intake: Intake) -> None: ...


def silent(_: bytes) -> Heard:
    return Heard()


@dataclass
class Kept:
    """What outlives a source that is killed: what is durable, and where it stopped."""

    bodies: list[bytes] = field(default_factory=list)
    topics: list[str] = field(default_factory=list)
    heard: list[Heard] = field(default_factory=list)
    remembered: bytes = b""


@dataclass
class FakeIntake:
    """Ends the source after so many `waits`. With `dies`, it is killed after so many bodies or messages, before it remembers."""

    waits: int = 1
    kept: Kept = field(default_factory=Kept)
    read: Callable[[bytes], Heard] = silent
    dies: int | None = None
    between: Callable[[int], None] = lambda _: None
    source: str = "probe"
    now: int = 1_000_000 * SECOND
    waited: list[float] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    wells: int = 0

    async def take(self, body: bytes, topic: str = "") -> Receipt:
        self.kept.bodies.append(body)
        self.kept.topics.append(topic)
        try:
            heard = self.read(body)
        except BadInput as wrong:
            heard = Heard(refused=(Refusal("unreadable", wrong.message, 1),))
        return await self.hear(heard)

    async def hear(self, heard: Heard) -> Receipt:
        self.kept.heard.append(heard)
        if self.dies is not None and len(self.kept.heard) >= self.dies:
            raise Over
        return Receipt(len(heard.values), heard.refused)

    async def tell(self, told: Telling) -> str:
        raise AssertionError(f"no source here tells calls: {told.id}")

    async def mark(self) -> bytes:
        return self.kept.remembered

    async def remember(self, mark: bytes) -> None:
        self.kept.remembered = mark

    def well(self) -> None:
        self.wells += 1

    def trouble(self, says: str) -> None:
        self.troubles.append(says)

    def clock(self) -> int:
        return self.now

    def chance(self) -> float:
        return 0.0

    async def wait(self, seconds: float) -> None:
        self.waited.append(seconds)
        self.now += round(seconds * SECOND)
        if len(self.waited) >= self.waits:
            raise Over
        self.between(len(self.waited))
        await asyncio.sleep(0)


async def run(source: Source, intake: FakeIntake) -> FakeIntake:
    """Run a source until the test has seen enough."""
    with suppress(Over):
        await source.run(intake)
    return intake
