"""A checkpoint as the world's transparency logs write it: the C2SP tlog-checkpoint in a C2SP signed note.

    <origin>
    <size>
    <root, base64>
    epoch <seal epoch>
    time <microseconds since 1970>

    — <origin> <base64 of key id (4 bytes) and Ed25519 signature (64 bytes)>

The text up to the empty line, with its last line feed, is what is signed. Anybody's note tools verify it.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from hashlib import sha256

from tutela.errors import BadInput

from .event import Checkpoint
from .noun import Noun

_NOTE = re.compile(
    r"(?P<origin>[^\s+]+)\n(?P<size>0|[1-9][0-9]{0,17})\n(?P<root>[A-Za-z0-9+/]{43}=)\n"
    r"epoch (?P<epoch>[0-9]{1,9})\ntime (?P<at>[0-9]{1,17})\n"
    r"\n— (?P<name>[^\s+]+) (?P<signed>[A-Za-z0-9+/]{91}=)\n"
)
_KEY = re.compile(r"(?P<origin>[^\s+]+)\+(?P<id>[0-9a-f]{8})\+(?P<key>[A-Za-z0-9+/]{44})\s*")
_ORIGIN = re.compile(r"[^\s+]+")
_ED25519 = b"\x01"


class Witnessed(Noun, frozen=True, kw_only=True):
    """What is kept outside of the database for each checkpoint: enough to find what was changed in it.

    `note` is the signed note; `leaves` are the leaf hashes since the checkpoint before, end to end, 32
    bytes each; `before` are the peaks (`maths.merkle.Frontier`) of the tree that they were added to.
    """

    note: str
    before: tuple[bytes, ...]
    leaves: bytes


def text(point: Checkpoint) -> bytes:
    """What is signed."""
    if not _ORIGIN.fullmatch(point.origin):
        raise BadInput(f"the log's origin {point.origin!r} has a space or a plus; write it like 'helsinki.example/log'")
    root = b64encode(point.root).decode()
    return f"{point.origin}\n{point.size}\n{root}\nepoch {point.epoch}\ntime {point.at}\n".encode()


def write(point: Checkpoint, public: bytes) -> str:
    """The signed note of a checkpoint; `public` is the Ed25519 key (32 bytes) that its signature is under."""
    signed = b64encode(_key_id(point.origin, public) + point.signature).decode()
    return f"{text(point).decode()}\n— {point.origin} {signed}\n"


def read(note: str) -> Checkpoint:
    """The checkpoint in a note of ours; its signature still has to be verified. Raises BadInput."""
    found = _NOTE.fullmatch(note)
    if found is None or found["name"] != found["origin"]:
        raise BadInput(f"this is no checkpoint of a sealed log: {note[:80]!r}")
    return Checkpoint(
        origin=found["origin"],
        epoch=int(found["epoch"]),
        size=int(found["size"]),
        root=b64decode(found["root"]),
        at=int(found["at"]),
        signature=b64decode(found["signed"])[4:],
    )


def verifier_key(origin: str, public: bytes) -> str:
    """The public key as note tools take it: name, key id and key."""
    return f"{origin}+{_key_id(origin, public).hex()}+{b64encode(_ED25519 + public).decode()}"


def read_verifier_key(key: str) -> bytes:
    """The public key (32 bytes) that such a line tells; raises BadInput."""
    found = _KEY.fullmatch(key)
    told = b64decode(found["key"]) if found else b""
    public = told.removeprefix(_ED25519)
    if found is None or told == public or bytes.fromhex(found["id"]) != _key_id(found["origin"], public):
        raise BadInput(f"this is no public key of a log, which is written as NAME+ID+KEY: {key[:80]!r}")
    return public


def _key_id(origin: str, public: bytes) -> bytes:
    return sha256(origin.encode() + b"\n" + _ED25519 + public).digest()[:4]
