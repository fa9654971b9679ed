"""The client's half of MQTT, written apart from the product: packets as clauses 3.1 to 3.14 of MQTT 5.0 draw them."""

from __future__ import annotations

V311, V5 = 4, 5


def varint(value: int) -> bytes:
    out = b""
    while True:
        value, byte = divmod(value, 128)
        out += bytes((byte | 128 if value else byte,))
        if not value:
            return out


def string(text: str | bytes) -> bytes:
    raw = text.encode() if isinstance(text, str) else text
    return len(raw).to_bytes(2, "big") + raw


def packet(head: int, body: bytes) -> bytes:
    return bytes((head,)) + varint(len(body)) + body


def told(version: int, properties: bytes) -> bytes:
    return varint(len(properties)) + properties if version == V5 else b""


def connect(
    version: int = V5,
    client: str = "c",
    user: str | None = "source/thing",
    password: str | bytes | None = "secret",
    *,
    clean: bool = True,
    keep_alive: int = 0,
    properties: bytes = b"",
) -> bytes:
    flags = (128 if user is not None else 0) | (64 if password is not None else 0) | (2 if clean else 0)
    body = string("MQTT") + bytes((version, flags)) + keep_alive.to_bytes(2, "big") + told(version, properties)
    body += string(client)
    body += b"" if user is None else string(user)
    return packet(0x10, body + (b"" if password is None else string(password)))


def publish(
    topic: str,
    payload: bytes = b"1",
    number: int = 1,
    *,
    version: int = V5,
    qos: int = 1,
    retain: bool = False,
    properties: bytes = b"",
) -> bytes:
    body = string(topic) + (number.to_bytes(2, "big") if qos else b"") + told(version, properties) + payload
    return packet(0x30 | qos << 1 | retain, body)


def alias(number: int) -> bytes:
    return b"\x23" + number.to_bytes(2, "big")


def subscribe(*filters: str, version: int = V5, number: int = 7) -> bytes:
    body = number.to_bytes(2, "big") + told(version, b"") + b"".join(string(one) + b"\x01" for one in filters)
    return packet(0x82, body)


def unsubscribe(*filters: str, version: int = V5, number: int = 8) -> bytes:
    return packet(0xA2, number.to_bytes(2, "big") + told(version, b"") + b"".join(map(string, filters)))


def goodbye(version: int = V5, reason: int = 0, properties: bytes = b"") -> bytes:
    return packet(0xE0, bytes((reason,)) + told(version, properties) if reason or properties else b"")


PING = b"\xc0\x00"


def split(stream: bytes) -> list[bytes]:
    """The packets that a server sent, whole ones."""
    found = []
    while len(stream) > 1:
        size, place = 0, 1
        while True:
            size |= (stream[place] & 127) << 7 * (place - 1)
            place += 1
            if stream[place - 1] < 128:
                break
        if len(stream) < place + size:
            break
        found.append(stream[: place + size])
        stream = stream[place + size :]
    return found
