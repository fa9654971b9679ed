"""Step 8, seal: every committed event becomes a leaf of one Merkle tree, in commit order, within a second.

What a leaf hashes is the canonical JSON of the event's envelope (RFC 8785: sorted keys, no spaces, UTF-8)
with the SHA-256 of its body in the body's place and its salt in hex:

    {"at":…,"by":…,"cause":…,"id":…,"key":…,"kind":…,"salt":…,"sha256":…,"subject":…,"timeline":…}

So a body can be erased, with the key that sealed it, and the log still verifies; and without the salt
nobody can guess a body from its leaf. From time to time the root is signed as a checkpoint, which is
written outside of the database first (`Witness`): whoever cuts the database short is found out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256

import msgspec

from tutela.errors import BadInput, Broken, EngineDown, Fenced
from tutela.maths.merkle import SIZE, Frontier, leaf_hash
from tutela.model import note
from tutela.model.event import Checkpoint, Event
from tutela.model.note import Witnessed

from .ports import Clock, Log, Sealing, Witness

_canonical = msgspec.json.Encoder(order="sorted").encode
read_witnessed = msgspec.json.Decoder(Witnessed).decode
"""One line of the witness; raises msgspec.DecodeError."""


def leaf_bytes(event: Event) -> bytes:
    """What the leaf of an event hashes (see above)."""
    return _canonical(
        {
            "id": event.id,
            "at": event.at,
            "by": event.by,
            "cause": event.cause,
            "kind": event.kind,
            "timeline": event.timeline,
            "subject": event.subject,
            "key": event.key,
            "salt": event.salt.hex(),
            "sha256": sha256(event.body).hexdigest(),
        }
    )


def leaf_of(event: Event) -> bytes:
    """The RFC 9162 leaf hash of an event."""
    return leaf_hash(leaf_bytes(event))


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signs: the log's name (a schema-less URL), the Ed25519 public key, and the private one at work."""

    origin: str
    public: bytes
    sign: Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How often. Seconds, except `leaves` (a checkpoint at the latest) and `most` (leaves a round)."""

    every: float = 60.0
    leaves: int = 1000
    most: int = 1000
    pace: float = 0.02
    idle: float = 0.5


Told = Callable[[int, float], None]
"""Told after each round that sealed something: how many, and the longest that one of them can have waited."""


class Sealer:
    """The one that seals, as long as it holds the lead. Start is recovery: from the last checkpoint on.

    `monotonic` gives seconds of a clock that never goes back; `clock` the time that is signed.
    """

    def __init__(  # noqa: PLR0913  one argument for each port; no two of them belong together
        self,
        worker: str,
        sealing: Sealing,
        log: Log,
        witness: Witness,
        signer: Signer,
        clock: Clock,
        monotonic: Callable[[], float],
        told: Told,
        rhythm: Rhythm = Rhythm(),  # noqa: B008  frozen
    ) -> None:
        self._worker, self._sealing, self._log, self._witness = worker, sealing, log, witness
        self._signer, self._clock, self._monotonic = signer, clock, monotonic
        self._told, self._rhythm = told, rhythm
        self._forget()

    async def run(self, stop: asyncio.Event) -> None:
        """Seal until told to stop, and then once more; another worker's lead is waited for."""
        while not stop.is_set():
            try:
                await self._reign(stop)
            except (Fenced, EngineDown):
                self._forget()
            if not stop.is_set():
                await _rest(stop, self._rhythm.idle)

    async def step(self) -> int | None:
        """One round: leaves sealed, and the checkpoint when it is due; None while another one leads."""
        if self._epoch is None:
            self._epoch = await self._sealing.lead(self._worker)
            if self._epoch is None:
                return None
            await self._recover()
        began = self._monotonic()
        size, leaves = await self._sealing.round(self._epoch, leaf_of, self._rhythm.most)
        self._add(size, leaves)
        if leaves:
            # None of these was visible when the round before looked, so none has waited longer than this.
            self._told(len(leaves), self._monotonic() - self._looked)
        self._looked = began
        if self._due():
            await self.checkpoint()
        return len(leaves)

    async def checkpoint(self) -> None:
        """Sign what has been sealed since the last checkpoint, if anything."""
        if self._epoch is None or not self._since:
            return
        plain = Checkpoint(
            origin=self._signer.origin,
            epoch=self._seal_epoch,
            size=self._tree.size,
            root=self._tree.root(),
            at=self._clock(),
            signature=b"",
        )
        point = msgspec.structs.replace(plain, signature=self._signer.sign(note.text(plain)))
        written = note.write(point, self._signer.public)
        leaves = b"".join(self._since)
        # Outside first: a checkpoint that only the database knows would be no witness against it.
        await self._witness.append(msgspec.json.encode(Witnessed(note=written, before=self._before, leaves=leaves)))
        await self._sealing.checkpoint(point)
        self._before, self._since, self._signed_at = self._tree.peaks, [], self._monotonic()

    async def _reign(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            began = self._monotonic()
            sealed = await self.step()
            if sealed is None:
                return
            if sealed:
                await _rest(stop, self._rhythm.pace - (self._monotonic() - began))
            else:
                await self._log.wait(self._rhythm.idle)
        await self.step()
        await self.checkpoint()

    def _forget(self) -> None:
        self._epoch: int | None = None
        self._seal_epoch = 1
        self._tree = Frontier()
        self._before: tuple[bytes, ...] = ()
        self._since: list[bytes] = []
        self._looked = self._signed_at = self._monotonic()

    async def _recover(self) -> None:
        """The tree as it was at the last checkpoint, and the leaves that were sealed after it."""
        last = await self._witness.last()
        if last is not None:
            self._tree, self._seal_epoch = _from(last)
        self._before = self._tree.peaks
        self._since = []
        while leaves := await self._sealing.leaves(self._tree.size - 1, self._rhythm.most):
            self._tree.extend(leaves)
            self._since += leaves

    def _add(self, size: int, leaves: Sequence[bytes]) -> None:
        if size != self._tree.size:
            raise Broken(
                f"the database has sealed {size} events, the signed log {self._tree.size}; "
                "no checkpoint is signed before that is understood: run `tutela verify`"
            )
        self._tree.extend(leaves)
        self._since += leaves

    def _due(self) -> bool:
        waited = self._monotonic() - self._signed_at
        return len(self._since) >= self._rhythm.leaves or (bool(self._since) and waited >= self._rhythm.every)


def _from(line: bytes) -> tuple[Frontier, int]:
    """The tree that a witnessed checkpoint tells of, checked against its own root, and its epoch."""
    try:
        witnessed = read_witnessed(line)
        point = note.read(witnessed.note)
        size = point.size - len(witnessed.leaves) // SIZE
        tree = Frontier(size, witnessed.before)
    except (msgspec.DecodeError, BadInput) as wrong:
        raise Broken(f"the last checkpoint of the witness can't be read ({wrong}); run `tutela verify`") from wrong
    tree.extend(split(witnessed.leaves))
    if tree.root() != point.root:
        raise Broken(f"the last checkpoint of the witness, of size {point.size}, is not the root of its leaves")
    return tree, point.epoch


def split(leaves: bytes) -> list[bytes]:
    """Hashes that lie end to end, one by one."""
    return [leaves[place : place + SIZE] for place in range(0, len(leaves), SIZE)]


async def _rest(stop: asyncio.Event, seconds: float) -> None:
    """Wait that long, or until told to stop."""
    if seconds > 0:
        try:
            await asyncio.wait_for(stop.wait(), seconds)
        except TimeoutError:
            return
