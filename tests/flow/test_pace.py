"""Promises of the gateway's pace."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutela.flow.pace import Pace


def test_at_rest_nothing_waits() -> None:
    assert Pace().wait(0.0, flying=False) == 0
    assert Pace().wait(1e9, flying=True) == 0


def test_what_comes_while_a_batch_is_on_its_way_waits_20_ms_to_gather() -> None:
    pace = Pace()

    pace.sent(5.0, 16)

    assert pace.wait(5.0, flying=False) == 0
    assert pace.wait(5.0, flying=True) == pytest.approx(0.020)
    assert pace.wait(5.015, flying=True) == pytest.approx(0.005)
    assert pace.wait(5.020, flying=True) == 0


def test_over_the_budget_a_batch_waits_even_when_nothing_is_on_its_way() -> None:
    pace = Pace(rate=100, burst=10)

    pace.sent(0.0, 30)

    assert pace.wait(0.0, flying=False) == pytest.approx(0.2)


def test_nobody_waits_longer_than_a_second_and_a_huge_batch_is_forgotten_after_it() -> None:
    pace = Pace()

    pace.sent(0.0, 10_000)
    assert pace.wait(0.0, flying=False) == pytest.approx(1.0)
    assert pace.wait(1.0, flying=False) == 0

    pace.sent(1.0, 16)
    assert pace.wait(1.0, flying=False) <= 1.0


def test_a_clock_that_stands_still_neither_waits_for_ever_nor_gives_a_budget() -> None:
    pace = Pace(rate=100, burst=10)

    pace.sent(3.0, 20)
    pace.sent(2.0, 20)

    assert pace.wait(2.0, flying=False) == pytest.approx(0.3)


@given(sizes=st.lists(st.integers(1, 48), min_size=60, max_size=60), flying=st.booleans())
def test_under_load_the_messages_of_any_stretch_stay_within_the_budget(sizes: list[int], *, flying: bool) -> None:
    pace = Pace(rate=300, burst=60)
    now = 0.0
    for size in sizes:
        while wait := pace.wait(now, flying=flying):
            now += wait
        pace.sent(now, size)

    assert sum(sizes) <= 60 + 48 + 300 * now + 1
