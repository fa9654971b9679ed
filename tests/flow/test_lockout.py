"""Sign-ins that failed are counted by what they have in common, and forgotten in time."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from tutela.errors import EngineDown, LockedOut, NotFound
from tutela.flow.lockout import FAILURES, MOST, WITHIN, Lockout


def fail(lockout: Lockout, now: int, *of: str) -> None:
    with pytest.raises(NotFound), lockout.attempt(now, *of):
        raise NotFound("wrong")


def test_many_at_once_are_no_way_around() -> None:
    lockout = Lockout()
    with ExitStack() as open_:
        for _ in range(FAILURES):
            open_.enter_context(lockout.attempt(1, "a"))
        with pytest.raises(LockedOut), lockout.attempt(1, "a"):
            pass

    with lockout.attempt(1, "a"):
        pass


def test_what_succeeds_and_what_is_our_own_fault_is_not_counted() -> None:
    lockout = Lockout()
    for _ in range(2 * FAILURES):
        with lockout.attempt(1, "a"):
            pass
        with pytest.raises(EngineDown), lockout.attempt(1, "a"):
            raise EngineDown("down")

    assert not lockout.until("a", 1)


def test_it_ends_a_quarter_of_an_hour_after_the_first_of_the_last_five() -> None:
    lockout = Lockout()
    for now in range(FAILURES + 1):
        fail(lockout, now * WITHIN // 5, "a")

    assert lockout.until("a", WITHIN) == WITHIN + WITHIN // 5
    assert not lockout.until("a", WITHIN + WITHIN // 5)
    assert not lockout.until("b", WITHIN)


def test_what_is_remembered_is_bounded_and_the_oldest_goes_first() -> None:
    lockout = Lockout()
    for number in range(MOST + FAILURES):
        fail(lockout, 1, str(number))
    for _ in range(FAILURES - 1):
        fail(lockout, 2, "0")
        fail(lockout, 2, str(MOST))

    assert not lockout.until("0", 2)
    assert lockout.until(str(MOST), 2)


def test_an_attempt_that_was_forgotten_while_it_lasted_ends_well() -> None:
    lockout = Lockout()
    with lockout.attempt(1, "a"):
        for number in range(MOST):
            fail(lockout, 1, str(number))

    assert not lockout.until("a", 1)
