"""One event with all that shows that it is in the log, as a single file, for somebody who has nothing else.

The proof in it is a C2SP tlog-proof, line by line. The file is JSON with sorted keys, an indent of one and a line feed at its
end: there is exactly one way to write it, so that no bit of it can change unseen. `backends/outsider.py` checks it.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256

import msgspec

from . import cosign, note
from .cosign import Cosignature, Cosigner
from .event import Event
from .noun import Noun

FORMAT = "tutela-proof@1"
ABOUT = "One event of a log, with the proof that it is in it. Check it with verify.py, offline: python3 verify.py FILE"
TLOG_PROOF = "c2sp.org/tlog-proof@v1"


class Inclusion(Noun, frozen=True, kw_only=True):
    """That an event is in the log: its position, its leaf, and the path from there to the root that `note` has signed."""

    position: int
    leaf: bytes
    path: tuple[bytes, ...]
    note: str


class Proven(Noun, frozen=True, kw_only=True):
    """Body of `proof@1`: a proof of that event was written out, with its body as it is stored."""

    event: str
    size: int


def tlog_proof(told: Inclusion) -> str:
    """The proof as C2SP tlog-proof writes it."""
    path = "".join(f"{b64encode(step).decode()}\n" for step in told.path)
    return f"{TLOG_PROOF}\nindex {told.position}\n{path}\n{told.note}"


def bundle(event: Event, told: Inclusion, log: str, witnesses: Sequence[Cosigner]) -> str:
    """The file. `log` is the log's public key as note tools take it; of cosignatures, those of these witnesses are in it."""
    known = {note.decoded_id(one.key): one for one in witnesses}
    _, lines = note.opened(told.note)
    given = [one for one in map(cosign.read, lines) if (one.witness, one.key_id) in known]
    told = msgspec.structs.replace(told, note=_signed(told.note, given))
    signers = [known[one.witness, one.key_id] for one in given]
    said: dict[str, object] = {
        "about": ABOUT,
        "event": {
            "at": event.at,
            "body": b64encode(event.body).decode(),
            "by": event.by,
            "cause": event.cause,
            "id": event.id,
            "key": event.key,
            "kind": event.kind,
            "salt": event.salt.hex(),
            "sha256": sha256(event.body).hexdigest(),
            "subject": event.subject,
            "timeline": event.timeline,
        },
        "format": FORMAT,
        "leaf": told.leaf.hex(),
        "log": log,
        "proof": tlog_proof(told).splitlines(),
        "witnesses": [{"key": one.key, "owner": one.owner, "simulated": one.simulated} for one in signers],
    }
    return summed(said)


def summed(said: dict[str, object]) -> str:
    """As it is written, with its own sum at the end of it."""
    rest = {name: value for name, value in said.items() if name != "sum"}
    return _written({**rest, "sum": sha256(_written(rest).encode()).hexdigest()})


def _signed(told: str, given: Sequence[Cosignature]) -> str:
    """The note with these cosignatures and no others."""
    point, lines = note.opened(told)
    own = [line for line in told.partition("\n\n")[2].splitlines(keepends=True) if line.removesuffix("\n") not in lines]
    return f"{note.text(point).decode()}\n{''.join(own)}{''.join(map(cosign.write, given))}"


def _written(said: dict[str, object]) -> str:
    return json.dumps(said, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
