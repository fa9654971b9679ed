"""What a witness says of a checkpoint, and how it is asked: C2SP tlog-cosignature (cosignature/v1) and tlog-witness.

    — <witness> <base64 of key id (4 bytes), time in seconds (8 bytes, big-endian) and Ed25519 signature (64 bytes)>

What it signs is `cosignature/v1`, the line `time <seconds>`, and the text of the checkpoint. What it is sent is the size that
it saw before, the proof that the tree grew from it, an empty line, and the checkpoint.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode

from tutela.errors import BadInput

from . import note
from .noun import Noun
from .when import MINUTE

_SUBMITTED = re.compile(
    r"old (?P<old>0|[1-9][0-9]{0,17})\n(?P<path>(?:[A-Za-z0-9+/]{43}=\n){0,63})\n(?P<note>.+)", re.DOTALL
)
_LINE = re.compile(r"— (?P<name>[^\s+]+) (?P<signed>[A-Za-z0-9+/]{102}==)")
_KEY_ID, _TIME = 4, 8

LATE = 10 * MINUTE
"""After so long without a cosignature, people are told."""


class Cosigner(Noun, frozen=True, kw_only=True):
    """A witness as the log knows it: somebody else, who cosigns a checkpoint when it goes on from all that they saw before.

    `key` is its public key as note tools take it; `owner` says who runs it, and `simulated` that it is the demonstration's own.
    Body of `witness@1`.
    """

    name: str
    key: str
    owner: str
    at: int
    simulated: bool = False


class CosignerEnded(Noun, frozen=True, kw_only=True):
    """Body of `witness-ended@1`: this log does not wait for that witness any more."""

    name: str
    because: str


class Cosignature(Noun, frozen=True, kw_only=True):
    """A witness's signature over a checkpoint: as of `at` (seconds), it has seen no larger tree, and none that differs."""

    witness: str
    key_id: bytes
    at: int
    signature: bytes


class WitnessNow(Noun, frozen=True, kw_only=True):
    """How far a witness is: the size of the newest checkpoint that it cosigned, and when (microseconds); None for none.

    `waits`: when the oldest checkpoint was signed that it has not cosigned yet; None when there is none.
    """

    cosigner: Cosigner
    size: int | None
    at: int | None
    waits: int | None

    def late(self, now: int) -> bool:
        """Whether it has kept this log waiting for longer than it may."""
        return self.waits is not None and now - max(self.waits, self.cosigner.at) > LATE


class Submission(Noun, frozen=True, kw_only=True):
    """What a witness is to cosign: a signed note, and the path from the tree of `old` leaves that it saw before."""

    old: int
    path: tuple[bytes, ...]
    note: str


class Watched(Noun, frozen=True, kw_only=True):
    """What a witness knows of a log: its public key, and the newest checkpoint that it cosigned ("" for none).

    `epoch` is the least seal epoch that it takes: after a restore that its people were told of, the new one.
    """

    key: str
    note: str = ""
    epoch: int = 0


class Statement(Noun, frozen=True, kw_only=True):
    """A line of a witness's own log: when (microseconds), what, in words, and the evidence, if it was given any.

    `epoch` and `size` are those of what was `cosigned`, or the epoch that was `accepted`.
    """

    at: int
    what: str
    says: str
    evidence: str = ""
    epoch: int = 0
    size: int = 0


def cosigned(text: bytes, at: int) -> bytes:
    """What a witness signs of a checkpoint with that text, at that time (seconds)."""
    return b"cosignature/v1\ntime %d\n%s" % (at, text)


def cosigner_key(name: str, public: bytes) -> str:
    """The public key (32 bytes) of a witness as note tools take it."""
    return note.encoded_key(name, note.COSIGNATURE, public)


def read_cosigner_key(key: str) -> tuple[str, bytes]:
    """The name and the public key of a witness; raises BadInput."""
    return note.decoded_key(key, note.COSIGNATURE, "a witness")


def signed_by(name: str, public: bytes, at: int, signature: bytes) -> Cosignature:
    """The cosignature of the witness with that name and key."""
    return Cosignature(witness=name, key_id=note.key_id(name, note.COSIGNATURE, public), at=at, signature=signature)


def write(given: Cosignature) -> str:
    """Its line in a note."""
    body = given.key_id + given.at.to_bytes(_TIME, "big") + given.signature
    return f"— {given.witness} {b64encode(body).decode()}\n"


def read(line: str) -> Cosignature:
    """The cosignature in a line of a note; raises BadInput. Whether it is right is still to be verified."""
    found = _LINE.fullmatch(line.removesuffix("\n"))
    raw = b64decode(found["signed"]) if found else b""
    if found is None or len(raw) != _KEY_ID + _TIME + 64 or b64encode(raw).decode() != found["signed"]:
        raise BadInput(f"this is no cosignature/v1 of a witness: {line[:80]!r}")
    time = raw[_KEY_ID : _KEY_ID + _TIME]
    return Cosignature(
        witness=found["name"],
        key_id=raw[:_KEY_ID],
        at=int.from_bytes(time, "big"),
        signature=raw[_KEY_ID + _TIME :],
    )


def submit(wanted: Submission) -> str:
    """The body of an `add-checkpoint`."""
    path = "".join(f"{b64encode(step).decode()}\n" for step in wanted.path)
    return f"old {wanted.old}\n{path}\n{wanted.note}"


def submitted(body: str) -> Submission:
    """What the body of an `add-checkpoint` asks for; raises BadInput."""
    found = _SUBMITTED.fullmatch(body)
    if found is None:
        raise BadInput(f"this is no checkpoint with its proof, as C2SP tlog-witness has it: {body[:80]!r}")
    path = tuple(b64decode(step) for step in found["path"].splitlines())
    return Submission(old=int(found["old"]), path=path, note=found["note"])
