"""What MQTT packets are made of: numbers, texts and the properties of version 5, read and written.

Source: OASIS MQTT Version 5.0, §1.5 (data representation) and §2.2.2 (properties); 3.1.1 has the same without properties.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import NamedTuple

from tutela.errors import Malformed


class Code(IntEnum):
    """Reason codes of version 5 (§2.4) that a server which only takes messages has a use for."""

    SUCCESS = 0x00
    NO_SUBSCRIPTION = 0x11
    MALFORMED = 0x81
    PROTOCOL = 0x82
    SPECIFIC = 0x83
    VERSION = 0x84
    CLIENT_ID = 0x85
    CREDENTIALS = 0x86
    NOT_AUTHORISED = 0x87
    UNAVAILABLE = 0x88
    BUSY = 0x89
    SHUTTING_DOWN = 0x8B
    AUTHENTICATION = 0x8C
    KEEP_ALIVE = 0x8D
    TAKEN_OVER = 0x8E
    TOPIC = 0x90
    TOPIC_ALIAS = 0x94
    TOO_LARGE = 0x95
    QUOTA = 0x97
    PAYLOAD = 0x99
    QOS = 0x9B


class Property(IntEnum):
    """Properties of version 5 (§2.2.2.2), by their identifiers."""

    PAYLOAD_FORMAT = 1
    MESSAGE_EXPIRY = 2
    CONTENT_TYPE = 3
    RESPONSE_TOPIC = 8
    CORRELATION_DATA = 9
    SUBSCRIPTION_ID = 11
    SESSION_EXPIRY = 17
    ASSIGNED_CLIENT_ID = 18
    AUTHENTICATION_METHOD = 21
    AUTHENTICATION_DATA = 22
    PROBLEM_INFORMATION = 23
    WILL_DELAY = 24
    RESPONSE_INFORMATION = 25
    REASON_STRING = 31
    RECEIVE_MAXIMUM = 33
    TOPIC_ALIAS_MAXIMUM = 34
    TOPIC_ALIAS = 35
    MAXIMUM_QOS = 36
    USER_PROPERTY = 38
    MAXIMUM_PACKET_SIZE = 39
    WILDCARD_SUBSCRIPTIONS = 40
    SUBSCRIPTION_IDS = 41
    SHARED_SUBSCRIPTIONS = 42


Value = int | str | bytes
Properties = Mapping[int, Value]


class _Sort(NamedTuple):
    """How a property is written, and in which packets a client may send it."""

    form: str
    packets: frozenset[str]


def _sorts() -> dict[int, _Sort]:
    message = frozenset({"PUBLISH", "will"})
    connect, both = frozenset({"CONNECT"}), frozenset({"CONNECT", "DISCONNECT"})
    everywhere = frozenset({"CONNECT", "will", "PUBLISH", "SUBSCRIBE", "UNSUBSCRIBE", "DISCONNECT"})
    return {
        Property.PAYLOAD_FORMAT: _Sort("flag", message),
        Property.MESSAGE_EXPIRY: _Sort("four", message),
        Property.CONTENT_TYPE: _Sort("text", message),
        Property.RESPONSE_TOPIC: _Sort("text", message),
        Property.CORRELATION_DATA: _Sort("binary", message),
        Property.SUBSCRIPTION_ID: _Sort("length", frozenset({"SUBSCRIBE"})),
        Property.SESSION_EXPIRY: _Sort("four", both),
        Property.ASSIGNED_CLIENT_ID: _Sort("text", frozenset()),
        Property.AUTHENTICATION_METHOD: _Sort("text", connect),
        Property.AUTHENTICATION_DATA: _Sort("binary", connect),
        Property.PROBLEM_INFORMATION: _Sort("flag", connect),
        Property.WILL_DELAY: _Sort("four", frozenset({"will"})),
        Property.RESPONSE_INFORMATION: _Sort("flag", connect),
        Property.REASON_STRING: _Sort("text", frozenset({"DISCONNECT"})),
        Property.RECEIVE_MAXIMUM: _Sort("two", connect),
        Property.TOPIC_ALIAS_MAXIMUM: _Sort("two", connect),
        Property.TOPIC_ALIAS: _Sort("two", frozenset({"PUBLISH"})),
        Property.MAXIMUM_QOS: _Sort("flag", frozenset()),
        Property.USER_PROPERTY: _Sort("pair", everywhere),
        Property.MAXIMUM_PACKET_SIZE: _Sort("four", connect),
        Property.WILDCARD_SUBSCRIPTIONS: _Sort("flag", frozenset()),
        Property.SUBSCRIPTION_IDS: _Sort("flag", frozenset()),
        Property.SHARED_SUBSCRIPTIONS: _Sort("flag", frozenset()),
    }


SORTS = _sorts()
NOT_ZERO = {Property.RECEIVE_MAXIMUM, Property.MAXIMUM_PACKET_SIZE, Property.SUBSCRIPTION_ID}
"""Zero in one of these is a protocol error (§3.1.2.11.3, §3.1.2.11.4, §3.8.2.1.2)."""


def wrong(says: str, reason: Code = Code.MALFORMED) -> Malformed:
    """What is wrong with the bytes, and which clause says so."""
    return Malformed(says, reason=reason)


def text(raw: bytes, what: str) -> str:
    """UTF-8 without a null character (§1.5.4)."""
    try:
        read = raw.decode()
    except UnicodeDecodeError as bad:
        raise wrong(f"{what} is not UTF-8 [MQTT-1.5.4-1]") from bad
    if "\0" in read:
        raise wrong(f"{what} has a null character [MQTT-1.5.4-2]")
    return read


class Cursor:
    """Reads one packet's body from its start to its end."""

    def __init__(self, body: bytes, packet: str) -> None:
        self._body, self._at, self.packet = body, 0, packet

    @property
    def left(self) -> int:
        """Bytes that are not read yet."""
        return len(self._body) - self._at

    def take(self, size: int) -> bytes:
        """That many bytes."""
        begin, self._at = self._at, self._at + size
        if self._at > len(self._body):
            raise wrong(f"{self.packet} ends before its fields do (§2.1.4)")
        return self._body[begin : self._at]

    def number(self, size: int) -> int:
        """An integer of one, two or four bytes, big end first (§1.5.1)."""
        return int.from_bytes(self.take(size), "big")

    def binary(self) -> bytes:
        """Bytes with their length before them (§1.5.6)."""
        return self.take(self.number(2))

    def text(self, what: str) -> str:
        """A text with its length before it (§1.5.4)."""
        return text(self.binary(), f"{what} of {self.packet}")

    def length(self) -> int:
        """A variable byte integer, in the fewest bytes that it fits in (§1.5.5)."""
        value = 0
        for place in range(4):
            byte = self.number(1)
            value |= (byte & 127) << 7 * place
            if byte < 128:
                if place and not byte:
                    raise wrong(f"a length in {self.packet} takes more bytes than it needs [MQTT-1.5.5-1]")
                return value
        raise wrong(f"a length in {self.packet} takes more than four bytes (§1.5.5)")

    def identifier(self) -> int:
        """A packet identifier, which is never zero (§2.2.1)."""
        number = self.number(2)
        if not number:
            raise wrong(f"{self.packet} has the packet identifier 0 [MQTT-2.2.1-3]", Code.PROTOCOL)
        return number

    def properties(self, of: str = "") -> dict[int, Value]:
        """The properties of version 5 that stand here, each once; user properties are read and left (§2.2.2)."""
        end = self.length()
        end = self.left - end
        if end < 0:
            raise wrong(f"the properties of {self.packet} are longer than it (§2.2.2.1)")
        found: dict[int, Value] = {}
        while self.left > end:
            self._property(of or self.packet, found)
        if self.left != end:
            raise wrong(f"a property of {self.packet} goes beyond their end (§2.2.2.1)")
        return found

    def _property(self, packet: str, found: dict[int, Value]) -> None:
        number = self.length()
        sort = SORTS.get(number)
        if sort is None or packet not in sort.packets:
            raise wrong(f"the property {number} does not belong in {packet} (§2.2.2.2)", Code.PROTOCOL)
        if sort.form == "pair":
            self.text("a user property")
            self.text("a user property")
            return
        value = self._value(sort.form)
        if number in found:
            raise wrong(f"the property {number} stands twice in {packet} (§2.2.2.2)", Code.PROTOCOL)
        if not value and number in NOT_ZERO:
            raise wrong(f"the property {number} of {packet} is 0 (§2.2.2.2)", Code.PROTOCOL)
        found[number] = value

    def _value(self, form: str) -> Value:
        if form == "text":
            return self.text("a property")
        if form == "binary":
            return self.binary()
        if form == "length":
            return self.length()
        value = self.number({"flag": 1, "two": 2, "four": 4}[form])
        if form == "flag" and value > 1:
            raise wrong(f"a property of {self.packet} that is 0 or 1 is {value} (§2.2.2.2)", Code.PROTOCOL)
        return value


def length(value: int) -> bytes:
    """A variable byte integer (§1.5.5)."""
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def sized(raw: bytes) -> bytes:
    """Bytes with their length before them."""
    return len(raw).to_bytes(2, "big") + raw


def properties(told: Properties) -> bytes:
    """Properties with their length before them."""
    out = b"".join(length(number) + _written(SORTS[number].form, value) for number, value in told.items())
    return length(len(out)) + out


def _written(form: str, value: Value) -> bytes:
    if isinstance(value, str):
        return sized(value.encode())
    if isinstance(value, bytes):
        return sized(value)
    return length(value) if form == "length" else value.to_bytes({"flag": 1, "two": 2, "four": 4}[form], "big")
