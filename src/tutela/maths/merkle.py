"""The tree that seals the log (RFC 9162 §2.1): hashes, roots, and proofs that anybody can check.

A leaf is SHA-256(0x00 ‖ entry), a node SHA-256(0x01 ‖ left ‖ right); the left subtree of n leaves holds
the largest power of two below n. `Frontier` is all that an appender needs (one hash for each bit of its
size); `Tree` keeps every complete subtree, 64 bytes a leaf, and so can prove.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256

from tutela.errors import BadInput

EMPTY = sha256(b"").digest()
SIZE = 32


def leaf_hash(entry: bytes) -> bytes:
    """The hash of one entry."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash over two subtrees."""
    return sha256(b"\x01" + left + right).digest()


class Frontier:
    """A tree's right edge: the complete subtrees its size is made of, largest first."""

    __slots__ = ("_peaks", "size")

    def __init__(self, size: int = 0, peaks: Sequence[bytes] = ()) -> None:
        if len(peaks) != size.bit_count():
            raise BadInput(f"a tree of {size} leaves has {size.bit_count()} peaks, not {len(peaks)}")
        self.size = size
        self._peaks = list(peaks)

    @property
    def peaks(self) -> tuple[bytes, ...]:
        """One hash for each bit that is set in the size, largest subtree first."""
        return tuple(self._peaks)

    def append(self, leaf: bytes) -> None:
        """Add one leaf hash."""
        peaks, size = self._peaks, self.size
        while size & 1:
            leaf = sha256(b"\x01" + peaks.pop() + leaf).digest()
            size >>= 1
        peaks.append(leaf)
        self.size += 1

    def extend(self, leaves: Iterable[bytes]) -> None:
        """Add leaf hashes in their order."""
        for leaf in leaves:
            self.append(leaf)

    def root(self) -> bytes:
        """The root over all leaves so far; the hash of nothing for the empty tree."""
        if not self._peaks:
            return EMPTY
        top = self._peaks[-1]
        for peak in reversed(self._peaks[:-1]):
            top = node_hash(peak, top)
        return top


class Tree:
    """All complete subtrees, by level: level k holds those of 2^k leaves, 32 bytes each."""

    __slots__ = ("_levels",)

    def __init__(self, leaves: Iterable[bytes] = ()) -> None:
        self._levels = [bytearray()]
        for leaf in leaves:
            self.append(leaf)

    def __len__(self) -> int:
        return len(self._levels[0]) // SIZE

    def append(self, leaf: bytes) -> None:
        """Add one leaf hash."""
        levels, count = self._levels, len(self._levels[0]) // SIZE
        levels[0] += leaf
        level = 0
        while count & 1:
            below = levels[level]
            level += 1
            if level == len(levels):
                levels.append(bytearray())
            levels[level] += sha256(b"\x01" + below[-2 * SIZE :]).digest()
            count >>= 1

    def root(self, size: int | None = None) -> bytes:
        """The root over the first `size` leaves (default: all)."""
        size = self._within(len(self) if size is None else size)
        return self.over(0, size) if size else EMPTY

    def inclusion(self, index: int, size: int) -> tuple[bytes, ...]:
        """The proof that leaf `index` is in the tree of that size (RFC 9162 §2.1.3.1), lowest hash first."""
        self._within(size)
        return inclusion_path(self.over, index, size)

    def consistency(self, older: int, size: int) -> tuple[bytes, ...]:
        """The proof that the tree of `older` leaves is the start of the one of `size` (RFC 9162 §2.1.4.1)."""
        self._within(size)
        return consistency_path(self.over, older, size)

    def _within(self, size: int) -> int:
        if not 0 <= size <= len(self):
            raise BadInput(f"the tree has {len(self)} leaves; it has no state of {size}")
        return size

    def over(self, first: int, last: int) -> bytes:
        """The hash over the leaves [first, last), at least one; `first` is where a subtree starts."""
        size = last - first
        if size & (size - 1) == 0:
            place = first // size * SIZE
            return bytes(self._levels[size.bit_length() - 1][place : place + SIZE])
        middle = first + split_of(size)
        return node_hash(self.over(first, middle), self.over(middle, last))


Over = Callable[[int, int], bytes]
"""The hash over the leaves [first, last), at least one; `first` is where a subtree of that size starts."""


def inclusion_path(over: Over, index: int, size: int) -> tuple[bytes, ...]:
    """The proof that leaf `index` is in the tree of that size, whose hashes `over` tells; lowest first."""
    if not 0 <= index < size:
        raise BadInput(f"there is no leaf {index} in a tree of {size} leaves")
    start, path = 0, []
    while size > 1:
        split = split_of(size)
        if index < split:
            path.append(over(start + split, start + size))
            size = split
        else:
            path.append(over(start, start + split))
            start, index, size = start + split, index - split, size - split
    return tuple(reversed(path))


def consistency_path(over: Over, older: int, size: int) -> tuple[bytes, ...]:
    """The proof that the tree of `older` leaves is the start of the one of `size`, whose hashes `over` tells."""
    if not 0 < older <= size:
        raise BadInput(f"a tree of {older} leaves can't be the start of one of {size}")
    start, whole, path = 0, True, []
    while older < size:
        split = split_of(size)
        if older <= split:
            path.append(over(start + split, start + size))
            size = split
        else:
            path.append(over(start, start + split))
            start, older, size, whole = start + split, older - split, size - split, False
    return tuple(reversed(path if whole else [*path, over(start, start + size)]))


def included(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Whether the path proves that leaf at that index under that root (RFC 9162 §2.1.3.2)."""
    if not 0 <= index < size:
        return False
    place, last = index, size - 1
    for other in path:
        if last == 0:
            return False
        if place & 1 or place == last:
            leaf = node_hash(other, leaf)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            leaf = node_hash(leaf, other)
        place, last = place >> 1, last >> 1
    return last == 0 and leaf == root


def consistent(older: int, size: int, old_root: bytes, root: bytes, path: Sequence[bytes]) -> bool:
    """Whether the path proves that the older tree is the start of the newer (RFC 9162 §2.1.4.2)."""
    if older == size:
        return not path and old_root == root
    if not 0 < older < size:
        return False
    steps = (old_root, *path) if older & (older - 1) == 0 else tuple(path)
    return len(steps) > 0 and _climb(older - 1, size - 1, steps) == (old_root, root)


def _climb(place: int, last: int, steps: Sequence[bytes]) -> tuple[bytes, bytes] | None:
    """The older and the newer root that the steps lead to; None when there are too many or too few."""
    while place & 1:
        place, last = place >> 1, last >> 1
    old = new = steps[0]
    for other in steps[1:]:
        if last == 0:
            return None
        if place & 1 or place == last:
            old, new = node_hash(other, old), node_hash(other, new)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            new = node_hash(new, other)
        place, last = place >> 1, last >> 1
    return (old, new) if last == 0 else None


def split_of(size: int) -> int:
    """The largest power of two below `size` (at least 2)."""
    return 1 << ((size - 1).bit_length() - 1)
