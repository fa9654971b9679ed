"""Data loggers of level gauges: whoever connects is told the level of each gauge, `NAME METRES` a line, and then they hang up."""

from __future__ import annotations

import asyncio
import re
from typing import Annotated, ClassVar

import msgspec

from tutela.model.card import Card
from tutela.model.heard import Heard, Value
from tutela.model.intake import Intake, pause
from tutela.model.noun import Noun
from tutela.model.place import Place
from tutela.model.register import Datastream, Thing

LINE = re.compile(rb"([A-Za-z0-9-]{1,40}) (-?\d{1,4}(?:\.\d{1,6})?)")
MOST = 64_000
"""Bytes of an answer."""


class Gauge(Noun, frozen=True, kw_only=True):
    """The logger at `host` and `port`, asked each `every` seconds; it has `timeout` seconds to answer. `place` is where its gauges are."""

    sealed: ClassVar[frozenset[str]] = frozenset()
    card: ClassVar[Card] = Card(
        finds="Water levels that a data logger tells whoever connects to it.",
        needs=frozenset(),
        key="datastream",
        lateness=0,
        personal_data=False,
        cannot="Know when a level was measured: its time is when it was read.",
    )

    host: str
    port: Annotated[int, msgspec.Meta(ge=1, le=65_535)]
    every: Annotated[float, msgspec.Meta(ge=1)] = 60.0
    timeout: Annotated[float, msgspec.Meta(gt=0, le=60)] = 10.0
    place: Place | None = None

    async def run(self, intake: Intake) -> None:
        """Ask for ever. What goes wrong is told, and it is asked again, less and less often."""
        failures = 0
        while True:
            try:
                async with asyncio.timeout(self.timeout):
                    levels = _levels(await self._answer())
            except (OSError, ValueError) as wrong:
                intake.trouble(f"{self.host}:{self.port} can't be read: {wrong or type(wrong).__name__}")
                failures += 1
            else:
                await intake.hear(self._heard(levels, intake.source, intake.clock()))
                failures = 0
            await intake.wait(pause(self.every, failures, intake.chance()))

    async def _answer(self) -> bytes:
        reader, writer = await asyncio.open_connection(self.host, self.port)
        try:
            answer = b""
            while part := await reader.read(MOST):
                answer += part
                if len(answer) > MOST:
                    raise ValueError(f"it says more than {MOST} bytes")
            return answer
        finally:
            writer.close()

    def _heard(self, levels: dict[str, float], source: str, at: int) -> Heard:
        """All that is named here begins with the name of the source."""
        thing = Thing(id=0, name=f"{source}/logger", kind="logger", source=source, place=self.place)
        streams = tuple(
            Datastream(
                id=0,
                name=f"{source}/{name}",
                source=source,
                thing=thing.name,
                kind="readings",
                observed_property="water-level",
                unit="m",
                place=self.place,
                interval=self.every,
            )
            for name in levels
        )
        values = tuple(Value(f"{source}/{name}", at, (level,)) for name, level in levels.items())
        return Heard((thing,), streams, values)


def _levels(answer: bytes) -> dict[str, float]:
    """The levels by name; raises ValueError for an answer that is not what a logger says."""
    lines = [line.strip() for line in answer.splitlines()]
    found = [LINE.fullmatch(line) for line in lines]
    wrong = [line[:40] for line, match in zip(lines, found, strict=True) if match is None]
    if wrong or not found:
        raise ValueError(f"{wrong[0]!r} is no line like 'upstream 1.284'" if wrong else "it said nothing")
    return {match[1].decode(): float(match[2]) for match in found if match}


part = Gauge
