"""What a witness decides: a checkpoint that goes on from all it saw before is cosigned, and anything else is said aloud.

Somebody else runs it. It sees no event: a size, a root, a signature, and the proof that the newer tree begins with the older
one. What it refuses is evidence: a log that signed two trees that don't fit each other can't take one of them back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from tutela.errors import BadInput
from tutela.maths.merkle import consistent
from tutela.model import note
from tutela.model.cosign import Submission, Watched
from tutela.model.event import Checkpoint

Verifies = Callable[[bytes, bytes, bytes], bool]
"""Whether a public key (first) made a signature (second) over a text (third)."""


class Wrong(StrEnum):
    """Why a checkpoint is not cosigned."""

    UNREADABLE = "unreadable"
    FOREIGN = "foreign"
    FORGED = "forged"
    ROLLBACK = "rollback"
    FORK = "fork"
    BEHIND = "behind"


ALARMING = frozenset({Wrong.FOREIGN, Wrong.FORGED, Wrong.ROLLBACK, Wrong.FORK})
"""What no log that is well does: a person has to know. The others are mistakes in asking."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why a checkpoint is not cosigned, and in words."""

    why: Wrong
    says: str


def judge(watched: Watched, wanted: Submission, verifies: Verifies) -> Checkpoint | Doubt:
    """The checkpoint that may be cosigned, or the doubt about it."""
    try:
        point, _ = note.opened(wanted.note)
    except BadInput as wrong:
        return Doubt(Wrong.UNREADABLE, wrong.message)
    return _stranger(watched, point, wanted.note, verifies) or _grown(watched, point, wanted) or point


def seen(watched: Watched) -> Checkpoint | None:
    """The newest checkpoint that the witness cosigned."""
    return note.opened(watched.note)[0] if watched.note else None


def _stranger(watched: Watched, point: Checkpoint, told: str, verifies: Verifies) -> Doubt | None:
    """Whether it is of another log, or not signed by this one."""
    origin, public = note.origin_of(watched.key), note.read_verifier_key(watched.key)
    if point.origin != origin:
        return Doubt(Wrong.FOREIGN, f"this is a checkpoint of {point.origin}; the log that is watched is {origin}")
    if note.line(point, public) not in told or not verifies(public, point.signature, note.text(point)):
        return Doubt(Wrong.FORGED, f"the checkpoint of size {point.size} is not signed by the key of {origin}")
    return None


def _grown(watched: Watched, point: Checkpoint, wanted: Submission) -> Doubt | None:
    """Whether it does not go on from what was seen before."""
    last = seen(watched)
    size, epoch = (last.size, last.epoch) if last else (0, watched.epoch)
    if point.epoch < epoch or point.size < size:
        return Doubt(
            Wrong.ROLLBACK,
            f"the log shows {point.size} events in epoch {point.epoch}; it had signed {size} in epoch {epoch}",
        )
    if wanted.old != size:
        return Doubt(Wrong.BEHIND, f"the newest checkpoint that was cosigned has size {size}, not {wanted.old}")
    if last is None:
        return None if not wanted.path else Doubt(Wrong.UNREADABLE, "nothing is proved from a tree of no leaves")
    if not consistent(last.size, point.size, last.root, point.root, wanted.path):
        return Doubt(Wrong.FORK, _forked(last, point))
    return None


def _forked(last: Checkpoint, point: Checkpoint) -> str:
    if last.size == point.size:
        return f"the log signed two trees of {point.size} events with different roots"
    return f"the log's tree of {point.size} events is not shown to begin with the {last.size} that it had signed"
