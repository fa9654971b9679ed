"""A series has no gap and no double between the lake and what is recorded."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from tests.flow.read_support import NOW, PARTITIONS, City, city, readings

from tutela.backends.memory import MemoryReader, MemoryStreams
from tutela.errors import EngineDown, NotFound
from tutela.flow import history as module
from tutela.flow.history import History
from tutela.model import wire
from tutela.model.flow import Message
from tutela.model.rows import Rows, empty
from tutela.model.when import SECOND


@pytest.fixture
async def here() -> City:
    return await city()


@pytest.fixture
def history(here: City) -> History:
    return History(here.lake, here.streams, here.keys, PARTITIONS)


async def series(history: History, datastream: int = 1, most: int = 1000) -> list[float]:
    rows = await history.series("live", "readings", datastream, NOW - 100 * SECOND, NOW + 100 * SECOND, most)
    return [float(value) for value in rows.result]


async def test_nothing_is_an_empty_series(history: History) -> None:
    assert await series(history) == []


async def test_rows_come_in_order_of_time_and_each_once(here: City, history: History) -> None:
    here.lake.put("live", "OBS-live", readings((1, -SECOND, 1.0)), 0)
    await here.record(readings((1, SECOND, 3.0), (1, 0, 2.0), (5, 0, 9.0)))
    await here.record(readings((1, 0, 2.0), (1, 0, 2.5)))

    assert await series(history) == [1.0, 2.0, 2.5, 3.0]


@pytest.mark.parametrize("most", [0, 1, 3, 6, 7, 99])
async def test_of_a_long_series_the_first_rows_are_given(
    here: City, history: History, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    """Wherever they lie; and what lies behind them is not kept while it is read."""
    monkeypatch.setattr(module, "AT_ONCE", 1)
    here.lake.put("live", "OBS-live", readings((1, 5, 5.0), (1, 1, 1.0), (1, 3, 3.0)), 0)
    for time in (6, 2, 4, 0):
        await here.record(readings((1, time, float(time))))

    assert await series(history, most=most) == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0][:most]


async def test_what_is_archived_is_not_read_twice(here: City, history: History) -> None:
    archived = await here.record(readings((1, 0, 1.0)))
    await here.record(readings((1, SECOND, 2.0)))
    here.lake.put("live", "OBS-live", readings((1, 0, 1.0)), archived)

    assert await series(history) == [1.0, 2.0]


async def test_an_archiver_that_comes_between_leaves_no_gap(here: City, history: History) -> None:
    archived = await here.record(readings((1, 0, 1.0)))
    here.lake.archives.append(("OBS-live", readings((1, 0, 1.0)), archived))

    assert await series(history) == [1.0]


async def test_other_partitions_are_not_waited_for(here: City, history: History) -> None:
    await here.record(readings((2, 0, 9.0)))

    assert await series(history) == []


async def test_sealed_rows_are_opened_and_erased_ones_left_out(here: City, history: History) -> None:
    for time, bucket in ((0, "kept"), (1, "erased")):
        rows = readings((1, time, float(time)))
        key, body = await here.keys.seal(bucket, wire.encode(rows))
        await here.record(rows, {"Key": key}, body)
    await here.keys.destroy("2")

    assert await series(history) == [0.0]


async def test_what_can_not_be_read_does_not_stand_before_the_others(here: City, history: History) -> None:
    await here.record(readings((1, 0, 1.0)))
    await here.record(readings((1, 1, 0.0)), {}, b"noise")
    await here.record(readings((1, 1, 0.0)), {"Key": "nobody's"}, b"sealed")
    await here.record(readings((1, 1, 0.0)), {}, wire.encode(empty("counts")))
    await here.record(readings((1, SECOND, 2.0)))

    assert await series(history) == [1.0, 2.0]


async def test_many_messages_are_read_to_the_last(
    here: City, history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "AT_ONCE", 2)
    for time in range(5):
        await here.record(readings((1, time, float(time))))

    assert await series(history) == [0.0, 1.0, 2.0, 3.0, 4.0]


class _Silent(MemoryStreams):
    """A server that counts a message and does not give it."""

    async def last(self, stream: str, subject: str = "") -> int:
        return 7 + await super().last(stream, subject)

    async def read(self, stream: str, subjects: Sequence[str], after: int) -> MemoryReader:
        return _SilentReader(self._named(stream), subjects, after)


class _SilentReader(MemoryReader):
    async def fetch(self, most: int, wait: float) -> Sequence[Message]:  # noqa: ARG002  the port's shape
        return ()


async def test_a_series_that_would_be_cut_short_is_none(here: City) -> None:
    streams = _Silent()
    await streams.open("OBS-live", ("obs.live.>",))

    with pytest.raises(EngineDown, match="ask again"):
        await series(History(here.lake, streams, here.keys, PARTITIONS))


async def test_a_timeline_that_nobody_opened_is_not_found(history: History) -> None:
    with pytest.raises(NotFound):
        await history.series("import/none", "readings", 1, NOW, NOW + 1, 9)


async def test_archived_rows_of_a_personal_kind_are_opened_and_erased_ones_left_out(
    here: City, history: History
) -> None:
    for time, bucket in ((0, "kept"), (1, "erased"), (2, "kept")):
        place = {"lat": np.array([60.0 + time]), "lon": np.array([25.0])}
        rows = Rows("positions", np.array([1], np.int32), np.array([NOW + time * SECOND]), place)
        key, body = await here.keys.seal(bucket, wire.encode(rows))
        here.lake.bodies.append(Message(time + 1, "obs.live.positions.1", {"Key": key}, body, 0))
    await here.keys.destroy("2")

    found = await history.series("live", "positions", 1, NOW, NOW + 100 * SECOND, 9)

    assert found.values["lat"].tolist() == [60.0, 62.0]
