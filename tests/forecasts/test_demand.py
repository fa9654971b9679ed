"""What `demand` promises beyond what all forecasts do."""

from __future__ import annotations

import numpy as np
import pytest

from tutela.errors import BadInput
from tutela.forecasts.demand import Demand
from tutela.maths import hours

HOUR = 490_992  # a Monday, midnight
ONE = np.arange(1)


def expected(part: Demand, counts: list[float], ahead: int = 0) -> float:
    state = part.begin()
    for row, count in enumerate(counts):
        state = part.learn(state, ONE, HOUR + row, [count])
    return float(part.expected(state, ONE, HOUR + len(counts) + ahead).mean[0])


def test_knows_nothing_before_an_hour_of_the_day_has_come() -> None:
    assert np.isnan(expected(Demand(), []))
    assert np.isnan(expected(Demand(), [5.0] * 12))
    assert expected(Demand(), [5.0] * 24) == 5.0


def test_knows_the_hour_of_the_week_and_leans_on_the_hour_of_the_day_at_first() -> None:
    assert hours.of_week(np.array([HOUR]))[0] == 0
    busy = [20.0 if row % 168 == 0 else 4.0 for row in range(168 * 30)]
    once, often = expected(Demand(), busy[:168]), expected(Demand(), busy)

    assert 4.0 < once < 10.0 < often < 20.0


def test_what_is_long_ago_is_forgotten() -> None:
    counts = [10.0] * (168 * 20) + [2.0] * (168 * 40)

    assert expected(Demand(weeks=4, days=20), counts) == pytest.approx(2.0, abs=0.01)
    assert expected(Demand(weeks=520, days=3650), counts) > 4.0


def test_says_how_far_off_such_a_forecast_was() -> None:
    chance, part = np.random.default_rng(1), Demand()
    state = part.begin()
    for row in range(168 * 8):
        state = part.learn(state, ONE, HOUR + row, [float(chance.poisson(9.0))])
    found = part.expected(state, ONE, HOUR + 168 * 8)

    assert found.mean[0] == pytest.approx(9.0, abs=1.0)
    assert found.error[0] == pytest.approx(np.sqrt(2 * 9.0 / np.pi), rel=0.1)  # the mean deviation of such counts


def test_hours_come_in_their_order_and_once() -> None:
    part = Demand()
    state = part.learn(part.begin(), ONE, HOUR, [3.0])

    for hour in (HOUR, HOUR - 1):
        with pytest.raises(BadInput, match="learn hours in their order"):
            part.learn(state, ONE, hour, [3.0])


@pytest.mark.parametrize("count", [-1.0, float("nan"), float("inf")])
def test_what_is_no_count_is_refused(count: float) -> None:
    with pytest.raises(BadInput, match="leave out what is not known"):
        Demand().learn(Demand().begin(), ONE, HOUR, [count])
