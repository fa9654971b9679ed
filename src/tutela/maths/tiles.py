"""A tree of which little is kept: one hash for each 256 leaves, and what lies above them, a quarter of a byte a leaf.

A tile is 256 leaves that stand side by side (C2SP tlog-tiles). Whoever asks for a proof brings the leaves of the one or two
tiles in which it begins and ends; `edges` says which.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from tutela.errors import BadInput

from .merkle import EMPTY, Tree, consistency_path, inclusion_path, node_hash, split_of

WIDTH = 256
"""Leaves of a whole tile."""

Leaves = Mapping[int, Sequence[bytes]]
"""The leaves of some tiles, by the tile's number: as many as there are."""


class Tiles:
    """The whole tiles so far, each as the root over its leaves. Proofs need the leaves of some tiles beside it."""

    __slots__ = ("_roots",)

    def __init__(self, roots: Iterable[bytes] = ()) -> None:
        self._roots = Tree(roots)

    @property
    def whole(self) -> int:
        """How many whole tiles there are."""
        return len(self._roots)

    def add(self, leaves: Sequence[bytes]) -> bytes:
        """The next whole tile; the root over it."""
        if len(leaves) != WIDTH:
            raise BadInput(f"a whole tile has {WIDTH} leaves, not {len(leaves)}")
        root = Tree(leaves).root()
        self._roots.append(root)
        return root

    def extend(self, roots: Iterable[bytes]) -> None:
        """The next whole tiles, by roots that were computed before."""
        for root in roots:
            self._roots.append(root)

    def root(self, size: int, leaves: Leaves) -> bytes:
        """The root over the first `size` leaves."""
        return self._over(leaves, 0, size) if size else EMPTY

    def inclusion(self, index: int, size: int, leaves: Leaves) -> tuple[bytes, ...]:
        """The proof that leaf `index` is in the tree of that size."""
        return inclusion_path(lambda first, last: self._over(leaves, first, last), index, size)

    def consistency(self, older: int, size: int, leaves: Leaves) -> tuple[bytes, ...]:
        """The proof that the tree of `older` leaves is the start of the one of `size`."""
        return consistency_path(lambda first, last: self._over(leaves, first, last), older, size)

    def _over(self, leaves: Leaves, first: int, last: int) -> bytes:
        size = last - first
        if size < WIDTH or (size == WIDTH and first // WIDTH >= self.whole):
            number, place = divmod(first, WIDTH)
            return Tree(leaves[number][place : place + size]).root()
        if size & (size - 1) == 0:
            return self._roots.over(first // WIDTH, last // WIDTH)
        middle = first + split_of(size)
        return node_hash(self._over(leaves, first, middle), self._over(leaves, middle, last))


def edges(*places: int) -> tuple[int, ...]:
    """The tiles in which these leaves lie; for a tree, name its last leaf."""
    return tuple(sorted({place // WIDTH for place in places}))
