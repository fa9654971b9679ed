"""What those promise besides who judge whether a datastream can be believed, and what all others promise about it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import pytest

from tutela import parts
from tutela.flow.detector import Detector
from tutela.model.card import Card
from tutela.model.detection import Detection
from tutela.model.seen import Seen

from .about import about
from .examples import items_of, made, world_of
from .stage import Observed, Ticked, by_time, play, seens
from .streams import stream, world


def card_of(name: str) -> Card:
    card: Card = parts.load("detectors", name).card
    return card


def judges(part: Detector) -> bool:
    """Whether it judges quality."""
    return part.card.quality


def believes(part: Detector) -> bool:
    """Whether it looks at observations, and relies on others to judge them."""
    return part.card.key == "datastream" and not (part.card.quality or part.card.doubted)


Row = tuple[int, int]
"""Slot and time."""


def judged(name: str, seen: Iterable[Seen]) -> tuple[list[Row], list[Detection]]:
    """The rows that are doubted, and what is found."""
    judge, rows, found = made(name), list[Row](), list[Detection]()
    state = judge.begin()
    for one in seen:
        state, new, doubted = judge.judge(state, one)  # type: ignore[attr-defined]  # its card says so
        found += new
        if doubted is not None:
            assert one.rows is not None
            assert one.slots is not None
            rows += zip(one.slots[doubted].tolist(), one.rows.time[doubted].tolist(), strict=True)
    return sorted(rows), by_time(found)


@about(judges)
def test_who_judges_waits_for_nothing_and_finds_when_it_judges_what_it_finds_in_a_step(name: str) -> None:
    judge, items = made(name), stream(made(name), 1)
    rows = [item for item in items if isinstance(item, Observed)]

    assert card_of(name).lateness == 0
    assert judged(name, seens(world(judge), rows))[1] == play(judge, seens(world(judge), items)) != []


@pytest.mark.parametrize("seed", [1, 2, 3])
@about(judges)
def test_the_same_rows_are_doubted_however_the_stream_is_cut(name: str, seed: int) -> None:
    judge = made(name)
    items = stream(judge, seed)
    whole, _ = judged(name, seens(world(judge), items))

    assert whole
    assert judged(name, seens(world(judge), items, range(len(items))))[0] == whole
    assert judged(name, seens(world(judge), [item for item in items if isinstance(item, Observed)]))[0] == whole


@pytest.mark.parametrize("seed", [1, 2, 3])
@about(judges)
def test_where_a_doubt_begins_it_is_told(name: str, seed: int) -> None:
    judge = made(name)
    items = stream(judge, seed)
    doubted, found = judged(name, seens(world(judge), items))
    times: dict[int, list[int]] = {}
    for item in items:
        if isinstance(item, Observed):
            times.setdefault(item.slot, []).append(item.time)
    begun = [(slot, at) for slot, every in times.items() for at in _begins(every, {t for s, t in doubted if s == slot})]

    assert sorted((each.datastreams[0] // 4, each.at) for each in found) == sorted(begun)


def _begins(every: list[int], doubted: set[int]) -> Iterator[int]:
    """The times at which somebody is doubted who was not at the time before."""
    before = False
    for time in every:
        if time in doubted and not before:
            yield time
        before = time in doubted


@about(judges)
def test_the_row_that_is_told_of_is_doubted_itself(name: str) -> None:
    card = card_of(name)
    doubted, [found] = judged(name, seens(world_of(card), items_of(card.fires)))

    assert found.at in {time for _, time in doubted}


@about(believes)
def test_at_a_tick_nothing_is_found_in_what_is_doubted(name: str) -> None:
    """As if each datastream were doubted at every tick. Rows are withheld by the flow, and need no promise."""
    detector = made(name)
    every = np.arange(world(detector).size)
    items = stream(detector, 1)
    ticks = {item.at for item in items if isinstance(item, Ticked)}
    seen = list(seens(world(detector), items))

    told = play(detector, [Seen("live", one.rows, one.slots, (), one.tick, one.catalogue, every) for one in seen])

    assert [found for found in told if found.at in ticks] == []


@about(lambda part: judges(part) or believes(part))
def test_absurd_numbers_break_nothing(name: str) -> None:
    detector = made(name)
    chance = np.random.default_rng(1)
    items = [
        Observed(item.slot, item.time, float(chance.choice([1e308, -1e308, 1e-308])))
        if item.place is None and chance.random() < 0.02
        else item
        for item in stream(detector, 1)
        if isinstance(item, Observed)
    ]

    for found in play(detector, seens(world(detector), items)):
        assert all(np.isfinite(value) for value in found.why.inputs.values() if not isinstance(value, str))
