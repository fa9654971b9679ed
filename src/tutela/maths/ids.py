"""Ids made from what happened: the same input gives the same id in every process and on every machine."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable


def digest(*parts: str | int | bytes, size: int = 16) -> bytes:
    """BLAKE2b of the parts, each with its length before it, so that no two lists of parts collide."""
    sum_ = hashlib.blake2b(digest_size=size)
    for part in parts:
        body = part if isinstance(part, bytes) else str(part).encode()
        sum_.update(len(body).to_bytes(4, "big"))
        sum_.update(body)
    return sum_.digest()


def uuid_of(*parts: str | int | bytes) -> str:
    """A UUID (RFC 9562, version 8) made from the parts."""
    return uuid_from(digest(*parts))


def uuid_from(digest_: bytes) -> str:
    """A UUID (RFC 9562, version 8) made from the first 16 bytes of a digest."""
    raw = bytearray(digest_[:16])
    raw[6] = raw[6] & 0x0F | 0x80
    raw[8] = raw[8] & 0x3F | 0x80
    text = raw.hex()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def options_digest(options: Iterable[tuple[str, object]]) -> str:
    """A short digest of a part's options, whatever their order."""
    return digest(*(f"{name}={value!r}" for name, value in sorted(options)), size=6).hex()


def spread(value: int, ways: int) -> int:
    """A well mixed hash of a 64-bit number, modulo `ways` (SplitMix64 finaliser)."""
    mixed = value & 0xFFFFFFFFFFFFFFFF
    mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9 & 0xFFFFFFFFFFFFFFFF
    mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB & 0xFFFFFFFFFFFFFFFF
    return (mixed ^ mixed >> 31) % ways
