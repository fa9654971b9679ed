"""What `drifting` promises beyond what all detectors do."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tutela.detectors.drifting import Drifting
from tutela.errors import BadInput
from tutela.model.when import HOUR, MINUTE
from tutela_promises.examples import START
from tutela_promises.stage import Item, Observed, Ticked, World, play, seens, slot_of

SIZE = 8
WORLD = World(property="pm25", size=SIZE)
PART = Drifting(learn=14.0, recent=2.0, memory=28.0)


def city(adds: Callable[[int, int], float], days: int = 60) -> list[Item]:
    """Eight sensors that follow one city, each with a place and noise of its own; `adds` by slot and hour."""
    chance = np.random.default_rng(4)
    items: list[Item] = []
    for hour in range(24 * days):
        common = 30 + 10 * np.sin(hour * 2 * np.pi / 24) + 0.01 * hour
        noise = chance.normal(0, 1, SIZE)
        items += [
            Observed(slot, START + hour * HOUR + slot * MINUTE, common + 3 * slot + noise[slot] + adds(slot, hour))
            for slot in range(SIZE)
        ]
        items.append(Ticked(START + (hour + 1) * HOUR))
    return items


def told(part: Drifting, items: list[Item]) -> list[tuple[int, str]]:
    """Slot and message of each detection."""
    return [(slot_of(each.datastreams[0]), each.why.message) for each in play(part, seens(WORLD, items))]


def test_what_the_whole_city_does_is_no_drift() -> None:
    assert told(PART, city(lambda _slot, hour: 0.05 * hour)) == []


@pytest.mark.parametrize(("rate", "message"), [(0.012, "drifting.above"), (-0.012, "drifting.below")])
def test_one_that_departs_from_the_others_is_told_once(rate: float, message: str) -> None:
    assert told(PART, city(lambda slot, hour: rate * max(0, hour - 500) * (slot == 3))) == [(3, message)]


def test_a_single_wild_day_is_no_drift() -> None:
    assert told(PART, city(lambda slot, hour: 500.0 * (slot == 3 and 800 <= hour < 806))) == []


def test_it_is_told_again_after_it_was_over() -> None:
    def adds(slot: int, hour: int) -> float:
        return 3.0 * (slot == 3 and (500 <= hour < 700 or hour >= 1100))

    assert told(PART, city(adds)) == [(3, "drifting.above")] * 2


def test_with_few_neighbours_nothing_is_said() -> None:
    lonely = Drifting(peers=8, learn=14.0, recent=2.0, memory=28.0)

    assert told(lonely, city(lambda slot, hour: 0.05 * hour * (slot == 3))) == []


def test_only_the_properties_it_is_told_to_watch() -> None:
    items = city(lambda slot, hour: 0.012 * max(0, hour - 500) * (slot == 3))

    assert told(Drifting(only=("pm25",), learn=14.0, recent=2.0, memory=28.0), items) != []
    assert told(Drifting(only=("noise",), learn=14.0, recent=2.0, memory=28.0), items) == []


def test_what_it_remembers_must_be_longer_than_what_it_compares_with() -> None:
    with pytest.raises(BadInput, match="a memory of 7 days can't be left by the last 7; make it longer"):
        Drifting(memory=7.0)
