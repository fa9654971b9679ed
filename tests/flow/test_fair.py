"""Promises of the waiting room."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutela.errors import Overloaded
from tutela.flow.fair import Fair, Room


@dataclass(frozen=True)
class Item:
    source: str
    number: int
    size: int = 10


def test_a_flood_delays_another_source_by_one_turn_only() -> None:
    fair: Fair[Item] = Fair(Room())
    fair.put([Item("flood", number) for number in range(1000)])
    fair.put([Item("calm", 0)])

    assert [item.source for item in fair.take(20)] == ["flood", "calm"]
    assert [item.source for item in fair.take(20)] == ["flood", "flood"]


def test_there_is_something_until_all_is_taken() -> None:
    fair: Fair[Item] = Fair(Room())
    assert not fair
    assert fair.take(100) == []

    fair.put([Item("a", 0)])

    assert fair
    assert fair.take(100) == [Item("a", 0)]
    assert not fair


def test_a_source_over_its_share_is_told_to_come_back_and_nobody_else_is() -> None:
    fair: Fair[Item] = Fair(Room(most=100, share=30))
    fair.put([Item("flood", 0), Item("flood", 1), Item("flood", 2)])

    with pytest.raises(Overloaded, match="flood sends faster than can be stored"):
        fair.put([Item("flood", 3)])

    fair.put([Item("calm", 0)])
    assert len(fair.take(1000)) == 4


def test_what_is_on_its_way_takes_room_until_it_is_freed() -> None:
    fair: Fair[Item] = Fair(Room(most=100, share=20))
    fair.put([Item("a", 0), Item("a", 1)])
    taken = fair.take(100)

    with pytest.raises(Overloaded):
        fair.put([Item("a", 2)])
    fair.free(taken[:1])
    fair.put([Item("a", 2)])
    with pytest.raises(Overloaded):
        fair.put([Item("a", 3)])

    fair.free(taken[1:])
    fair.put([Item("a", 3)])


def test_all_together_can_not_fill_the_memory() -> None:
    fair: Fair[Item] = Fair(Room(most=25, share=20))
    fair.put([Item("a", 0)])
    fair.put([Item("b", 0)])

    with pytest.raises(Overloaded, match="more comes in than can be stored"):
        fair.put([Item("c", 0)])

    fair.free(fair.take(100))
    fair.put([Item("c", 0)])


def test_an_offer_larger_than_any_room_is_taken_when_nothing_else_waits() -> None:
    fair: Fair[Item] = Fair(Room(most=25, share=20))

    fair.put([Item("a", 0, size=1000)])

    assert fair.take(1) == [Item("a", 0, size=1000)]


@given(st.lists(st.lists(st.sampled_from("abc"), max_size=5), max_size=20), st.integers(1, 40))
def test_each_source_is_served_in_its_own_order_and_nothing_is_lost(puts: list[list[str]], most: int) -> None:
    fair: Fair[Item] = Fair(Room())
    given_, got = [], []
    for number, sources in enumerate(puts):
        for source in sources:
            given_.append(Item(source, number))
            fair.put([given_[-1]])
        if number % 3 == 0:
            got += fair.take(most)
    while fair:
        got += fair.take(most)
    fair.free(got)

    for source in "abc":
        assert [item for item in got if item.source == source] == [item for item in given_ if item.source == source]
    assert fair._held == {}
    assert fair._all == 0
