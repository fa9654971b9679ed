"""The MQTT door: an acknowledgement only after it is durable, nobody speaks for somebody else, and nobody fills the memory."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tests.standards.mqtt_client import (
    PING,
    V5,
    V311,
    alias,
    connect,
    goodbye,
    publish,
    split,
    subscribe,
    unsubscribe,
)

from tutela.errors import Conflict, EngineDown, NotFound, Overloaded, Quarantined, TutelaError
from tutela.model.flow import Offer, Receipt, Refusal, Sender
from tutela.model.register import Datastream
from tutela.sources.mqtt import Door, Limits
from tutela.standards.mqtt import PACKET, Code

HOST = "127.0.0.1"
TOKENS = {"yard": Sender("air", "yard"), "gate": Sender("air", "gate"), "air": Sender("air"), "noise": Sender("noise")}
STREAMS = [
    Datastream(id=number, name=name, source=source, thing=thing, kind=kind, observed_property="p", unit="1")
    for number, (name, source, thing, kind) in enumerate(
        [
            ("yard/pm25", "air", "yard", "readings"),
            ("yard/people", "air", "yard", "counts"),
            ("gate/pm25", "air", "gate", "readings"),
            ("yard/odd", "air", "gate", "readings"),
            ("mast/db", "noise", "mast", "readings"),
        ],
        1,
    )
]
TOPIC = "air/yard/pm25"


class Gateway:
    """Takes everything, or fails, or waits until it is let go; a result above 1,000 is refused, as by the gate."""

    def __init__(self) -> None:
        self.offers: list[Offer] = []
        self.error: TutelaError | None = None
        self.open = asyncio.Event()
        self.open.set()
        self.came = asyncio.Event()

    async def give(self, offer: Offer) -> Receipt:
        self.offers.append(offer)
        self.came.set()
        await self.open.wait()
        if self.error is not None:
            raise self.error
        rows = offer.rows
        bad = 0 if rows is None else int((rows.result > 1000).sum())
        taken = 0 if rows is None else len(rows) - bad
        return Receipt(taken, (*offer.refused, *([Refusal("future", "set the clock", bad)] if bad else [])))

    @property
    def results(self) -> list[float]:
        return [result for offer in self.offers if offer.rows for result in offer.rows.result.tolist()]

    @property
    def refused(self) -> Counter[tuple[str, str]]:
        found: Counter[tuple[str, str]] = Counter()
        for offer in self.offers:
            for refusal in offer.refused:
                found[offer.source, refusal.reason] += refusal.count
        return found


class Names:
    def number(self, name: str) -> int | None:
        return next((one.id for one in STREAMS if one.name == name), None)

    def datastream(self, number: int) -> Datastream:
        if not 0 < number <= len(STREAMS):
            raise NotFound("no such datastream")
        return STREAMS[number - 1]


class Clock:
    now = 1_000_000

    def __call__(self) -> int:
        return self.now


class Client:
    """One connection, packet by packet."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._got = b""
        self._following: asyncio.Task[list[bytes]] | None = None

    def send(self, *packets: bytes) -> None:
        self._writer.write(b"".join(packets))

    async def packets(self, count: int) -> list[bytes]:
        """The next so many packets."""
        async with asyncio.timeout(10):
            while len(found := split(self._got)) < count:
                data = await self._reader.read(65536)
                assert data, f"closed after {found}"
                self._got += data
        self._got = self._got[sum(map(len, found[:count])) :]
        return found[:count]

    async def rest(self) -> list[bytes]:
        """What comes until the server closes."""
        async with asyncio.timeout(10):
            try:
                return split(self._got + await self._reader.read(-1))
            except ConnectionError:
                return split(self._got)

    def follow(self) -> asyncio.Task[list[bytes]]:
        """Read on until the server closes, whatever the test does meanwhile."""
        self._following = asyncio.create_task(self.rest())
        return self._following

    async def close(self) -> None:
        if self._following is not None:
            await self._following
        self._writer.close()


class Town:
    """A door that listens, and clients."""

    def __init__(self, door: Door, gateway: Gateway, port: int, seen: list[str]) -> None:
        self.door, self.gateway, self.seen = door, gateway, seen
        self.clients: list[Client] = []
        self.port = port

    async def raw(self, *packets: bytes) -> Client:
        self.clients.append(Client(*await asyncio.open_connection(HOST, self.port)))
        self.clients[-1].send(*packets)
        return self.clients[-1]

    async def client(self, token: str = "yard", version: int = V5, name: str = "", **more: Any) -> Client:  # noqa: ANN401  arguments of connect
        client = await self.raw(connect(version, name or f"c{len(self.clients)}", TOKENS[token].name, token, **more))
        (answer,) = await client.packets(1)
        assert answer[3] == 0, answer
        return client

    @property
    def connections(self) -> int:
        return len(self.door._connections)


Open = Callable[..., Awaitable[Town]]


@asynccontextmanager
async def opened(limits: Limits | None = None) -> AsyncIterator[Town]:
    gateway, seen = Gateway(), list[str]()

    async def identify(token: str) -> Sender:
        seen.append(token)
        if token == "down":
            raise EngineDown("PostgreSQL does not answer; `tutela doctor` says more")
        if token not in TOKENS:
            raise Quarantined("no source has this token")
        return TOKENS[token]

    door = Door(gateway.give, Names(), identify, Clock(), limits)
    async with door.listening(HOST, 0) as port:
        town = Town(door, gateway, port, seen)
        yield town
    for client in town.clients:
        await client.close()


@pytest.fixture
async def town() -> AsyncIterator[Town]:
    async with opened() as one:
        yield one


async def until(true: Callable[[], object]) -> None:
    """Let the loop turn until that is so."""
    async with asyncio.timeout(10):
        while not true():  # noqa: ASYNC110  nobody tells when
            await asyncio.sleep(0)


# ── acknowledgements ────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("version", [V311, V5])
async def test_a_message_is_acknowledged_when_it_is_durable_and_not_before(town: Town, version: int) -> None:
    town.gateway.open.clear()
    client = await town.client(version=version)
    client.send(publish(TOPIC, b"21.5", 258, version=version))
    await town.gateway.came.wait()
    client.send(PING)

    assert await client.packets(1) == [b"\xd0\x00"]  # and no PUBACK before it
    town.gateway.open.set()
    assert await client.packets(1) == [b"\x40\x02\x01\x02"]
    assert town.gateway.results == [21.5]


async def test_messages_are_acknowledged_in_the_order_in_which_they_came(town: Town) -> None:
    client = await town.client("air")
    client.send(
        publish(TOPIC, b"1", 1),
        publish("air/yard/people", b"2", 2),
        publish(TOPIC, b"bad", 3),
        publish("air/gate/pm25", b"4", 4),
    )

    assert [packet[2:4] for packet in await client.packets(4)] == [b"\0\1", b"\0\2", b"\0\3", b"\0\4"]


async def test_what_comes_in_one_turn_is_one_offer_for_each_source_and_kind(town: Town) -> None:
    clients = [await town.client("yard"), await town.client("gate"), await town.client("noise", V311)]
    for client, topic in zip(clients, (TOPIC, "air/gate/pm25", "noise/mast/db"), strict=True):
        client.send(publish(topic, b"1", version=V311 if topic[0] == "n" else V5))
    clients[0].send(publish(TOPIC, b"2", 2), publish("air/yard/people", b"3", 3))
    await clients[0].packets(3)
    for client in clients[1:]:
        await client.packets(1)
    rows = [(offer.source, offer.rows.kind, len(offer.rows)) for offer in town.gateway.offers if offer.rows]

    assert sum(size for *_, size in rows) == 5
    assert {(source, kind) for source, kind, _ in rows} == {
        ("air", "readings"),
        ("air", "counts"),
        ("noise", "readings"),
    }
    assert len(rows) < 5


async def test_a_message_with_qos_0_is_taken_and_not_answered(town: Town) -> None:
    client = await town.client()
    client.send(publish(TOPIC, b"7", qos=0, retain=True), publish(TOPIC, b"8", 9))

    assert await client.packets(1) == [b"\x40\x02\x00\x09"]
    assert town.gateway.results == [7, 8]


@pytest.mark.parametrize(
    ("error", "code"),
    [(Overloaded("the gateway is full"), Code.QUOTA), (EngineDown("NATS does not answer"), Code.BUSY)],
)
@pytest.mark.parametrize("version", [V311, V5])
async def test_what_can_not_be_stored_is_not_acknowledged_and_the_connection_is_closed(
    town: Town, version: int, error: TutelaError, code: Code
) -> None:
    town.gateway.error = error
    client = await town.client(version=version)
    client.send(publish(TOPIC, b"1", version=version))

    assert [packet[2] for packet in await client.rest()] == ([code] if version == V5 else [])


# ── what is not taken ───────────────────────────────────────────────────────────────────────────
async def test_what_can_never_be_taken_is_acknowledged_with_its_reason_and_counted(town: Town) -> None:
    client = await town.client()
    client.send(publish(TOPIC, b"bad", 1), publish("air/yard/pm10", b"1", 2), publish(TOPIC, b"1\nbad\n3", 3))
    bad, unknown, partly = await client.packets(3)
    client.send(publish(TOPIC, b"1001", 4))
    (gate,) = await client.packets(1)

    assert (bad[4], unknown[4], partly[4], gate[4]) == (Code.PAYLOAD, Code.TOPIC, Code.PAYLOAD, Code.PAYLOAD)
    assert b"malformed" in bad
    assert b"the register has no such datastream" in unknown
    assert b"set the clock" in gate
    assert town.gateway.results == [1, 3, 1001]
    assert town.gateway.refused == {("air", "unreadable"): 2, ("air", "unknown"): 1}


async def test_good_lines_beside_a_bad_one_are_not_acknowledged_before_they_are_durable(town: Town) -> None:
    town.gateway.open.clear()
    client = await town.client()
    client.send(publish(TOPIC, b"1\nbad", 1), publish(TOPIC, b"bad", 2))
    await town.gateway.came.wait()
    client.send(PING)

    assert await client.packets(1) == [b"\xd0\x00"]
    town.gateway.open.set()
    assert [packet[2:5] for packet in await client.packets(2)] == [b"\0\1\x99", b"\0\2\x99"]


async def test_a_reason_that_quotes_what_was_sent_stays_short(town: Town) -> None:
    client = await town.client()
    client.send(publish(TOPIC, b'{"result": 1, "unit": "' + b"m" * 100_000 + b'"}'))
    (puback,) = await client.packets(1)

    assert puback[-100:] == b"m" * 100
    assert len(puback) < 250


async def test_version_3_1_1_gets_a_plain_acknowledgement_of_what_can_never_be_taken(town: Town) -> None:
    client = await town.client(version=V311)
    client.send(publish(TOPIC, b"bad", 1, version=V311), publish("air/yard/pm10", b"1", 2, version=V311))

    assert await client.packets(2) == [b"\x40\x02\x00\x01", b"\x40\x02\x00\x02"]


async def test_reasons_in_words_are_left_out_for_whoever_does_not_want_or_can_not_take_them(town: Town) -> None:
    quiet = await town.client(properties=b"\x17\x00")
    small = await town.client(properties=b"\x27\x00\x00\x00\x14")
    for client in (quiet, small):
        client.send(publish(TOPIC, b"bad", 1))

        assert await client.packets(1) == [b"\x40\x04\x00\x01\x99\x00"]


@pytest.mark.parametrize(
    "topic",
    ["air/gate/pm25", "air/yard", "air/yardstick/pm25", "noise/mast/db", "pm25", "air/yard/odd", "v1.1/Datastreams(3)/Observations",
     "v1.1/Datastreams(5)/Observations", "$SYS/x", "v1.1/Datastreams(1)"],
)  # fmt: skip
async def test_nobody_publishes_on_a_topic_that_is_not_his_own(town: Town, topic: str) -> None:
    new, old, fast = await town.client(), await town.client(version=V311), await town.client()
    new.send(publish(topic, b"1", 1), PING)
    old.send(publish(topic, b"1", 1, version=V311))
    fast.send(publish(topic, b"1", qos=0))
    refused, ping = await new.packets(2)

    assert (refused[4], ping) == (Code.NOT_AUTHORISED, b"\xd0\x00")
    assert await old.rest() == []
    assert [packet[2] for packet in await fast.rest()] == [Code.NOT_AUTHORISED]
    await until(lambda: town.gateway.refused == {("air", "foreign"): 3})
    assert town.gateway.results == []


async def test_a_source_publishes_for_all_of_its_things_and_for_no_other_source(town: Town) -> None:
    client = await town.client("air")
    client.send(publish(TOPIC, b"1", 1), publish("air/gate/pm25", b"2", 2), publish("noise/mast/db", b"3", 3))

    assert [packet[4:5] for packet in await client.packets(3)] == [b"", b"", bytes((Code.NOT_AUTHORISED,))]


async def test_an_observation_is_created_in_the_way_of_sensorthings(town: Town) -> None:
    client = await town.client()
    client.send(
        publish("v1.1/Datastreams(1)/Observations", b'{"result": 4, "phenomenonTime": "2026-11-25T08:00:00Z"}', 1)
    )
    client.send(publish("v1.1/Datastreams(99)/Observations", b'{"result": 4}', 2))
    client.send(publish("v1.1/Observations", b'{"result": 5, "phenomenonTime": 7, "Datastream": {"@iot.id": 1}}', 3))
    client.send(publish("v1.1/Observations", b'{"result": 6, "Datastream": {"@iot.id": 3}}', 4))
    client.send(publish("v1.1/Observations", b'{"result": 6}', 5))
    taken, unknown, linked, foreign, unlinked = await client.packets(5)

    assert (taken, unknown[4]) == (b"\x40\x02\x00\x01", Code.TOPIC)
    assert (linked, foreign[4], unlinked[4]) == (b"\x40\x02\x00\x03", Code.NOT_AUTHORISED, Code.TOPIC)
    times = [time for offer in town.gateway.offers if offer.rows for time in offer.rows.time.tolist()]
    assert times == [1795593600000000, 7]


async def test_nobody_reads_here(town: Town) -> None:
    for version, none in ((V5, b"\0\x87\x87"), (V311, b"\x80\x80")):
        client = await town.client(version=version)
        client.send(subscribe("#", "a", version=version), unsubscribe("a", version=version))
        answers = await client.packets(2)

        assert answers[0][4:] == none
        assert answers[1][:1] == b"\xb0"


async def test_messages_without_a_time_never_have_the_same_one(town: Town) -> None:
    client = await town.client()
    client.send(*[publish(TOPIC, b"1", number) for number in range(1, 6)])
    await client.packets(5)
    times = [time for offer in town.gateway.offers if offer.rows for time in offer.rows.time.tolist()]

    assert times == [1_000_000, 1_000_001, 1_000_002, 1_000_003, 1_000_004]


# ── who is let in ───────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    ("user", "password", "new", "old"),
    [
        (None, None, Code.NOT_AUTHORISED, 5),
        ("air/yard", None, Code.NOT_AUTHORISED, 5),
        ("air/yard", b"", Code.NOT_AUTHORISED, 5),
        ("air/yard", "wrong", Code.CREDENTIALS, 4),
        ("air/yard", b"\xff", Code.CREDENTIALS, 4),
        ("air/gate", "yard", Code.CREDENTIALS, 4),
        ("air", "yard", Code.CREDENTIALS, 4),
        ("air/yard", "air", Code.CREDENTIALS, 4),
        ("air/yard", "down", Code.UNAVAILABLE, 3),
    ],
)
async def test_whoever_does_not_show_the_token_of_his_name_is_not_let_in(
    town: Town, user: str | None, password: str | bytes | None, new: Code, old: int
) -> None:
    five = await town.raw(connect(V5, "c", user, password), publish(TOPIC))
    three = await town.raw(connect(V311, "c", user, password), publish(TOPIC, version=V311))

    assert [packet[3] for packet in await five.rest()] == [new]
    assert await three.rest() == [bytes((0x20, 2, 0, old))]
    assert town.gateway.results == []
    assert len(town.seen) == 2


async def test_what_is_sent_before_the_answer_waits_for_it(town: Town) -> None:
    client = await town.raw(connect(V5, "c", "air/yard", "yard"), publish(TOPIC, b"1"), PING)

    assert [packet[0] for packet in await client.packets(3)] == [0x20, 0xD0, 0x40]


async def test_version_5_is_told_what_may_be_sent(town: Town) -> None:
    client = await town.raw(connect(V5, "", "air/yard", "yard", properties=b"\x11\xff\xff\xff\xff"))
    (answer,) = await client.packets(1)

    for told in (
        b"\x21\x01\x00",
        b"\x24\x01",
        b"\x27" + PACKET.to_bytes(4, "big"),
        b"\x22\x00\x08",
        b"\x28\x00\x29\x00\x2a\x00",
    ):
        assert told in answer
    assert b"\x12\x00" in answer
    assert b"assigned/" in answer
    assert b"\x11\x00\x01\x51\x80" in answer  # a day, and not for ever


async def test_the_same_client_takes_the_place_of_its_older_connection(town: Town) -> None:
    older = await town.client(name="c")
    other = await town.client("gate", name="c")
    await town.client(name="c")

    assert [packet[2] for packet in await older.rest()] == [Code.TAKEN_OVER]
    other.send(PING)
    assert await other.packets(1) == [b"\xd0\x00"]


@pytest.mark.parametrize("version", [V311, V5])
async def test_a_session_is_known_as_long_as_it_was_asked_to_be(town: Town, version: int) -> None:
    kept = b"\x11\x00\x00\x00\x09"
    properties = kept if version == V5 else b""
    hello = connect(version, "c", "air/yard", "yard", clean=False, properties=properties)
    present = []
    for _ in range(2):
        client = await town.raw(hello)
        present.append((await client.packets(1))[0][2])
        client.send(goodbye(version))
        await client.rest()
        await until(lambda: not town.connections)
    town.door.look(asyncio.get_running_loop().time() + 100_000)
    client = await town.raw(hello)
    present.append((await client.packets(1))[0][2])

    assert present == [0, 1, 0]


async def test_a_client_may_say_at_the_end_that_its_session_is_over(town: Town) -> None:
    hello = connect(V5, "c", "air/yard", "yard", clean=False, properties=b"\x11\x00\x00\x00\x09")
    client = await town.raw(hello)
    await client.packets(1)
    client.send(goodbye(V5, 4, b"\x11\x00\x00\x00\x00"))
    await client.rest()
    await until(lambda: not town.connections)
    client = await town.raw(hello)

    assert (await client.packets(1))[0][2] == 0


# ── who would fill the memory, or the time ──────────────────────────────────────────────────────
async def test_no_more_of_a_connection_is_read_than_may_wait() -> None:
    async with opened(Limits(receive_maximum=3)) as town:
        town.gateway.open.clear()
        client = await town.client()
        client.send(*[publish(TOPIC, b"%d" % number, number) for number in range(1, 11)])
        await town.gateway.came.wait()
        await until(lambda: town.door.gathering.rows == 3)

        assert town.gateway.results == [1, 2, 3]
        town.gateway.open.set()
        await client.packets(10)
        assert town.gateway.results == list(range(1, 11))


async def test_no_more_rows_of_a_connection_are_read_than_may_wait() -> None:
    async with opened(Limits(share=3)) as town:
        town.gateway.open.clear()
        client = await town.client()
        client.send(publish(TOPIC, b"1\n2", 1), publish(TOPIC, b"3\n4", 2), publish(TOPIC, b"5", 3))
        await town.gateway.came.wait()
        await until(lambda: town.door.gathering.rows == 4)

        assert town.gateway.results == [1, 2, 3, 4]
        town.gateway.open.set()
        await client.packets(3)
        assert town.gateway.results == [1, 2, 3, 4, 5]


async def test_no_more_rows_are_read_in_all_than_may_be_on_their_way() -> None:
    async with opened(Limits(rows=2)) as town:
        town.gateway.open.clear()
        one, two = await town.client("yard"), await town.client("gate")
        one.send(publish(TOPIC, b"1\n2\n3"))
        await until(lambda: town.door.gathering.rows == 3)
        two.send(publish("air/gate/pm25", b"4"), PING)
        one.send(PING)
        town.gateway.open.set()

        assert [packet[0] for packet in await two.packets(2)] == [0xD0, 0x40]
        assert [packet[0] for packet in await one.packets(2)] == [0x40, 0xD0]
        assert sorted(town.gateway.results) == [1, 2, 3, 4]


async def test_there_are_no_more_connections_than_may_be() -> None:
    async with opened(Limits(connections=1)) as town:
        await town.client()
        second = await town.raw(connect(V5, "d", "air/gate", "gate"))

        assert await second.rest() == []


async def test_a_device_has_so_many_connections_and_others_have_their_own() -> None:
    async with opened(Limits(device=2, source=3)) as town:
        for name in "ab":
            await town.client(name=name)
        third = await town.raw(connect(V5, "c", "air/yard", "yard"))
        answer = await third.rest()
        await town.client("gate", name="a")
        for name in "abc":
            await town.client("air", name=name)
        fourth = await town.raw(connect(V311, "d", "air", "air"))

        assert [packet[3] for packet in answer] == [Code.UNAVAILABLE]
        assert b"air/yard has 2 connections already" in answer[0]
        assert [packet[3] for packet in await fourth.rest()] == [3]


async def test_a_client_that_comes_again_takes_its_own_place_and_one_that_left_makes_room() -> None:
    async with opened(Limits(device=1)) as town:
        first = await town.client(name="a")
        again = await town.client(name="a")
        await first.rest()
        again.send(goodbye(V5))
        await again.rest()
        await until(lambda: not town.connections)
        await town.client(name="b")

        assert town.connections == 1


async def test_of_a_device_so_many_clients_are_remembered_and_another_one_loses_none() -> None:
    async with opened(Limits(device=1)) as town:
        present = []
        for who, name in (("yard", "a"), ("yard", "b"), ("gate", "a"), ("yard", "b"), ("yard", "a"), ("gate", "a")):
            properties = b"\x11\x00\x00\x00\x09"
            client = await town.raw(connect(V5, name, f"air/{who}", who, clean=False, properties=properties))
            present.append((await client.packets(1))[0][2])
            client.send(goodbye(V5))
            await client.rest()
            await until(lambda: not town.connections)

        assert present == [0, 0, 0, 0, 1, 1]
        town.door.look(asyncio.get_running_loop().time() + 100_000)
        assert (town.door._sessions._away_of, town.door._sessions._here_of) == ({}, {})


@pytest.mark.parametrize(("version", "code"), [(V5, Code.CLIENT_ID), (V311, 2)])
async def test_a_client_identifier_is_of_bounded_length(town: Town, version: int, code: int) -> None:
    await town.client(name="ä" * 128)
    client = await town.raw(connect(version, "ä" * 128 + "x", "air/yard", "yard"))

    assert [packet[3] for packet in await client.rest()] == [code]


async def test_whoever_does_not_introduce_himself_in_time_is_let_go(town: Town) -> None:
    silent, slow = await town.raw(), await town.raw(connect()[:5])
    await until(lambda: town.connections == 2)
    town.door.look(asyncio.get_running_loop().time() + 5)
    assert town.connections == 2
    town.door.look(asyncio.get_running_loop().time() + 11)

    assert await silent.rest() == []
    assert await slow.rest() == []


async def test_whoever_is_silent_for_longer_than_he_promised_is_let_go(town: Town) -> None:
    promised, free = await town.client(keep_alive=10), await town.client("gate", keep_alive=0)
    now = asyncio.get_running_loop().time()
    town.door.look(now + 14)
    town.door.look(now + 16)

    assert [packet[2] for packet in await promised.rest()] == [Code.KEEP_ALIVE]
    free.send(PING)
    assert await free.packets(1) == [b"\xd0\x00"]


async def test_a_packet_that_comes_drop_by_drop_is_not_waited_for(town: Town) -> None:
    client = await town.client()
    client.send(publish(TOPIC, b"1" * 100)[:50])
    await until(lambda: any(one.begun is not None for one in town.door._connections))
    town.door.look(asyncio.get_running_loop().time() + 31)

    assert [packet[2] for packet in await client.rest()] == [Code.PROTOCOL]


async def test_whoever_waits_for_us_is_not_called_silent() -> None:
    async with opened(Limits(receive_maximum=1)) as town:
        town.gateway.open.clear()
        client = await town.client(keep_alive=1)
        client.send(publish(TOPIC, b"1"))
        await town.gateway.came.wait()
        (connection,) = town.door._connections
        connection.since -= 100
        town.door.look(asyncio.get_running_loop().time())
        town.gateway.open.set()

        assert await client.packets(1) == [b"\x40\x02\x00\x01"]
        await until(lambda: connection.idle)
        town.door.look(asyncio.get_running_loop().time())
        client.send(PING)
        assert await client.packets(1) == [b"\xd0\x00"]


async def test_whoever_does_not_read_his_answers_is_let_go(town: Town) -> None:
    client = await town.client()
    (connection,) = town.door._connections
    connection.pause_writing()
    client.send(PING)
    town.door.look(asyncio.get_running_loop().time() + 31)

    assert await client.rest() == []


async def test_whoever_reads_his_answers_again_goes_on(town: Town) -> None:
    client = await town.client()
    (connection,) = town.door._connections
    connection.pause_writing()
    client.send(publish(TOPIC, b"1"))
    connection.resume_writing()

    assert await client.packets(1) == [b"\x40\x02\x00\x01"]


@pytest.mark.parametrize(
    ("stream", "answer"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", []),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", []),
        (b"\x10\xff\xff\x7f", []),
        (connect(6), [b"\x20\x02\x00\x01"]),
        (connect(V311, "", clean=False), [b"\x20\x02\x00\x02"]),
        (b"\x10\x0a" + connect(V311)[2:12], []),
    ],
)
async def test_garbage_is_not_answered_and_disturbs_nobody(town: Town, stream: bytes, answer: list[bytes]) -> None:
    other = await town.client()
    client = await town.raw(stream)

    assert await client.rest() == answer
    other.send(publish(TOPIC, b"1"))
    assert await other.packets(1) == [b"\x40\x02\x00\x01"]


async def test_a_packet_that_breaks_the_standard_ends_the_connection_with_its_reason_and_is_counted(town: Town) -> None:
    new, old = await town.client(), await town.client(version=V311)
    new.send(publish(TOPIC, b"1", 1), publish(TOPIC, b"2", 2, qos=2))
    old.send(publish(TOPIC, b"2", 2, qos=2, version=V311))

    assert [packet[2] for packet in await new.rest() if packet[0] == 0xE0] == [Code.QOS]
    assert await old.rest() == []
    await until(lambda: town.gateway.refused == {("air", "unreadable"): 2})


async def test_a_topic_alias_is_of_one_connection(town: Town) -> None:
    one, two = await town.client(), await town.client()
    one.send(publish(TOPIC, b"1", 1, properties=alias(1)), publish("", b"2", 2, properties=alias(1)))
    await one.packets(2)
    two.send(publish("", b"3", 1, properties=alias(1)))

    assert [packet[2] for packet in await two.rest()] == [Code.PROTOCOL]
    assert town.gateway.results == [1, 2]


# ── the end ─────────────────────────────────────────────────────────────────────────────────────
async def test_what_is_on_its_way_at_the_end_is_seen_through_and_everybody_is_told() -> None:
    async with opened() as town:
        town.gateway.open.clear()
        client = await town.client()
        client.send(publish(TOPIC, b"1"))
        await town.gateway.came.wait()
        asyncio.get_running_loop().call_soon(town.gateway.open.set)
        told = client.follow()

    acknowledged, goodbye_ = await told
    assert acknowledged == b"\x40\x02\x00\x01"
    assert goodbye_[2] == Code.SHUTTING_DOWN


async def test_what_does_not_become_durable_in_time_is_not_acknowledged_at_the_end() -> None:
    async with opened(Limits(stop=0.01)) as town:
        town.gateway.open.clear()
        client = await town.client()
        client.send(publish(TOPIC, b"1"))
        await town.gateway.came.wait()
        told = client.follow()

    assert [packet[0] for packet in await told] == [0xE0]


async def test_a_port_that_is_taken_is_told(town: Town) -> None:
    door = Door(town.gateway.give, Names(), lambda _: asyncio.sleep(0, TOKENS["air"]), Clock())
    with pytest.raises(Conflict, match="name another one"):
        async with door.listening(HOST, town.port):
            raise AssertionError("it listens")
