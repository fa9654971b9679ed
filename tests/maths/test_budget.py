"""A budget of false alarms is kept to, whatever the distribution, and spent on what is rare."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutela.maths import budget
from tutela.maths.slab import Slab
from tutela.model.when import DAY, HOUR, MINUTE, SECOND

Floats = budget.Floats


def told(pool: Slab, tick: int, results: int, scores: Floats, level: float) -> tuple[Slab, int]:
    """How many of these scores are let through at a tick."""
    pool = budget.tested(pool, results, scores, budget.LATEST)
    pool, passed = budget.settled(pool, tick, scores, level)
    return pool, int(np.count_nonzero(scores > passed))


def ordinary(pool: Slab, ticks: int, results: int, scores: Floats, step: int = MINUTE) -> Slab:
    """So many ticks with those scores spread over them, one a tick, and no budget: nothing is let through."""
    for tick in range(ticks):
        pool, none = told(pool, tick * step, results, scores[tick : tick + 1], 0.0)
        assert none == 0
    return pool


@pytest.mark.parametrize("tails", [1.5, 3.0, 30.0])
@pytest.mark.parametrize("per_day", [2.0, 24.0])
def test_no_more_false_alarms_than_allowed_whatever_the_tails(tails: float, per_day: float) -> None:
    """Sixty results in six minutes, all alike: after two days of learning, twenty days are counted."""
    chance = np.random.default_rng(round(tails * per_day))
    pool, false, days, a_day = budget.begin(), 0, 20, 240
    for tick in range((2 + days) * a_day):
        scores = np.abs(chance.standard_t(tails, 60)) / 2.0
        pool, some = told(pool, tick * DAY // a_day, 60, scores[scores > 1], per_day)
        false += some if tick >= 2 * a_day else 0

    allowed = per_day * days
    assert 0 < false <= allowed + 4 * np.sqrt(allowed)


def test_one_alone_has_to_be_rare_and_many_at_once_bear_each_other_out() -> None:
    tail = np.zeros(3000)
    tail[::60] = 2.0
    pool = budget.begin()
    for tick in range(3000):
        pool, _ = told(pool, tick * MINUTE, 20, tail[tick : tick + 1][tail[tick : tick + 1] > 1], 0.0)

    alone = told(pool, 3000 * MINUTE, 20, np.array([2.0]), 20.0)[1]
    many = told(pool, 3000 * MINUTE, 20, np.full(15, 2.0), 20.0)[1]
    rare = told(pool, 3000 * MINUTE, 20, np.array([9.0]), 80.0)[1]

    assert (alone, many, rare) == (0, 15, 1)


def test_nothing_is_told_before_enough_was_tested() -> None:
    """A budget of one a day at a tick a minute: a share of 1 in 1440, of one result a tick."""
    pool = budget.begin()
    first = None
    for minute in range(1600):
        _, some = told(pool, minute * MINUTE, 1, np.array([50.0]), 1.0)
        first = minute if some and first is None else first
        pool, _ = told(pool, minute * MINUTE, 1, np.empty(0), 1.0)
    assert first is not None
    assert 1440 <= first <= 1450


def test_a_stop_gives_no_credit() -> None:
    pool, score = ordinary(budget.begin(), 100, 10, np.empty(0)), np.array([5.0])
    after_a_minute = told(pool, 100 * MINUTE, 10, score, 10.0)[1]
    pool = ordinary(budget.begin(), 100, 10, np.empty(0))
    after_an_hour = told(pool, 99 * MINUTE + HOUR, 10, score, 10.0)[1]
    pool = ordinary(budget.begin(), 100, 10, np.empty(0))
    after_a_month = told(pool, 30 * DAY, 1000, score, 12.0)[1]

    assert (after_a_minute, after_an_hour, after_a_month) == (0, 1, 0)


def test_what_stands_for_a_day_has_a_day_of_credit() -> None:
    """A file whose time is told once a day: one result in a hundred may be told, where an hour's credit allows none."""
    tail = np.zeros(3000)
    tail[::60] = 2.0
    learnt = ordinary(budget.begin(), 3000, 2, tail)
    tick = 3000 * MINUTE + DAY
    allowed = []
    for since in (budget.LATEST, 3000 * MINUTE):
        pool = budget.tested(learnt, 10, np.array([3.0]), since)
        allowed.append(budget.settled(pool, tick, np.array([3.0]), 0.02)[1] < 3.0)

    assert allowed == [False, True]


def test_a_clock_that_stands_still_lets_nothing_through() -> None:
    pool = ordinary(budget.begin(), 100, 10, np.empty(0))
    assert told(pool, 99 * MINUTE, 1, np.array([5.0]), 1e9)[1] == 0


def test_what_was_long_ago_counts_for_less() -> None:
    pool = ordinary(budget.begin(), 50, 10, np.full(50, 3.0), step=SECOND)
    before = budget.reaching(pool, 3.0)
    pool, _ = told(pool, budget.MEMORY, 0, np.empty(0), 0.0)
    assert (before, budget.reaching(pool, 3.0)) == (50, 25)


def level_of(expected: float) -> float:
    """The q of which q/(1 - q)² is that, by halving."""
    low, high = 0.0, 1.0
    for _ in range(200):
        q = (low + high) / 2
        low, high = (q, high) if q < expected * (1 - q) ** 2 else (low, q)
    return low


@given(
    scores=st.lists(st.floats(1.0001, 1e6), min_size=1, max_size=30),
    learnt=st.lists(st.floats(1.0001, 1e6), max_size=200),
    level=st.floats(0.1, 1e5),
)
def test_what_passes_is_what_benjamini_and_hochberg_let_through(
    scores: list[float], learnt: list[float], level: float
) -> None:
    pool = budget.tested(budget.begin(), 1000, np.array(learnt), budget.LATEST)
    pool, _ = budget.settled(pool, 0, np.empty(0), level)
    values = budget.pvalues(pool)
    each = np.array([values[np.flatnonzero(score > budget.EDGES)[-1]] for score in scores])
    ranked = np.sort(each)
    share = level_of(level * SECOND / DAY)
    fit = [rank for rank in range(1, len(ranked) + 1) if ranked[rank - 1] <= rank * share / 40]

    _, some = told(pool, SECOND, 40, np.array(scores), level)

    assert some == (int(np.count_nonzero(each <= ranked[max(fit) - 1])) if fit else 0)


@given(
    parts=st.lists(st.lists(st.floats(1.0001, 1e6), max_size=5), max_size=10),
    saved=st.integers(0, 10),
)
def test_cuts_and_stops_change_nothing(parts: list[list[float]], saved: int) -> None:
    whole = [score for part in parts for score in part]
    at_once = budget.tested(budget.begin(), len(whole) + 5, np.array(whole), budget.LATEST)
    cut = budget.tested(budget.begin(), 5, np.empty(0), budget.LATEST)
    for place, part in enumerate(parts):
        if place == saved:
            cut = Slab.load(budget.FIELDS, dict(cut.changed()))
        cut = budget.tested(cut, len(part), np.array(part), budget.LATEST)
    for pool in (at_once, cut):
        assert (
            budget.settled(pool, SECOND, np.empty(0), 1.0)[0].dump()
            == budget.settled(at_once, SECOND, np.empty(0), 1.0)[0].dump()
        )
