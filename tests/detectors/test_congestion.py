"""What `congestion` promises beyond what all detectors do."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from tutela import parts
from tutela.detectors.congestion import UP, WILD, Congestion
from tutela.errors import BadInput
from tutela.model.when import MINUTE
from tutela_promises.examples import START
from tutela_promises.stage import Item, Observed, World, play, seens, slot_of

WORLD = World(property="speed", size=4, interval=300.0)


def free(many: int, at: float = 64.0) -> list[float]:
    return [at + (place % 3 - 1) for place in range(many)]


def every(values: Sequence[float], slot: int = 0) -> list[Item]:
    return [Observed(slot, START + place * 5 * MINUTE, value) for place, value in enumerate(values)]


def rows(part: Congestion, values: Sequence[float]) -> list[int]:
    """The places of the values that are told."""
    return [(each.at - START) // (5 * MINUTE) for each in play(part, seens(WORLD, every(values)))]


class Plainly:
    """The definition, one result of one datastream after the other."""

    def __init__(self, part: Congestion) -> None:
        self.part, self.rows, self.free, self.sum, self.on = part, 0, 0.0, 0.0, False

    def row(self, result: float) -> bool:
        judged = self.rows >= self.part.learn and self.free > 0
        limit = self.free * (1.0 - self.part.slack - (self.part.height - self.sum))
        begins = judged and not self.on and result < limit
        self.on = (self.on or begins) and result < self.part.back * self.free
        if judged:
            self.sum = min(max(self.sum + (1.0 - result / self.free - self.part.slack), 0.0), self.part.height)
        counted = max(min(result, WILD * self.free) if self.free > 0 else result, 0.0)
        weight = UP if counted > self.free else 1.0 - UP
        part = min(2.0 * max(1.0 / self.part.memory, 1.0 / (self.rows + 1.0)) * weight, 1.0)
        self.free = self.free + (counted - self.free) * part if self.rows else counted
        self.rows += 1
        return begins


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_does_what_it_says_row_by_row(seed: int) -> None:
    chance = np.random.default_rng(seed)
    part = Congestion(learn=30, memory=100)
    many = 4000
    slots = chance.integers(0, 4, many)
    values = np.clip(
        60 + 12 * np.cumsum(chance.normal(0, 0.2, many)) * (slots > 0) + chance.normal(0, 12, many), -5, 300
    )
    items: list[Item] = [
        Observed(slot, START + place * MINUTE, value)
        for place, (slot, value) in enumerate(zip(slots.tolist(), values.tolist(), strict=True))
    ]
    plain = [Plainly(part) for _ in range(4)]
    expected = [
        (item.time, item.slot) for item in items if isinstance(item, Observed) and plain[item.slot].row(item.result)
    ]
    found = play(part, seens(WORLD, items))

    assert len(expected) > 10
    assert [(each.at, slot_of(each.datastreams[0])) for each in found] == expected


def test_one_deep_fall_is_told_at_once_and_shallow_ones_when_they_stay() -> None:
    assert rows(Congestion(), [*free(400), 20.0, 20.0, 20.0]) == [400]
    assert rows(Congestion(), [*free(400), *[42.0] * 10]) == [401]
    assert rows(Congestion(), [*free(400), 42.0, 60.0, 42.0, 60.0, 42.0, 60.0]) == []


def test_each_road_has_its_own_free_speed() -> None:
    street, motorway = free(400, 31.0), free(400, 64.0)

    assert rows(Congestion(), [*street, *free(20, 31.0)]) == []
    assert rows(Congestion(), [*motorway, 31.0]) == [400]


def test_a_jam_is_told_once_until_traffic_is_free_again() -> None:
    jam = [20.0, 30.0, 50.0, 20.0, 45.0, 15.0]

    assert rows(Congestion(), [*free(400), *jam, *jam]) == [400]
    assert rows(Congestion(), [*free(400), *jam, *free(6), *jam]) == [400, 412]


def test_an_hour_of_congestion_each_day_does_not_lower_the_free_speed() -> None:
    days = [*free(264), *[18.0] * 24] * 6

    assert rows(Congestion(), days) == [day * 288 + 264 for day in range(1, 6)]


def test_one_absurd_speed_does_not_raise_it_for_long() -> None:
    values = [*free(400), 1e9, *free(300), *free(20), 30.0]

    assert rows(Congestion(), values)[-1] == len(values) - 1
    assert all(place < 400 + 60 or place == len(values) - 1 for place in rows(Congestion(), values))


def test_says_nothing_of_other_properties_nor_while_it_learns() -> None:
    assert rows(Congestion(learn=500), [*free(400), 20.0]) == []
    assert rows(Congestion(observed_property="noise"), [*free(400), 20.0]) == []


def test_what_is_over_before_it_begins_stops_the_start() -> None:
    with pytest.raises(BadInput, match=r"at 0.6 of the free speed traffic is slow still.*put back above 0.7"):
        parts.make("detectors", "congestion", {"back": 0.6})
