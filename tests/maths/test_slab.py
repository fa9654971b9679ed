"""A slab is persistent: every version stays as it was, and saved columns make it again."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tutela.maths.slab import Field, Slab

FIELDS = {"level": Field("f8", -1.0), "count": Field("i4"), "last": Field("u8", 0, 2)}
PUTS = st.lists(
    st.tuples(
        st.lists(st.integers(0, 150), unique=True, max_size=5),
        st.sampled_from(("level", "count")),
        st.integers(0, 9),
        st.integers(0, 5),
    ),
    max_size=20,
)


def model(slab: Slab, name: str) -> dict[int, float]:
    """What differs from a slot that was never written."""
    column = slab.take(name)
    return {slot: float(column[slot]) for slot in np.flatnonzero(column != FIELDS[name].fill).tolist()}


@given(puts=PUTS)
def test_every_version_stays_as_it_was(puts: list[tuple[list[int], str, int, int]]) -> None:
    """Also when an older version than the newest is written to, which makes a branch."""
    versions = [Slab(FIELDS)]
    expected: list[dict[str, dict[int, float]]] = [{"level": {}, "count": {}}]
    for slots, name, value, back in puts:
        origin = max(0, len(versions) - 1 - back)
        versions.append(versions[origin].put(np.array(slots, np.int64), **{name: value}))
        column = {**expected[origin][name], **{slot: float(value) for slot in slots}}
        kept = {slot: one for slot, one in column.items() if one != FIELDS[name].fill}
        expected.append({**expected[origin], name: kept})

    assert [{name: model(slab, name) for name in ("level", "count")} for slab in versions] == expected


@given(puts=PUTS, cut=st.integers(0, 20))
def test_what_changed_since_last_time_makes_the_slab_again(
    puts: list[tuple[list[int], str, int, int]], cut: int
) -> None:
    slab = Slab(FIELDS)
    saved: dict[str, bytes] = {}
    for place, (slots, name, value, _) in enumerate(puts):
        slab = slab.put(np.array(slots, np.int64), **{name: value})
        if place == cut:
            saved |= dict(slab.changed())
    saved |= dict(slab.changed())

    again = Slab.load(FIELDS, saved)

    assert [model(again, name) for name in ("level", "count")] == [model(slab, name) for name in ("level", "count")]
    assert list(slab.changed()) == []


def test_taking_gives_a_copy() -> None:
    slab = Slab(FIELDS).put(np.array([3]), level=5.0)

    slab.take("level", np.array([3]))[:] = 9.0
    slab.take("level")[:] = 9.0

    assert slab.take("level", np.array([3, 900])).tolist() == [5.0, -1.0]


def test_a_wide_column_has_several_values_in_a_slot() -> None:
    slab = Slab(FIELDS).put(np.array([2]), last=np.array([[7, 8]]))

    assert Slab.load(FIELDS, slab.dump()).take("last", np.array([1, 2])).tolist() == [[0, 0], [7, 8]]
