"""Crowding: sure of its errors, told before it is too late and told anew when it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tutela import parts
from tutela.detectors.crowding import Crowding
from tutela.errors import BadInput
from tutela.model.detection import Detection
from tutela.model.when import MINUTE
from tutela_promises.changes import changed
from tutela_promises.examples import START, made
from tutela_promises.stage import Item, Observed, World, play, seens
from tutela_promises.streams import observations

WORLD = World(property="people", size=3, kind="counts")


def crowding(**options: object) -> Crowding:
    part = made("crowding", **{"span": 600.0, "capacities": {"thing-0": 100.0}, **options})
    assert isinstance(part, Crowding)
    return part


def counted(*counts: int, slot: int = 0, first: int = 0) -> list[Observed]:
    """A count each minute."""
    return [Observed(slot, START + (first + n) * MINUTE, count) for n, count in enumerate(counts)]


def told(items: Sequence[Item], **options: object) -> list[Detection]:
    return play(crowding(**options), seens(WORLD, items))


def says(found: Sequence[Detection]) -> list[tuple[int, str, int]]:
    return [((each.at - START) // MINUTE, each.why.message, each.revision) for each in found]


def test_a_place_is_full_when_the_least_that_is_there_is_more_than_it_holds() -> None:
    """With an error of 15 in a hundred 117 may be 99.45, and 118 is at least 100.3."""
    assert told(counted(117), ahead=0.0) == []
    (found,) = told(counted(118), ahead=0.0)

    assert found.why.message == "crowding.full"
    assert (found.why.inputs["people"], found.why.inputs["least"], found.why.inputs["capacity"]) == (
        118.0,
        100.3,
        100.0,
    )


def test_one_that_surely_fills_is_told_before_it_is_full_and_anew_when_it_is() -> None:
    found = told(counted(20, 45, 70, 95, 120, 130))

    assert says(found) == [(2, "crowding.filling", 0), (4, "crowding.full", 1)]
    assert len({(each.id, each.since) for each in found}) == 1
    assert found[0].why.inputs["rise"] == pytest.approx((70 * 0.85 - 20 * 1.15) / 2, abs=1e-3)


def test_a_rise_that_the_errors_could_make_is_none() -> None:
    assert told(counted(60, 70, 75, 78)) == []
    assert says(told(counted(60, 70, 75, 78), error=0.0)) == [(1, "crowding.filling", 0)]


def test_a_rise_in_a_place_that_is_almost_empty_is_no_crowd_yet() -> None:
    assert told(counted(1, 10, 22)) == []
    assert told(counted(1, 10, 22), half=0.0) != []


def test_a_rise_counts_over_its_span_alone() -> None:
    assert told([*counted(20), *counted(70, first=11)]) == []
    assert told([*counted(20), *counted(70, first=9)]) != []


def test_it_is_over_when_a_count_comes_back_and_then_it_can_come_again() -> None:
    found = told(counted(118, 116, 90, 119, 80, 70, 118), ahead=0.0)

    assert says(found) == [(0, "crowding.full", 0), (6, "crowding.full", 0)]
    assert found[0].id != found[1].id


def test_only_places_with_a_capacity_are_watched_and_a_count_that_is_none_is_left_out() -> None:
    assert told(counted(500, slot=1)) == []
    assert told(counted(500), observed_property="cars") == []
    readings = World(property="people", size=1)
    nothing = [Observed(0, START, float("nan")), Observed(0, START + 1, 118.0)]
    assert len(play(crowding(), seens(readings, nothing))) == 1


def plainly(part: Crowding, items: Sequence[Observed]) -> Iterator[tuple[int, str, int]]:
    """The definition, for one place that holds a hundred."""
    before: list[tuple[int, float]] = []
    how, since, revision = 0, -1, 0
    for item in items:
        least = item.result * (1 - part.error)
        ago = [each for each in before[-16:] if 0 < item.time - each[0] <= part.span * 1e6]
        filling = False
        if ago:
            rise = (least - ago[0][1] * (1 + part.error)) / (item.time - ago[0][0])
            filling = rise > 0 and least + rise * part.ahead * 1e6 > 100 * part.full and least > 100 * part.half
        now = 2 if least > 100 * part.full else 1 if filling else 0
        if not how and now and item.time > since:
            how, since, revision = now, item.time, 0
            yield item.time, ("", "crowding.filling", "crowding.full")[now], 0
        elif now > how > 0:
            how, revision = now, revision + 1
            yield item.time, "crowding.full", revision
        elif not now and item.result <= 100 * part.clear:
            how = 0
        before.append((item.time, item.result))


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from((0, 1, 2, 5)), st.integers(0, 140)), max_size=40),
    st.lists(st.integers(0, 40)),
    st.sampled_from(({}, {"error": 0.0}, {"ahead": 0.0}, {"half": 0.0, "clear": 0.5})),
)
def test_does_what_it_says_count_by_count(
    counts: list[tuple[int, int]], cuts: list[int], options: dict[str, object]
) -> None:
    part, at, items = crowding(**options), START, list[Observed]()
    for minutes, count in counts:
        at += minutes * MINUTE
        items.append(Observed(0, at, count))

    found = play(part, seens(WORLD, items, [cut for cut in cuts if cut < len(items)]))

    # Of one moment, what is found comes in the order of its id.
    assert sorted((each.at, each.why.message, each.revision) for each in found) == sorted(plainly(part, items))


def test_would_not_have_fired_if_it_says_so_and_half_of_that_is_not_enough_when_it_fills_too() -> None:
    part = made("crowding", capacities={"thing-0": 90.0, "thing-2": 70.0}, ahead=3600.0, error=0.05)
    world, items = World(property="people", size=5), observations(3)
    found = play(part, seens(world, items))
    assert {each.why.message for each in found} == {"crowding.full", "crowding.filling"}

    for each in found[:12]:
        one = (each.key, each.at)
        whole, half = (play(part, seens(world, changed(items, each, share))) for share in (1.0, 0.5))
        assert one not in [(other.key, other.at) for other in whole]
        assert one in [(other.key, other.at) for other in half]


def test_over_above_full_is_refused() -> None:
    with pytest.raises(BadInput, match="put clear below full"):
        parts.make("detectors", "crowding", {"capacities": {"x": 1.0}, "clear": 1.2})
