"""Importing: everything in the order of its own time, each step closed by a tick, what is refused is counted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutela.backends.memory import MemoryStreams
from tutela.errors import BadInput, Conflict, EngineDown, Quarantined, Refused, TutelaError
from tutela.flow import hop
from tutela.flow.imports import Imported, Importer
from tutela.model.call import Call
from tutela.model.flow import Offer, Receipt, Refusal
from tutela.model.place import Place
from tutela.model.rows import Rows
from tutela.model.telling import Telling
from tutela.model.when import SECOND

STEP = 10 * SECOND
TIMELINE = "import/x"
HERE = Place(lat=60.17, lon=24.94)


def rows(*times: int) -> Rows:
    n = len(times)
    return Rows("readings", np.ones(n, np.int32), np.array(times, np.int64), {"result": np.arange(n, dtype=float)})


def call(at: int) -> Call:
    return Call(id=f"c-{at}", timeline=TIMELINE, source="x", at=at, place=HERE, cell=0, category="Fire")


class Door:
    """What came in, in order: times of rows, calls and ticks, and how long each step was made to last."""

    def __init__(self, refuse: bool = False, wrong: Sequence[TutelaError] = ()) -> None:  # noqa: FBT001, FBT002  what a test chooses
        self.streams = MemoryStreams()
        self.came: list[tuple[str, int]] = []
        self.said: list[tuple[int, int, int]] = []
        self.paused: list[int] = []
        self.refuse = refuse
        self.wrong = list(wrong)

    async def give(self, offer: Offer) -> Receipt:
        assert (offer.source, offer.timeline) == ("x", TIMELINE)
        assert offer.rows is not None
        self.came += [("row", int(time)) for time in offer.rows.time]
        if self.refuse:
            return Receipt(0, (Refusal("not-finite", "no number", len(offer.rows)),))
        return Receipt(len(offer.rows))

    async def tell(self, told: Telling) -> str:
        if self.wrong:
            raise self.wrong.pop(0)
        self.came.append(("call", told.at))
        return told.id

    async def pause(self, event_time: int) -> None:
        self.paused.append(event_time)

    async def run(self, blocks: list[Rows], calls: list[Call]) -> Imported:
        for stream, subjects in hop.everything(TIMELINE).items():
            await self.streams.open(stream, subjects)
        said = lambda at, taken, told: self.said.append((at, taken, told))  # noqa: E731  one line tells it best
        importer = Importer(TIMELINE, "x", self.give, self.tell, self.streams, STEP, self.pause, said)
        return await importer.run(blocks, calls)

    async def ticks(self) -> list[int]:
        reader = await self.streams.read(hop.observations(TIMELINE), (hop.ticks(TIMELINE),), 0)
        try:
            return [hop.tick_of(message.body) for message in await reader.fetch(10_000, 0)]
        finally:
            await reader.close()


@given(st.lists(st.integers(0, 500 * SECOND), max_size=30), st.lists(st.integers(0, 500 * SECOND), max_size=30))
async def test_everything_comes_once_and_no_step_comes_before_an_earlier_one(times: list[int], told: list[int]) -> None:
    door = Door()
    done = await door.run([rows(*sorted(times))] if times else [], [call(at) for at in sorted(told)])

    assert (done.observations, done.calls) == (len(times), len(told))
    assert sorted(at for what, at in door.came if what == "row") == sorted(times)
    assert sorted(at for what, at in door.came if what == "call") == sorted(told)
    steps = [-(-at // STEP) for _, at in door.came]
    assert steps == sorted(steps)


async def test_each_step_is_closed_by_a_tick_and_an_empty_year_costs_none_but_its_last() -> None:
    door = Door()
    await door.run([rows(1 * SECOND, 11 * SECOND, 100_000 * SECOND)], [call(12 * SECOND)])

    assert await door.ticks() == [10 * SECOND, 20 * SECOND, 99_990 * SECOND, 100_000 * SECOND]


async def test_nothing_that_comes_after_a_tick_happened_at_its_moment_or_before() -> None:
    """Whoever holds facts until a tick has passed them would take such a one for late."""
    door = Door()
    await door.run([rows(0, 10 * SECOND, 11 * SECOND)], [call(20 * SECOND)])

    assert [at for _, at in door.came] == [0, 10 * SECOND, 11 * SECOND, 20 * SECOND]
    assert await door.ticks() == [0, 10 * SECOND, 20 * SECOND]
    assert door.said == [(0, 1, 0), (10 * SECOND, 2, 0), (20 * SECOND, 3, 1)]


async def test_progress_is_told_and_the_speed_is_kept_step_by_step() -> None:
    door = Door()
    await door.run([rows(1 * SECOND, 11 * SECOND)], [call(12 * SECOND)])

    assert door.said == [(10 * SECOND, 1, 0), (20 * SECOND, 2, 1)]
    assert door.paused == [STEP, STEP]


async def test_what_is_refused_is_counted_by_its_reason() -> None:
    done = await Door(refuse=True).run([rows(1 * SECOND, 2 * SECOND, 11 * SECOND)], [])

    assert done == Imported(0, 0, {"not-finite": 3}, until=20 * SECOND)


async def test_a_call_that_is_refused_is_counted_and_the_others_are_told() -> None:
    wrong = [
        Conflict("another call"),
        BadInput("in 1805"),
        Quarantined("no entry"),
        Refused("erased", policy="F07"),
        BadInput("no"),
    ]
    door = Door(wrong=wrong)
    done = await door.run([], [call(at * SECOND) for at in range(1, 10)])

    assert done == Imported(
        0, 4, {"told-otherwise": 1, "bad-call": 2, "quarantined": 1, "refused": 1}, until=10 * SECOND
    )
    assert len(door.came) == 4


async def test_an_import_ends_when_its_calls_can_not_be_stored() -> None:
    with pytest.raises(EngineDown):
        await Door(wrong=[EngineDown("down")]).run([], [call(1), call(2)])


async def test_nothing_to_import_is_no_error() -> None:
    assert await Door().run([], []) == Imported(0, 0, {})
