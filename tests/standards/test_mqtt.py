"""What the MQTT codec promises: the standard's packets however they are cut, and the standard's code for all else."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.standards.mqtt_client import (
    PING,
    V5,
    V311,
    alias,
    connect,
    goodbye,
    packet,
    publish,
    string,
    subscribe,
    told,
    unsubscribe,
)

from tutela.errors import Malformed
from tutela.standards import mqtt
from tutela.standards.mqtt import Code, Connect, Decoder, Disconnect, Packet, Ping, Property, Publish, Subscribe

TOPIC = "yard-air/yard/pm25"
MOSQUITTO_311 = bytes.fromhex(
    "102700044d51545404c2003c000479617264000d796172642d6169722f796172640006736563726574"
    "321a0012796172642d6169722f796172642f706d3235000132312e35e000"
)
MOSQUITTO_5 = bytes.fromhex(
    "102b00044d51545405c2003c03210014000479617264000d796172642d6169722f796172640006736563726574"
    "33250012796172642d6169722f796172642f706d323500010a2300032600016b00017732312e35e000"
)
PAHO_311 = bytes.fromhex(
    "103e00044d51545404ee001e0004796172640012796172642d6169722f796172642f676f6e65000178000d796172642d6169722f79617264"
    "000673656372657432260012796172642d6169722f796172642f706d323500017b22726573756c74223a2032312e357d31160012796172642d"
    "6169722f796172642f706d32353232820f0003000a796172642d6169722f2301c000"
)
PAHO_5 = bytes.fromhex(
    "105400044d51545405cc001e0f110000003c21000a260001610001620004796172640518000000050012796172642d6169722f79617264"
    "2f676f6e65000178000d796172642d6169722f79617264000673656372657432490012796172642d6169722f796172642f706d3235000122"
    "02000000090300106170706c69636174696f6e2f6a736f6e230002260001750001767b22726573756c74223a2032312e357d31170012"
    "796172642d6169722f796172642f706d32350032328210000300000a796172642d6169722f2301c000e000"
)
"""Recorded from mosquitto_pub 2.0.11 and from paho 2.2.0: each connects, publishes, and what else it can."""


def read(stream: bytes, cuts: Sequence[int] = ()) -> tuple[list[Packet], int | None]:
    """All packets of a stream that comes in pieces, and the reason why it ended."""
    decoder, found = Decoder(), list[Packet]()
    edges = [0, *sorted(cut % (len(stream) + 1) for cut in cuts), len(stream)]
    try:
        for begin, end in pairwise(edges):
            decoder.feed(stream[begin:end])
            found += decoder.packets()
    except Malformed as wrong:
        return found, wrong.reason
    return found, None


def after(version: int, *packets: bytes) -> tuple[list[Packet], int | None]:
    """What follows a good CONNECT."""
    found, reason = read(connect(version) + b"".join(packets))
    return found[1:], reason


# ── other people's bytes ────────────────────────────────────────────────────────────────────────
def who(found: Sequence[Packet]) -> Connect:
    assert isinstance(found[0], Connect)
    return found[0]


def test_what_mosquitto_sends_in_version_3_1_1_is_understood() -> None:
    found, reason = read(MOSQUITTO_311)

    assert reason is None
    assert (who(found).version, who(found).client, who(found).user, who(found).password) == (
        4,
        "yard",
        "yard-air/yard",
        b"secret",
    )
    assert (who(found).keep_alive, who(found).clean, who(found).session_expiry) == (60, True, 0)
    assert found[1:] == [Publish(TOPIC, b"21.5", 1, 1, retain=False), Disconnect(0)]


def test_what_mosquitto_sends_in_version_5_is_understood() -> None:
    found, reason = read(MOSQUITTO_5)

    assert reason is None
    assert (who(found).version, who(found).user) == (5, "yard-air/yard")
    assert found[1:] == [Publish(TOPIC, b"21.5", 1, 1, retain=True), Disconnect(0)]


def test_what_paho_sends_in_version_3_1_1_is_understood() -> None:
    found, reason = read(PAHO_311)

    assert reason is None
    assert (who(found).client, who(found).password, who(found).keep_alive) == ("yard", b"secret", 30)
    assert found[1:] == [
        Publish(TOPIC, b'{"result": 21.5}', 1, 1, retain=False),
        Publish(TOPIC, b"22", 0, 0, retain=True),
        Subscribe(3, ("yard-air/#",)),
        Ping(),
    ]


def test_what_paho_sends_in_version_5_is_understood() -> None:
    found, reason = read(PAHO_5)

    assert reason is None
    assert (who(found).clean, who(found).session_expiry, who(found).user) == (False, 60, "yard-air/yard")
    assert found[1:] == [
        Publish(TOPIC, b'{"result": 21.5}', 1, 1, retain=False),
        Publish(TOPIC, b"22", 0, 0, retain=True),
        Subscribe(3, ("yard-air/#",)),
        Ping(),
        Disconnect(0),
    ]


def test_answers_are_the_bytes_that_the_standard_draws() -> None:
    assert mqtt.connack(V311, Code.SUCCESS, present=True) == b"\x20\x02\x01\x00"
    assert mqtt.connack(V311, Code.NOT_AUTHORISED) == b"\x20\x02\x00\x05"
    assert mqtt.connack(V5, Code.SUCCESS, told={Property.MAXIMUM_QOS: 1}) == b"\x20\x05\x00\x00\x02\x24\x01"
    assert (
        mqtt.connack(V5, Code.CREDENTIALS, told={Property.REASON_STRING: "no"}) == b"\x20\x08\x00\x86\x05\x1f\x00\x02no"
    )
    assert mqtt.connack(V311, Code.MALFORMED) == b""
    assert mqtt.puback(V311, 258, Code.PAYLOAD, "lost on 3.1.1") == b"\x40\x02\x01\x02"
    assert mqtt.puback(V5, 258) == b"\x40\x02\x01\x02"
    assert mqtt.puback(V5, 258, Code.PAYLOAD, "no") == b"\x40\x09\x01\x02\x99\x05\x1f\x00\x02no"
    assert mqtt.suback(V311, 7, 2) == b"\x90\x04\x00\x07\x80\x80"
    assert mqtt.suback(V5, 7, 2) == b"\x90\x05\x00\x07\x00\x87\x87"
    assert mqtt.unsuback(V311, 7, 2) == b"\xb0\x02\x00\x07"
    assert mqtt.unsuback(V5, 7, 2) == b"\xb0\x05\x00\x07\x00\x11\x11"
    assert mqtt.disconnect(V311, Code.TAKEN_OVER) == b""
    assert mqtt.disconnect(V5, Code.TAKEN_OVER) == b"\xe0\x02\x8e\x00"


# ── any cut, round trip, garbage ────────────────────────────────────────────────────────────────
texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
topics = st.text("abc/é _", min_size=1, max_size=30)
messages = st.lists(
    st.tuples(topics, st.binary(max_size=200), st.integers(1, 65535), st.sampled_from([0, 1]), st.booleans()),
    max_size=20,
)


@given(st.sampled_from([V311, V5]), messages)
def test_what_a_client_publishes_is_what_is_read(version: int, sent: list[tuple[str, bytes, int, int, bool]]) -> None:
    stream = [
        publish(topic, payload, number, version=version, qos=qos, retain=retain)
        for topic, payload, number, qos, retain in sent
    ]
    found, reason = after(version, *stream)

    assert reason is None
    assert found == [
        Publish(topic, payload, qos, number if qos else 0, retain) for topic, payload, number, qos, retain in sent
    ]


@given(st.sampled_from([V311, V5]), texts, texts, st.binary(max_size=40), st.integers(0, 65535), st.integers(0, 1))
def test_who_introduces_himself_is_read_as_he_said(
    version: int, client: str, user: str, password: bytes, keep_alive: int, kept: int
) -> None:
    clean = not kept or (version == V311 and not client)
    found, reason = read(connect(version, client, user, password, clean=clean, keep_alive=keep_alive))

    assert reason is None
    one = who(found)
    assert (one.version, one.client, one.user, one.password) == (version, client, user, password)
    assert (one.keep_alive, one.clean) == (keep_alive, clean)


STREAM = b"".join(
    [
        connect(),
        publish(TOPIC, b"1" * 300, 1, properties=alias(3)),
        publish("", b"2", 2, properties=alias(3)),
        PING,
        subscribe("a", "b/#"),
        unsubscribe("a"),
        publish(TOPIC, b"3", qos=0),
        goodbye(V5, 4, b"\x11\x00\x00\x00\x09"),
    ]
)


@given(st.lists(st.integers(0, 2000), max_size=30))
def test_any_cut_of_the_bytes_gives_the_same_packets(cuts: list[int]) -> None:
    assert read(STREAM, cuts) == read(STREAM)


@given(
    st.sampled_from([b"", connect(V311), connect(V5)]),
    st.binary(max_size=400),
    st.lists(st.integers(0, 500), max_size=9),
)
def test_random_bytes_are_packets_or_malformed_and_nothing_else(hello: bytes, noise: bytes, cuts: list[int]) -> None:
    assert read(hello + noise, cuts) == read(hello + noise)


@given(st.integers(0, len(STREAM) - 1), st.integers(1, 255), st.lists(st.integers(0, 2000), max_size=9))
def test_a_flipped_byte_makes_another_packet_or_malformed_and_nothing_else(
    place: int, flip: int, cuts: list[int]
) -> None:
    stream = bytearray(STREAM)
    stream[place] ^= flip

    assert read(bytes(stream), cuts) == read(bytes(stream))


def test_packets_that_are_not_asked_for_wait() -> None:
    decoder = Decoder()
    decoder.feed(connect() + PING + PING)
    first = next(decoder.packets())

    assert isinstance(first, Connect)
    assert decoder.waiting == 4
    assert list(decoder.packets()) == [Ping(), Ping()]
    assert decoder.waiting == 0


# ── what a client may say ───────────────────────────────────────────────────────────────────────
def test_a_topic_alias_stands_for_the_last_topic_that_was_given_with_it() -> None:
    found, _ = after(
        V5,
        publish("a", b"1", 1, properties=alias(1)),
        publish("", b"2", 2, properties=alias(1)),
        publish("b", b"3", 3, properties=alias(1)),
        publish("", b"4", 4, properties=alias(1)),
    )

    assert [one.topic for one in found if isinstance(one, Publish)] == ["a", "a", "b", "b"]


def test_a_session_of_version_3_1_1_that_is_not_clean_is_kept_as_long_as_may_be() -> None:
    assert who(read(connect(V311, clean=False))[0]).session_expiry == 0xFFFFFFFF
    assert who(read(connect(V311))[0]).session_expiry == 0


def test_a_client_that_leaves_may_change_how_long_its_session_is_kept() -> None:
    assert after(V5, goodbye(V5, 4, b"\x11\x00\x00\x00\x09"))[0] == [Disconnect(4, 9)]
    assert after(V5, packet(0xE0, b"\x04"))[0] == [Disconnect(4)]


def test_what_a_client_does_not_want_or_can_not_take_is_known() -> None:
    said = who(read(connect(properties=b"\x17\x00\x27\x00\x00\x00\x64"))[0])

    assert (said.problems, said.most) == (False, 100)


# ── what nobody may say ─────────────────────────────────────────────────────────────────────────
def hello(flags: int, rest: bytes, name: bytes = b"MQTT", version: int = V5) -> bytes:
    return packet(0x10, string(name) + bytes((version, flags)) + b"\x00\x00" + rest)


@pytest.mark.parametrize(
    ("stream", "reason"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", Code.PROTOCOL),
        (PING, Code.PROTOCOL),
        (b"\x11\x00", Code.PROTOCOL),
        (b"\x10\xff\xff\xff\xff", Code.MALFORMED),
        (b"\x10\xff\xff\xff\x7f", Code.TOO_LARGE),
        (packet(0x10, b"x" * mqtt.HELLO), Code.TOO_LARGE),
        (connect(3), Code.VERSION),
        (connect(6), Code.VERSION),
        (hello(2, string("c"), b"MQIsdp", 3), Code.VERSION),
        (hello(2, string("c"), b"HTTP"), Code.VERSION),
        (hello(3, b"\0" + string("c")), Code.MALFORMED),
        (hello(0x0A, b"\0" + string("c")), Code.MALFORMED),
        (hello(0x1E, b"\0" + string("c") + b"\0" + string("t") + string("")), Code.MALFORMED),
        (hello(0x16, b"\0" + string("c") + b"\0" + string("t") + string("")), Code.QOS),
        (hello(0x06, b"\0" + string("c") + b"\0" + string("t/#") + string("")), Code.TOPIC),
        (hello(0x42, string("c") + string("p"), version=V311), Code.MALFORMED),
        (hello(0, string(""), version=V311), Code.CLIENT_ID),
        (hello(2, b"\0" + string("c") + b"more"), Code.MALFORMED),
        (hello(2, b"\0" + string(b"\xff")), Code.MALFORMED),
        (hello(2, b"\0" + string("a\0b")), Code.MALFORMED),
        (hello(2, b"\0" + string(b"\xed\xa0\x80")), Code.MALFORMED),
        (hello(2, b"\x80\x00" + string("c")), Code.MALFORMED),
        (hello(2, b"\x05\x15\x00\x02no" + string("c")), Code.AUTHENTICATION),
        (hello(2, b"\x05\x16\x00\x02no" + string("c")), Code.PROTOCOL),
        (hello(2, b"\x03\x21\x00\x00" + string("c")), Code.PROTOCOL),
        (hello(2, b"\x05\x27\x00\x00\x00\x00" + string("c")), Code.PROTOCOL),
        (hello(2, b"\x04\x17\x01\x17\x01" + string("c")), Code.PROTOCOL),
        (hello(2, b"\x02\x17\x02" + string("c")), Code.PROTOCOL),
        (hello(2, b"\x02\x24\x01" + string("c")), Code.PROTOCOL),
        (hello(2, b"\x02\x7f\x01" + string("c")), Code.PROTOCOL),
        (hello(2, b"\x02\x21\x00\x09" + string("c")), Code.MALFORMED),
        (hello(2, b"\x7f" + string("c")), Code.MALFORMED),
    ],
)  # fmt: skip
def test_an_introduction_that_breaks_the_standard_is_told_with_its_code(stream: bytes, reason: Code) -> None:
    found, told_ = read(stream)

    assert (found, told_) == ([], reason)


def on5(body: bytes, head: int = 0x32) -> tuple[int, bytes]:
    return V5, packet(head, body)


def on311(body: bytes, head: int = 0x32) -> tuple[int, bytes]:
    return V311, packet(head, body)


@pytest.mark.parametrize(
    ("version", "stream", "reason"),
    [
        (V5, connect(), Code.PROTOCOL),
        (V5, b"\x00\x00", Code.PROTOCOL),
        (V5, b"\x20\x02\x00\x00", Code.PROTOCOL),
        (V5, b"\x40\x02\x00\x01", Code.PROTOCOL),
        (V5, b"\x62\x02\x00\x01", Code.PROTOCOL),
        (V5, b"\xf0\x00", Code.PROTOCOL),
        (V5, b"\xc1\x00", Code.MALFORMED),
        (V5, b"\xc0\x01\x00", Code.MALFORMED),
        (V5, b"\xc0\x80\x00", Code.MALFORMED),
        (V5, b"\x80" + subscribe("a")[1:], Code.MALFORMED),
        (*on5(b"\x00\x07\x00", 0x82), Code.PROTOCOL),
        (*on5(b"\x00\x00\x00" + string("a") + b"\x01", 0x82), Code.PROTOCOL),
        (*on5(b"\x00\x07\x00" + string("") + b"\x01", 0x82), Code.MALFORMED),
        (*on5(b"\x00\x07\x00" + string("a") + b"\x03", 0x82), Code.MALFORMED),
        (*on5(b"\x00\x07\x00" + string("a") + b"\x31", 0x82), Code.MALFORMED),
        (*on311(b"\x00\x07" + string("a") + b"\x04", 0x82), Code.MALFORMED),
        (*on5(b"\x00\x07\x00" + string("a"), 0x82), Code.MALFORMED),
        (V5, publish("a", qos=2), Code.QOS),
        (V311, publish("a", qos=2, version=V311), Code.QOS),
        (V5, publish("a", qos=3), Code.MALFORMED),
        (*on5(string("a") + b"\x00", 0x38), Code.MALFORMED),
        (V5, publish("a", number=0), Code.PROTOCOL),
        (V5, publish("a/+"), Code.TOPIC),
        (V5, publish("a/#"), Code.TOPIC),
        (V5, publish("a" * (mqtt.TOPIC + 1)), Code.TOPIC),
        (V5, publish("a\0"), Code.MALFORMED),
        (V5, publish(""), Code.PROTOCOL),
        (V311, publish("", version=V311), Code.TOPIC),
        (V5, publish("", properties=alias(1)), Code.PROTOCOL),
        (V5, publish("a", properties=alias(0)), Code.TOPIC_ALIAS),
        (V5, publish("a", properties=alias(mqtt.ALIASES + 1)), Code.TOPIC_ALIAS),
        (V5, publish("a", properties=b"\x0b\x01"), Code.PROTOCOL),
        (V5, publish("a", properties=b"\x08" + string("r/+")), Code.PROTOCOL),
        (*on5(b""), Code.PROTOCOL),
        (*on5(b"", 0x30), Code.MALFORMED),
        (*on311(b"", 0x30), Code.MALFORMED),
        (*on311(b"\x00\x09a", 0x30), Code.MALFORMED),
        (*on5(string("a") + b"\x00\x01\x09", 0x32), Code.MALFORMED),
        (V5, b"\x30\xff\xff\xff\x7f", Code.TOO_LARGE),
        (V5, b"\x30" + b"\x80\x80\x80\x80", Code.MALFORMED),
        (*on5(b"\x00" + told(V5, b"\x1f" + string("why")) + b"x", 0xE0), Code.MALFORMED),
    ],
)  # fmt: skip
def test_a_packet_that_breaks_the_standard_is_told_with_its_code(version: int, stream: bytes, reason: Code) -> None:
    found, told_ = after(version, PING, stream)

    assert (found, told_) == ([Ping()], reason)


def test_a_packet_that_is_too_long_is_refused_before_it_has_come() -> None:
    decoder = Decoder(most=1000)
    decoder.feed(connect() + b"\x30\xff\x07")

    with pytest.raises(Malformed, match="too long"):
        list(decoder.packets())
