"""Promises of the register in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Protocol

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutela.backends.memory_facts import MemoryFacts, Store
from tutela.errors import EngineDown, NotFound
from tutela.flow.catalogue import Known
from tutela.model.event import Event
from tutela.model.place import Place
from tutela.model.register import Datastream, Source, Thing

P = 4


def source(name: str = "air") -> Source:
    return Source(
        name=name,
        owner="city",
        kind="http",
        purposes=("environment",),
        legal_basis="PublicInterest",
        personal_data=False,
        place="Helsinki",
    )


def entered(name: str) -> Event:
    return Event(id=name, at=0, by="test", cause=None, kind="source@1", timeline="live", body=b"{}")


def datastream(number: int, **change: object) -> Datastream:
    fields: dict[str, object] = {
        "id": number,
        "name": f"air/{number}",
        "source": "air",
        "thing": "station",
        "kind": "readings",
        "observed_property": ("pm25", "no2", "noise")[number % 3],
        "unit": "ug/m3",
        "place": Place(lat=60.0, lon=24.0),
        "cell": number + 100,
        "interval": None if number % 2 else 60.0,
        "purpose": "public-safety",
        "version": number,
    }
    return Datastream(**(fields | change))  # type: ignore[arg-type]  # the fields are given by name


async def facts(*datastreams: Datastream) -> MemoryFacts:
    made = MemoryFacts(Store(clock=lambda: 0))
    await made.enter(source(), entered("air"))
    await made.define([Thing(id=0, name="station", kind="station", source="air")], datastreams)
    return made


async def test_names_and_units_are_found_by_sources() -> None:
    known = Known(await facts(datastream(1), datastream(2, unit="dB")), P)
    assert known.number("air/1") is None

    assert await known.refresh() == 2

    assert (known.number("air/1"), known.number("air/2"), known.number("air/3")) == (1, 2, None)
    assert (known.unit(2), known.unit(3), known.unit(0)) == ("dB", None, None)
    assert known.datastream(2).unit == "dB"
    assert known.sources == {"air": source()}
    assert known.last == 2


async def test_an_unknown_datastream_is_named_in_the_error() -> None:
    with pytest.raises(NotFound, match="no datastream 7"):
        Known(await facts(), P).datastream(7)


async def test_a_refresh_brings_only_what_is_new() -> None:
    made = await facts(datastream(1))
    known = Known(made, P)

    assert await known.refresh() == 1
    assert await known.refresh() == 0
    await made.define([], [datastream(0, name="air/new")])
    assert await known.refresh() == 1

    assert known.number("air/new") == 2
    assert known.admission.last == 2


async def test_a_refresh_brings_what_changed_to_processes_that_run() -> None:
    made = await facts(datastream(1), datastream(2))
    known, before = Known(made, P), datastream(1)
    await known.refresh()
    seen = known.partition(1)

    moved = msgspec.structs.replace(
        before, place=Place(lat=61.5, lon=23.8), cell=7, unit="mg/m3", interval=5.0, changed=9
    )
    await made.define([], [moved])

    assert await known.refresh() == 1
    assert await known.refresh() == 0
    now = known.datastream(1)
    assert (now.place, now.unit, now.interval, now.version) == (moved.place, "mg/m3", 5.0, 3)
    assert known.partition(1) is not seen
    assert (known.partition(1).cell.tolist(), known.partition(1).interval.tolist()) == ([7], [5.0])
    assert (known.last, known.changed(9), known.changed(10)) == (2, 1, 0)


async def test_a_partition_is_told_by_slot_and_stays_the_same_object_until_something_is_new() -> None:
    made = await facts(*(datastream(number) for number in range(1, 11)))
    known = Known(made, P)
    await known.refresh()

    catalogue = known.partition(2)

    assert [catalogue.id_of(slot) for slot in range(3)] == [2, 6, 10]
    assert [catalogue.properties[code] for code in catalogue.property_code] == ["noise", "pm25", "no2"]
    assert catalogue.cell.tolist() == [102, 106, 110]
    np.testing.assert_array_equal(catalogue.interval, [60.0, 60.0, 60.0])
    assert catalogue.place_of(6) == Place(lat=60.0, lon=24.0)
    assert known.partition(2) is catalogue
    await made.define([], [datastream(0, name="air/new", observed_property="rain")])
    await known.refresh()
    assert known.partition(2) is not catalogue
    assert known.partition(2).version > catalogue.version
    assert known.partition(3).properties[known.partition(3).property_code[2]] == "rain"
    assert catalogue.properties == ("no2", "noise", "pm25")


async def test_a_slot_without_a_datastream_says_so() -> None:
    known = Known(await facts(datastream(1)), P)
    await known.refresh()

    assert known.partition(0).property_code.tolist() == [-1]
    assert np.isnan(known.partition(1).interval).all()
    assert known.partition(2).property_code.tolist() == []


class Scattered:
    """A register whose ids have gaps."""

    def __init__(self, batches: Sequence[Sequence[Datastream]]) -> None:
        self.batches = list(batches)

    async def sources(self) -> Sequence[Source]:
        return [source()]

    async def datastreams(self, after: int = 0) -> Sequence[Datastream]:
        return [one for one in self.batches[0] if one.version > after]


@given(st.lists(st.lists(st.integers(1, 300), max_size=5), min_size=1, max_size=8), st.integers(1, 17))
def test_however_the_datastreams_come_each_is_found_by_all_ways(batches: list[list[int]], partitions: int) -> None:
    scattered = Scattered([[datastream(one) for one in batch] for batch in batches])
    known = Known(scattered, partitions)  # type: ignore[arg-type]  # these two are all it asks
    wanted: set[int] = set()

    async def read_all() -> None:
        for batch in batches:
            last = max(wanted, default=0)
            wanted.update(one for one in batch if one > last)
            await known.refresh()
            scattered.batches.pop(0)

    asyncio.run(read_all())

    assert known.last == max(wanted, default=0)
    for number in range(1, 301):
        catalogue = known.partition(number % partitions)
        slot = number // partitions
        there = slot < len(catalogue.property_code) and catalogue.property_code[slot] >= 0
        assert there == (number in wanted) == (known.number(f"air/{number}") == number)
        if there:
            assert catalogue.cell[slot] == number + 100
            assert known.purposes.names[known.purposes.code[number]] == "public-safety"


async def test_a_register_that_gives_them_in_portions_is_read_to_its_end() -> None:
    class Portions(Scattered):
        async def datastreams(self, after: int = 0) -> Sequence[Datastream]:
            return (await super().datastreams(after))[:2]

    known = Known(Portions([[datastream(number) for number in range(1, 8)]]), P)  # type: ignore[arg-type]  # these two are all it asks

    assert await known.refresh() == 7
    assert known.number("air/7") == known.admission.last == 7


class Counting(MemoryFacts):
    """Counts how often it is read; somebody enters a source while it is."""

    read = 0

    async def sources(self) -> Sequence[Source]:
        self.read += 1
        found = await super().sources()
        await asyncio.sleep(0)  # the others ask meanwhile
        if self.read == 1:
            await self.enter(source("water"), entered("water"))
        return found


async def test_many_who_ask_at_once_share_a_reading_that_began_after_they_had_asked() -> None:
    facts = Counting(Store(lambda: 0))
    await facts.enter(source("air"), entered("air"))
    register = Known(facts, P)

    await asyncio.gather(*(register.refresh() for _ in range(100)))

    assert facts.read == 2
    assert set(register.sources) == {"air", "water"}


async def test_a_reading_that_failed_answers_nobody() -> None:
    register = Known(Away(), P)

    results = await asyncio.gather(*(register.refresh() for _ in range(3)), return_exceptions=True)

    assert [type(result) for result in results] == [EngineDown] * 3


async def test_words_that_many_say_are_kept_once() -> None:
    known = Known(await facts(datastream(1, unit=b"dB".decode()), datastream(2, unit=b"dB".decode())), P)
    await known.refresh()

    assert known.datastream(1).unit is known.datastream(2).unit


class Away(MemoryFacts):
    """PostgreSQL, away for a while."""

    down = True

    async def sources(self) -> Sequence[Source]:
        if self.down:
            raise EngineDown("PostgreSQL does not answer")
        return await super().sources()


class Virtually(Protocol):
    def __call__(self, main: Coroutine[object, object, None]) -> None: ...


def test_it_stays_new_by_itself_and_waits_while_postgresql_is_away(virtually: Virtually) -> None:
    async def main() -> None:
        made = Away(Store(clock=lambda: 0))
        await made.enter(source(), entered("air"))
        known = Known(made, P)
        running = asyncio.create_task(known.run())
        await asyncio.sleep(2.5)
        assert known.sources == {}
        made.down = False
        await asyncio.sleep(1)
        assert known.sources == {"air": source()}
        running.cancel()

    virtually(main())
