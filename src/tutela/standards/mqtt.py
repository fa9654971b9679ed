"""MQTT 3.1.1 and 5.0 as a server that only takes messages speaks it: bytes in, packets out, and back.

`Decoder` reads the bytes of one connection, cut anywhere; `connack`, `puback` and the others write answers. No
socket and no clock: who listens is `sources.mqtt`. Strict: what the standard does not allow is `Malformed` with the
standard's own reason code, and a packet that is too long is refused by its length, before it has come. QoS 2 is not spoken:
version 5 is told so in CONNACK, and whoever sends it all the same is disconnected.

Sources: OASIS MQTT Version 3.1.1 (2014) and MQTT Version 5.0 (2019); clauses are those of 5.0 where not said otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from ._mqtt_wire import Code, Cursor, Properties, Property, Value, length, properties, text, wrong

__all__ = [
    "ALIASES", "HELLO", "PACKET", "PINGRESP", "TOPIC", "V5", "V311",
    "Code", "Connect", "Decoder", "Disconnect", "Packet", "Ping", "Properties", "Property", "Publish", "Subscribe", "Unsubscribe",
    "connack", "disconnect", "part", "puback", "suback", "unsuback",
]  # fmt: skip

V311, V5 = 4, 5
"""Protocol levels (§3.1.2.2)."""

PACKET = 256_000
"""Bytes of a packet, header included, once a client is known."""
HELLO = 16_000
"""Bytes of a CONNECT: whoever sends it is not known yet."""
ALIASES = 8
"""Topic aliases of a connection."""
TOPIC = 4_096
"""Bytes of a topic."""

CONNECT, PUBLISH, SUBSCRIBE, UNSUBSCRIBE, PINGREQ, DISCONNECT = 1, 3, 8, 10, 12, 14
NAMES = {SUBSCRIBE: "SUBSCRIBE", UNSUBSCRIBE: "UNSUBSCRIBE", PINGREQ: "PINGREQ", DISCONNECT: "DISCONNECT"}
CONNACK_311 = {
    Code.SUCCESS: 0,
    Code.VERSION: 1,
    Code.CLIENT_ID: 2,
    Code.UNAVAILABLE: 3,
    Code.SHUTTING_DOWN: 3,
    Code.CREDENTIALS: 4,
    Code.NOT_AUTHORISED: 5,
}
"""Return codes of 3.1.1 (its §3.2.2.3). There a CONNECT that breaks the standard is not answered [MQTT-3.1.4-1]."""
REASON = 200
"""Characters of a reason in words, which may quote what a client sent."""

PINGRESP = b"\xd0\x00"


class Connect(msgspec.Struct, frozen=True, kw_only=True):
    """A client introduces itself. A will is read and left: nothing is published here.

    `keep_alive`, `session_expiry`: seconds. `most`: bytes of a packet that the client takes. `problems`: it wants reasons in words.
    """

    version: int
    client: str
    clean: bool
    keep_alive: int
    user: str | None
    password: bytes | None
    session_expiry: int
    most: int
    problems: bool


class Publish(msgspec.Struct, frozen=True, gc=False):
    """A message; `number` is its packet identifier, 0 for QoS 0. Topic aliases are resolved already."""

    topic: str
    payload: bytes
    qos: int
    number: int
    retain: bool


class Subscribe(msgspec.Struct, frozen=True):
    """A wish to read these."""

    number: int
    filters: tuple[str, ...]


class Unsubscribe(msgspec.Struct, frozen=True):
    """A wish to read these no longer."""

    number: int
    filters: tuple[str, ...]


class Ping(msgspec.Struct, frozen=True):
    """Still there."""


class Disconnect(msgspec.Struct, frozen=True):
    """A clean goodbye; `session_expiry` in seconds, None: as it was."""

    reason: int
    session_expiry: int | None = None


Packet = Connect | Publish | Subscribe | Unsubscribe | Ping | Disconnect


class Decoder:
    """The bytes of one connection. `feed` what came, then go through `packets`; what is not asked for waits.

    `version` is 0 until a CONNECT has said which. After `Malformed` the connection is over.
    """

    def __init__(self, most: int = PACKET) -> None:
        self.version = 0
        self._most = most
        self._held = bytearray()
        self._aliases: dict[int, str] = {}
        self._greeted = False

    @property
    def waiting(self) -> int:
        """Bytes that came and were not read yet: whole packets that nobody asked for, or the beginning of one."""
        return len(self._held)

    def feed(self, data: bytes) -> None:
        """Bytes came."""
        self._held += data

    def packets(self) -> Iterator[Packet]:
        """The packets that are whole; raises Malformed at the first that is none."""
        while (packet := self._next()) is not None:
            yield packet

    def _next(self) -> Packet | None:
        held = self._held
        if not held:
            return None
        head = held[0]
        if not self._greeted and head != CONNECT << 4:
            raise wrong("the first packet is not a CONNECT [MQTT-3.1.0-1]", Code.PROTOCOL)
        size, begin = self._size()
        if size < 0:
            return None
        if begin + size > (self._most if self._greeted else min(HELLO, self._most)):
            raise wrong(f"a packet of {begin + size} bytes is too long (§3.1.2.11.4)", Code.TOO_LARGE)
        end = begin + size
        if len(held) < end:
            return None
        body = bytes(held[begin:end])
        packet = self._publish(head & 15, body) if head >> 4 == PUBLISH else self._other(head, body)
        del held[:end]
        return packet

    def _size(self) -> tuple[int, int]:
        """The remaining length (§2.1.4) and where it ends; -1 while it is not whole."""
        held, size = self._held, 0
        for place in range(1, min(len(held), 5)):
            byte = held[place]
            size |= (byte & 127) << 7 * (place - 1)
            if byte < 128:
                if place > 1 and not byte and self.version == V5:
                    raise wrong("a remaining length takes more bytes than it needs [MQTT-1.5.5-1]")
                return size, place + 1
        if len(held) > 4:
            raise wrong("a remaining length takes more than four bytes (§1.5.5)")
        return -1, 0

    def _publish(self, flags: int, body: bytes) -> Publish:
        qos = flags >> 1 & 3
        if qos > 1 or (flags & 8 and not qos):
            raise _bad_flags(qos)
        begin = 2 + int.from_bytes(body[:2], "big")
        raw = body[2:begin]
        number = 0
        if qos:
            number = int.from_bytes(body[begin : begin + 2], "big")
            begin += 2
            if not number:
                raise wrong("a PUBLISH has no packet identifier, or the identifier 0 [MQTT-2.2.1-3]", Code.PROTOCOL)
        alias = 0
        if self.version == V5:
            if body[begin : begin + 1] == b"\0":
                begin += 1
            else:
                cursor = Cursor(body, "PUBLISH")
                cursor.take(begin)
                alias = self._alias(cursor.properties())
                begin = len(body) - cursor.left
        if len(body) < begin or len(body) < 2:
            raise wrong("a PUBLISH ends before its fields do (§3.3.2)")
        return Publish(self._topic(raw, alias), body[begin:], qos, number, bool(flags & 1))

    def _alias(self, told: dict[int, Value]) -> int:
        """The topic alias of a message, 0 for none (§3.3.2.3.4)."""
        if "+" in (reply := str(told.get(Property.RESPONSE_TOPIC, ""))) or "#" in reply:
            raise wrong("a response topic has a wildcard [MQTT-3.3.2-14]", Code.PROTOCOL)
        alias = told.get(Property.TOPIC_ALIAS)
        if alias is None:
            return 0
        if not isinstance(alias, int) or not 0 < alias <= ALIASES:
            raise wrong(f"the topic alias {alias!r} is not 1 to {ALIASES} [MQTT-3.3.2-8]", Code.TOPIC_ALIAS)
        return alias

    def _topic(self, raw: bytes, alias: int) -> str:
        """The name of a topic (§3.3.2.1), by its alias where it is left out."""
        if not raw:
            if not alias and self.version == V5:
                raise wrong("a PUBLISH has neither topic nor alias (§3.3.2.1)", Code.PROTOCOL)
            if not alias:
                raise wrong("a PUBLISH has no topic (3.1.1, [MQTT-4.7.3-1])", Code.TOPIC)
            if alias not in self._aliases:
                raise wrong(f"the topic alias {alias} stands for nothing yet (§3.3.4)", Code.PROTOCOL)
            return self._aliases[alias]
        topic = text(raw, "a topic")
        if "+" in topic or "#" in topic:
            raise wrong("a topic to publish to has a wildcard [MQTT-3.3.2-2]", Code.TOPIC)
        if len(raw) > TOPIC:
            raise wrong(f"a topic is longer than {TOPIC} bytes", Code.TOPIC)
        if alias:
            self._aliases[alias] = topic
        return topic

    def _other(self, head: int, body: bytes) -> Packet:
        sort = head >> 4
        if sort == CONNECT:
            return self._connect(head, body)
        if sort not in NAMES:
            raise wrong(f"a packet of type {sort} is not one that a client may send here (§2.1.2)", Code.PROTOCOL)
        if head & 15 != (2 if sort in (SUBSCRIBE, UNSUBSCRIBE) else 0):
            raise wrong(f"the flags of {NAMES[sort]} are not as they must be [MQTT-2.1.3-1]")
        cursor = Cursor(body, NAMES[sort])
        packet = self._plain(sort, cursor)
        if cursor.left:
            raise wrong(f"{NAMES[sort]} goes on after its last field (§2.1.4)")
        return packet

    def _plain(self, sort: int, cursor: Cursor) -> Packet:
        if sort == PINGREQ:
            return Ping()
        if sort == DISCONNECT:
            return self._goodbye(cursor)
        number = cursor.identifier()
        if self.version == V5:
            cursor.properties()
        if not cursor.left:
            raise wrong(f"{cursor.packet} names no topic [MQTT-3.8.3-2]", Code.PROTOCOL)
        filters: list[str] = []
        while cursor.left:
            filters.append(cursor.text("a topic filter"))
            if not filters[-1]:
                raise wrong(f"{cursor.packet} has an empty topic filter [MQTT-4.7.3-1]")
            if sort == SUBSCRIBE:
                _check_options(cursor.number(1), self.version)
        return (Subscribe if sort == SUBSCRIBE else Unsubscribe)(number, tuple(filters))

    def _goodbye(self, cursor: Cursor) -> Disconnect:
        if self.version != V5 or not cursor.left:
            return Disconnect(0)
        reason = cursor.number(1)
        told = cursor.properties() if cursor.left else {}
        expiry = told.get(Property.SESSION_EXPIRY)
        return Disconnect(reason, expiry if isinstance(expiry, int) else None)

    def _connect(self, head: int, body: bytes) -> Connect:
        if self._greeted or head & 15:
            raise wrong("a second CONNECT, or one with flags in its header [MQTT-3.1.0-2]", Code.PROTOCOL)
        cursor = Cursor(body, "CONNECT")
        name, level = cursor.binary(), cursor.number(1)
        if name not in (b"MQTT", b"MQIsdp"):
            raise wrong("this is not MQTT [MQTT-3.1.2-1]", Code.VERSION)
        if name != b"MQTT" or level not in (V311, V5):
            raise wrong(f"level {level} of {name.decode()} is not spoken here, 3.1.1 and 5.0 are", Code.VERSION)
        self.version = level
        connect = _introduction(cursor, level)
        self._greeted = True
        return connect


def _bad_flags(qos: int) -> Exception:
    if qos == 2:
        return wrong("QoS 2 is not spoken here; publish with QoS 1 (§3.2.2.3.4)", Code.QOS)
    if qos == 3:
        return wrong("QoS 3 is none [MQTT-3.3.1-4]")
    return wrong("a PUBLISH with QoS 0 says that it is sent again [MQTT-3.3.1-2]")


def _check_options(options: int, version: int) -> None:
    """The options of a subscription (§3.8.3.1; 3.1.1: its QoS only)."""
    reserved = options & 0xC0 or options >> 4 & 3 == 3 if version == V5 else options & 0xFC
    if reserved or options & 3 == 3:
        raise wrong(f"the options {options:#04x} of a subscription are none [MQTT-3.8.3-5]")


def _introduction(cursor: Cursor, version: int) -> Connect:
    """What follows the protocol level of a CONNECT (§3.1.2.3 and on)."""
    flags, keep_alive = cursor.number(1), cursor.number(2)
    _check_flags(flags, version)
    told = cursor.properties() if version == V5 else {}
    client = cursor.text("the client identifier")
    if flags & 4:
        _will(cursor, version)
    user = cursor.text("the user name") if flags & 128 else None
    password = cursor.binary() if flags & 64 else None
    if cursor.left:
        raise wrong("CONNECT goes on after its last field (§2.1.4)")
    if Property.AUTHENTICATION_METHOD in told:
        raise wrong("no authentication method is known here; send user name and password", Code.AUTHENTICATION)
    if Property.AUTHENTICATION_DATA in told:
        raise wrong("a CONNECT has authentication data and no method (§3.1.2.11.10)", Code.PROTOCOL)
    clean = bool(flags & 2)
    if version == V311 and not client and not clean:
        raise wrong(
            "a session is to be kept for a client without an identifier (3.1.1, [MQTT-3.1.3-8])", Code.CLIENT_ID
        )
    return Connect(
        version=version,
        client=client,
        clean=clean,
        keep_alive=keep_alive,
        user=user,
        password=password,
        session_expiry=_whole(told, Property.SESSION_EXPIRY, 0) if version == V5 else (0 if clean else 0xFFFFFFFF),
        most=_whole(told, Property.MAXIMUM_PACKET_SIZE, 0xFFFFFFFF),
        problems=bool(_whole(told, Property.PROBLEM_INFORMATION, 1)),
    )


def _check_flags(flags: int, version: int) -> None:
    will, qos = flags & 4, flags >> 3 & 3
    if flags & 1:
        raise wrong("the reserved flag of a CONNECT is set [MQTT-3.1.2-3]")
    if qos == 3 or (not will and flags & 0x38):
        raise wrong("the flags of the will in a CONNECT do not fit together (§3.1.2.5 to §3.1.2.7)")
    if version == V5 and qos == 2:
        raise wrong("QoS 2 is not spoken here, not for a will either [MQTT-3.2.2-12]", Code.QOS)
    if version == V311 and flags & 0xC0 == 0x40:
        raise wrong("a CONNECT has a password and no user name (3.1.1, [MQTT-3.1.2-22])")


def _will(cursor: Cursor, version: int) -> None:
    if version == V5:
        cursor.properties("will")
    topic = cursor.text("the will's topic")
    if not topic or "+" in topic or "#" in topic:
        raise wrong("the will's topic is empty or has a wildcard (§3.1.3.3)", Code.TOPIC)
    cursor.binary()


def _whole(told: dict[int, Value], name: Property, default: int) -> int:
    value = told.get(name, default)
    return value if isinstance(value, int) else default


# ── answers ─────────────────────────────────────────────────────────────────────────────────────
def connack(version: int, code: Code, *, present: bool = False, told: Properties | None = None) -> bytes:
    """Whether a client is taken (§3.2); `present`: its session is known. For 3.1.1 no more, and nothing without a code."""
    if version != V5:
        return bytes((0x20, 2, present, CONNACK_311[code])) if code in CONNACK_311 else b""
    body = bytes((present, code)) + properties(told or {})
    return b"\x20" + length(len(body)) + body


def puback(version: int, number: int, code: Code = Code.SUCCESS, says: str = "") -> bytes:
    """A message with QoS 1 is done with (§3.4); 3.1.1 can't say how."""
    if version != V5 or not code:
        return b"\x40\x02" + number.to_bytes(2, "big")
    return _packet(0x40, number.to_bytes(2, "big") + bytes((code,)) + _because(says))


def suback(version: int, number: int, count: int) -> bytes:
    """None of so many subscriptions is granted: nobody reads here (§3.9)."""
    none = b"" if version != V5 else b"\0"
    code = Code.NOT_AUTHORISED if version == V5 else 0x80
    return _packet(0x90, number.to_bytes(2, "big") + none + bytes((code,)) * count)


def unsuback(version: int, number: int, count: int) -> bytes:
    """There was none of so many subscriptions (§3.11)."""
    told = b"" if version != V5 else b"\0" + bytes((Code.NO_SUBSCRIPTION,)) * count
    return _packet(0xB0, number.to_bytes(2, "big") + told)


def disconnect(version: int, code: Code, says: str = "") -> bytes:
    """The server ends it (§3.14); 3.1.1 has no word for that, so there it is nothing."""
    return _packet(0xE0, bytes((code,)) + _because(says)) if version == V5 else b""


def _because(says: str) -> bytes:
    return properties({Property.REASON_STRING: says[:REASON]} if says else {})


def _packet(head: int, body: bytes) -> bytes:
    return bytes((head,)) + length(len(body)) + body


part = Decoder
