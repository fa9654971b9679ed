"""Silence: judged on ticks alone, told once, and folded where many fall silent together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutela.detectors import silence
from tutela.detectors.silence import Silence
from tutela.model.when import HOUR, MINUTE, SECOND
from tutela_promises.changes import changed
from tutela_promises.examples import START
from tutela_promises.stage import Item, Observed, Ticked, World, play, seens, slot_id

WORLD = World(property="noise", size=6, interval=60.0)


def row_by_row(part: Silence, items: Sequence[Observed | Ticked]) -> Iterator[tuple[int, tuple[int, ...]]]:
    """The definition, one item after the other: (at, datastreams) of each detection."""
    last: dict[int, int] = {}
    told: set[int] = set()
    for item in items:
        if isinstance(item, Observed):
            if item.time > last.get(item.slot, -1):
                last[item.slot] = item.time
                told.discard(item.slot)
            continue
        groups = defaultdict(list)
        for slot in sorted(last.keys() - told):
            if item.at - last[slot] > part.factor * 60 * SECOND:
                groups[slot % 2].append(slot_id(slot))
                told.add(slot)
        for group in groups.values():
            yield from [(item.at, tuple(group))] if len(group) > part.many else [(item.at, (one,)) for one in group]


@st.composite
def streams(draw: st.DrawFn) -> list[Observed | Ticked]:
    at, items = START, list[Observed | Ticked]()
    for _ in range(draw(st.integers(0, 60))):
        at += draw(st.sampled_from((0, 20, 59, 120))) * SECOND
        slot = draw(st.integers(-3, 5))
        items.append(Ticked(at) if slot < 0 else Observed(slot, at, 50.0))
    return items


@given(items=streams(), cuts=st.lists(st.integers(0, 60)), many=st.integers(1, 3))
def test_does_what_it_says_row_by_row(items: list[Observed | Ticked], cuts: list[int], many: int) -> None:
    part = Silence(factor=2.0, many=many)

    found = play(part, seens(WORLD, items, [cut for cut in cuts if cut < len(items)]))

    assert sorted((each.at, each.datastreams) for each in found) == sorted(row_by_row(part, items))


def test_a_silence_ends_when_something_newer_comes_and_the_next_one_is_told_again() -> None:
    items: list[Item] = [
        Observed(0, START, 1.0),
        Ticked(START + HOUR),
        Observed(0, START + HOUR, 1.0),
        Ticked(START + 2 * HOUR),
    ]

    assert [each.since for each in play(Silence(), seens(WORLD, items))] == [START, START + HOUR]


def test_an_unknown_interval_is_given_an_hour() -> None:
    world = World(property="noise", size=1, interval=None)
    items: list[Item] = [Observed(0, START, 1.0), Ticked(START + HOUR), Ticked(START + HOUR + 1)]

    assert [each.at for each in play(Silence(), seens(world, items))] == [START + HOUR + 1]


def test_who_never_spoke_is_not_called_silent() -> None:
    assert play(Silence(), seens(WORLD, [Observed(3, START, 1.0), Ticked(START + MINUTE)])) == []


def outage(size: int) -> tuple[World, list[Item]]:
    items: list[Item] = [Observed(slot, START + slot, 1.0) for slot in range(size)]
    return World(property="noise", size=size), [*items, Ticked(START + HOUR)]


def test_an_outage_of_a_source_is_told_once_and_nowhere_in_particular() -> None:
    world, items = outage(40)

    found = play(Silence(), seens(world, items))

    assert {(each.sources, len(each.datastreams)) for each in found} == {(("source-0",), 20), (("source-1",), 20)}
    assert len(found) == 2
    assert {(each.place, each.cell, each.why.message) for each in found} == {(None, 0, "silence.many")}


def test_what_was_collected_for_different_purposes_is_not_told_together() -> None:
    """A detection has one purpose: who may read it must not read what was collected for another."""
    items = outage(40)[1]
    world = World(property="noise", size=40, purposes=("neighbourhood", "neighbourhood", "traffic", "traffic"))
    catalogue = world.catalogue()

    found = play(Silence(many=4), seens(world, items))

    assert sorted(len(each.datastreams) for each in found) == [10, 10, 10, 10]
    for each in found:
        assert {catalogue.by_id[datastream].purpose for datastream in each.datastreams} == {each.purpose}


def test_an_outage_would_not_have_been_told_if_all_had_come() -> None:
    world, items = outage(40)

    for detection in play(Silence(), seens(world, items)):
        assert detection.key not in {each.key for each in play(Silence(), seens(world, changed(items, detection, 1.0)))}
        assert detection.key in {each.key for each in play(Silence(), seens(world, changed(items, detection, 0.5)))}


def test_a_great_outage_stays_a_message_that_engines_take(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(silence, "MOST", 8)
    world, items = outage(40)

    found = play(Silence(), seens(world, items))

    assert sorted(len(each.datastreams) for each in found) == [4, 4, 8, 8, 8, 8]
    assert len({each.id for each in found}) == 6


def test_a_register_that_is_behind_judges_whom_it_knows() -> None:
    """Rows may be newer than the catalogue: their datastreams are judged once it names them."""
    known, more = WORLD, World(property="noise", size=8)
    items: list[Item] = [Observed(slot, START, 1.0) for slot in range(8)]
    part = Silence(many=1)
    state = part.begin()
    for seen in seens(more, items):
        state, _ = part.step(state, seen)

    found = []
    for world in (known, more):
        for seen in seens(world, [Ticked(START + HOUR)]):
            state, new = part.step(state, seen)
            found += [len(each.datastreams) for each in new]

    assert found == [3, 3, 1, 1]
