"""Promises of the ticker."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

import pytest

from tutela.backends.memory import MemoryStreams
from tutela.errors import EngineDown
from tutela.flow import hop
from tutela.flow.tick import Ticker
from tutela.model.when import SECOND, parse

NOON = int(parse("2026-11-25T12:00:00Z"))


class Watch:
    """A clock that only moves when somebody waits; `slips` are added to the waits, one each."""

    def __init__(self, at: int, slips: Sequence[float] = (), ends: int = 5) -> None:
        self.at = at
        self.slips = list(slips)
        self.left = ends

    def now(self) -> int:
        return self.at

    async def pause(self, seconds: float) -> None:
        self.left -= 1
        if self.left < 0:
            raise asyncio.CancelledError
        self.at += round(seconds * SECOND) + round((self.slips.pop(0) if self.slips else 0) * SECOND)


async def ticked(watch: Watch, streams: MemoryStreams, timelines: Sequence[str] = ("live",)) -> list[float]:
    """Run until the watch ends; the ticks of live in seconds after noon."""
    for timeline in timelines:
        for stream, subjects in hop.everything(timeline).items():
            await streams.open(stream, subjects)
    with pytest.raises(asyncio.CancelledError):
        await Ticker(streams, timelines, watch.now, watch.pause).run()
    return await read(streams, "live")


async def read(streams: MemoryStreams, timeline: str) -> list[float]:
    reader = await streams.read(hop.observations(timeline), (hop.ticks(timeline),), 0)
    return [(hop.tick_of(message.body) - NOON) / SECOND for message in await reader.fetch(100, 0)]


async def test_each_whole_second_is_told_once() -> None:
    assert await ticked(Watch(NOON + 300_000), MemoryStreams()) == [1, 2, 3, 4, 5]


async def test_each_timeline_has_its_ticks() -> None:
    streams = MemoryStreams()
    await ticked(Watch(NOON, ends=2), streams, ("live", "exercise/x"))

    assert await read(streams, "exercise/x") == [1, 2]


async def test_a_late_waking_still_tells_a_whole_second() -> None:
    assert await ticked(Watch(NOON, [0.2, 0.0, 0.9]), MemoryStreams()) == [1, 2, 3, 4, 5]


async def test_after_a_gap_one_tick_tells_the_present_and_the_gap_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert await ticked(Watch(NOON, [0, 0, 3600]), MemoryStreams()) == [1, 2, 3603, 3604, 3605]

    assert "no ticks between 2026-11-25T12:00:02.000Z and 2026-11-25T13:00:03.000Z" in caplog.text


async def test_a_clock_that_was_set_back_is_waited_for() -> None:
    assert await ticked(Watch(NOON, [0, 0, -2.5], ends=6), MemoryStreams()) == [1, 2, 3]


async def test_while_nats_is_away_no_tick_is_told_and_then_the_present(caplog: pytest.LogCaptureFixture) -> None:
    streams = MemoryStreams()
    streams.fail = 2

    assert await ticked(Watch(NOON), streams) == [3, 4, 5]
    assert "no tick could be recorded" in caplog.text


async def test_a_second_keeper_tells_nothing_twice() -> None:
    streams = MemoryStreams()
    await ticked(Watch(NOON), streams)

    assert await ticked(Watch(NOON), streams) == [1, 2, 3, 4, 5]


async def test_a_fault_of_another_kind_is_not_swallowed() -> None:
    with pytest.raises(EngineDown, match="no stream keeps"):
        await Ticker(MemoryStreams(), ("live",), lambda: NOON, Watch(NOON).pause).beat()
