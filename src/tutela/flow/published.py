"""What anybody may have of the log: signed roots with their witnesses, and proofs. No event, no name: hashes.

Each event's leaf is salted since leaves are published: what happened later than that, nobody finds in a hash by guessing. The id
of an event has no salt, so whoever asks for a proof from outside shows that they have the event: by its leaf. A proof is checked
before it is given away: what does not lead to the signed root is a fault that stops here, and no proof.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from tutela.errors import Broken, EngineDown, NotFound, Refused
from tutela.maths.merkle import consistent, included
from tutela.maths.tiles import WIDTH, Leaves, Tiles, edges
from tutela.model import cosign, note
from tutela.model.cosign import Cosignature, Cosigner, Submission
from tutela.model.event import Checkpoint, Event
from tutela.model.proof import Inclusion, bundle

from .cosign import Verifies

LOG = logging.getLogger(__name__)

AT_ONCE = 32 * WIDTH
ROOTS = 100_000
"""Leaves, and roots of tiles, that are read at once."""


_Proved = Callable[[Tiles, Leaves], tuple[tuple[bytes, ...], bool]]
"""A path by these tiles and leaves, and whether it leads where it must."""


class Published(Protocol):
    """What is kept of the log for the public, and the witnesses that cosign it.

    `place` raises NotFound for an event that is not sealed. `leaves` come after a position (-1: from the start). `newest_point` is the
    newest checkpoint of at least that size, `cosigned`: of those that a witness cosigned that is entered now,
    under its key of now; `point` one of them, by epoch and size.
    `roots` gives the roots of whole tiles from that number on, `keep_roots` puts these in their place. A witness cosigns a
    checkpoint once: `cosign` leaves what is there.
    """

    async def place(self, event: str) -> tuple[int, bytes]: ...  # noqa: D102  told above
    async def leaves(self, after: int, most: int) -> Sequence[bytes]: ...  # noqa: D102  the same
    async def newest_point(self, least: int, *, cosigned: bool = False) -> Checkpoint | None: ...  # noqa: D102  the same
    async def point(self, epoch: int, size: int) -> Checkpoint | None: ...  # noqa: D102  the same
    async def roots(self, first: int, most: int) -> Sequence[bytes]: ...  # noqa: D102  the same
    async def keep_roots(self, first: int, roots: Sequence[bytes]) -> None: ...  # noqa: D102  the same
    async def cosigners(self) -> Sequence[Cosigner]: ...  # noqa: D102  the same
    async def cosign(self, point: Checkpoint, given: Cosignature) -> None: ...  # noqa: D102  the same
    async def cosignatures(self, point: Checkpoint) -> Sequence[Cosignature]: ...  # noqa: D102  the same


@dataclass(slots=True)
class Publishing:
    """Answers the public. `public` is the log's own key (32 bytes)."""

    kept: Published
    public: bytes
    verifies: Verifies
    _tiles: Tiles = field(default_factory=Tiles)
    _anew: bool = False
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def run(self, every: float = 60.0) -> None:
        """Know the tiles before anybody asks for a proof, until cancelled; the first time that is work on all leaves."""
        while True:
            try:
                point = await self.kept.newest_point(0)
                if point is not None:
                    async with self._turn:
                        await self._catch_up(point.size)
            except (EngineDown, Broken) as wrong:
                LOG.warning("proofs can't be prepared now, trying again: %s", wrong)
            await asyncio.sleep(every)

    async def checkpoint(self, *, cosigned: bool = False) -> str:
        """The newest signed note, with what its witnesses say of it; raises NotFound."""
        return await self._note(await self._newest(0, cosigned=cosigned))

    async def growth(self, old: int) -> Submission:
        """The newest checkpoint, and the proof that its tree begins with the one of `old` leaves.

        A log that has fewer leaves than that says how many it has: whoever asks will know what to think of it.
        """
        point = await self._newest(0)
        old = min(old, point.size)
        path: tuple[bytes, ...] = ()
        if 0 < old < point.size:

            def proved(tiles: Tiles, leaves: Leaves) -> tuple[tuple[bytes, ...], bool]:
                path = tiles.consistency(old, point.size, leaves)
                return path, consistent(old, point.size, tiles.root(old, leaves), point.root, path)

            path = await self._proved(point, old - 1, proved)
        return Submission(old=old, path=path, note=note.write(point, self.public))

    async def shown(self, event: str, leaf: bytes) -> Inclusion:
        """The proof for one event, for whoever has it: its id can be guessed, and its leaf, with the salt in it, can't.

        Another leaf and an event that there is not are one answer, NotFound: nobody learns by asking whether it is there.
        """
        own: bytes | None = None
        with contextlib.suppress(NotFound):
            own = (await self.kept.place(event))[1]
        if own is None or not hmac.compare_digest(own, leaf):
            raise NotFound("the log has sealed no event with this id and this leaf; both are in the file of its proof")
        return await self.inclusion(event)

    async def inclusion(self, event: str) -> Inclusion:
        """The proof for one event, under a checkpoint that a witness cosigned if there is one that has it.

        For those who may read the log: it tells whether the event is there.
        """
        position, leaf = await self.kept.place(event)
        point = await self.kept.newest_point(position + 1, cosigned=True) or await self.kept.newest_point(position + 1)
        if point is None:
            raise NotFound(
                f"the event {event} is sealed, and no checkpoint has it yet: one is signed within a minute, ask again then"
            )
        size, root = point.size, point.root

        def proved(tiles: Tiles, leaves: Leaves) -> tuple[tuple[bytes, ...], bool]:
            path = tiles.inclusion(position, size, leaves)
            return path, included(leaf, position, size, path, root)

        path = await self._proved(point, position, proved)
        return Inclusion(position=position, leaf=leaf, path=path, note=await self._note(point))

    async def file(self, event: Event, key: str) -> tuple[Inclusion, str]:
        """The proof for one event, and the file with it; `key`: the log's public key as note tools take it. Raises NotFound."""
        told = await self.inclusion(event.id)
        return told, bundle(event, told, key, await self.kept.cosigners())

    async def take(self, given: str) -> int:
        """Keep what witnesses say of a checkpoint of ours, given as a signed note; how many of them are known here.

        Raises BadInput for what is no note, NotFound for what is no checkpoint of ours, Refused when nobody we know signed it.
        """
        told, lines = note.opened(given)
        point = await self.kept.point(told.epoch, told.size)
        if point is None or note.text(point) != note.text(told):
            raise NotFound(
                f"this log has no such checkpoint of size {told.size}; the newest one is at /v1/log/checkpoint"
            )
        known = {one.name: one.key for one in await self.kept.cosigners()}
        signed = [one for one in map(cosign.read, lines) if self._genuine(point, one, known)]
        if not signed:
            raise Refused(
                "no witness that this log knows signed this checkpoint; a witness is entered with `tutela witnesses enter`",
                policy="witness",
            )
        for one in signed:
            await self.kept.cosign(point, one)
        return len(signed)

    async def _newest(self, least: int, *, cosigned: bool = False) -> Checkpoint:
        point = await self.kept.newest_point(least, cosigned=cosigned)
        if point is None:
            by = "cosigned by a witness" if cosigned else "signed"
            raise NotFound(f"no checkpoint was {by} yet: this log is new, ask again in a minute")
        return point

    async def _note(self, point: Checkpoint) -> str:
        return note.write(point, self.public) + "".join(map(cosign.write, await self.kept.cosignatures(point)))

    def _genuine(self, point: Checkpoint, given: Cosignature, known: dict[str, str]) -> bool:
        if given.witness not in known:
            return False
        name, public = cosign.read_cosigner_key(known[given.witness])
        own = cosign.signed_by(name, public, given.at, given.signature)
        return own == given and self.verifies(public, given.signature, cosign.cosigned(note.text(point), given.at))

    async def _proved(self, point: Checkpoint, place: int, proved: _Proved) -> tuple[bytes, ...]:
        """The path, once it holds: roots of tiles that don't lead to the signed root are computed anew before that is a fault."""
        path, holds = proved(*await self._known(point.size, place))
        if not holds:
            await self._begin_anew(point)
            path, holds = proved(*await self._known(point.size, place))
        if not holds:
            raise Broken(
                f"the leaves in the database don't lead to the root of size {point.size} that was signed; "
                "no proof is given before that is understood: run `tutela verify`"
            )
        return path

    async def _known(self, size: int, place: int) -> tuple[Tiles, Leaves]:
        """All whole tiles of a tree of that size, and the leaves of those that a proof in it needs."""
        async with self._turn:
            await self._catch_up(size)
            tiles = self._tiles  # which others may begin anew while the leaves are read
        found = {}
        for number in edges(place, size - 1):
            found[number] = await self.kept.leaves(number * WIDTH - 1, WIDTH)
            if len(found[number]) < min(WIDTH, size - number * WIDTH):
                raise Broken(f"the database lacks leaves of the {size} that were signed: run `tutela verify`")
        return tiles, found

    async def _catch_up(self, size: int) -> None:
        """Know the roots of all whole tiles of a tree of that size: kept ones first, then those over new leaves."""
        tiles, wanted = self._tiles, size // WIDTH
        while tiles.whole < wanted:
            roots = await self.kept.roots(tiles.whole, ROOTS)
            if not roots:
                break
            tiles.extend(roots)
        await self._from_leaves(tiles, wanted)

    async def _begin_anew(self, point: Checkpoint) -> None:
        """Forget the roots of all tiles, and keep those that follow from the leaves.

        Once, until the platform starts again: it is work on all leaves, and anybody may ask.
        """
        async with self._turn:
            if self._anew:
                return
            LOG.warning(
                "what is kept of the tiles does not lead to the signed root; it is computed anew from the leaves"
            )
            tiles, self._anew = Tiles(), True
            try:
                await self._from_leaves(tiles, max(point.size, (await self._newest(0)).size) // WIDTH)
            except EngineDown:
                self._anew = False
                raise
            self._tiles = tiles

    async def _from_leaves(self, tiles: Tiles, wanted: int) -> None:
        while tiles.whole < wanted:
            first = tiles.whole
            leaves = await self.kept.leaves(first * WIDTH - 1, AT_ONCE)
            whole = range(0, len(leaves) - WIDTH + 1, WIDTH)
            roots = [tiles.add(leaves[start : start + WIDTH]) for start in whole]
            if not roots:
                raise Broken(f"the database lacks leaves of the {wanted * WIDTH} that were signed: run `tutela verify`")
            await self.kept.keep_roots(first, roots)
