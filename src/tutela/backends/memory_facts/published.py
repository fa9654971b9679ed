"""What is kept of the log for the public, and its witnesses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from tutela.backends.memory_facts.store import Store
from tutela.backends.rules import not_there
from tutela.model import note
from tutela.model.cosign import Cosignature, Cosigner, WitnessNow
from tutela.model.event import Checkpoint, Event
from tutela.model.when import SECOND

_cosigner = msgspec.json.Decoder(Cosigner).decode


@dataclass
class MemoryPublished:
    """What is kept of the log for the public, and its witnesses."""

    store: Store = field(default_factory=Store)

    async def place(self, event: str) -> tuple[int, bytes]:
        """Where an event is in the tree, and its leaf; raises NotFound."""
        for sealed in self.store.sealed:
            if sealed.event.id == event:
                return sealed.position, sealed.leaf
        raise not_there("sealed event", event)

    async def newest_point(self, least: int, *, cosigned: bool = False) -> Checkpoint | None:
        """The newest checkpoint of at least that size."""
        points = sorted(self.store.checkpoints.items(), reverse=True)
        known = {note.decoded_id(one.key) for one in await self.cosigners()}
        said = {
            (epoch, size)
            for (epoch, size, witness), (key_id, _, _) in self.store.cosignatures.items()
            if (witness, key_id) in known
        }
        found = (point for key, point in points if point.size >= least and (key in said or not cosigned))
        return next(found, None)

    async def point(self, epoch: int, size: int) -> Checkpoint | None:
        """One checkpoint."""
        return self.store.checkpoints.get((epoch, size))

    async def roots(self, first: int, most: int) -> Sequence[bytes]:
        """The roots of whole tiles from that number on."""
        return self.store.tiles[first : first + most]

    async def keep_roots(self, first: int, roots: Sequence[bytes]) -> None:
        """Keep them; they follow from the leaves, and what stood in their place does not count."""
        if first <= len(self.store.tiles):
            self.store.tiles[first : first + len(roots)] = roots

    async def cosigners(self) -> Sequence[Cosigner]:
        """The witnesses, by name."""
        stand: dict[str, Cosigner] = {}
        for event in self.store.events.values():
            if event.kind == "witness@1":
                stand[event.subject] = _cosigner(event.body)
            elif event.kind == "witness-ended@1":
                del stand[event.subject]
        return [one for _, one in sorted(stand.items())]

    async def watched(self) -> Sequence[WitnessNow]:
        """The witnesses, by name, with how far each one is."""
        return [self._now(one) for one in await self.cosigners()]

    async def enter_cosigner(self, cosigner: Cosigner, event: Event) -> None:
        """Enter a witness, or change its entry, with its event."""
        del cosigner  # the event tells it
        self.store.log([event])

    async def end_cosigner(self, name: str, event: Event) -> None:
        """Wait for that witness no more; raises NotFound."""
        if name not in {one.name for one in await self.cosigners()}:
            raise not_there("witness", name)
        self.store.log([event])

    async def cosign(self, point: Checkpoint, given: Cosignature) -> None:
        """Keep what a witness says of a checkpoint; what it said before stays."""
        self.store.cosignatures.setdefault(
            (point.epoch, point.size, given.witness), (given.key_id, given.at, given.signature)
        )

    async def cosignatures(self, point: Checkpoint) -> Sequence[Cosignature]:
        """What witnesses say of a checkpoint, by their names."""
        said = sorted(self.store.cosignatures.items())
        return [
            Cosignature(witness=witness, key_id=key_id, at=at, signature=signature)
            for (epoch, size, witness), (key_id, at, signature) in said
            if (epoch, size) == (point.epoch, point.size)
        ]

    def _now(self, one: Cosigner) -> WitnessNow:
        said = sorted(key for key in self.store.cosignatures if key[2] == one.name)
        last = said[-1] if said else (0, 0, "")
        given = self.store.cosignatures.get(last)
        later = [point.at for key, point in sorted(self.store.checkpoints.items()) if key > last[:2]]
        return WitnessNow(
            cosigner=one,
            size=last[1] if given else None,
            at=given[1] * SECOND if given else None,
            waits=later[0] if later else None,
        )
