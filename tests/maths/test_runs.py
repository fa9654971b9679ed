"""Runs of equal slots, whatever the rows."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tutela.maths.runs import runs

ROWS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3)), max_size=40).map(sorted)


@given(rows=ROWS)
def test_runs_cover_all_rows_and_each_is_of_one_slot_and_hour(rows: list[tuple[int, int]]) -> None:
    slots, hour = (np.array([row[column] for row in rows], np.int64) for column in (0, 1))

    each = runs(slots, hour)

    assert each.by_row(each.slots).tolist() == slots.tolist()
    assert hour[each.first].tolist() == hour[each.last].tolist()
    assert len({(slots[first], hour[first]) for first in each.first}) == len(each.slots)


@given(rows=ROWS)
def test_in_turn_gives_one_run_of_each_slot_at_a_time_and_all_in_order(rows: list[tuple[int, int]]) -> None:
    slots, hour = (np.array([row[column] for row in rows], np.int64) for column in (0, 1))
    seen: dict[int, list[int]] = {}

    for which in runs(slots, hour).in_turn():
        packed, places = runs(slots, hour).take(which).packed()
        assert len(set(packed.slots.tolist())) == len(packed.slots)
        assert slots[places].tolist() == packed.by_row(packed.slots).tolist()
        for place in places.tolist():
            seen.setdefault(int(slots[place]), []).append(place)

    assert seen == {slot: np.flatnonzero(slots == slot).tolist() for slot in dict.fromkeys(slots.tolist())}


@given(rows=ROWS)
def test_having_says_which_runs_have_such_a_row(rows: list[tuple[int, int]]) -> None:
    slots, hour = (np.array([row[column] for row in rows], np.int64) for column in (0, 1))

    having = runs(slots).having(hour == 2)

    assert having.tolist() == [(slot, 2) in rows for slot in dict.fromkeys(slots.tolist())]
