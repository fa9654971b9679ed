"""Step 8, seal: every committed event becomes a leaf of one Merkle tree, in commit order, within a second.

What a leaf hashes is the canonical JSON of the event's envelope (RFC 8785: sorted keys, no spaces, UTF-8)
with the SHA-256 of its body in the body's place and its salt in hex:

    {"at":…,"by":…,"cause":…,"id":…,"key":…,"kind":…,"salt":…,"sha256":…,"subject":…,"timeline":…}

So a body can be erased, with the key that sealed it, and the log still verifies; and where there is a salt,
nobody can guess a body from its leaf (unsealed events from before leaves were published have none). From time to time the root is signed as a checkpoint, which is
written outside of the database first (`Witness`): whoever cuts the database short is found out.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256

import msgspec

from tutela.errors import BadInput, Broken, EngineDown, Fenced
from tutela.maths.ids import uuid_of
from tutela.maths.merkle import SIZE, Frontier, leaf_hash
from tutela.model import note
from tutela.model.event import Checkpoint, Event, Quiet
from tutela.model.note import Witnessed
from tutela.model.timeline import LIVE

from .ports import Clock, Log, Sealing, Witness
from .rest import rest

LOG = logging.getLogger(__name__)

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
    """How often, in seconds: a checkpoint `every` so long, or after `leaves` leaves, whichever comes first.

    A round seals at most `most` events; the next one comes after `pace`, or when something is committed
    (`idle` at the latest); the lead is confirmed each `renew`, well within the three seconds it lasts. When nothing
    was to be signed for so long as `quiet`, that is written, and signed: a log that shows nothing new does not work.
    """

    every: float = 60.0
    leaves: int = 1000
    most: int = 1000
    pace: float = 0.02
    idle: float = 0.5
    renew: float = 1.0
    quiet: float = 300.0


Told = Callable[[int, float], None]
"""Told after each round that sealed something: how many, and the longest that one of them can have waited."""


@dataclass(slots=True)
class _Reign:
    """What the leading sealer knows. Times are seconds of the clock that never goes back.

    `since` are the leaves after the last checkpoint, `before` the peaks of the tree at it. `looked` is when
    the round before this one began, `led` when the lead was last confirmed.
    """

    lead: int
    epoch: int
    tree: Frontier
    before: tuple[bytes, ...]
    looked: float
    led: float
    signed: float
    since: list[bytes] = field(default_factory=list)


@dataclass(slots=True)
class Sealer:
    """The one that seals, as long as it holds the lead. Start is recovery: from the last checkpoint on.

    `monotonic` gives seconds of a clock that never goes back; `clock` the time that is signed. Use `run`;
    `step` and `checkpoint` are what it does again and again.
    """

    worker: str
    sealing: Sealing
    log: Log
    witness: Witness
    signer: Signer
    clock: Clock
    monotonic: Callable[[], float]
    told: Told
    rhythm: Rhythm = Rhythm()
    _reign: _Reign | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Seal until told to stop, and sign what is left; another worker's lead is waited for."""
        while not stop.is_set():
            try:
                await self._while_leading(stop)
            except (Fenced, EngineDown) as lost:
                LOG.warning("the sealer begins anew: %s", lost)
                self._reign = None
            await rest(stop, self.rhythm.idle)

    async def step(self) -> int | None:
        """One round: how many it sealed, and the checkpoint when it is due; None while another one leads."""
        reign = self._reign = await self._leading()
        if reign is None:
            return None
        began = self.monotonic()
        size, leaves = await self.sealing.round(reign.lead, leaf_of, self.rhythm.most)
        if size != reign.tree.size:
            raise Broken(
                f"the database has sealed {size} events, the signed log {reign.tree.size}; "
                "no checkpoint is signed before that is understood: run `tutela verify`"
            )
        if leaves:
            reign.tree.extend(leaves)
            reign.since += leaves
            # None of these was visible when the round before looked, so none has waited longer than this.
            self.told(len(leaves), self.monotonic() - reign.looked)
        elif not reign.since and began - reign.signed >= self.rhythm.quiet:
            await self._tell_quiet(reign, began - reign.signed)
        reign.looked = began
        if self._due(reign):
            await self.checkpoint()
        return len(leaves)

    async def checkpoint(self) -> None:
        """Sign what has been sealed since the last checkpoint, if anything."""
        reign = self._reign
        if reign is None or not reign.since:
            return
        point = self._signed(reign)
        line = Witnessed(note=note.write(point, self.signer.public), before=reign.before, leaves=b"".join(reign.since))
        # Outside first: a checkpoint that only the database knows would be no witness against it. And only while
        # still leading: a sealer that stood still meanwhile must not write between another one's lines.
        if await self.sealing.lead(self.worker) != reign.lead:
            raise Fenced("another sealer leads; it signs what this one has sealed")
        await self.witness.append(msgspec.json.encode(line))
        await self.sealing.checkpoint(point)
        reign.before, reign.since, reign.signed = reign.tree.peaks, [], self.monotonic()

    async def _tell_quiet(self, reign: _Reign, seconds: float) -> None:
        now = self.clock()
        body = msgspec.json.encode(Quiet(seconds=round(seconds)))
        id_ = uuid_of("quiet@1", reign.epoch, reign.tree.size)
        await self.log.append(
            [Event(id=id_, at=now, by=self.worker, cause=None, kind="quiet@1", timeline=LIVE, body=body)]
        )

    async def begin_epoch(self) -> None:
        """Seal and sign what waits, under a new seal epoch: this log goes on from a copy.

        Others may hold checkpoints of the epoch before that reach further than the copy, over events that are lost. Call
        it when something waits to be sealed: an epoch begins with what is signed in it.
        """
        while (reign := await self._leading()) is None:
            await self.log.wait(self.rhythm.idle)
        reign.epoch += 1
        while await self.step():
            pass
        await self.checkpoint()

    async def _while_leading(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            began = self.monotonic()
            sealed = await self.step()
            if sealed is None:
                return
            if sealed:
                await rest(stop, self.rhythm.pace - (self.monotonic() - began))
            else:
                await self.log.wait(self.rhythm.idle)
        await self.step()
        await self.checkpoint()

    async def _leading(self) -> _Reign | None:
        """The reign that goes on, a new one that has recovered, or None: another worker leads."""
        reign, now = self._reign, self.monotonic()
        if reign is not None and now - reign.led < self.rhythm.renew:
            return reign
        lead = await self.sealing.lead(self.worker)
        if lead is None:
            return None
        if reign is None or reign.lead != lead:
            return await self._recovered(lead, now)
        reign.led = now
        return reign

    async def _recovered(self, lead: int, now: float) -> _Reign:
        """The tree as it was at the last checkpoint, and then the leaves that were sealed after it."""
        last = await self.witness.last()
        tree, epoch = (Frontier(), 1) if last is None else _from(last)
        signed = max((point.size for point in await self.sealing.checkpoints()), default=0)
        if signed > tree.size:
            raise Broken(
                f"the witness ends at size {tree.size}, but size {signed} has been signed; whoever cut it short may have "
                "changed the log as well: put the witness' file back, then run `tutela verify`"
            )
        reign = self._reign = _Reign(lead, epoch, tree, tree.peaks, looked=now, led=now, signed=now)
        while leaves := await self.sealing.leaves(tree.size - 1, self.rhythm.most):
            tree.extend(leaves)
            reign.since += leaves
            if self._due(reign):
                await self.checkpoint()
        return reign

    def _signed(self, reign: _Reign) -> Checkpoint:
        point = Checkpoint(
            origin=self.signer.origin,
            epoch=reign.epoch,
            size=reign.tree.size,
            root=reign.tree.root(),
            at=self.clock(),
            signature=b"",
        )
        return msgspec.structs.replace(point, signature=self.signer.sign(note.text(point)))

    def _due(self, reign: _Reign) -> bool:
        waited = self.monotonic() - reign.signed >= self.rhythm.every
        return len(reign.since) >= self.rhythm.leaves or (waited and bool(reign.since))


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
