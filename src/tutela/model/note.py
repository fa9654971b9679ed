"""A checkpoint as the world's transparency logs write it: the C2SP tlog-checkpoint in a C2SP signed note.

    <origin>
    <size>
    <root, base64>
    epoch <seal epoch>
    time <microseconds since 1970>

    — <origin> <base64 of key id (4 bytes) and Ed25519 signature (64 bytes)>

The text up to the empty line, with its last line feed, is what is signed. Anybody's note tools verify it. Witnesses add
lines of their own (`model/cosign.py`).
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
    r"\n(?P<lines>(?:— [^\s+]+ [A-Za-z0-9+/=]+\n)+)"
)
_SIGNED = re.compile(r"[A-Za-z0-9+/]{91}=")
_KEY = re.compile(r"(?P<name>[^\s+]+)\+(?P<id>[0-9a-f]{8})\+(?P<key>[A-Za-z0-9+/]{44})\s*")
_ORIGIN = re.compile(r"[^\s+]+")
MOST = 16
"""Signatures on one note, as C2SP's signed-note recommends."""

ED25519, COSIGNATURE = b"\x01", b"\x04"
"""What a key is for: signing notes, or cosigning checkpoints."""


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


def line(point: Checkpoint, public: bytes) -> str:
    """The log's signature as it stands in a note; `public` is the Ed25519 key (32 bytes) that it is under."""
    signed = b64encode(key_id(point.origin, ED25519, public) + point.signature).decode()
    return f"— {point.origin} {signed}\n"


def write(point: Checkpoint, public: bytes) -> str:
    """The signed note of a checkpoint."""
    return f"{text(point).decode()}\n{line(point, public)}"


def read(note: str) -> Checkpoint:
    """The checkpoint in a note of ours; its signature still has to be verified. Raises BadInput."""
    point, others = opened(note)
    if others:
        raise BadInput(f"this is no checkpoint of a sealed log, but has more signatures than its own: {note[:80]!r}")
    return point


def opened(note: str) -> tuple[Checkpoint, tuple[str, ...]]:
    """The checkpoint in a note that others may have signed too, and their lines. Raises BadInput."""
    found = _NOTE.fullmatch(note)
    lines = found["lines"].splitlines() if found else []
    own = next((one for one in lines if found and one.startswith(f"— {found['origin']} ")), "")
    signed = own.rpartition(" ")[2]
    if found is None or len(lines) > MOST or not _SIGNED.fullmatch(signed):
        raise BadInput(f"this is no checkpoint of a sealed log: {note[:80]!r}")
    point = Checkpoint(
        origin=found["origin"],
        epoch=int(found["epoch"]),
        size=int(found["size"]),
        root=b64decode(found["root"]),
        at=int(found["at"]),
        signature=b64decode(signed)[4:],
    )
    return point, tuple(one for one in lines if one != own)


def signature_of(line: str) -> bytes:
    """The signature (64 bytes) in a line of ours; raises BadInput when there is none."""
    signed = line.rpartition(" ")[2]
    if not _SIGNED.fullmatch(signed):
        raise BadInput(f"this is no line of a signature: {line[:80]!r}")
    return b64decode(signed)[4:]


def verifier_key(origin: str, public: bytes) -> str:
    """The public key as note tools take it: name, key id and key."""
    return encoded_key(origin, ED25519, public)


def read_verifier_key(key: str) -> bytes:
    """The public key (32 bytes) that such a line tells; raises BadInput."""
    return decoded_key(key, ED25519, "a log")[1]


def origin_of(key: str) -> str:
    """The log whose public key that is; raises BadInput."""
    return decoded_key(key, ED25519, "a log")[0]


def encoded_key(name: str, kind: bytes, public: bytes) -> str:
    """A public key as note tools take it: name, key id, and what it is for with the key."""
    if not _ORIGIN.fullmatch(name):
        raise BadInput(
            f"the name {name!r} has a space or a plus, or is empty; write it like 'ombudsman.example/witness'"
        )
    return f"{name}+{key_id(name, kind, public).hex()}+{b64encode(kind + public).decode()}"


def decoded_key(key: str, kind: bytes, whose: str) -> tuple[str, bytes]:
    """The name and the public key (32 bytes) that such a line tells; raises BadInput. `whose` names it for people."""
    found = _KEY.fullmatch(key)
    told = b64decode(found["key"]) if found else b""
    public = told.removeprefix(kind)
    if found is None or told == public or bytes.fromhex(found["id"]) != key_id(found["name"], kind, public):
        raise BadInput(f"this is no public key of {whose}, which is written as NAME+ID+KEY: {key[:80]!r}")
    return found["name"], public


def decoded_id(key: str) -> tuple[str, bytes]:
    """The name and the key id of a public key of any kind; the key was read before."""
    name, id_, _ = key.split("+", 2)
    return name, bytes.fromhex(id_)


def key_id(name: str, kind: bytes, public: bytes) -> bytes:
    """The four bytes by which a signature says under which key it is."""
    return sha256(name.encode() + b"\n" + kind + public).digest()[:4]
