"""What `unprecedented` promises beyond what all detectors do."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from tutela import parts
from tutela.detectors.unprecedented import Unprecedented
from tutela.errors import BadInput
from tutela.maths.reach import SETTLED, WIDEN
from tutela.model.detection import Detection
from tutela.model.when import MINUTE
from tutela_promises.examples import START
from tutela_promises.stage import Item, Observed, World, play, seens, slot_of

WORLD = World(property="pm25", size=4)


def every(values: Sequence[float], slot: int = 0) -> list[Item]:
    return [Observed(slot, START + place * MINUTE, value) for place, value in enumerate(values)]


def calm(many: int) -> list[float]:
    """Between 10 and 30, at both ends every 16 results."""
    values: list[float] = (20 + 10 * np.sin(np.arange(many) * np.pi / 8)).tolist()
    return values


def found(part: Unprecedented, items: Sequence[Item]) -> list[Detection]:
    return play(part, seens(WORLD, items))


def rows(part: Unprecedented, values: Sequence[float]) -> list[int]:
    """The places of the values that are told."""
    return [(each.at - START) // MINUTE for each in found(part, every(values))]


class Plainly:
    """The definition, one result of one datastream after the other."""

    def __init__(self, part: Unprecedented) -> None:
        self.part = part
        self.rows, self.calm = 0, 1 << 40
        self.mean = self.level = 0.0
        self.bounds, self.mean_bounds = (0.0, 0.0), (0.0, 0.0)

    def row(self, result: float) -> bool:
        low, high = self.limits()
        judged = self.rows >= self.part.learn and self.bounds[0] < self.bounds[1] and low <= high
        over = judged and not low <= result <= high
        tells = over and self.calm >= self.part.quiet
        self.calm = 0 if over else self.calm + 1
        self.learn(result)
        return tells

    def limits(self) -> tuple[float, float]:
        low, high = self.wider(self.bounds)
        if self.rows < SETTLED * self.part.few:
            return low, high
        under, over = self.wider(self.mean_bounds)
        part = max(1 / self.part.few, 1 / (self.rows + 1))
        return max(low, self.mean - (self.mean - under) / part), min(high, self.mean + (over - self.mean) / part)

    def wider(self, bounds: tuple[float, float]) -> tuple[float, float]:
        low, high = bounds
        margin = max(self.part.beyond * (high - low), self.part.least)
        return low - margin, high + margin

    def learn(self, result: float) -> None:
        room = WIDEN * (self.bounds[1] - self.bounds[0]) or float("inf")
        result = min(max(result, self.bounds[0] - room), self.bounds[1] + room)
        self.mean += (result - self.mean) * max(1 / self.part.few, 1 / (self.rows + 1))
        self.level += (result - self.level) * max(1 / self.part.memory, 1 / (self.rows + 1))
        self.bounds = self.reached(self.bounds, result) if self.rows else (result, result)
        young = self.rows < SETTLED // 2 * self.part.few
        self.mean_bounds = (self.mean, self.mean) if young else self.reached(self.mean_bounds, self.mean)
        self.rows += 1

    def reached(self, bounds: tuple[float, float], value: float) -> tuple[float, float]:
        low, high = (bound + (self.level - bound) / self.part.memory for bound in bounds)
        return min(low, value), max(high, value)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_does_what_it_says_row_by_row(seed: int) -> None:
    chance = np.random.default_rng(seed)
    part = Unprecedented(few=5, memory=300, quiet=4, learn=30, beyond=0.03)
    many = 3000
    slots = chance.integers(0, 4, many)
    values = np.cumsum(chance.normal(0, 1, many)) * (slots < 2) + chance.standard_t(2, many)
    items: list[Item] = [
        Observed(slot, START + place * MINUTE, value)
        for place, (slot, value) in enumerate(zip(slots.tolist(), values.tolist(), strict=True))
    ]
    plain = [Plainly(part) for _ in range(4)]
    expected = [
        (item.time, item.slot) for item in items if isinstance(item, Observed) and plain[item.slot].row(item.result)
    ]

    assert len(expected) > 20
    assert [(each.at, slot_of(each.datastreams[0])) for each in found(part, items)] == expected  # fmt: skip


def test_what_is_seen_for_the_first_time_is_told_once_and_is_not_new_after_that() -> None:
    part = Unprecedented(learn=500)
    values = [*calm(1000), 45.0, 44.0, 45.0, *calm(200), 44.0, *calm(200), 60.0]

    assert rows(part, values) == [1000, len(values) - 1]


def test_many_results_that_are_high_together_are_told_though_each_was_there_before() -> None:
    told = found(Unprecedented(learn=500), every([*calm(1000), *[29.5] * 40]))

    assert len(told) == 1
    assert told[0].why.message == "unprecedented.above_together"
    assert 1000 <= (told[0].at - START) // MINUTE < 1030


def test_what_goes_on_rising_is_told_again_only_after_quiet() -> None:
    values = [*calm(1000), *(31.0 + row for row in range(100)), *calm(30), 500.0]

    assert len(rows(Unprecedented(learn=500, quiet=25, beyond=0.02), values)) == 2
    assert len(rows(Unprecedented(learn=500, quiet=0, beyond=0.02), values)) > 20


def test_what_was_long_ago_is_new_again() -> None:
    values = [*calm(1000), 90.0, *calm(3000), 60.0]

    assert len(values) - 1 in rows(Unprecedented(learn=500, memory=1000, beyond=0.1), values)
    assert len(values) - 1 not in rows(Unprecedented(learn=500, memory=1_000_000, beyond=0.1), values)


def test_one_absurd_result_does_not_make_it_blind() -> None:
    values = [*calm(1000), -1e9, *calm(100), -200.0]

    assert rows(Unprecedented(learn=500), values) == [1000, len(values) - 1]


def test_a_datastream_that_never_varied_is_not_judged_nor_one_that_it_still_learns() -> None:
    assert rows(Unprecedented(learn=500), [20.0] * 1000 + [90.0]) == []
    assert rows(Unprecedented(learn=500), [*calm(498), 90.0]) == []
    assert rows(Unprecedented(learn=500), [*calm(500), 90.0]) == [500]


@pytest.mark.parametrize(("direction", "told"), [("both", [1000, 1100]), ("above", [1000]), ("below", [1100])])
def test_looks_only_where_it_is_told_to(direction: str, told: list[int]) -> None:
    part = parts.make("detectors", "unprecedented", {"learn": 500, "direction": direction})
    values = calm(1200)
    values[1000], values[1100] = 45.0, -20.0

    assert rows(part, values) == told


def test_what_is_nearer_than_least_is_not_told() -> None:
    values = [*calm(1000), 32.0, *calm(50), 40.0]

    assert rows(Unprecedented(learn=500, least=5.0), values) == [len(values) - 1]


def test_only_the_properties_it_is_told_to_watch() -> None:
    assert rows(Unprecedented(learn=500, only=("noise",)), [*calm(1000), 45.0]) == []
    assert rows(Unprecedented(learn=500, only=("pm25",)), [*calm(1000), 45.0]) == [1000]


def test_too_little_to_learn_from_stops_the_start() -> None:
    with pytest.raises(BadInput, match="100 results are too few to learn from, where 50 are taken together"):
        parts.make("detectors", "unprecedented", {"few": 50, "learn": 100})
