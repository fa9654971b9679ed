"""Promises of what is held until its time is settled: nothing lost, nothing twice, and time goes forward only."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from tests.flow.desk_support import START, detection

from tutela.flow.early import Early
from tutela.model.detection import Detection
from tutela.model.flow import Tick
from tutela.model.when import SECOND

Item = Detection | Tick


def tick(second: int) -> Tick:
    return Tick(START + second * SECOND)


def names(due: list[Item]) -> list[str | int]:
    return [one.id if isinstance(one, Detection) else (one.at - START) // SECOND for one in due]


def test_nothing_is_given_before_its_time_is_settled() -> None:
    early, due = Early().after([detection("b", 2), detection("a", 1), tick(0)])

    assert names([*due]) == [0]
    assert {one.id for one in early.held} == {"a", "b"}


def test_what_is_due_is_given_by_its_time_and_time_passes_from_one_to_the_next() -> None:
    _, due = Early().after([detection("c", 9), detection("b", 2), detection("a", 1), tick(3)])

    assert names([*due]) == [1, "a", 2, "b", 3]


def test_what_comes_twice_is_held_once() -> None:
    early, _ = Early().after([detection("a", 1)])
    early, due = early.after([detection("a", 1), tick(1)])

    assert names([*due]) == [1, "a", 1]
    assert early == Early()


def test_what_comes_late_is_given_at_the_next_tick_and_does_not_turn_time_back() -> None:
    early, _ = Early().after([tick(5)])
    _, due = early.after([detection("late", 1), tick(6)])

    assert names([*due]) == [1, "late", 6]


def test_what_is_held_is_held_over_a_restart() -> None:
    early, _ = Early().after([detection("b", 2), detection("a", 1)])

    assert Early.load(early.save()) == early
    assert Early.load(None) == Early()


@given(
    st.lists(st.integers(0, 30), min_size=1, max_size=20).flatmap(
        lambda seconds: st.tuples(st.just(seconds), st.permutations(range(len(seconds))))
    ),
    st.lists(st.integers(0, 20), max_size=4),
)
def test_what_is_given_does_not_depend_on_the_order_of_arrival_nor_on_the_cuts(
    made: tuple[list[int], list[int]], cuts: list[int]
) -> None:
    seconds, order = made
    found = [detection(f"d{number}", second) for number, second in enumerate(seconds)]
    in_order: list[Item] = [*found, tick(31)]
    mixed: list[Item] = [*(found[number] for number in order), tick(31)]

    _, expected = Early().after(in_order)
    early, at = Early(), 0
    given_: list[Item] = []
    for cut in [*sorted(cuts), len(mixed)]:
        early, due = early.after(mixed[at:cut])
        early = Early.load(early.save())
        given_ += due
        at = max(at, cut)

    assert given_ == expected
