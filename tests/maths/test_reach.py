"""Bounds that widen at once and close in slowly."""

from __future__ import annotations

import numpy as np

from tutela.maths import reach
from tutela.maths.reach import Pace, Reach

PACE = Pace(few=4, memory=100)


def after(*results: float) -> Reach:
    known = Reach(np.zeros(1, np.int64), *(np.zeros(1) for _ in range(6)))
    for each in results:
        known = reach.moved(known, np.array([each]), PACE)
    return known


def test_bounds_hold_all_that_came_lately_and_the_first_result_is_both() -> None:
    first, known = after(5.0), after(5.0, 9.0, 2.0)

    assert (first.bottom[0], first.top[0], first.level[0]) == (5.0, 5.0, 5.0)
    assert known.bottom[0] == 2.0
    assert known.top[0] == 9.0 + (16.0 / 3 - 9.0) / 100  # by one part in a hundred nearer to the mean
    assert known.rows[0] == 3


def test_bounds_close_in_on_the_mean() -> None:
    known = after(*[0.0, 10.0] * 500, *[5.0] * 1000)

    assert 4.9 < known.bottom[0] < 5.0 < known.top[0] < 5.1


def test_one_wild_result_widens_by_a_few_widths_at_most() -> None:
    known = after(*[0.0, 10.0] * 50, 1e9)

    assert known.top[0] < 10.0 + reach.WIDEN * 10.0 + 1.0


def test_at_the_limit_of_the_mean_the_mean_is_at_its_bound() -> None:
    known = after(*[0.0, 10.0] * 50)
    _, high = reach.limits(known, PACE, beyond=0.0, least=0.0)
    moved = reach.moved(known, high, PACE)

    assert high[0] < known.top[0] or np.isclose(high[0], known.top[0])
    assert moved.mean[0] <= known.mean_top[0] * (1 + 1e-12)


def test_each_datastream_is_alone() -> None:
    results = np.random.default_rng(1).normal(0, 1, (50, 3))
    together = Reach(np.zeros(3, np.int64), *(np.zeros(3) for _ in range(6)))
    for row in results:
        together = reach.moved(together, row, PACE)

    for place in range(3):
        alone = after(*results[:, place].tolist())
        assert [column[place] for column in together] == [column[0] for column in alone]
