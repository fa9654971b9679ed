"""The tree is RFC 9162's: the reference vectors of Certificate Transparency, and properties of every proof."""

from __future__ import annotations

import time
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutela.errors import BadInput
from tutela.maths.merkle import EMPTY, Frontier, Tree, consistent, included, leaf_hash, node_hash

# The inputs and roots of certificate-transparency's reference test (RFC 6962 hashing), sizes 1 to 8.
INPUTS = [
    bytes.fromhex(text)
    for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
N00 = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
N01 = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"
N04 = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"
N10 = "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"
N11 = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
N12 = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a"
N13 = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"
N20 = "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"
N21 = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"
INCLUSIONS = [
    (0, 1, []),
    (0, 2, [N01]),
    (1, 2, [N00]),
    (2, 3, [N10]),
    (1, 5, [N00, N11, N04]),
    (0, 8, [N01, N11, N21]),
    (5, 8, [N04, N13, N20]),
]
CONSISTENCIES = [(1, 1, []), (1, 8, [N01, N11, N21]), (2, 5, [N11, N04]), (6, 8, [N12, N13, N20])]

LEAVES = [leaf_hash(text) for text in INPUTS]


def made(size: int) -> list[bytes]:
    return [leaf_hash(b"%d" % number) for number in range(size)]


@pytest.mark.parametrize("size", range(1, 9))
def test_the_roots_are_those_of_certificate_transparency(size: int) -> None:
    assert Tree(LEAVES[:size]).root().hex() == ROOTS[size - 1]
    assert Tree(LEAVES).root(size).hex() == ROOTS[size - 1]


def test_the_empty_tree_has_the_hash_of_nothing() -> None:
    assert Tree().root() == Frontier().root() == EMPTY == sha256(b"").digest()


@pytest.mark.parametrize(("index", "size", "path"), INCLUSIONS)
def test_inclusion_proofs_are_those_of_certificate_transparency(index: int, size: int, path: list[str]) -> None:
    assert [step.hex() for step in Tree(LEAVES).inclusion(index, size)] == path


@pytest.mark.parametrize(("older", "size", "path"), CONSISTENCIES)
def test_consistency_proofs_are_those_of_certificate_transparency(older: int, size: int, path: list[str]) -> None:
    assert [step.hex() for step in Tree(LEAVES).consistency(older, size)] == path


def test_every_inclusion_proof_of_small_trees_holds_and_is_short() -> None:
    leaves = made(70)
    tree = Tree(leaves)

    for size in range(1, 71):
        root = tree.root(size)
        for index in range(size):
            path = tree.inclusion(index, size)

            assert included(leaves[index], index, size, path, root)
            assert len(path) <= (size - 1).bit_length()


def test_every_consistency_proof_of_small_trees_holds() -> None:
    tree = Tree(made(70))
    roots = [tree.root(size) for size in range(71)]

    assert all(
        consistent(older, size, roots[older], roots[size], tree.consistency(older, size))
        for size in range(1, 71)
        for older in range(1, size + 1)
    )


@given(st.integers(1, 200), st.data())
def test_no_forged_inclusion_proof_is_believed(size: int, data: st.DataObject) -> None:
    leaves = made(size)
    tree = Tree(leaves)
    index = data.draw(st.integers(0, size - 1))
    root, path = tree.root(), tree.inclusion(index, size)
    other = data.draw(st.integers(-1, size).filter(lambda value: value != index))

    assert not included(leaf_hash(b"forged"), index, size, path, root)
    assert not included(leaves[index], other, size, path, root)
    assert not included(leaves[index], index, size, path, leaf_hash(b"forged"))
    assert not included(leaves[index], index, size, (*path, root), root)
    assert size == 1 or not included(leaves[index], index, size, path[1:], root)


@given(st.integers(2, 200), st.data())
def test_no_forged_consistency_proof_is_believed(size: int, data: st.DataObject) -> None:
    tree = Tree(made(size))
    older = data.draw(st.integers(1, size - 1))
    forged = Tree([leaf_hash(b"forged"), *made(size)[1:]])
    old, new, path = tree.root(older), tree.root(), tree.consistency(older, size)

    assert not consistent(older, size, forged.root(older), new, path)
    assert not consistent(older, size, old, forged.root(), path)
    assert not consistent(older, size, old, new, (*path, new))
    assert not consistent(older, size, old, new, path[:-1])
    assert not consistent(older, size, old, new, ())


def test_a_tree_is_consistent_with_itself_only_by_the_same_root_and_no_proof() -> None:
    root = Tree(made(3)).root()

    assert consistent(3, 3, root, root, ())
    assert not consistent(3, 3, root, EMPTY, ())
    assert not consistent(3, 3, root, root, (root,))
    assert not consistent(4, 3, root, root, (root,))
    assert not consistent(0, 3, EMPTY, root, (root,))


@given(st.integers(0, 300), st.integers(0, 300))
def test_a_frontier_goes_on_from_its_peaks_as_the_tree_does(first: int, then: int) -> None:
    leaves = made(first + then)
    start = Frontier()
    start.extend(leaves[:first])

    later = Frontier(start.size, start.peaks)
    later.extend(leaves[first:])

    assert start.root() == Tree(leaves).root(first)
    assert later.root() == Tree(leaves).root()
    assert later.size == len(Tree(leaves)) == first + then


def test_what_is_not_in_the_tree_is_refused_in_words() -> None:
    tree = Tree(made(3))

    with pytest.raises(BadInput, match="has 3 leaves"):
        tree.root(4)
    with pytest.raises(BadInput, match="no leaf 3"):
        tree.inclusion(3, 3)
    with pytest.raises(BadInput, match="can't be the start"):
        tree.consistency(0, 3)
    with pytest.raises(BadInput, match="2 peaks"):
        Frontier(3, [EMPTY])


def test_a_node_can_not_pass_for_a_leaf() -> None:
    left, right = LEAVES[:2]

    assert leaf_hash(left + right) != node_hash(left, right)


def test_two_hundred_thousand_entries_a_second_are_appended() -> None:
    entries = [b"%d" % number * 30 for number in range(20_000)]
    rates = []
    for _ in range(3):
        tree, began = Tree(), time.process_time()
        for entry in entries:
            tree.append(leaf_hash(entry))
        rates.append(len(tree) / (time.process_time() - began))

    assert max(rates) > 200_000
