"""What is near a place: only what the register says is about nobody, the nearest first, and no older than it may be shown."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from tests.screens.town import NOW, PARTITIONS, SQUARE, Town, source, town

from tutela.flow.entering import define, enter
from tutela.flow.nearby import LASTS, Measured
from tutela.model import wire
from tutela.model.flow import Newest
from tutela.model.place import Place
from tutela.model.register import Datastream, Source, Thing
from tutela.model.rows import Rows
from tutela.model.when import DAY, MINUTE


class Case:
    """A town with stations at some distance of the square."""

    now: int = NOW
    here: Town

    async def begin(self) -> Case:
        self.here = await town(lambda: self.now)
        await self.entered(source("air", "environment"))
        self.nearby = self.here.nearby
        self.partition = PARTITIONS
        return self

    async def entered(self, entry: Source) -> None:
        await enter(self.here.facts, entry, "install", self.now)
        await self.here.known.refresh()

    async def says(
        self, name: str, observed: str, result: float, north: float = 0.001, of: str = "air", ago: int = 0
    ) -> None:
        place = Place(lat=SQUARE.lat + north, lon=SQUARE.lon)
        thing = Thing(id=0, name=name, kind="station", source=of, place=place)
        stream = Datastream(
            id=0,
            name=f"{name}/{observed}",
            source=of,
            thing=name,
            kind="readings",
            observed_property=observed,
            unit="ug/m3",
            place=place,
            interval=60.0,
        )
        (found,) = await define(self.here.facts, [thing], [stream], "install", self.now)
        await self.here.known.refresh()
        self.partition += 1
        self.tell(found.id, result, ago)

    def tell(self, number: int, result: float, ago: int = 0) -> None:
        row = Rows(
            "readings",
            np.array([number], np.int32),
            np.array([self.now - ago], np.int64),
            {"result": np.array([result])},
        )
        body = wire.encode(row)
        newest = Newest(timeline="live", kind="readings", partition=self.partition, sequence=1, body=body)
        self.here.facts.store.newest["live", "readings", self.partition] = newest

    async def air(self) -> tuple[Measured, ...]:
        return (await self.nearby.look(SQUARE)).air


@pytest.fixture
async def case() -> Case:
    return await Case().begin()


async def test_of_each_property_the_nearest_that_is_fresh_is_shown_with_its_band(case: Case) -> None:
    await case.says("far", "pm25", 80.0, north=0.009)
    await case.says("near", "pm25", 12.0)
    await case.says("nearest but silent", "pm25", 1.0, north=0.0, ago=10 * MINUTE)
    await case.says("near", "no2", 300.0)
    await case.says("elsewhere", "o3", 50.0, north=0.05)

    found = await case.air()

    assert [(one.observed_property, one.result, one.metres, one.band) for one in found] == [
        ("pm25", 12.0, 111, 1),
        ("no2", 300.0, 111, 5),
    ]
    assert {one.simulated for one in found} == {True}


async def test_what_is_all_there_is_and_stale_says_so(case: Case) -> None:
    await case.says("silent", "pm25", 12.0, ago=10 * MINUTE)

    assert [one.stale for one in await case.air()] == [True]


async def test_roads_are_told_when_something_is_in_force_and_whether_anybody_tells(case: Case) -> None:
    assert not (await case.nearby.look(SQUARE)).watched

    case.now += LASTS
    await case.says("works", "road-works", 1.0)
    await case.says("open", "road-closed", 0.0)
    found = await case.nearby.look(SQUARE)

    assert found.watched
    assert [one.observed_property for one in found.roads] == ["road-works"]


async def test_nothing_is_shown_of_a_source_about_people_or_whose_entry_or_time_is_over(case: Case) -> None:
    entry = source("homes", "environment", personal=True)
    await case.entered(entry)
    await case.says("home", "pm25", 12.0, of="homes")
    assert await case.air() == ()

    case.now += LASTS
    await case.entered(msgspec.structs.replace(entry, personal_data=False, retention_days=1))
    assert len(await case.air()) == 1

    case.now += DAY + MINUTE
    assert await case.air() == ()

    await case.entered(msgspec.structs.replace(entry, personal_data=False, ends=case.now - 1))
    case.now += LASTS
    assert await case.air() == ()


async def test_it_is_read_once_for_all_who_ask_at_the_same_time(case: Case) -> None:
    await case.says("near", "pm25", 12.0)
    first = await case.air()
    await case.says("nearer", "pm25", 99.0, north=0.0005)

    assert await case.air() == first

    case.now += LASTS
    assert [one.result for one in await case.air()] == [99.0]


async def test_a_value_of_a_datastream_that_nobody_knows_is_left_out(case: Case) -> None:
    case.partition += 1
    case.tell(9999, 12.0)

    assert await case.air() == ()
