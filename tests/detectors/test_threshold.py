"""Threshold: what it says row by row is what it does with columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutela import parts
from tutela.detectors.threshold import Threshold
from tutela.errors import BadInput
from tutela.model.when import SECOND
from tutela.model.why import ValueWas
from tutela_promises.examples import START
from tutela_promises.stage import Item, Observed, Ticked, World, play, seens, slot_of

WORLD = World(property="pm10", size=3)
VALUES = (20.0, 40.0, 40.5, 50.0, 50.5, 70.0, float("nan"))


def row_by_row(part: Threshold, items: Sequence[Observed | Ticked]) -> Iterator[tuple[int, int, int]]:
    """The definition, one observation after the other: (at, slot, since) of each detection."""
    beyond, over = (float.__gt__, float.__le__) if part.direction == "above" else (float.__lt__, float.__ge__)
    up: dict[int, int] = {}
    told: set[tuple[int, int]] = set()
    for item in items:
        if isinstance(item, Observed):
            if item.slot in up and over(item.result, part.low):
                del up[item.slot]
            elif item.slot not in up and beyond(item.result, part.high):
                up[item.slot] = item.time
        at, waiting = (item.at, sorted(up)) if isinstance(item, Ticked) else (item.time, [item.slot])
        for slot in waiting:
            since = up.get(slot)
            if since is not None and at - since >= part.hold * SECOND and (slot, since) not in told:
                told.add((slot, since))
                yield at, slot, since


@st.composite
def streams(draw: st.DrawFn) -> list[Observed | Ticked]:
    """Rows of three datastreams, each in event-time order, some at the same time; ticks among them."""
    at, items = START, list[Observed | Ticked]()
    for _ in range(draw(st.integers(0, 40))):
        at += draw(st.sampled_from((0, 1, 30, 60))) * SECOND
        slot = draw(st.integers(-1, 2))
        items.append(Ticked(at) if slot < 0 else Observed(slot, at, draw(st.sampled_from(VALUES))))
    return items


@given(
    items=streams(),
    cuts=st.lists(st.integers(0, 40)),
    hold=st.sampled_from((0.0, 1.0, 60.0)),
    direction=st.sampled_from(("above", "below")),
)
def test_does_what_it_says_row_by_row(
    items: list[Observed | Ticked], cuts: list[int], hold: float, direction: str
) -> None:
    high, low = (50.0, 40.0) if direction == "above" else (40.0, 50.0)
    options = {"observed_property": "pm10", "direction": direction, "high": high, "low": low, "hold": hold}
    part = parts.make("detectors", "threshold", options)
    places = [cut for cut in cuts if cut < len(items)]

    found = play(part, seens(WORLD, items, places))

    assert sorted((each.at, slot_of(each.datastreams[0]), each.since) for each in found) == sorted(
        row_by_row(part, items)
    )


def test_a_level_that_is_passed_by_the_first_row_would_not_be_at_the_level_itself() -> None:
    part = Threshold(observed_property="pm10", high=50.0, low=40.0)
    (found,) = play(part, seens(WORLD, [Observed(0, START, 55.0), Observed(0, START + SECOND, 70.0)]))

    assert found.why.unless == ValueWas(datastream=3, time=START, column="result", was=55.0, would=50.0)


def test_a_held_level_would_not_be_held_if_the_last_row_had_come_back() -> None:
    part = Threshold(observed_property="pm10", high=50.0, low=40.0, hold=60.0)
    items: list[Item] = [Observed(0, START, 55.0), Observed(0, START + 59 * SECOND, 45.0), Ticked(START + 60 * SECOND)]
    (found,) = play(part, seens(WORLD, items))

    assert found.why.unless == ValueWas(datastream=3, time=START + 59 * SECOND, column="result", was=45.0, would=40.0)
    assert (found.since, found.at) == (START, START + 60 * SECOND)


@pytest.mark.parametrize(("last", "message"), [(45.0, "passed.above"), (60.0, "threshold.above")])
def test_it_says_above_only_of_a_result_that_is_above(last: float, message: str) -> None:
    part = Threshold(observed_property="pm10", high=50.0, low=40.0, hold=60.0)
    (found,) = play(part, seens(WORLD, [Observed(0, START, 55.0), Observed(0, START + 60 * SECOND, last)]))

    assert (found.why.message, found.why.inputs["result"]) == (message, last)


def test_counts_are_watched_like_readings() -> None:
    part = Threshold(observed_property="people", high=100, low=80)
    world = World(property="people", size=1, kind="counts")

    assert len(play(part, seens(world, [Observed(0, START, 99), Observed(0, START + SECOND, 101)]))) == 1


def test_other_properties_are_left_alone() -> None:
    part = Threshold(observed_property="another", high=50.0, low=40.0)

    assert play(part, seens(WORLD, [Observed(0, START, 99.0), Ticked(START + SECOND)])) == []


def test_a_property_that_nobody_measures_is_no_error() -> None:
    part = Threshold(observed_property="gamma", high=50.0, low=40.0)

    assert play(part, seens(WORLD, [Observed(0, START, 99.0)])) == []


@pytest.mark.parametrize(("direction", "high", "low"), [("above", 40.0, 50.0), ("below", 50.0, 40.0)])
def test_low_on_the_wrong_side_of_high_is_refused(direction: str, high: float, low: float) -> None:
    options = {"observed_property": "pm10", "direction": direction, "high": high, "low": low}

    with pytest.raises(BadInput, match="put low on the other side of high"):
        parts.make("detectors", "threshold", options)
