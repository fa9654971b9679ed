"""Unusual with a budget of false alarms: it keeps to it, tells what stands out, and how the stream is cut changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from string import Formatter

import numpy as np
import pytest

from tutela.detectors.unusual import Unusual
from tutela.model.detection import Detection
from tutela.model.when import HOUR, MINUTE
from tutela.model.why import ValueWas
from tutela.screens.sentences import language
from tutela_promises.examples import START
from tutela_promises.stage import PARTITIONS, Item, Observed, Ticked, World, play, play_on, seens

SIZE, WEEKS = 40, 8
WORLD = World(property="pm25", size=SIZE, interval=3600.0)
HOURS = WEEKS * 168


def ordinary(seed: int, hours: int = HOURS) -> list[Item]:
    """A result an hour of each datastream, with wild tails, and a tick at each hour's end."""
    chance = np.random.default_rng(seed)
    values = 20.0 + 5.0 * np.sin(np.arange(hours) * np.pi / 12)[:, None] + chance.standard_t(2.5, (hours, SIZE))
    items: list[Item] = []
    for hour in range(hours):
        items += [Observed(slot, START + hour * HOUR + slot, float(values[hour, slot])) for slot in range(SIZE)]
        items.append(Ticked(START + (hour + 1) * HOUR))
    return items


def later(found: Sequence[Detection], week: int) -> list[Detection]:
    """Only what is from that week on."""
    return [each for each in found if each.at >= START + week * 168 * HOUR]


def unusual(budget: float | None) -> Unusual:
    return Unusual(weeks=3, beyond=4.0, budget=budget)


@pytest.mark.parametrize("a_day", [1.0, 6.0])
def test_it_keeps_to_its_budget_where_wild_results_are_ordinary(a_day: float) -> None:
    """The world is one of four partitions, so a quarter of the city's budget is its own."""
    items = ordinary(3)
    without, within = (later(play(unusual(budget), seens(WORLD, items)), 5) for budget in (None, a_day * PARTITIONS))

    allowed = a_day * 7 * (WEEKS - 5)
    assert len(without) > 2 * allowed
    assert 0 < len(within) <= allowed + 4 * np.sqrt(allowed)


def test_what_stands_out_is_told_at_the_tick_with_what_it_is_measured_by() -> None:
    odd = Observed(7, START + HOURS * HOUR + 30 * MINUTE, 400.0)
    tick = Ticked(START + (HOURS + 1) * HOUR)
    part, items = unusual(4.0), ordinary(5)
    state, _ = play_on(part, part.begin(), seens(WORLD, items))

    before = play_on(part, state, seens(WORLD, [odd]))[1]
    (told,) = play_on(part, state, seens(WORLD, [odd, tick]))[1]

    assert before == []
    assert (told.at, told.why.message) == (odd.time, "unusual.above-rare")
    assert float(told.why.inputs["tested"]) > SIZE * 168
    assert told.why.inputs["as_far"] == 0
    template = language().sentences["unusual.above-rare"]
    assert {name for _, name, _, _ in Formatter().parse(template) if name} <= told.why.inputs.keys() | {"where"}
    assert isinstance(told.why.unless, ValueWas)
    half = (odd.result + told.why.unless.would) / 2
    changed = [
        play_on(part, state, seens(WORLD, [Observed(7, odd.time, value), tick]))[1]
        for value in (half, told.why.unless.would)
    ]
    assert [len(found) for found in changed] == [1, 0]


def test_what_lasts_is_told_once_and_again_after_it_was_over() -> None:
    part = unusual(24.0)
    state, _ = play_on(part, part.begin(), seens(WORLD, ordinary(5)))
    items: list[Item] = []
    for hour, value in enumerate((400.0, 420.0, 20.0, 410.0, 20.0)):
        at = START + (HOURS + hour) * HOUR
        items += [Observed(7, at + MINUTE, value), Ticked(at + HOUR)]

    found = play_on(part, state, seens(WORLD, items))[1]

    assert [(each.at - START) // HOUR - HOURS for each in found] == [0, 3]


def test_one_that_was_over_before_the_tick_is_told_and_does_not_last() -> None:
    part = unusual(24.0)
    state, _ = play_on(part, part.begin(), seens(WORLD, ordinary(5)))
    at = START + HOURS * HOUR
    short: list[Item] = [Observed(7, at, 400.0), Observed(7, at + MINUTE, 20.0), Ticked(at + 30 * MINUTE)]
    again: list[Item] = [Observed(7, at + 31 * MINUTE, 400.0), Ticked(at + HOUR)]

    found = play_on(part, state, seens(WORLD, [*short, *again]))[1]

    assert [each.at for each in found] == [at, at + 31 * MINUTE]


def test_what_is_doubted_at_the_tick_is_not_told() -> None:
    part = unusual(24.0)
    state = part.begin()
    for seen in seens(WORLD, ordinary(5)):
        state, _ = part.step(state, seen)
    at = START + HOURS * HOUR
    (rows, tick) = seens(WORLD, [Observed(7, at, 400.0), Observed(8, at, 400.0), Ticked(at + HOUR)], cuts=[2])
    doubted = np.array([7])

    state, _ = part.step(state, rows)
    found = part.step(state, type(tick)(tick.timeline, tick=tick.tick, catalogue=tick.catalogue, doubted=doubted))[1]

    assert [each.datastreams for each in found] == [(8 * PARTITIONS + 3,)]


@pytest.mark.parametrize("seed", [1, 2])
def test_cuts_and_stops_change_nothing(seed: int) -> None:
    part, items = unusual(40.0), ordinary(seed, HOURS - 168)
    items += [Observed(3, START + (HOURS - 168) * HOUR + MINUTE, 300.0), Ticked(START + (HOURS - 167) * HOUR)]
    cuts = np.random.default_rng(seed).integers(0, len(items), 200).tolist()
    whole = play(part, seens(WORLD, items))

    state, found, saved = part.begin(), list[Detection](), dict[str, bytes]()
    for count, seen in enumerate(seens(WORLD, items, cuts)):
        state, new = part.step(state, seen)
        found += new
        if count % 50 == 49:
            saved |= part.changed(state)
            state = part.load(saved)

    assert whole
    assert sorted(each.id for each in found) == sorted(each.id for each in whole)
