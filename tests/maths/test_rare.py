"""How rare a count is, against exact fractions."""

from __future__ import annotations

from decimal import Decimal, getcontext
from math import factorial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutela.maths.rare import poisson_tail, rare_count


def exact(count: int, mean: float) -> Decimal:
    """The tail by its definition, with sixty digits."""
    getcontext().prec = 60
    each = (Decimal(mean) ** k / factorial(k) for k in range(count))
    return 1 - (-Decimal(mean)).exp() * sum(each, Decimal(0))


@given(count=st.integers(-1, 60), mean=st.floats(0.01, 50.0))
def test_agrees_with_its_definition_to_ten_digits(count: int, mean: float) -> None:
    assert poisson_tail(count, mean) == pytest.approx(float(exact(max(count, 0), mean)), rel=1e-10)


def test_keeps_its_digits_where_counts_are_very_rare() -> None:
    assert poisson_tail(30, 2.0) == pytest.approx(float(exact(30, 2.0)), rel=1e-10)
    assert poisson_tail(30, 2.0) < 1e-24


@given(mean=st.floats(0.01, 200.0), tail=st.floats(1e-9, 0.5), least=st.integers(1, 10))
def test_the_rare_count_is_the_first_that_is_rare_enough(mean: float, tail: float, least: int) -> None:
    count = rare_count(mean, tail, least)

    assert count >= least
    assert poisson_tail(count, mean) <= tail
    assert count == least or poisson_tail(count - 1, mean) > tail
