"""Promises of robust statistics."""

from __future__ import annotations

from statistics import median

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tutela.maths.robust import median_of_others


@given(st.lists(st.integers(-50, 50), min_size=3, max_size=30))
def test_the_median_of_the_others_leaves_out_the_value_itself(values: list[int]) -> None:
    found = median_of_others(np.array(values, np.float64)).tolist()

    assert found == [median(values[:place] + values[place + 1 :]) for place in range(len(values))]
