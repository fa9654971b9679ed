"""A time stamp of a bundle of evidence by somebody else (RFC 3161): that it was as it is at that time, even if every key here became known.

What is stamped is the manifest as it would be without the stamp; it lies in the bundle beside the stamp's answer, and both are files
of the bundle like all others. Only what decides whether the answer is one to this question is read here; its signature is
checked by whoever doubts it, with `openssl ts -verify`. Source: RFC 3161 (2.4: requests and responses), X.690 (DER).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from hashlib import sha256

from tutela.errors import BadInput, TutelaError
from tutela.model.evidence import Part, canonical, listed

Stamps = Callable[[bytes], Awaitable[bytes]]
"""Asks for a stamp of a digest (SHA-256): the whole answer. Raises BadInput, EngineDown when there is none."""

STAMPED, STAMP = "stamp/manifest.json", "stamp/manifest.tsr"
SEQUENCE, INTEGER, OCTETS = 0x30, 0x02, 0x04
SHA256 = bytes.fromhex("300d06096086480165030402010500")
"""AlgorithmIdentifier: id-sha256, with no parameters."""

GRANTED = (0, 1)
SAYS = {
    STAMPED: "the manifest as it was stamped: without these two files",
    STAMP: "the time stamp of that, by somebody else, as RFC 3161 has it, with the certificates that it is signed by",
}


def request(digest: bytes, nonce: int) -> bytes:
    """TimeStampReq: version 1, the digest, a number that the answer repeats, and the certificates with it."""
    imprint = _der(SEQUENCE, SHA256 + _der(OCTETS, digest))
    return _der(SEQUENCE, _der(INTEGER, b"\x01") + imprint + _der(INTEGER, _whole(nonce)) + b"\x01\x01\xff")


def answered(reply: bytes, digest: bytes, nonce: int) -> bytes:
    """The answer, if it is one to this question; raises BadInput with what it says instead."""
    try:
        ((_, whole),) = _parts(reply)
        (_, status), *token = list(_parts(whole))
        (_, code), *why = list(_parts(status))
    except ValueError as wrong:
        raise BadInput("what came is no answer of a time stamping authority (RFC 3161)") from wrong
    if int.from_bytes(code) not in GRANTED or not token:
        words = b" ".join(body for _, body in why).decode("utf-8", "replace")
        raise BadInput(f"the time stamping authority refused it: {words.strip() or f'status {int.from_bytes(code)}'}")
    if _der(SEQUENCE, SHA256 + _der(OCTETS, digest)) not in whole or _der(INTEGER, _whole(nonce)) not in whole:
        raise BadInput("the time stamping authority stamped something else than it was asked for")
    return reply


async def stamped(
    said: Mapping[str, object], parts: Sequence[Part], stamps: Stamps | None
) -> tuple[Mapping[str, object], Sequence[Part]]:
    """What the manifest says and its files, with a stamp; when none can be had, it says so and why, among what is left out."""
    if stamps is None:
        return said, parts
    body = canonical({**said, "files": [listed(part) for part in parts]})
    try:
        reply = await stamps(sha256(body).digest())
    except TutelaError as failed:
        left_out = said["left_out"]
        without = [*left_out] if isinstance(left_out, list) else []
        return {**said, "left_out": [*without, f"the time stamp: {failed.message}"]}, parts
    more = (Part(path=STAMPED, says=SAYS[STAMPED], body=body), Part(path=STAMP, says=SAYS[STAMP], body=reply))
    return said, (*parts, *more)


def _der(tag: int, body: bytes) -> bytes:
    """Nothing that is asked is longer than 127 bytes."""
    return bytes([tag, len(body)]) + body


def _whole(number: int) -> bytes:
    return number.to_bytes(number.bit_length() // 8 + 1)


def _parts(body: bytes) -> Iterator[tuple[int, bytes]]:
    """What stands in it, one after the other; raises ValueError for what is cut off."""
    place = 0
    while place < len(body):
        head = body[place : place + 2]
        more = head[-1] & 0x7F if head[-1] & 0x80 else 0
        size = int.from_bytes(body[place + 2 : place + 2 + more]) if more else head[-1]
        start = place + 2 + more
        place = start + size
        if len(head) < 2 or place > len(body):
            raise ValueError("cut off")
        yield head[0], body[start:place]
