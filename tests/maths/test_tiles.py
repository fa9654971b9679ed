"""A tree of which only the tiles' roots are kept proves the same as one that keeps every leaf, and as the naive one."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tutela.errors import BadInput
from tutela.maths.merkle import EMPTY, Tree, consistent, included, leaf_hash, node_hash
from tutela.maths.tiles import WIDTH, Tiles, edges

MOST = 1500
LEAVES = [leaf_hash(b"%d" % number) for number in range(MOST)]


def naive_root(leaves: Sequence[bytes]) -> bytes:
    """RFC 9162 §2.1.1, word by word."""
    if len(leaves) < 2:
        return leaves[0] if leaves else EMPTY
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return node_hash(naive_root(leaves[:split]), naive_root(leaves[split:]))


def naive_inclusion(index: int, leaves: Sequence[bytes]) -> list[bytes]:
    """RFC 9162 §2.1.3.1, word by word."""
    if len(leaves) < 2:
        return []
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    if index < split:
        return [*naive_inclusion(index, leaves[:split]), naive_root(leaves[split:])]
    return [*naive_inclusion(index - split, leaves[split:]), naive_root(leaves[:split])]


def naive_consistency(older: int, leaves: Sequence[bytes], *, whole: bool = True) -> list[bytes]:
    """RFC 9162 §2.1.4.1, word by word."""
    if older == len(leaves):
        return [] if whole else [naive_root(leaves)]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    if older <= split:
        return [*naive_consistency(older, leaves[:split], whole=whole), naive_root(leaves[split:])]
    return [*naive_consistency(older - split, leaves[split:], whole=False), naive_root(leaves[:split])]


def tiles(size: int) -> Tiles:
    """As they are when so many leaves are there."""
    made = Tiles()
    for start in range(0, size - WIDTH + 1, WIDTH):
        made.add(LEAVES[start : start + WIDTH])
    return made


def told(size: int, *places: int) -> dict[int, list[bytes]]:
    """The leaves that a log of that size gives of the tiles with these places."""
    return {number: LEAVES[:size][number * WIDTH : (number + 1) * WIDTH] for number in edges(*places)}


sizes = st.integers(1, MOST) | st.sampled_from([255, 256, 257, 511, 512, 513, 767, 768, 769, 1024, 1025, 1280])


@settings(deadline=None)
@given(sizes, sizes, st.data())
def test_inclusion_is_proved_as_by_the_naive_tree(one: int, other: int, data: st.DataObject) -> None:
    size, all_ = sorted((one, other))
    index = data.draw(st.integers(0, size - 1))

    path = tiles(all_).inclusion(index, size, told(all_, index, size - 1))

    assert list(path) == naive_inclusion(index, LEAVES[:size])
    assert included(LEAVES[index], index, size, path, naive_root(LEAVES[:size]))


@settings(deadline=None)
@given(sizes, sizes, sizes)
def test_consistency_is_proved_as_by_the_naive_tree(one: int, other: int, third: int) -> None:
    older, size, all_ = sorted((one, other, third))

    path = tiles(all_).consistency(older, size, told(all_, older - 1, size - 1))

    assert list(path) == naive_consistency(older, LEAVES[:size])
    assert consistent(older, size, naive_root(LEAVES[:older]), naive_root(LEAVES[:size]), path)


@settings(deadline=None)
@given(sizes, sizes)
def test_the_root_is_that_of_the_naive_tree(one: int, other: int) -> None:
    size, all_ = sorted((one, other))

    assert tiles(all_).root(size, told(all_, size - 1)) == naive_root(LEAVES[:size]) == Tree(LEAVES).root(size)


def test_tiles_go_on_from_roots_that_were_kept() -> None:
    kept = [Tree(LEAVES[start : start + WIDTH]).root() for start in (0, 256, 512)]
    again = Tiles(kept)
    again.add(LEAVES[768:1024])

    assert again.whole == 4
    assert again.root(1024, {}) == Tree(LEAVES).root(1024)
    assert Tiles().root(0, {}) == EMPTY


def test_a_tile_that_is_not_whole_is_refused() -> None:
    with pytest.raises(BadInput, match="256 leaves, not 3"):
        Tiles().add(LEAVES[:3])
