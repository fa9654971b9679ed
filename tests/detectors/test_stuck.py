"""What `stuck` promises beyond what all detectors do."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from tutela.detectors.stuck import Stuck
from tutela.model.when import DAY, HOUR, MINUTE
from tutela_promises.examples import START
from tutela_promises.stage import Item, Observed, World, play, seens, slot_of

WORLD = World(property="pm25", size=5)


def every(step: int, values: Sequence[float], slot: int = 0) -> list[Item]:
    return [Observed(slot, START + place * step, value) for place, value in enumerate(values)]


def told(part: Stuck, items: Sequence[Item], cuts: Sequence[int] = ()) -> list[tuple[int, int]]:
    """(time, slot) of each detection."""
    return sorted((each.at, slot_of(each.datastreams[0])) for each in play(part, seens(WORLD, items, cuts)))


def plainly(part: Stuck, items: Sequence[Item]) -> list[tuple[int, int]]:
    """The definition, one observation after the other."""
    found: list[tuple[int, int]] = []
    for slot in range(WORLD.size):
        rows = [(item.time, item.result) for item in items if isinstance(item, Observed) and item.slot == slot]
        stays: list[list[int]] = []
        lengths: list[float] = []
        value, on, rest = float("nan"), False, 0
        for time, result in rows:
            if abs(result - value) <= 1e-6 * max(1.0, abs(value)):
                stays[-1].append(time)
            else:
                if stays:
                    lasted = stays[-1][-1] - stays[-1][0]
                    lengths.append(int(lasted / part.factor) if on else lasted)
                    rest += lasted if lasted > part.hold * 1e6 and not on else 0
                stays.append([time])
                on = False
            value = result
            lasted, age = time - stays[-1][0], time - rows[0][0]
            ripe = len(stays) >= part.moves and age >= part.learn * DAY and rest < part.still * age
            long = lasted >= max(part.hold * 1e6, part.factor * max(lengths, default=0))
            if not on and ripe and long and len(stays[-1]) >= part.rows:
                on = True
                found.append((time, slot))
    return sorted(found)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_does_what_it_says_row_by_row(seed: int) -> None:
    """Whole numbers that often stay the same, some for long, in rows that come in bursts."""
    chance = np.random.default_rng(seed)
    part = Stuck(hold=1200.0, rows=4, learn=0.1, moves=10, factor=1.5)
    time = START + np.sort(chance.integers(0, 4 * DAY // MINUTE, 6000)) * MINUTE
    moves = chance.random(6000) < np.where(np.arange(6000) % 900 > 860, 0.01, 0.3)
    values = 5 + np.cumsum(moves * chance.integers(-2, 3, 6000))
    items: list[Item] = [
        Observed(*row) for row in zip(chance.integers(0, 5, 6000).tolist(), time.tolist(), values.tolist(), strict=True)
    ]
    expected = plainly(part, items)

    assert expected
    assert told(part, items) == expected
    assert told(part, items, chance.integers(0, 6000, 80).tolist()) == expected


def test_a_sensor_that_freezes_is_told_once_and_again_when_it_froze_again_for_longer() -> None:
    lively = np.random.default_rng(1).normal(20, 3, 24 * 12 * 15).tolist()
    frozen = [17.0] * (12 * 7)
    items = every(5 * MINUTE, [*lively, *frozen, *lively, *frozen, *lively, *frozen, 17.0])

    assert len(told(Stuck(), items)) == 3


def test_what_counts_people_at_night_is_not_stuck() -> None:
    """Six hours of nothing each night, eight of them once: no longer than three times what it is used to."""
    night = {day: 96 if day == 20 else 72 for day in range(30)}
    counts = [0.0 if place % 288 < night[place // 288] else float(place * 7 % 13) for place in range(288 * 30)]

    assert told(Stuck(), every(5 * MINUTE, counts)) == []


def test_what_never_moves_or_seldom_is_never_told() -> None:
    constant = every(HOUR, [3.0] * 24 * 90)
    rain = every(HOUR, [float(hour % 7) if hour % 500 < 30 else 0.0 for hour in range(24 * 300)], slot=1)

    assert told(Stuck(), constant) == []
    assert told(Stuck(), rain) == []


def test_a_gap_is_no_stay() -> None:
    """Two results that are the same with a day of silence between them are two results."""
    lively = np.random.default_rng(1).normal(20, 3, 24 * 12 * 15).tolist()
    items = every(5 * MINUTE, [*lively, 17.0])
    last = items[-1]
    assert isinstance(last, Observed)

    assert told(Stuck(), [*items, Observed(0, last.time + DAY, 17.0)]) == []


def test_a_result_that_only_trembles_by_rounding_stays() -> None:
    lively = np.random.default_rng(1).normal(20, 3, 24 * 12 * 15).tolist()
    trembling = [17.0 + 1e-9 * (place % 2) for place in range(12 * 7)]

    assert len(told(Stuck(), every(5 * MINUTE, [*lively, *trembling]))) == 1
