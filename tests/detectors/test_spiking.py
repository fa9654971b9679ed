"""What `spiking` promises beyond what all detectors do."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

import numpy as np
import pytest

from tutela.detectors.spiking import BACK, BLOCK, CLIP, MEMORY, Spiking
from tutela.model.when import MINUTE
from tutela_promises.examples import START
from tutela_promises.stage import Item, Observed, World, play, seens, slot_of

WORLD = World(property="pm25", size=5)


def every(values: Sequence[float], slot: int = 0) -> list[Item]:
    return [Observed(slot, START + place * MINUTE, value) for place, value in enumerate(values)]


def told(part: Spiking, items: Sequence[Item], cuts: Sequence[int] = ()) -> list[tuple[int, int]]:
    """(time, slot) of each detection."""
    return sorted((each.at, slot_of(each.datastreams[0])) for each in play(part, seens(WORLD, items, cuts)))


def plainly(part: Spiking, items: Sequence[Item]) -> list[tuple[int, int]]:
    """The definition, one observation after the other."""
    found: list[tuple[int, int]] = []
    for slot in range(WORLD.size):
        rows = [(item.time, item.result) for item in items if isinstance(item, Observed) and item.slot == slot]
        usual, block, level, on = 0.0, list[float](), 0, False
        for place, (time, result) in enumerate(rows):
            three = [result for _, result in rows[max(0, place - 2) : place + 1]]
            off = abs(three[1] - median(three)) if len(three) == 3 else 0.0
            far = max(part.beyond * usual, part.least)
            known = place - place % BLOCK >= part.learn
            jump = known and usual > 0 and off > far and abs(three[0] - three[2]) <= BACK * off
            level = min(level + part.apart, part.spikes * part.apart) if jump else max(level - 1, 0)
            begins = not on and level > (part.spikes - 1) * part.apart
            found += [(time, slot)] if begins else []
            on = begins or (on and level > 0)
            block.append(min(off, CLIP * usual) if usual > 0 else off)
            if len(block) == BLOCK:
                counts = sum(each > 0 for each in block)
                if counts:
                    usual += (sum(block) / counts - usual) / min(place // BLOCK + 1, MEMORY)
                block = []
    return sorted(found)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_does_what_it_says_row_by_row(seed: int) -> None:
    chance = np.random.default_rng(seed)
    part = Spiking(spikes=3, apart=15, learn=70, beyond=6.0)
    many = 4000
    values = np.cumsum(chance.normal(0, 1, many)) + np.where(chance.random(many) < 0.03, 60.0, 0.0)
    slots = chance.integers(0, 5, many)
    times = START + np.arange(many) * MINUTE
    items: list[Item] = [Observed(*row) for row in zip(slots.tolist(), times.tolist(), values.tolist(), strict=True)]
    expected = plainly(part, items)

    assert expected
    assert told(part, items) == expected
    assert told(part, items, chance.integers(0, many, 60).tolist()) == expected


def test_a_step_up_and_a_peak_of_several_results_are_no_jumps() -> None:
    calm = np.random.default_rng(2).normal(20, 1, 1000).tolist()
    peaks = [value + 100 * (place % 20 < 3) for place, value in enumerate(calm)]

    assert told(Spiking(), every([*calm, *peaks])) == []
    assert told(Spiking(), every([*calm, *(value + 500 for value in calm)])) == []


def test_one_jump_alone_is_not_told_and_many_are_told_once_until_all_is_calm() -> None:
    calm = np.random.default_rng(2).normal(20, 1, 1000).tolist()
    one = [*calm[:500], 400.0, *calm[500:]]
    many = [value + 400 * (place % 9 == 4 and place < 500) for place, value in enumerate(calm)]

    assert told(Spiking(), every([*calm, *one])) == []
    assert len(told(Spiking(), every([*calm, *many, *calm, *many]))) == 2


def test_what_is_full_of_jumps_by_nature_is_not_told() -> None:
    """Nothing, and now and then a count: the counts are what is usual."""
    counts = np.where(np.random.default_rng(2).random(5000) < 0.1, 30.0, 0.0).tolist()

    assert told(Spiking(), every(counts)) == []
