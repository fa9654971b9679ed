"""A bundle of evidence: everything about one incident, in files that a manifest names by their hashes, and that the log signed.

The manifest is JSON in the one way that there is to write it (as RFC 8785 has it, for the words and whole numbers that are in it),
with a line feed at its end. What is signed is three lines: what it is, which log's, and the manifest's hash. A checkpoint begins
with its log's name, so that neither can be taken for the other. `backends/outsider_bundle.py` checks it.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256

from tutela.errors import BadInput

from .noun import Noun

FORMAT = "tutela-evidence@1"
MANIFEST, NOTE = "manifest.json", "manifest.note"
ABOUT = (
    "Evidence about one incident, from a log. Check it with verify.py, offline: python3 verify.py FILE --log KEY. "
    "Files in events/ are events as the log stores them, each with the proof that it is in it; all others say in the clear "
    "what whoever asked may see, and the log's signature over this manifest stands for them."
)
LONGEST = 2000


class Handover(Noun, frozen=True, kw_only=True):
    """To whom something leaves the house, under which agreement (its number or name), and why (governance G20)."""

    recipient: str
    agreement: str
    reason: str

    def proper(self) -> Handover:
        """Itself; raises BadInput when a word is missing."""
        for name in ("recipient", "agreement", "reason"):
            said = getattr(self, name)
            if not said.strip() or len(said) > LONGEST:
                raise BadInput(
                    f"an export says to whom it goes, under which agreement and why, in up to {LONGEST} letters each; "
                    f"the {name} is missing or too long"
                )
        return self


class Piece(Noun, frozen=True, kw_only=True):
    """A stretch of a file with a hash of its own, so that what was changed is found in it; `of` says what it holds."""

    bytes: int
    of: str
    sha256: str


class Part(Noun, frozen=True, kw_only=True):
    """A file of a bundle. `personal`: a redacted bundle has it only without what is about people, or not at all."""

    path: str
    says: str
    body: bytes
    personal: bool = False
    pieces: tuple[Piece, ...] = ()


class Proved(Noun, frozen=True, kw_only=True):
    """An event of a bundle, with its leaf in hex, and the file with its proof."""

    event: str
    kind: str
    leaf: str
    path: str


def canonical(said: object) -> bytes:
    """The one way to write it."""
    return json.dumps(said, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def pieces(bodies: Sequence[tuple[str, bytes]]) -> tuple[Piece, ...]:
    """The pieces that these, one after the other, make up; each with what it holds."""
    return tuple(Piece(bytes=len(body), of=of, sha256=sha256(body).hexdigest()) for of, body in bodies)


def listed(part: Part) -> dict[str, object]:
    """A file as the manifest names it."""
    return {
        "bytes": len(part.body),
        "path": part.path,
        "personal": part.personal,
        "pieces": [{"bytes": one.bytes, "of": one.of, "sha256": one.sha256} for one in part.pieces],
        "says": part.says,
        "sha256": sha256(part.body).hexdigest(),
    }


def signing(origin: str, manifest: bytes) -> bytes:
    """What is signed of a manifest."""
    return f"{FORMAT}\n{origin}\n{b64encode(sha256(manifest).digest()).decode()}\n".encode()
