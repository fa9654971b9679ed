"""A witness cosigns what goes on from all that it saw before, and names what does not."""

from __future__ import annotations

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from tutela.backends.checkpoints import verifies
from tutela.flow.cosign import ALARMING, Doubt, Wrong, judge, seen
from tutela.maths.merkle import Tree, leaf_hash
from tutela.model import note
from tutela.model.cosign import Submission, Watched
from tutela.model.event import Checkpoint

ORIGIN = "helsinki.example/log"
KEY, OTHER = (Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32) for number in (1, 2))
PUBLIC = KEY.public_key().public_bytes_raw()
LEAVES = [leaf_hash(b"%d" % number) for number in range(40)]
TREE = Tree(LEAVES)
FORK = Tree([*LEAVES[:10], leaf_hash(b"another"), *LEAVES[11:]])


def signed(size: int, tree: Tree = TREE, key: Ed25519PrivateKey = KEY, **changes: object) -> str:
    """The note of a checkpoint of that size."""
    point = Checkpoint(origin=ORIGIN, epoch=1, size=size, root=tree.root(size), at=size, signature=b"")
    point = msgspec.structs.replace(point, **changes)
    return note.write(
        msgspec.structs.replace(point, signature=key.sign(note.text(point))), key.public_key().public_bytes_raw()
    )


def told(old: int, size: int, tree: Tree = TREE) -> Submission:
    """What an honest log gives a witness that knows a tree of size `old`."""
    path = tree.consistency(old, size) if 0 < old < size else ()
    return Submission(old=old, path=path, note=signed(size, tree))


def knows(size: int, epoch: int = 0) -> Watched:
    """A witness that cosigned that size; 0 for nothing yet."""
    return Watched(key=note.verifier_key(ORIGIN, PUBLIC), note=signed(size) if size else "", epoch=epoch)


def doubt(watched: Watched, wanted: Submission) -> Wrong | None:
    found = judge(watched, wanted, verifies)
    return found.why if isinstance(found, Doubt) else None


@given(st.integers(0, 40), st.integers(0, 40))
def test_a_log_that_grew_is_cosigned_from_any_size_to_any_larger_one(one: int, other: int) -> None:
    old, size = sorted((one, other))

    found = judge(knows(old), told(old, size), verifies)

    assert isinstance(found, Checkpoint)
    assert (found.size, found.root) == (size, TREE.root(size))


@settings(deadline=None)
@given(st.integers(1, 40), st.integers(1, 40))
def test_a_smaller_log_is_a_rollback_whatever_it_shows(one: int, other: int) -> None:
    small, large = sorted((one, other))

    assert doubt(knows(large), told(min(small, large), small)) == (Wrong.ROLLBACK if small < large else None)


@given(st.integers(11, 40), st.integers(11, 40))
def test_another_past_is_a_fork_whatever_proof_comes_with_it(one: int, other: int) -> None:
    old, size = sorted((one, other))
    path = FORK.consistency(old, size) if old < size else ()

    assert doubt(knows(old), Submission(old=old, path=path, note=signed(size, FORK))) == Wrong.FORK


def test_the_same_tree_may_be_signed_again() -> None:
    again = Submission(old=7, path=(), note=signed(7, at=99))

    assert doubt(knows(7), again) is None


def test_two_trees_of_one_size_are_said_to_be_two() -> None:
    found = judge(knows(20), Submission(old=20, path=(), note=signed(20, FORK)), verifies)

    assert isinstance(found, Doubt)
    assert found.says == "the log signed two trees of 20 events with different roots"


def test_a_proof_that_does_not_lead_there_is_no_proof() -> None:
    wanted = msgspec.structs.replace(told(7, 20), path=TREE.consistency(8, 20))

    assert doubt(knows(7), wanted) == Wrong.FORK


def test_another_log_is_not_taken_for_this_one() -> None:
    wanted = msgspec.structs.replace(told(0, 7), note=signed(7, origin="espoo.example/log"))

    assert doubt(knows(0), wanted) == Wrong.FOREIGN


def test_another_key_is_not_taken_for_the_logs() -> None:
    assert doubt(knows(0), msgspec.structs.replace(told(0, 7), note=signed(7, key=OTHER))) == Wrong.FORGED


def test_a_checkpoint_that_was_changed_after_it_was_signed_is_forged() -> None:
    changed = signed(7).replace("epoch 1", "epoch 2")

    assert doubt(knows(0), msgspec.structs.replace(told(0, 7), note=changed)) == Wrong.FORGED


def test_a_signature_under_another_key_id_is_forged() -> None:
    point, _ = note.opened(signed(7))

    assert doubt(knows(0), msgspec.structs.replace(told(0, 7), note=note.write(point, b"x" * 32))) == Wrong.FORGED


def test_what_is_no_checkpoint_can_not_be_read() -> None:
    assert doubt(knows(0), Submission(old=0, path=(), note="garbage")) == Wrong.UNREADABLE


def test_a_proof_from_nothing_is_none() -> None:
    assert doubt(knows(0), Submission(old=0, path=(b"x" * 32,), note=signed(7))) == Wrong.UNREADABLE


def test_whoever_asks_from_another_size_is_told_which_one_it_is() -> None:
    found = judge(knows(7), told(5, 20), verifies)

    assert isinstance(found, Doubt)
    assert (found.why, "has size 7, not 5" in found.says) == (Wrong.BEHIND, True)
    assert found.why not in ALARMING


def test_an_epoch_before_the_one_that_was_seen_is_a_rollback() -> None:
    later = Watched(key=knows(0).key, note=signed(7, epoch=3))

    assert doubt(later, told(7, 20)) == Wrong.ROLLBACK


def test_a_log_that_may_begin_anew_begins_with_its_new_epoch() -> None:
    anew = Watched(key=knows(0).key, epoch=2)

    assert doubt(anew, told(0, 7)) == Wrong.ROLLBACK
    assert doubt(anew, Submission(old=0, path=(), note=signed(7, epoch=2))) is None


def test_a_note_that_others_signed_too_is_read_all_the_same() -> None:
    wanted = told(0, 7)
    more = msgspec.structs.replace(wanted, note=f"{wanted.note}— somebody.example/else AAAA\n")

    assert doubt(knows(0), more) is None


def test_what_was_seen_last_is_what_was_cosigned_last() -> None:
    last = seen(knows(7))

    assert last is not None
    assert last.size == 7
    assert seen(knows(0)) is None


@pytest.mark.parametrize("why", [Wrong.FOREIGN, Wrong.FORGED, Wrong.ROLLBACK, Wrong.FORK])
def test_what_no_log_that_is_well_does_is_an_alarm(why: Wrong) -> None:
    assert why in ALARMING
