"""Promises of the gateway: what a receipt means, whatever goes wrong."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Protocol

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tutela.backends.memory import MemoryStreams
from tutela.backends.memory_facts import MemoryFacts, Store
from tutela.backends.memory_keys import MemoryKeys
from tutela.errors import BadInput, EngineDown, Overloaded, Refused, StorageFull
from tutela.flow import hop
from tutela.flow.catalogue import Known
from tutela.flow.fair import Room
from tutela.flow.gateway import Gateway, Options
from tutela.flow.health import Health
from tutela.flow.pace import Pace
from tutela.model import wire
from tutela.model.event import Event
from tutela.model.flow import Message, Offer, Receipt, Refusal
from tutela.model.register import Datastream, Source, Thing
from tutela.model.rows import Rows
from tutela.model.when import DAY, MINUTE, SECOND, parse

P = 4
NOW = int(parse("2026-11-25T12:00:00Z"))
STREAM = hop.observations("live")
AIR = range(1, 9)
CARS = range(9, 13)
METRO = range(13, 17)


class Virtually(Protocol):
    def __call__(self, main: Coroutine[object, object, None]) -> None: ...


def now() -> int:
    return NOW + int(asyncio.get_running_loop().time() * SECOND)


def source(name: str, *, personal_data: bool) -> Source:
    return Source(
        name=name,
        owner="city",
        kind="http",
        purposes=("traffic",),
        legal_basis="PublicInterest",
        personal_data=personal_data,
        place="Helsinki",
    )


def datastream(number: int, of: str, kind: str, purpose: str) -> Datastream:
    return Datastream(
        id=number,
        name=f"{of}/{number}",
        source=of,
        thing=f"{of}-thing",
        kind=kind,
        observed_property="x",
        unit="1",
        purpose=purpose,
    )


async def register() -> MemoryFacts:
    """The sources air and metro (readings) and cars (positions, some for traffic, some for public safety)."""
    facts = MemoryFacts(Store(clock=now))
    for name in ("air", "cars", "metro"):
        entered = Event(id=name, at=0, by="test", cause=None, kind="source@1", timeline="live", body=b"{}")
        await facts.enter(source(name, personal_data=name == "cars"), entered)
        await facts.define([Thing(id=0, name=f"{name}-thing", kind="x", source=name)], [])
    await facts.define([], [datastream(number, "air", "readings", "environment") for number in AIR])
    purposes = ("traffic", "public-safety")
    await facts.define([], [datastream(number, "cars", "positions", purposes[number // 2 % 2]) for number in CARS])
    await facts.define([], [datastream(number, "metro", "readings", "traffic") for number in METRO])
    return facts


Fault = Callable[[str], Exception | None]


def nothing(_: str) -> Exception | None:
    return None


class Disk(MemoryStreams):
    """Streams on a disk that takes its time: `before` and `after` storing it may fail."""

    def __init__(
        self, takes: Callable[[], float] = lambda: 0.003, before: Fault = nothing, after: Fault = nothing
    ) -> None:
        super().__init__(clock=now)
        self.takes, self.before, self.after = takes, before, after
        self.busy = self.busiest = 0

    async def publish(self, subject: str, body: bytes, id_: str, headers: Mapping[str, str]) -> int:
        self.busy += 1
        self.busiest = max(self.busy, self.busiest)
        try:
            await asyncio.sleep(self.takes())
            if failed := self.before(subject):
                raise failed
            sequence = await super().publish(subject, body, id_, headers)
            if failed := self.after(subject):
                raise failed
            return sequence
        finally:
            self.busy -= 1

    async def messages(self) -> Sequence[Message]:
        reader = await self.read(STREAM, ("obs.live.>",), 0)
        return await reader.fetch(1_000_000, 0)


@dataclass
class City:
    """A gateway with all that it stands on."""

    gateway: Gateway
    disk: Disk
    keys: MemoryKeys
    health: Health
    running: asyncio.Task[None]

    async def stored(self) -> list[Rows]:
        """All rows in the stream, message by message, opened."""
        found = []
        for message in await self.disk.messages():
            body = message.body
            if key := message.headers.get("Key"):
                body = await self.keys.open(key, body)
            found.append(wire.decode(body))
        return found

    async def results(self, subject: str = "") -> list[float]:
        """The results of all readings stored under that subject."""
        messages = [message for message in await self.disk.messages() if message.subject.endswith(subject)]
        return [value for message in messages for value in wire.decode(message.body).result.tolist()]

    async def give(self, of: str, rows: Rows | None, *refused: Refusal) -> Receipt:
        return await self.gateway.give(Offer(of, "live", rows, refused))


@asynccontextmanager
async def city(disk: Disk | None = None, options: Options | None = None) -> AsyncIterator[City]:
    disk = disk or Disk()
    await disk.open(STREAM, ("obs.live.>",))
    known, keys, health = Known(await register(), P), MemoryKeys(clock=now), Health()
    await known.refresh()
    gateway = Gateway(
        "g1",
        "live",
        streams=disk,
        keys=keys,
        known=known,
        health=health,
        clock=now,
        options=options,
    )
    running = asyncio.create_task(gateway.run())
    await asyncio.sleep(0)
    yield City(gateway, disk, keys, health, running)
    running.cancel()
    await asyncio.wait([running])


def readings(*said: tuple[int, float], time: int = NOW) -> Rows:
    datastream, result = zip(*said, strict=True)
    return Rows(
        "readings",
        np.array(datastream, np.int32),
        np.full(len(said), time, np.int64),
        {"result": np.array(result, np.float64)},
    )


def positions(*said: tuple[int, float], time: int = NOW) -> Rows:
    datastream, lat = zip(*said, strict=True)
    where = np.array(lat, np.float64)
    times = np.full(len(said), time, np.int64)
    return Rows("positions", np.array(datastream, np.int32), times, {"lat": where, "lon": where})


def test_what_has_a_receipt_is_in_the_stream(virtually: Virtually) -> None:
    async def main() -> None:
        async with city() as it:
            receipt = await it.give("air", readings((1, 10.0), (5, 11.0), (2, 12.0), (1, 13.0)))

            assert receipt == Receipt(4)
            messages = await it.disk.messages()
            assert [(one.subject, one.headers) for one in messages] == [
                ("obs.live.readings.1", {"Schema": "readings@1", "Nats-Msg-Id": "g1-1-readings-1-0"}),
                ("obs.live.readings.2", {"Schema": "readings@1", "Nats-Msg-Id": "g1-1-readings-2-0"}),
            ]
            assert await it.results(".1") == [10.0, 11.0, 13.0]
            (report,) = it.health.report(now())
            assert (report.source, report.rows) == ("air", 4)

    virtually(main())


def test_at_rest_nothing_waits(virtually: Virtually) -> None:
    async def main() -> None:
        async with city() as it:
            for _ in range(10):
                before = asyncio.get_running_loop().time()
                await it.give("air", readings((1, 10.0)))
                assert asyncio.get_running_loop().time() - before == pytest.approx(0.003)
                await asyncio.sleep(0.1)

    virtually(main())


def test_what_comes_while_a_batch_is_on_its_way_shares_the_next_one(virtually: Virtually) -> None:
    async def main() -> None:
        async with city(Disk(takes=lambda: 0.5)) as it:
            first = asyncio.create_task(it.give("air", readings((1, 0.0))))
            await asyncio.sleep(0.001)
            others = [asyncio.create_task(it.give("air", readings((1, one)))) for one in (1.0, 2.0, 3.0)]
            await asyncio.gather(first, *others)

            assert [rows.result.tolist() for rows in await it.stored()] == [[0.0], [1.0, 2.0, 3.0]]

    virtually(main())


def test_a_thousand_posts_a_second_stay_within_the_budget_of_messages(virtually: Virtually) -> None:
    async def main() -> None:
        async with city() as it:
            waits: list[float] = []

            async def post(at: float, number: int) -> None:
                await asyncio.sleep(at)
                await it.give("air", readings((number % 8 + 1, float(number))))
                waits.append(asyncio.get_running_loop().time() - at)

            await asyncio.gather(*(post(number / 1000, number) for number in range(3000)))

            assert len(await it.disk.messages()) <= 60 + 4 + Pace().rate * asyncio.get_running_loop().time()
            assert sorted(await it.results()) == [float(number) for number in range(3000)]
            assert max(waits) < 0.1

    virtually(main())


def test_nothing_is_taken_while_the_last_room_belongs_to_the_facts(virtually: Virtually) -> None:
    def full() -> None:
        raise StorageFull("the disk is low")

    async def main() -> None:
        async with city(options=Options(may=full)) as it:
            with pytest.raises(StorageFull, match="the disk is low"):
                await it.give("air", readings((1, 1.0)))

            assert (await it.disk.messages(), it.health.report(now())) == ((), ())

    virtually(main())


def test_only_offers_with_rows_in_a_partition_that_failed_fail(virtually: Virtually) -> None:
    def broken(subject: str) -> Exception | None:
        return StorageFull("the disk is full") if subject.endswith(".1") else None

    async def main() -> None:
        async with city(Disk(before=broken)) as it:
            offers = (
                ("air", readings((1, 1.0), (2, 2.0))),
                ("air", readings((2, 3.0))),
                ("metro", readings((13, 4.0))),
                ("cars", positions((10, 5.0))),
            )
            done = await asyncio.gather(*(it.give(*offer) for offer in offers), return_exceptions=True)

            assert [type(one) for one in done] == [StorageFull, Receipt, StorageFull, Receipt]
            assert await it.results("readings.2") == [2.0, 3.0]
            assert {report.source: report.rows for report in it.health.report(now())} == {"air": 1, "cars": 1}

    virtually(main())


def test_after_a_failure_the_next_offer_is_stored(virtually: Virtually) -> None:
    faults = iter([EngineDown("NATS does not answer"), None])

    async def main() -> None:
        async with city(Disk(before=lambda _: next(faults))) as it:
            with pytest.raises(EngineDown):
                await it.give("air", readings((1, 1.0)))
            await it.give("air", readings((1, 1.0)))

            assert await it.results() == [1.0]

    virtually(main())


def test_personal_rows_are_sealed_by_purpose_and_day(virtually: Virtually) -> None:
    async def main() -> None:
        async with city() as it:
            await it.give("cars", positions((9, 1.0), (10, 2.0)))
            await it.give("cars", positions((9, 3.0), time=NOW - DAY))
            await it.give("cars", positions((11, 60.123456)))

            messages = await it.disk.messages()
            assert [(one.subject, one.headers["Bucket"]) for one in messages] == [
                ("obs.live.positions.1", "traffic/positions/2026-11-25"),
                ("obs.live.positions.2", "public-safety/positions/2026-11-25"),
                ("obs.live.positions.1", "traffic/positions/2026-11-24"),
                ("obs.live.positions.3", "public-safety/positions/2026-11-25"),
            ]
            assert [rows.values["lat"].tolist() for rows in await it.stored()] == [[1.0], [2.0], [3.0], [60.123456]]
            assert not any(np.float64(60.123456).tobytes() in one.body for one in messages)
            assert messages[1].headers["Key"] == messages[3].headers["Key"] != messages[0].headers["Key"]

    virtually(main())


def test_a_bucket_that_was_erased_takes_what_comes_later_with_a_new_key(virtually: Virtually) -> None:
    async def main() -> None:
        async with city() as it:
            await it.give("cars", positions((9, 1.0)))
            await it.keys.destroy("1")

            await it.give("cars", positions((9, 2.0)))

            first, later = await it.disk.messages()
            assert first.headers["Key"] != later.headers["Key"]
            assert await it.keys.open(later.headers["Key"], later.body)
            with pytest.raises(Refused, match="erased"):
                await it.keys.open(first.headers["Key"], first.body)

    virtually(main())


def test_of_an_unknown_source_only_a_count_is_left(virtually: Virtually) -> None:
    async def main() -> None:
        async with city() as it:
            receipt = await it.give("stranger", readings((1, 10.0), (2, 10.0)))

            assert (receipt.accepted, receipt.refused[0].reason) == (0, "quarantined")
            assert await it.disk.messages() == ()
            assert it.health.take() == {("stranger", NOW // MINUTE * MINUTE, "quarantined"): 2}

    virtually(main())


def test_the_good_rows_of_an_offer_are_taken_and_the_bad_ones_counted(virtually: Virtually) -> None:
    async def main() -> None:
        async with city() as it:
            rows = readings((1, 1.0), (999, 2.0), (13, 3.0), (2, float("nan")), (2, 4.0))
            receipt = await it.give("air", rows, Refusal("unreadable", "line 3: no JSON", 1))

            assert receipt.accepted == 2
            refused = {refusal.reason: refusal.count for refusal in receipt.refused}
            assert refused == {"unreadable": 1, "unknown": 1, "foreign": 1, "not-finite": 1}
            assert await it.results() == [1.0, 4.0]
            assert sum(it.health.take().values()) == 4

    virtually(main())


def test_an_offer_of_nothing_is_answered_at_once(virtually: Virtually) -> None:
    async def main() -> None:
        async with city() as it:
            assert await it.give("air", None) == Receipt(0)

    virtually(main())


def test_another_timeline_and_misshapen_rows_are_bad_input(virtually: Virtually) -> None:
    async def main() -> None:
        async with city() as it:
            with pytest.raises(BadInput, match="takes the timeline 'live'"):
                await it.gateway.give(Offer("air", "import/x", readings((1, 1.0))))
            with pytest.raises(BadInput, match="'result'"):
                await it.give("air", Rows("readings", np.ones(1, np.int32), np.ones(1, np.int64), {}))

    virtually(main())


def test_a_source_that_floods_is_told_to_come_back_and_delays_nobody(virtually: Virtually) -> None:
    async def main() -> None:
        rooms = Options(flight_bytes=300_000, room=Room(most=4 << 20, share=1 << 20))
        async with city(Disk(takes=lambda: 0.010), rooms) as it:
            many = readings(*((number % 8 + 1, 1.0) for number in range(5000)))
            flood = [asyncio.create_task(it.give("air", many)) for _ in range(50)]
            await asyncio.sleep(0)

            before = asyncio.get_running_loop().time()
            await it.give("metro", readings((13, 7.0)))
            assert asyncio.get_running_loop().time() - before < 0.1

            done = await asyncio.gather(*flood, return_exceptions=True)
            counts = Counter(type(one) for one in done)
            assert set(counts) == {Receipt, Overloaded}
            assert len(await it.results()) == 5000 * counts[Receipt] + 1
            assert await it.give("air", many) == Receipt(5000)

    virtually(main())


def test_a_huge_offer_is_cut_and_comes_out_whole_and_in_order(virtually: Virtually) -> None:
    async def main() -> None:
        async with city(options=Options(message_rows=7, piece_rows=25, flight_bytes=2000)) as it:
            await it.give("air", readings(*((1, float(number)) for number in range(200))))

            stored = await it.stored()
            assert max(len(rows) for rows in stored) == 7
            assert await it.results() == [float(number) for number in range(200)]
            ids = [message.headers["Nats-Msg-Id"] for message in await it.disk.messages()]
            assert len(set(ids)) == len(ids)

    virtually(main())


def test_no_more_is_on_its_way_at_once_than_the_options_say(virtually: Virtually) -> None:
    async def main() -> None:
        async with city(Disk(takes=lambda: 3.0), Options(flights=2, publishes=3)) as it:
            giving = []
            for number in range(40):
                giving.append(asyncio.create_task(it.give("air", readings((number % 8 + 1, float(number))))))
                await asyncio.sleep(0.1)
            await asyncio.gather(*giving)

            assert it.disk.busiest == 3
            assert sorted(await it.results()) == [float(number) for number in range(40)]

    virtually(main())


def test_who_goes_away_before_the_answer_hinders_nobody(virtually: Virtually) -> None:
    async def main() -> None:
        async with city() as it:
            gone = asyncio.create_task(it.give("air", readings((1, 1.0))))
            stays = asyncio.create_task(it.give("air", readings((1, 2.0))))
            await asyncio.sleep(0.001)
            gone.cancel()

            assert await stays == Receipt(1)
            assert await it.results() == [1.0, 2.0]

    virtually(main())


def test_a_gateway_that_does_not_run_takes_nothing(virtually: Virtually) -> None:
    async def main() -> None:
        async with city() as it:
            it.running.cancel()
            await asyncio.wait([it.running])

            with pytest.raises(EngineDown, match="stopped before this was stored"):
                await it.give("air", readings((1, 1.0)))

    virtually(main())


def test_when_it_stops_whoever_waits_is_told_that_nothing_is_sure(virtually: Virtually) -> None:
    async def main() -> None:
        async with city(Disk(takes=lambda: 5.0), Options(flights=1)) as it:
            giving = []
            for number in range(3):
                giving.append(asyncio.create_task(it.give("air", readings((number + 1, 1.0)))))
                await asyncio.sleep(0.1)
            it.running.cancel()

            done = await asyncio.gather(*giving, return_exceptions=True)
            assert [type(one) for one in done] == [EngineDown] * 3

    virtually(main())


def test_a_batch_that_can_not_be_cut_stops_it_and_leaves_nobody_waiting(virtually: Virtually) -> None:
    async def main() -> None:
        async with city(options=Options(message_rows=0)) as it:
            with pytest.raises(EngineDown):
                await it.give("air", readings((1, 1.0)))
            await asyncio.wait([it.running])
            assert isinstance(it.running.exception(), ExceptionGroup)

    virtually(main())


def test_a_fault_in_our_own_code_stops_it_and_leaves_nobody_waiting(virtually: Virtually) -> None:
    async def main() -> None:
        async with city(Disk(before=lambda _: ZeroDivisionError())) as it:
            giving = [asyncio.create_task(it.give("air", readings((number, 1.0)))) for number in (1, 2)]

            done = await asyncio.gather(*giving, return_exceptions=True)
            await asyncio.wait([it.running])
            assert [type(one) for one in done] == [EngineDown] * 2
            assert isinstance(it.running.exception(), ExceptionGroup)

    virtually(main())


# ── whatever happens ────────────────────────────────────────────────────────────────────────────
offers = st.tuples(
    st.sampled_from(["air", "metro", "cars"]),
    st.lists(st.tuples(st.integers(0, 7), st.integers(0, 2)), min_size=1, max_size=12),
    st.integers(0, 60),
)
outcomes = st.sampled_from(["stored", "stored", "stored", "lost", "unacknowledged"])


@dataclass
class Chance:
    """What happens to each publish, from a list that is read round and round."""

    script: list[tuple[str, int]]
    turns: count[int] = field(default_factory=count)
    now: str = "stored"

    def takes(self) -> float:
        self.now, milliseconds = self.script[next(self.turns) % len(self.script)]
        return milliseconds / 1000

    def disk(self) -> Disk:
        def lost(_: str) -> Exception | None:
            return EngineDown("lost") if self.script[next(self.turns) % len(self.script)][0] == "lost" else None

        def unsaid(_: str) -> Exception | None:
            drawn = self.script[next(self.turns) % len(self.script)][0]
            return EngineDown("unacknowledged") if drawn == "unacknowledged" else None

        return Disk(takes=self.takes, before=lost, after=unsaid)


def offered(of: str, said: list[tuple[int, int]], numbers: count[int]) -> Rows:
    """Rows of that source, each with a number of its own as its value; datastream 0 is refused."""
    first = {"air": AIR, "metro": METRO, "cars": CARS}[of]
    streams = [first[one % len(first)] if one else 0 for one, _ in said]
    times = np.array([NOW - days * DAY for _, days in said], np.int64)
    values = np.array([next(numbers) / 1e6 for _ in said], np.float64)
    columns = {"lat": values, "lon": values} if of == "cars" else {"result": values}
    return Rows("positions" if of == "cars" else "readings", np.array(streams, np.int32), times, columns)


def entries(rows: Rows) -> list[tuple[str, int, int, float]]:
    values = next(iter(rows.values.values()))
    return [
        (rows.kind, int(stream), int(time), float(value))
        for stream, time, value in zip(rows.datastream, rows.time, values, strict=True)
        if stream
    ]


def lanes(every: list[tuple[str, int, int, float]]) -> dict[tuple[object, ...], list[float]]:
    """Values by datastream, and by day for personal ones: what keeps its order."""
    found: dict[tuple[object, ...], list[float]] = {}
    for kind, stream, time, value in every:
        found.setdefault((stream, time // DAY if kind == "positions" else None), []).append(value)
    return found


@settings(max_examples=150, deadline=None)
@given(
    plan=st.lists(offers, min_size=1, max_size=25),
    script=st.lists(st.tuples(outcomes, st.integers(0, 40)), min_size=1, max_size=20),
    options=st.builds(
        Options,
        flights=st.integers(1, 6),
        publishes=st.integers(1, 16),
        message_rows=st.integers(1, 10),
        piece_rows=st.integers(1, 10),
        flight_bytes=st.integers(1, 10_000),
    ),
)
def test_whatever_fails_each_row_with_a_receipt_is_stored_once_as_sent_and_in_its_order(
    virtually: Virtually,
    plan: list[tuple[str, list[tuple[int, int]], int]],
    script: list[tuple[str, int]],
    options: Options,
) -> None:
    async def main() -> None:
        async with city(Chance(script).disk(), options) as it:
            numbers = count()
            sent: list[tuple[str, int, int, float]] = []
            sure: set[tuple[str, int, int, float]] = set()

            async def offer(of: str, said: list[tuple[int, int]], at: int) -> None:
                await asyncio.sleep(at / 1000)
                rows = offered(of, said, numbers)
                sent.extend(entries(rows))
                try:
                    receipt = await it.give(of, rows)
                except EngineDown:
                    return
                assert receipt.accepted == len(entries(rows))
                sure.update(entries(rows))

            await asyncio.gather(*(offer(*one) for one in plan))
            stored = [entry for rows in await it.stored() for entry in entries(rows)]

            assert len(set(stored)) == len(stored)
            assert sure <= set(stored) <= set(sent)
            kept = set(stored)
            assert lanes(stored) == lanes([entry for entry in sent if entry in kept])

    virtually(main())
