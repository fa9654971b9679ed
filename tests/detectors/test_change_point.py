"""What `change_point` promises beyond what all detectors do."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, pi, sqrt

import numpy as np
import pytest

from tutela import parts
from tutela.detectors.change_point import ChangePoint
from tutela.errors import BadInput
from tutela.maths import cusum
from tutela.maths.cusum import UNIT
from tutela.model.when import DAY, HOUR, MINUTE
from tutela_promises.examples import START
from tutela_promises.stage import Item, Observed, World, play, seens, slot_of

WORLD = World(property="pm25", size=3, interval=600.0)
PART = ChangePoint(days=3, memory=5, apart=30.0, zone="UTC")


class Plainly:
    """The definition, one observation of one datastream after the other. In UTC."""

    def __init__(self, part: ChangePoint) -> None:
        self.part = part
        self.levels: dict[int, tuple[float, int]] = {}
        self.hour = -1
        self.own, self.hours = 0.0, 0
        self.height = round(cusum.height(part.apart * 86400 / 600, part.slack) * UNIT)
        self.high = {1: 0, -1: 0}
        self.rise: dict[int, int | None] = {1: None, -1: None}
        self.on = {1: False, -1: False}
        self.rows, self.sum, self.size, self.square, self.product = 0, 0.0, 0.0, 0.0, 0.0
        self.last, self.variance, self.covariance = 0.0, 0.0, 0.0
        self.level, self.spread, self.clip = 0.0, inf, 1e30

    def row(self, time: int, result: float) -> list[tuple[int, str, int]]:
        if time // HOUR != self.hour:
            if self.hour >= 0:
                self.learn(self.hour % 24)
            self.begin(time // HOUR, result)
        told = [found for sign in (1, -1) for found in self.judge(sign, time, result)]
        off = min(max(result - self.level, -self.clip), self.clip)
        self.rows, self.sum, self.size = self.rows + 1, self.sum + off, self.size + abs(off)
        self.square, self.product, self.last = self.square + off * off, self.product + off * self.last, off
        return told

    def judge(self, sign: int, time: int, result: float) -> list[tuple[int, str, int]]:
        z = min(max(sign * (result - self.level) / self.spread, -self.part.clip), self.part.clip)
        high = max(self.high[sign] + round(z * UNIT) - round(self.part.slack * UNIT), 0)
        rise = self.rise[sign]
        begins = high > self.height and not self.on[sign]
        self.on[sign] |= begins
        self.high[sign] = min(high, 2 * self.height) if self.on[sign] else high
        if not high:
            self.on[sign], self.rise[sign] = False, time
        return [(time, "up" if sign > 0 else "down", time if rise is None else rise)] if begins else []

    def begin(self, hour: int, first: float) -> None:
        self.hour = hour
        level, days = self.levels.get(hour % 24, (first, 0))
        self.level = level if days else first
        close = min(max(self.covariance / self.variance, 0.0), 0.99) if self.variance > 0 else 0.0
        wide = self.own * sqrt((1 + close) / (1 - close))
        self.spread = wide if days >= self.part.days and self.own > 0 else inf
        self.clip = self.part.clip * self.own if self.hours >= 24 and self.own > 0 else 1e30
        self.rows, self.sum, self.size, self.square, self.product = 0, 0.0, 0.0, 0.0, 0.0

    def learn(self, hour: int) -> None:
        _, days = self.levels.get(hour, (0.0, 0))
        size = sqrt(pi / 2) * self.size / self.rows
        if days:
            self.hours += 1
            part = 1 / min(self.hours, 336)
            self.own = float(np.float32(self.own + part * (size - self.own)))
            self.variance += part * (self.square / self.rows - self.variance)
            self.covariance += part * (self.product / self.rows - self.covariance)
        level = self.level + self.sum / self.rows / min(days + 1, self.part.memory)
        self.levels[hour] = (float(np.float32(level)), days + 1)


def changes(
    part: ChangePoint, items: Sequence[Item], cuts: Sequence[int] = (), world: World = WORLD
) -> list[tuple[int, int, str, int]]:
    """(time, slot, side, since) of each detection."""
    found = play(part, seens(world, items, cuts))
    return sorted((each.at, slot_of(each.datastreams[0]), each.key.split("/")[1], each.since) for each in found)


def days_of(chance: np.random.Generator, days: int, shift: float = 0.0, since: int = 0) -> list[Item]:
    """Three datastreams with a day of their own, a result every ten minutes; later than `since` (a day) it shifts."""
    items: list[Item] = []
    for place in range(days * 144):
        hour = place / 6
        usual = 20 + 5 * np.sin(hour * 2 * np.pi / 24) + (shift if hour >= 24 * since else 0.0)
        items += [Observed(slot, START + place * 10 * MINUTE, float(usual + chance.normal(0, 1))) for slot in range(3)]
    return items


@pytest.mark.parametrize("seed", [1, 2])
def test_does_what_it_says_row_by_row(seed: int) -> None:
    chance = np.random.default_rng(seed)
    items = days_of(chance, 14, 1.5, 10)
    plain = [Plainly(PART) for _ in range(3)]
    expected = sorted(
        (time, item.slot, side, since)
        for item in items
        if isinstance(item, Observed)
        for time, side, since in plain[item.slot].row(item.time, item.result)
    )

    assert expected
    assert changes(PART, items) == expected
    assert changes(PART, items, chance.integers(0, len(items), 50).tolist()) == expected


def test_a_small_shift_that_stays_is_told_within_hours_and_says_since_when() -> None:
    told = changes(PART, days_of(np.random.default_rng(3), 12, 1.5, 10))
    after = [each for each in told if each[0] >= START + 10 * DAY]

    assert {slot for _, slot, side, _ in after if side == "up"} == {0, 1, 2}
    for at, _, _, since in after[:3]:
        assert at - (START + 10 * DAY) < 12 * HOUR
        assert abs(since - (START + 10 * DAY)) < 12 * HOUR


def following(chance: np.random.Generator, days: int, shift: float, since: int) -> list[Item]:
    """Three datastreams, a result an hour, each nine tenths as far off as the one before it, as in air."""
    items: list[Item] = []
    off = np.zeros(3)
    for hour in range(days * 24):
        off = 0.9 * off + chance.normal(0, 1, 3)
        usual = 20.0 + (shift if hour >= since * 24 else 0.0)
        items += [Observed(slot, START + hour * HOUR, usual + float(off[slot])) for slot in range(3)]
    return items


def test_results_that_follow_each_other_are_told_as_seldom_as_is_promised_and_a_large_shift_still() -> None:
    world = World(property="pm25", size=3, interval=3600.0)
    told = changes(
        ChangePoint(days=3, apart=30.0, zone="UTC"), following(np.random.default_rng(5), 93, 40.0, 90), world=world
    )
    often = [each for each in told if each[0] < START + 90 * DAY]
    after = {slot for at, slot, side, _ in told if side == "up" and at >= START + 90 * DAY}

    assert len(often) <= 3 * 3
    assert after == {0, 1, 2}


def test_one_wild_result_is_no_change() -> None:
    calm = days_of(np.random.default_rng(3), 9)
    last = calm[-1]
    assert isinstance(last, Observed)

    assert changes(PART, [*calm, Observed(0, last.time + 10 * MINUTE, 1e6)])[len(changes(PART, calm)) :] == []


def test_what_never_varies_is_not_judged() -> None:
    items = [Observed(0, START + hour * HOUR, 20.0 if hour < 259 else 900.0) for hour in range(260)]

    assert changes(PART, items) == []


def test_only_the_properties_it_is_told_to_watch() -> None:
    items = days_of(np.random.default_rng(3), 12, 3.0, 10)

    assert changes(ChangePoint(only=("noise",), days=3, zone="UTC"), items) == []
    assert changes(ChangePoint(only=("pm25",), days=3, apart=30.0, memory=5, zone="UTC"), items) != []


def test_a_zone_that_does_not_exist_stops_the_start() -> None:
    with pytest.raises(BadInput, match="no zone called 'Europe/Turku'"):
        parts.make("detectors", "change_point", {"zone": "Europe/Turku"})
