"""What is past its source's retention goes, with an event that says how much; nothing else does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np
import pytest

from tutela.backends.memory_facts import MemoryFacts, Store
from tutela.backends.memory_keys import MemoryKeys
from tutela.backends.memory_lake import MemoryLake
from tutela.errors import Conflict, EngineDown, Refused
from tutela.flow.retain import Erased, Over, Retainer
from tutela.flow.spared import Spared
from tutela.model import wire
from tutela.model.event import Event
from tutela.model.flow import Message
from tutela.model.register import Datastream, Source
from tutela.model.rows import Rows
from tutela.model.when import DAY, HOUR, SECOND, iso, parse

Virtually = Callable[[Coroutine[Any, Any, Any]], Any]

START = 20_000 * DAY
"""Midnight of some day."""


def source(name: str, days: int | None) -> Source:
    return Source(
        name=name,
        owner="o",
        kind="sensors",
        purposes=("public-safety",),
        legal_basis="PublicInterest",
        personal_data=False,
        place="Kallio",
        retention_days=days,
    )


def stream(name: str, kind: str = "readings", purpose: str = "public-safety") -> Datastream:
    of = name.partition("/")[0]
    return Datastream(
        id=0, name=name, source=of, thing="t", kind=kind, observed_property="x", unit="1", purpose=purpose
    )


class Copies:
    """Somebody may be copying the instance."""

    busy = False

    @asynccontextmanager
    async def removing(self) -> AsyncIterator[bool]:
        yield not self.busy


@dataclass
class City:
    """A register, a lake, keys and a clock that is moved by hand."""

    now: int = START
    facts: MemoryFacts = field(default_factory=lambda: MemoryFacts(Store(lambda: 0)))
    lake: MemoryLake = field(default_factory=MemoryLake)
    copies: Copies = field(default_factory=Copies)
    gone: dict[str, int] = field(default_factory=dict)
    left: list[int] = field(default_factory=list)
    held: Spared = field(default_factory=Spared)

    def __post_init__(self) -> None:
        self.keys = MemoryKeys(lambda: self.now)
        self.retainer = Retainer(
            register=self.facts,
            ages=self.facts,
            lake=self.lake,
            keys=self.keys,
            log=self.facts,
            spared=self.spared,
            copying=self.copies,
            clock=lambda: self.now,
            gone=lambda name, rows: self.gone.update({name: self.gone.get(name, 0) + rows}),
            left=self.left.append,
        )

    async def spared(self) -> Spared:
        return self.held

    async def enter(self, one: Source, *streams: Datastream) -> list[int]:
        self.facts.store.sources[one.name] = one
        return [defined.id for defined in await self.facts.define((), streams)]

    async def archive(self, sequence: int, datastreams: list[int], ages: list[float]) -> None:
        """Rows that are so many days old at the start."""
        time = np.array([START - round(age * DAY) for age in ages], np.int64)
        rows = Rows("readings", np.array(datastreams, np.int32), time, {"result": np.array(ages, np.float64)})
        message = Message(sequence, "obs.live.readings.1", {"Schema": "readings@1"}, wire.encode(rows), 0)
        await self.lake.archive("OBS-live", [message], sequence - 1, sequence)

    def ages(self) -> list[float]:
        """Of what is left."""
        return [age for message in self.lake.kept["OBS-live"] for age in wire.decode(message.body).result.tolist()]

    def told(self, kind: str) -> list[Event]:
        return [event for event in self.facts.store.events.values() if event.kind == kind]


@pytest.fixture
async def city() -> City:
    """One source that keeps 30 days, one that keeps everything."""
    city = City()
    [short] = await city.enter(source("short", 30), stream("short/a"))
    [ever] = await city.enter(source("ever", None), stream("ever/a"))
    await city.archive(1, [short, ever, short, short], [31, 31.5, 30.1, 29])
    await city.archive(2, [ever], [400])
    return city


async def test_what_is_past_goes_and_an_event_says_how_much(city: City) -> None:
    assert await city.retainer.turn()

    assert sorted(city.ages()) == [29, 31.5, 400]
    [event] = city.told("retention@1")
    assert msgspec.json.decode(event.body, type=Over) == Over(source="short", days=30, before=START - 30 * DAY, rows=2)
    assert (event.subject, event.at, city.gone, city.left) == ("short", START, {"short": 2}, [0])
    assert await city.lake.forgotten("live", 2) == (2, 1)


async def test_the_clock_alone_decides(city: City) -> None:
    await city.retainer.turn()
    city.now += DAY - 1
    await city.retainer.turn()
    assert 29 in city.ages()

    city.now += 2
    await city.retainer.turn()
    assert sorted(city.ages()) == [31.5, 400]
    assert [msgspec.json.decode(event.body, type=Over).rows for event in city.told("retention@1")] == [2, 1]


async def test_files_are_shredded_once_at_the_start_and_after_each_deletion(city: City) -> None:
    for _ in range(3):
        await city.retainer.turn()
    assert city.lake.shredded == 1

    city.now += DAY + 1
    await city.retainer.turn()
    await city.retainer.turn()
    assert city.lake.shredded == 2


async def test_while_a_copy_is_made_nothing_goes_and_what_stays_is_counted(city: City) -> None:
    city.copies.busy = True

    assert not await city.retainer.turn()
    assert (len(city.ages()), city.left, city.lake.shredded) == (5, [2], 0)

    city.copies.busy = False
    await city.retainer.turn()
    assert city.left == [2, 0]


async def test_nothing_is_deleted_that_no_event_tells_of(city: City) -> None:
    async def fails(events: object) -> None:
        raise EngineDown(f"{events} can't be written")

    city.retainer.log = type("Log", (), {"append": staticmethod(fails)})()
    with pytest.raises(EngineDown):
        await city.retainer.turn()

    assert len(city.ages()) == 5


# ── what is sealed ──────────────────────────────────────────────────────────────────────────────
async def sealed(city: City, purpose: str, days_old: int) -> tuple[str, bytes]:
    return await city.keys.seal(f"{purpose}/positions/{iso(START - days_old * DAY)[:10]}", b"where they were")


async def test_a_bucket_goes_with_its_key_when_the_last_of_its_sources_lets_it_go(city: City) -> None:
    await city.enter(source("buses", 3), stream("buses/a", "positions"))
    await city.enter(source("trams", 5), stream("trams/a", "positions"))
    old, kept = await sealed(city, "public-safety", 6), await sealed(city, "public-safety", 5)

    await city.retainer.turn()

    with pytest.raises(Refused, match="was erased"):
        await city.keys.open(*old)
    assert await city.keys.open(*kept) == b"where they were"
    [event] = city.told("erasure@1")
    assert msgspec.json.decode(event.body, type=Erased).key == old[0]


async def test_a_hold_that_is_placed_as_a_look_begins_or_while_it_destroys_is_kept(city: City) -> None:
    """Once before anything goes, and once after the first key went: what is held by then stays, and the next look goes on with the rest."""
    await city.enter(source("buses", 3), stream("buses/a", "positions"))

    class Placing(Copies):
        @asynccontextmanager
        async def removing(self) -> AsyncIterator[bool]:
            city.held = Spared(buckets={f"public-safety/positions/{iso(START - 6 * DAY)[:10]}"})
            yield True

    held, other = await sealed(city, "public-safety", 6), await sealed(city, "public-safety", 7)
    city.retainer.copying = Placing()
    await city.retainer.turn()
    assert await city.keys.open(*held) == b"where they were"
    with pytest.raises(Refused, match="was erased"):
        await city.keys.open(*other)

    ways = [await sealed(city, "public-safety", old) for old in (8, 9, 10)]
    reads = [city.held, city.held, Spared(buckets={*city.held.buckets, "public-safety/positions/2000-01-01"})]

    async def spared() -> Spared:
        return reads.pop(0) if len(reads) > 1 else reads[0]

    city.retainer.spared = spared
    with pytest.raises(Conflict, match="changed while this looked"):
        await city.retainer.turn()

    erased = [way for way in ways if await gone(city, way)]
    assert len(erased) == 1


async def gone(city: City, way: tuple[str, bytes]) -> bool:
    try:
        await city.keys.open(*way)
    except Refused:
        return True
    return False


async def test_a_bucket_stays_as_long_as_one_of_its_sources_keeps_it_for_ever(city: City) -> None:
    await city.enter(source("buses", 3), stream("buses/a", "positions"))
    await city.enter(source("always", None), stream("always/a", "positions"))
    old = await sealed(city, "public-safety", 400)

    await city.retainer.turn()

    assert await city.keys.open(*old) == b"where they were"


async def test_a_bucket_of_a_purpose_that_nobody_has_any_more_goes_as_its_kind_does(city: City) -> None:
    await city.enter(source("buses", 3), stream("buses/a", "positions"))
    old = await sealed(city, "given-up", 5)
    call = await city.keys.seal(f"emergency-response/call/{iso(START - 400 * DAY)[:10]}", b"a call")
    state = await city.keys.seal("state/detect", b"what a detector knows")

    await city.retainer.turn()

    with pytest.raises(Refused, match="was erased"):
        await city.keys.open(*old)
    assert (await city.keys.open(*call), await city.keys.open(*state)) == (b"a call", b"what a detector knows")


async def test_a_bucket_stays_for_the_older_rows_of_a_datastream_that_has_another_purpose_now(city: City) -> None:
    await city.enter(source("buses", 3), stream("buses/a", "positions"))
    moved = msgspec.structs.replace(stream("trams/a", "positions", "traffic"), changed=START - 5 * DAY)
    await city.enter(source("trams", 8), msgspec.structs.replace(moved, purpose="public-safety", changed=None))
    await city.enter(source("trams", 8), moved)
    held, freed, over = [await sealed(city, "public-safety", old) for old in (6, 4, 9)]

    await city.retainer.turn()

    assert await city.keys.open(*held) == b"where they were"
    for gone in (freed, over):
        with pytest.raises(Refused, match="was erased"):
            await city.keys.open(*gone)


async def test_a_bucket_stays_for_ever_when_one_that_keeps_for_ever_may_have_filled_it(city: City) -> None:
    await city.enter(source("buses", 3), stream("buses/a", "positions"))
    moved = stream("always/a", "positions")
    await city.enter(source("always", None), moved)
    await city.enter(source("always", None), msgspec.structs.replace(moved, purpose="traffic", changed=START - DAY))
    old = await sealed(city, "public-safety", 400)

    await city.retainer.turn()

    assert await city.keys.open(*old) == b"where they were"


@pytest.mark.parametrize(
    ("bucket", "over", "days"),
    [
        ("emergency-response/calls/2022-11", "2022-12-01T00:00:00Z", 365),
        ("emergency-response/calls/2022-12", "2023-01-01T00:00:00Z", 365),
        ("city-operations/reports/2022-12", "2023-01-01T00:00:00Z", 365),
        ("public-safety/posts/2022-12-31T23", "2023-01-01T00:00:00Z", 1),
    ],
)
async def test_what_people_said_goes_a_year_after_its_month_and_public_posts_a_day_after_their_hour(
    city: City, bucket: str, over: str, days: int
) -> None:
    call = await city.keys.seal(bucket, b"a call")
    city.now = parse(over) + days * DAY - 1
    await city.retainer.turn()
    assert await city.keys.open(*call) == b"a call"

    city.now += 1
    await city.retainer.turn()

    with pytest.raises(Refused, match="was erased"):
        await city.keys.open(*call)


async def test_what_a_source_is_called_makes_no_bucket_of_calls(city: City) -> None:
    secret = await city.keys.seal("system-operation/connections/calls/2000-01", b"a password")

    await city.retainer.turn()

    assert await city.keys.open(*secret) == b"a password"


async def test_keys_go_though_the_lake_is_in_trouble(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails(*_: object) -> int:
        raise EngineDown("the lake does not answer")

    await city.enter(source("buses", 3), stream("buses/a", "positions"))
    old = await sealed(city, "public-safety", 6)
    monkeypatch.setattr(city.lake, "overdue", fails)

    with pytest.raises(EngineDown):
        await city.retainer.turn()

    with pytest.raises(Refused, match="was erased"):
        await city.keys.open(*old)


async def test_files_with_keys_are_shredded_once_at_the_start_and_after_keys_were_destroyed(city: City) -> None:
    await city.enter(source("buses", 3), stream("buses/a", "positions"))
    for _ in range(2):
        await city.retainer.turn()
    assert city.keys.shredded == 1

    for days in (6, 7):
        await sealed(city, "public-safety", days)
    for _ in range(2):
        await city.retainer.turn()
    assert city.keys.shredded == 2


# ── at work ─────────────────────────────────────────────────────────────────────────────────────
def test_it_looks_each_hour_and_sooner_when_it_could_not(virtually: Virtually) -> None:
    async def main() -> list[float]:
        city, stop, loop = City(), asyncio.Event(), asyncio.get_running_loop()
        await city.enter(source("short", 30), stream("short/a"))
        looks: list[float] = []

        def look() -> int:
            looks.append(loop.time())
            if len(looks) == 1:
                raise EngineDown("not now")
            if len(looks) == 5:
                stop.set()
            return START

        city.retainer.clock = look
        city.copies.busy = True
        await city.retainer.run(stop)
        return looks

    looks = virtually(main())

    assert looks == [0, 60, 120, 180, 240]


def test_it_looks_each_hour_when_all_is_well(virtually: Virtually) -> None:
    async def main() -> list[float]:
        city, stop, loop = City(), asyncio.Event(), asyncio.get_running_loop()
        looks: list[float] = []

        def left(_: int) -> None:
            looks.append(loop.time())
            if len(looks) == 3:
                stop.set()

        city.retainer.left = left
        await city.retainer.run(stop)
        return looks

    hour = HOUR / SECOND
    assert virtually(main()) == [0, hour, 2 * hour]
