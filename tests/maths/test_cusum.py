"""Promises of the sums that notice a change."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutela.errors import BadInput
from tutela.maths.cusum import UNIT, height, run_length, stepped, steps, sums, whole
from tutela.maths.runs import runs

rows = st.lists(st.tuples(st.integers(0, 4), st.integers(-(1 << 24), 1 << 24)), max_size=60)


@given(rows=rows, before=st.lists(st.integers(0, 1 << 25), min_size=5, max_size=5))
def test_a_run_at_once_is_what_it_is_step_by_step(rows: list[tuple[int, int]], before: list[int]) -> None:
    slots = np.array(sorted(slot for slot, _ in rows), np.int64)
    step = np.array([step for _, step in sorted(rows, key=lambda row: row[0])], np.int64)
    each = runs(slots)
    found = sums(np.array(before, np.int64)[each.slots], step, each, each.by_row(np.arange(len(each.slots))))

    for run, (slot, first, end) in enumerate(zip(each.slots, each.first, each.end, strict=True)):
        high, nothing = before[slot], -1
        for row in range(first, end):
            high = max(0, high + int(step[row]))
            nothing = nothing if high else row
            assert found.high[row] == high
        assert found.nothing[run] == nothing


def test_no_result_counts_as_more_than_the_clip() -> None:
    units = whole(np.array([0.0, 2.0, 1e30, -1e30]), 4.0)

    assert (steps(units, 0.5) / UNIT).tolist() == [-0.5, 1.5, 3.5, -4.5]
    assert (steps(units, 0.5, down=True) / UNIT).tolist() == [-0.5, -2.5, -4.5, 3.5]


@pytest.mark.parametrize(("length", "slack"), [(20, 0.5), (370, 0.5), (1e5, 0.25), (1e7, 1.0)])
def test_the_height_gives_the_run_length_that_was_asked_for(length: float, slack: float) -> None:
    assert run_length(height(length, slack), slack) == pytest.approx(length, rel=1e-9)


@pytest.mark.parametrize(("high", "published"), [(4.0, 168.0), (5.0, 465.0)])
def test_the_run_length_is_the_published_one(high: float, published: float) -> None:
    """Montgomery, "Introduction to statistical quality control": slack 0.5, both sides, exact 168 and 465."""
    assert run_length(high, 0.5) == pytest.approx(published, rel=0.02)


def test_false_alarms_come_as_seldom_as_said_when_results_are_independent() -> None:
    chance, many, slack = np.random.default_rng(1), 2000, 0.5
    limit = round(height(500, slack) * UNIT)
    up, down, lasted = np.zeros(many, np.int64), np.zeros(many, np.int64), np.zeros(many)
    going = np.ones(many, np.bool_)
    while going.any():
        units = whole(chance.standard_normal(many), 100.0)
        up, down = stepped(up, steps(units, slack)), stepped(down, steps(units, slack, down=True))
        lasted[going] += 1
        going &= (up <= limit) & (down <= limit)

    assert float(lasted.mean()) == pytest.approx(500, rel=0.1)


def test_more_false_alarms_than_chance_can_bring_are_refused() -> None:
    with pytest.raises(BadInput, match="a false alarm in 1 results is more than chance can bring; allow fewer"):
        height(1, 0.5)
