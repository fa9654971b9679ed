"""`tutela verify`: reads the whole log and finds any edited, dropped, added, reordered or truncated event.

Three things must agree: the leaf hashes that were written outside of the database with each signed
checkpoint, the leaf hashes in the database, and the events themselves. The witness' leaves are proved
by the signature over their root; the events are then laid beside them one by one (`flow/beside.py`), so
that whatever was changed is found at its position, even when leaf and event were changed to fit each
other. Events since the last checkpoint (a minute or a thousand) have no outside witness yet; they are
checked against the database's own leaves, and counted as unwitnessed.

What this can't find: a database and a witness' file cut back together to an older state, or a past that was
written and signed anew. That is found by a witness that somebody else runs (`flow/cosign.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import msgspec

from tutela.errors import BadInput
from tutela.maths.merkle import SIZE, Frontier
from tutela.model import note
from tutela.model.event import Checkpoint
from tutela.model.noun import Noun

from .beside import Beside, Events, Finding, Findings
from .ports import Audit, Sealing, Witness
from .seal import leaf_of, read_witnessed, split

Genuine = Callable[[bytes, bytes], bool]
"""Whether a signature (first) over a text (second) is the log's."""


class Report(Noun, frozen=True, kw_only=True):
    """What was read and what was found.

    `witnessed` events are under a signed checkpoint, `unwitnessed` ones not yet. `erased` ones can't be opened
    any more, for their key is destroyed; what is stored of them is compared like all else. `more` counts the
    findings that are not listed.
    """

    witnessed: int
    unwitnessed: int
    erased: int
    checkpoints: int
    root: bytes
    findings: tuple[Finding, ...]
    more: int

    @property
    def sound(self) -> bool:
        """Whether everything is as it was sealed."""
        return not self.findings


async def verify(
    audit: Audit,
    sealing: Sealing,
    witness: Witness,
    genuine: Genuine,
    *,
    destroyed: Collection[str] = (),
    most: int = 1000,
    said: Callable[[int], None] = lambda _: None,
) -> Report:
    """Read everything once, in bounded memory. `destroyed`: keys that are gone, with all that they sealed.

    `said` is told again and again how many events were read.
    """
    found = Findings(most)
    outside = _Outside(genuine, await sealing.checkpoints(), found)
    events = Events(audit, leaf_of, frozenset(destroyed), said)
    beside = Beside(events, found)
    async for line in witness.lines():
        await beside.lay(outside.read(line))
    await beside.settle()
    witnessed = outside.tree.size
    async for leaf in beside.rest(witnessed):
        outside.go_on(leaf)
    beside.finish()
    outside.close(witnessed)
    for event in await audit.unsealed(most):
        found.add("added", -1, event.id, f"the event {event.id} was put in behind the sealer's back")
    return Report(
        witnessed=witnessed,
        unwitnessed=outside.tree.size - witnessed,
        erased=events.erased,
        checkpoints=outside.count,
        root=outside.tree.root(),
        findings=tuple(found.listed),
        more=found.more,
    )


class _Outside:
    """The witness' lines, each proved by its signature and root before its leaves are believed."""

    def __init__(self, genuine: Genuine, points: Sequence[Checkpoint], found: Findings) -> None:
        self.tree = Frontier()
        self.count = 0
        self._genuine, self._found = genuine, found
        self._points = {point.size: point for point in points}

    def read(self, line: bytes) -> Sequence[bytes | None]:
        """The leaves that the line adds; None for those that a line before it should have told."""
        try:
            witnessed = read_witnessed(line)
            point = note.read(witnessed.note)
            leaves = split(witnessed.leaves)
            tree = Frontier(point.size - len(witnessed.leaves) // SIZE, witnessed.before)
        except (msgspec.DecodeError, BadInput) as wrong:
            self._wrong(f"a line of the witness after size {self.tree.size} can't be read: {wrong}")
            return ()
        start, same = tree.size, tree.peaks == self.tree.peaks
        tree.extend(leaves)
        if tree.root() != point.root or not self._genuine(point.signature, note.text(point)):
            self._wrong(f"the witness' checkpoint of size {point.size} is not signed by this log over these leaves")
            return ()
        if not same or start != self.tree.size:
            self._wrong(f"the witness goes from size {self.tree.size} to a checkpoint that starts at {start}")
        new = [*[None] * (start - self.tree.size), *leaves[max(0, self.tree.size - start) :]]
        self.tree = tree
        self.count += 1
        self._agrees(point)
        return new

    def go_on(self, leaf: bytes) -> None:
        """A leaf that only the database tells of; a checkpoint of the database over it is checked."""
        self.tree.append(leaf)
        point = self._points.pop(self.tree.size, None)
        if point is None:
            return
        self._wrong(f"the witness lacks the checkpoint of size {point.size} that the database has")
        if self.tree.root() != point.root or not self._genuine(point.signature, note.text(point)):
            self._wrong(f"the database's checkpoint of size {point.size} is not over the leaves in it")

    def close(self, witnessed: int) -> None:
        """What the database says of checkpoints that neither the witness nor the leaves bear out."""
        for size in self._points:
            place = "the witness" if size <= witnessed else "a leaf in the database"
            self._wrong(f"the database's checkpoint of size {size} has no counterpart in {place}")

    def _agrees(self, point: Checkpoint) -> None:
        # A crash between the two writes leaves the database's out, so that only another one is wrong.
        stored = self._points.pop(point.size, point)
        if stored != point:
            self._wrong(f"the database's checkpoint of size {point.size} is not the witness'")

    def _wrong(self, says: str) -> None:
        self._found.add("checkpoint", self.tree.size, "", says)
