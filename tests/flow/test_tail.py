"""History up to now: the lake, and what is recorded after it, each message once and in order."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import pytest
from tests.flow.stage_support import call, observed, second_tick, ticked, told

from tutela.backends.memory import MemoryStreams
from tutela.backends.memory_lake import MemoryLake
from tutela.errors import EngineDown
from tutela.flow import hop
from tutela.flow.tail import UpToNow
from tutela.model.flow import Message

OBS = [observed(1, "readings", (1, 5, 1.0)), ticked(2, 10), observed(3, "readings", (1, 15, 2.0)), ticked(4, 20)]
DET = [told(1, call("a", 5)), second_tick(2, 10), told(3, call("b", 15), subject="det.live.1.copy"), second_tick(4, 20)]


async def upto(archived: int, *, patient: bool = True) -> UpToNow:
    """So many messages of each stream are archived, and all are recorded."""
    streams, lake = MemoryStreams() if patient else Forgetful(), MemoryLake()
    for stream, subjects, messages in ((hop.observations("live"), "obs.>", OBS), (hop.second("live"), "det.>", DET)):
        await streams.open(stream, [subjects])
        for message in messages:
            await streams.publish(message.subject, message.body, f"{stream}{message.sequence}", {})
        await lake.archive(stream, messages[:archived], 0, archived)
    return UpToNow(lake, streams)


class Forgetful(MemoryStreams):
    """Its newest messages don't come."""

    async def read(self, stream: str, subjects: Sequence[str], after: int) -> Nothing:  # type: ignore[override]  # its reader is no MemoryReader: it forgets
        assert stream
        assert subjects
        assert after >= 0
        return Nothing()


class Nothing:
    async def fetch(self, most: int, wait: float) -> Sequence[Message]:
        assert most
        assert wait
        return ()

    async def close(self) -> None:
        return


async def sequences(messages: AsyncIterator[Message]) -> list[int]:
    return [message.sequence async for message in messages]


@pytest.mark.parametrize("archived", range(5))
async def test_wherever_the_lake_ends_each_message_is_given_once(archived: int) -> None:
    history = await upto(archived)

    assert await sequences(history.recorded("live", "detect", 1, 0, 4)) == [1, 2, 3, 4]
    assert await sequences(history.recorded("live", "detect", 1, 1, 3)) == [2, 3]
    assert await sequences(history.recorded("live", "detect", 2, 0, 4)) == [2, 4]
    assert await sequences(history.recorded("live", "desk", 0, 0, 4)) == [1, 2, 4]
    assert (await history.offset("OBS-live"), await history.ticked("live")) == (4, 20)


async def test_what_a_day_begins_with_is_told_by_the_lake() -> None:
    history = await upto(2)

    assert [await history.passed("live", stage, 15) for stage in ("detect", "desk")] == [2, 2]
    assert [await history.passed("live", stage, 10) for stage in ("detect", "desk")] == [0, 0]


async def test_a_timeline_without_a_tick_has_none() -> None:
    streams = MemoryStreams()
    await streams.open(hop.observations("live"), ["obs.>"])

    assert await UpToNow(MemoryLake(), streams).ticked("live") == 0


async def test_what_does_not_come_is_not_left_out_in_silence() -> None:
    history = await upto(2, patient=False)

    with pytest.raises(EngineDown, match="the newest of OBS-live did not come"):
        await sequences(history.recorded("live", "detect", 1, 0, 4))
