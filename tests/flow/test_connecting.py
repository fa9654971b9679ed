"""Connections: each runs by itself from where it stopped, starts again with growing pauses, and tells how it is doing."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Protocol

import msgspec
import pytest

from tutela.backends.memory_facts import MemoryFacts, Store
from tutela.backends.memory_keys import MemoryKeys
from tutela.errors import BadInput, EngineDown, Fenced, Overloaded
from tutela.flow.catalogue import Known
from tutela.flow.connecting import Connecting
from tutela.flow.entering import Connected, connect, disconnect, enter
from tutela.flow.hearing import Hearing
from tutela.flow.line import Line, Opened, told
from tutela.model.call import Call
from tutela.model.flow import Offer, Receipt
from tutela.model.heard import Heard, Value
from tutela.model.intake import LONGEST, Intake, pause
from tutela.model.place import Place
from tutela.model.register import Connection, Datastream, Kept, Reach, Source, Thing
from tutela.model.telling import Telling
from tutela.model.when import SECOND, parse

NOW = int(parse("2026-11-25T12:00:00Z"))
BUSES = Source(
    name="buses",
    owner="City",
    kind="feed",
    purposes=("traffic",),
    legal_basis="PublicInterest",
    personal_data=False,
    place="everywhere",
)
CALL = Call(id="1", timeline="live", source="buses", at=NOW, place=Place(lat=60, lon=25), cell=0, category="fire")
Runs = Callable[[Intake], Awaitable[None]]


class Virtually(Protocol):
    def __call__(self, main: Coroutine[object, object, None]) -> None: ...


async def spoken(body: bytes, _: str = "") -> Heard:
    """A tiny standard: a number of the one bus there is."""
    try:
        result = float(body)
    except ValueError as wrong:
        raise BadInput(f"{body!r} is no number; send one") from wrong
    thing = Thing(id=0, name="buses/7", kind="vehicle", source="buses")
    stream = Datastream(
        id=0,
        name="buses/7/speed",
        source="buses",
        thing=thing.name,
        kind="readings",
        observed_property="speed",
        unit="m/s",
    )
    return Heard((thing,), (stream,), (Value(stream.name, NOW, (result,)),))


@dataclass
class Part:
    """A source made of a function."""

    does: Runs

    async def run(self, intake: Intake) -> None:
        await self.does(intake)


def now() -> int:
    return NOW + int(asyncio.get_running_loop().time() * SECOND)


@dataclass
class Town:
    """The connections of a register in memory; `parts` says what each source does."""

    parts: dict[str, Runs | None]
    facts: MemoryFacts = field(default_factory=lambda: MemoryFacts(Store(now)))
    offers: list[Offer] = field(default_factory=list)
    secrets: tuple[str, ...] = ()
    wrong: list[Exception] = field(default_factory=list)
    told: list[Telling] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.known = Known(self.facts, 4)

    async def give(self, offer: Offer) -> Receipt:
        if self.wrong:
            raise self.wrong.pop(0)
        self.offers.append(offer)
        return Receipt(0 if offer.rows is None else len(offer.rows), offer.refused)

    async def tell(self, call: Telling) -> str:
        if self.wrong:
            raise self.wrong.pop(0)
        self.told.append(call)
        return "event"

    def line(self, source: str, epoch: int = 1) -> Line:
        hearing = Hearing(source, self.facts, self.known, self.give, now)
        return Line(source, epoch, hearing, self.tell, self.facts, now, lambda: 0.0)

    async def opening(self, kept: Kept) -> Opened:
        does = self.parts[kept.connection.source]
        return Opened(Part(does) if does else None, spoken, self.secrets)

    async def enter(self, *sources: str, **more: object) -> None:
        for source in sources:
            await enter(self.facts, msgspec.structs.replace(BUSES, name=source, **more), "install", NOW)
            connection = Connection(source=source, part="part", options={"every": 5})
            await connect(self.facts, MemoryKeys(), connection, {}, "install", NOW)

    def runner(self, name: str = "one") -> Connecting:
        return Connecting(name, self.facts, self.known, line=self.line, opening=self.opening, clock=now)

    async def run(self, seconds: float, name: str = "one") -> None:
        """Run the connections for so long, and stop them."""
        task = asyncio.create_task(self.runner(name).run())
        await asyncio.sleep(seconds)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()

    def values(self, name: str) -> list[float]:
        number = self.known.number(name)
        found = [offer.rows for offer in self.offers if offer.rows]
        return [float(result) for rows in found for result in rows.result[rows.datastream == number]]


async def forever(_: Intake) -> None:
    await asyncio.Event().wait()


async def counting(intake: Intake) -> None:
    """Sends one, two, three …, and remembers how far it is."""
    number = int(await intake.mark() or b"0")
    while True:
        number += 1
        await intake.take(b"%d" % number)
        await intake.remember(b"%d" % number)
        await intake.wait(10)


# ── the runner ──────────────────────────────────────────────────────────────────────────────────
def test_a_connection_runs_and_goes_on_where_it_stopped(virtually: Virtually) -> None:
    async def main() -> None:
        town = Town({"buses": counting})
        await town.enter("buses")
        await town.run(25)
        await town.run(25, "another")  # waits for the lease of the one before
        assert town.values("buses/7/speed") == [1, 2, 3, 4, 5, 6]

    virtually(main())


def test_one_that_fails_is_started_again_with_growing_pauses_and_leaves_the_others_alone(
    virtually: Virtually, caplog: pytest.LogCaptureFixture
) -> None:
    starts: list[float] = []

    async def failing(_: Intake) -> None:
        starts.append(asyncio.get_running_loop().time())
        raise ZeroDivisionError("what nobody foresaw")

    async def main() -> None:
        town = Town({"buses": counting, "trams": failing})
        await town.enter("buses", "trams")
        await town.run(32)
        assert town.values("buses/7/speed") == [1, 2, 3, 4]
        conditions = {one.source: one for one in await town.facts.conditions()}
        assert conditions["trams"].says == "the connection failed: ZeroDivisionError: what nobody foresaw"
        assert (conditions["trams"].reachable, conditions["trams"].starts) == (False, 5)
        assert conditions["buses"].reachable

    virtually(main())

    assert [round(later - before) for before, later in pairwise(starts)] == [2, 4, 8, 16]
    assert "Traceback" in caplog.text
    assert "ZeroDivisionError: what nobody foresaw" in caplog.text


@pytest.mark.parametrize(("says", "ends"), [("ended by itself", None), ("stopped: read this", BadInput("read this"))])
def test_one_that_ends_is_started_again_and_says_why_it_ended(
    virtually: Virtually, says: str, ends: Exception | None
) -> None:
    async def brief(_: Intake) -> None:
        if ends:
            raise ends

    async def main() -> None:
        town = Town({"buses": brief})
        await town.enter("buses")
        await town.run(10)
        (condition,) = await town.facts.conditions()
        assert condition.says == f"the connection {says}"
        assert condition.starts > 1

    virtually(main())


def test_one_that_ran_well_for_long_is_started_again_at_once(virtually: Virtually) -> None:
    starts: list[float] = []

    async def long(intake: Intake) -> None:
        starts.append(intake.clock())
        await intake.wait(100)

    async def main() -> None:
        town = Town({"buses": long})
        await town.enter("buses")
        await town.run(500)

    virtually(main())

    assert {(later - before) // SECOND for before, later in pairwise(starts)} == {102}


def test_what_is_entered_changed_or_taken_back_is_followed_without_a_restart(virtually: Virtually) -> None:
    ran: list[str] = []

    async def main() -> None:
        town = Town({"buses": forever, "trams": forever})
        task = asyncio.create_task(town.runner().run())
        opening = town.opening

        async def noted(kept: Kept) -> Opened:
            ran.append(f"{kept.connection.source} {kept.connection.options}")
            return await opening(kept)

        runner = Connecting("two", town.facts, town.known, line=town.line, opening=noted, clock=now)
        task.cancel()
        task = asyncio.create_task(runner.run())
        await asyncio.sleep(5)
        await town.enter("buses")
        await asyncio.sleep(2)
        await town.enter("trams")
        await asyncio.sleep(2)
        changed = Connection(source="buses", part="part", options={"every": 6})
        await connect(town.facts, MemoryKeys(), changed, {}, "install", NOW)
        await asyncio.sleep(2)
        await disconnect(town.facts, "trams", "install", NOW)
        await asyncio.sleep(2)
        assert set(runner._jobs) == {"buses"}
        task.cancel()

    virtually(main())

    assert ran == ["buses {'every': 5}", "trams {'every': 5}", "buses {'every': 6}"]


def test_nothing_is_fetched_for_a_source_whose_entry_has_ended(virtually: Virtually) -> None:
    async def main() -> None:
        town = Town({"buses": counting})
        await town.enter("buses", ends=NOW + 15 * SECOND)
        await town.run(60)
        assert town.values("buses/7/speed") == [1, 2]

    virtually(main())


def test_two_processes_never_run_the_same_connection(virtually: Virtually) -> None:
    running: set[str] = set()

    async def main() -> None:
        town = Town({"buses": forever})
        await town.enter("buses")

        def runner(name: str) -> Connecting:
            async def only(_: Intake) -> None:
                assert not running
                running.add(name)
                try:
                    await asyncio.Event().wait()
                finally:
                    running.remove(name)

            async def opening(_: Kept) -> Opened:
                return Opened(Part(only), spoken)

            return Connecting(name, town.facts, town.known, line=town.line, opening=opening, clock=now)

        first, second = (asyncio.create_task(runner(name).run()) for name in ("first", "second"))
        await asyncio.sleep(10)
        assert running == {"first"}
        first.cancel()
        await asyncio.sleep(10)
        assert running == {"second"}
        second.cancel()

    virtually(main())


def test_one_that_lost_its_lease_stops_what_it_ran_and_can_remember_nothing(virtually: Virtually) -> None:
    async def main() -> None:
        town = Town({"buses": counting})
        await town.enter("buses")
        runner = town.runner("stalled")
        task = asyncio.create_task(runner.run())
        await asyncio.sleep(5)
        held = town.facts.store.connecting
        held.owner, held.epoch, held.until = "other", held.epoch + 1, now() + 1000 * SECOND
        with pytest.raises(Fenced):
            await town.line("buses", held.epoch - 1).remember(b"99")
        await asyncio.sleep(5)
        assert not runner._jobs
        assert await town.facts.mark("buses") == b"1"
        task.cancel()

    virtually(main())


def test_while_the_register_is_away_what_runs_goes_on(virtually: Virtually) -> None:
    class Flaky(MemoryFacts):
        away = False

        async def attend(self, worker: str) -> int | None:
            if self.away:
                raise EngineDown("PostgreSQL does not answer")
            return await super().attend(worker)

    async def main() -> None:
        facts = Flaky(Store(now))
        town = Town({"buses": counting}, facts)
        await town.enter("buses")
        task = asyncio.create_task(town.runner().run())
        await asyncio.sleep(5)
        facts.away = True
        await asyncio.sleep(20)
        assert town.values("buses/7/speed") == [1, 2, 3]
        task.cancel()

    virtually(main())


# ── health ──────────────────────────────────────────────────────────────────────────────────────
def test_its_health_is_observed_each_half_minute_under_its_own_source(virtually: Virtually) -> None:
    async def mixed(intake: Intake) -> None:
        await intake.wait(20)
        await intake.take(b"1")
        await intake.wait(40)
        intake.trouble("the feed does not answer")
        await asyncio.Event().wait()

    async def main() -> None:
        town = Town({"buses": mixed})
        await town.enter("buses")
        await town.run(100)
        assert town.values("buses/connection/age") == [1, 11, 41, 71]
        assert town.values("buses/connection/reachable") == [1, 0, 0]
        stream = town.known.datastream(town.known.number("buses/connection/age") or 0)
        assert (stream.source, stream.interval, stream.unit, stream.purpose) == ("buses", 30, "s", "traffic")

    virtually(main())


def test_health_that_cannot_be_told_now_stops_nothing(virtually: Virtually) -> None:
    async def main() -> None:
        town = Town({"buses": forever}, wrong=[Overloaded("the gateway is full")])
        await town.enter("buses")
        await town.run(70)
        assert town.values("buses/connection/age") == [31, 61]  # of three, the first was lost

    virtually(main())


def test_one_that_cannot_be_opened_is_watched_as_well(virtually: Virtually) -> None:
    async def main() -> None:
        town = Town({})
        await town.enter("buses")

        async def opening(_: Kept) -> Opened:
            raise BadInput("no part called 'carrier-pigeon' in sources")

        runner = Connecting("one", town.facts, town.known, line=town.line, opening=opening, clock=now)
        task = asyncio.create_task(runner.run())
        await asyncio.sleep(40)
        (condition,) = await town.facts.conditions()
        assert "carrier-pigeon" in condition.says
        assert town.values("buses/connection/reachable")[-1] == 0
        task.cancel()

    virtually(main())


def test_a_fault_of_what_watches_begins_the_connection_anew(
    virtually: Virtually, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        town = Town({"buses": forever}, wrong=[ZeroDivisionError("what nobody foresaw")])
        await town.enter("buses")
        await town.run(40)
        assert town.values("buses/connection/age") == [1, 31]

    virtually(main())

    assert "what ran the connection of buses failed" in caplog.text


def test_what_others_carry_is_not_run_and_tells_no_health(virtually: Virtually) -> None:
    async def main() -> None:
        town = Town({"buses": None})
        await town.enter("buses")
        await town.run(40)
        assert town.offers == []
        assert await town.facts.conditions() == []

    virtually(main())


# ── the line ────────────────────────────────────────────────────────────────────────────────────
def test_what_cannot_be_read_is_counted_as_refused_and_told(virtually: Virtually) -> None:
    async def main() -> None:
        town = Town({})
        await town.enter("buses")
        await town.known.refresh()
        line = town.line("buses")
        line.opened = Opened(None, spoken)
        receipt = await line.take(b"not a number")
        assert [(one.reason, one.count, one.sample) for one in receipt.refused] == [("unreadable", 1, b"not a number")]
        assert "send one" in line.condition().says

    virtually(main())


def test_an_engine_that_is_away_is_waited_for_and_nothing_is_lost(virtually: Virtually) -> None:
    async def main() -> None:
        down = [EngineDown("NATS does not answer"), Overloaded("the gateway is full", retry_after=5)]
        town = Town({}, wrong=[*down, *down])
        await town.enter("buses")
        await town.known.refresh()
        line = town.line("buses")
        line.opened = Opened(None, spoken)
        assert (await line.take(b"1")).accepted == 1
        assert await line.tell(CALL) == "event"
        assert now() - NOW == 14 * SECOND
        assert town.told == [CALL]

    virtually(main())


def test_a_secret_is_never_told_again(virtually: Virtually, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        line = Town({}).line("buses")
        line.opened = Opened(None, spoken, ("sesame-123", "abc"))
        line.trouble("https://feed/?key=sesame-123 abc answers 403")
        assert line.condition().says == "https://feed/?key=… abc answers 403"
        line.trouble("x" * 5000)
        assert len(line.condition().says) == 300

    virtually(main())

    assert "sesame" not in caplog.text


def test_a_secret_is_hidden_in_each_way_in_which_libraries_write_it(virtually: Virtually) -> None:
    async def main() -> None:
        line = Town({}).line("buses")
        line.opened = Opened(None, spoken, ("Bearer sesame-123\n", "open\tsesame"))
        line.trouble(f"Illegal header value {b'Bearer sesame-123'!r}, {'Bearer sesame-123' + chr(10)!r}: sesame-123")
        assert "sesame" not in line.condition().says
        line.trouble(f"bad value {chr(9).join(('open', 'sesame'))!r}")
        assert "sesame" not in line.condition().says

    virtually(main())


def test_a_body_that_its_standard_stumbles_over_is_refused_and_the_next_one_is_taken(virtually: Virtually) -> None:
    async def stumbling(body: bytes, _: str) -> Heard:
        if body == b"1":
            raise OverflowError("the content of the body")
        return await spoken(body)

    async def main() -> None:
        town = Town({"buses": None})
        await town.enter("buses")
        line = town.line("buses")
        line.opened = Opened(None, stumbling)
        receipt = await line.take(b"1")
        assert [(no.reason, no.count) for no in receipt.refused] == [("unreadable", 1)]
        assert "OverflowError" in line.condition().says
        assert "content" not in line.condition().says + receipt.refused[0].says
        assert (await line.take(b"2")).accepted == 1

    virtually(main())


def test_a_fault_that_nobody_foresaw_is_traced_without_its_secrets(
    virtually: Virtually, caplog: pytest.LogCaptureFixture
) -> None:
    async def failing(_: Intake) -> None:
        raise ValueError("invalid DSN: postgresql://reader:sesame-123@host/air")

    async def main() -> None:
        town = Town({"buses": failing}, secrets=("sesame-123",))
        await town.enter("buses")
        await town.run(5)
        (condition,) = await town.facts.conditions()
        assert condition.says.endswith("postgresql://reader:…@host/air")

    virtually(main())

    assert "Traceback" in caplog.text
    assert "sesame" not in caplog.text


def test_a_trouble_that_goes_on_is_counted_and_logged_once_an_hour(
    virtually: Virtually, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        line = Town({}).line("buses")
        for _ in range(5):
            line.trouble("the feed does not answer")
        line.well()
        assert (line.condition().reachable, line.condition().troubles) == (True, 5)
        await line.wait(3600)
        line.trouble("the feed does not answer")

    with caplog.at_level(logging.WARNING):
        virtually(main())

    assert caplog.text.count("the feed does not answer") == 2


def test_the_texts_in_secrets_are_found_wherever_they_stand() -> None:
    secret = {"headers": {"X-Key": "a"}, "users": [{"name": "b"}, ["c"]], "tries": 5}

    assert list(told(secret)) == ["a", "b", "c"]
    dsn = "postgresql://reader:sesame@host/air"
    assert list(told({"dsn": dsn})) == [dsn, "sesame"]


@pytest.mark.parametrize(
    ("failures", "chance", "seconds"), [(0, 0.9, 10), (1, 0, 20), (2, 0, 40), (1, 1, 15), (50, 0, LONGEST)]
)
def test_pauses_grow_up_to_a_longest_one(failures: int, chance: float, seconds: float) -> None:
    assert pause(10, failures, chance) == seconds
    assert pause(5000, failures, 0) >= 5000  # who comes seldom anyway does not come more often


# ── the register ────────────────────────────────────────────────────────────────────────────────
async def test_an_entry_names_secrets_and_holds_none_in_clear() -> None:
    facts, keys = MemoryFacts(), MemoryKeys()
    await enter(facts, BUSES, "install", NOW)
    plain = Connection(source="buses", part="poll", options={"url": "https://feed"})
    await connect(facts, keys, plain, {"headers": {"X-Key": "sesame"}}, "otto", NOW)

    (kept,) = await facts.connections()
    assert kept.connection == msgspec.structs.replace(plain, secret=("headers",))
    assert b"sesame" not in kept.sealed
    assert msgspec.json.decode(await keys.open(kept.key, kept.sealed)) == {"headers": {"X-Key": "sesame"}}
    event = (await facts.about("buses"))[-1]
    assert (event.kind, event.by) == ("connection@1", "otto")
    assert msgspec.json.decode(event.body, type=Connected).connection == kept.connection
    assert b"sesame" not in event.body


async def test_what_is_connected_and_taken_back_is_in_the_log_each_time() -> None:
    facts, keys = MemoryFacts(), MemoryKeys()
    await enter(facts, BUSES, "install", NOW)
    connection = Connection(source="buses", part="poll")
    for at in (1, 3):
        await connect(facts, keys, connection, {}, "otto", at)
        await disconnect(facts, "buses", "otto", at + 1)
    await disconnect(facts, "buses", "otto", 9)

    told_ = [msgspec.json.decode(one.body, type=Connected).connection for one in (await facts.about("buses"))[1:]]
    assert told_ == [connection, None, connection, None]


def test_a_condition_that_nothing_is_known_of_says_so() -> None:
    assert Reach(source="buses", at=1).reachable is None
