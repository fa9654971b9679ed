"""Crowding of positions: each Thing counts once and where it was last, and nobody can be told from what is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import h3.api.basic_int as h3
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from tutela.detectors.crowding_positions import CrowdingPositions
from tutela.errors import BadInput
from tutela.maths.cells import around, cell_of, centre_of
from tutela.model.detection import Detection
from tutela.model.place import Place
from tutela.model.when import MINUTE, SECOND
from tutela_promises.examples import START, made
from tutela_promises.stage import CENTRE, Item, Observed, Ticked, World, play, seens

HERE = cell_of(CENTRE)
NEXT, FURTHER = next(cell for cell in around(HERE) if cell != HERE), max(set(around(HERE, 3)) - set(around(HERE, 2)))


def crowding(**options: object) -> CrowdingPositions:
    part = made("crowding_positions", **{"window": 120.0, **options})
    assert isinstance(part, CrowdingPositions)
    return part


def world(size: int = 30, *purposes: str) -> World:
    return World(property="position", size=size, kind="positions", purposes=purposes or ("public-safety",))


def at(minute: float, cell: int, *slots: int) -> list[Item]:
    """These Things are in that cell then, all at its middle."""
    return [Observed(slot, START + round(minute * MINUTE), place=centre_of(cell)) for slot in slots]


def tick(minute: float) -> Item:
    return Ticked(START + round(minute * MINUTE))


def told(items: Sequence[Item], of: World | None = None, **options: object) -> list[Detection]:
    return play(crowding(**options), seens(of or world(), items))


def says(found: Sequence[Detection]) -> list[tuple[int, float, float | int | str]]:
    return [(each.cell, (each.at - START) / MINUTE, each.why.inputs["things"]) for each in found]


def test_ten_in_one_place_are_told_at_the_tick_and_nine_never() -> None:
    assert says(told([*at(0, HERE, *range(10)), tick(1)])) == [(HERE, 1.0, 10)]
    assert told([*at(0, HERE, *range(9)), tick(1)]) == []


@pytest.mark.parametrize("full", [0, 1, 9])
def test_no_option_makes_it_tell_of_a_group_of_fewer_than_ten(full: int) -> None:
    with pytest.raises(BadInput, match=r"Expected `int` >= 10 - at `\$\.full`"):
        crowding(full=full)


def test_each_thing_counts_once_however_often_it_speaks() -> None:
    often = [one for minute in range(5) for one in at(minute / 10, HERE, *range(9))]

    assert told([*often, tick(1)]) == []


def test_a_thing_that_tells_twice_where_it_is_counts_once() -> None:
    """Two datastreams for each, as of a vehicle with a radio and a telephone."""

    def found(size: int) -> int:
        (one,) = seens(world(), [*at(0, HERE, *range(size)), tick(1)])
        assert one.catalogue
        known = {id_: structs.replace(of, thing=f"car-{id_ // 8}") for id_, of in one.catalogue.by_id.items()}
        return len(play(crowding(), [replace(one, catalogue=replace(one.catalogue, by_id=known))]))

    assert (found(18), found(20)) == (0, 1)


def test_a_thing_is_where_it_was_last_and_nowhere_after_the_window() -> None:
    together = at(0, HERE, *range(10))

    assert told([*together, *at(0.5, FURTHER, 9), tick(1)]) == []
    assert len(told([*together, tick(2)])) == 1
    assert told([*together, tick(2.1)]) == []


def test_where_somebody_was_is_forgotten_after_the_window() -> None:
    part, state, kept = crowding(), crowding().begin(), list[bytes]()
    for seen in seens(world(), [*at(0, HERE, *range(10)), tick(1), tick(2.1)]):
        state, _ = part.step(state, seen)
        kept.append(part.changed(state)["cell"])

    assert HERE.to_bytes(8, "little") in kept[0]
    assert not any(kept[1])


def test_neighbours_count_as_far_as_it_is_told_to_look() -> None:
    items = [*at(0, HERE, *range(6)), *at(0, NEXT, *range(6, 10)), tick(1)]

    assert told(items, rings=0) == []
    assert says(told(items, rings=1)) == [(HERE, 1.0, 10)]


def test_one_crowd_is_told_once_at_its_heart_until_it_is_over() -> None:
    """Over when fewer than eight of ten are left."""

    def minute(number: int, many: int) -> list[Item]:
        rest = range(many, 12)
        return [*at(number, HERE, *range(many)), *at(number, FURTHER, *rest), tick(number + 0.5)]

    items = [one for number, many in enumerate((9, 11, 10, 8, 12, 7, 10)) for one in minute(number, many)]

    assert says(told(items)) == [(HERE, 1.5, 11), (HERE, 6.5, 10)]


def test_two_crowds_are_two() -> None:
    items = [*at(0, HERE, *range(10)), *at(0, FURTHER, *range(10, 22)), tick(1)]

    assert sorted(says(told(items))) == sorted([(HERE, 1.0, 10), (FURTHER, 1.0, 12)])


def test_what_was_collected_for_something_else_is_not_counted() -> None:
    items = [*at(0, HERE, *range(18)), tick(1)]
    both = world(30, "public-safety", "emergency-response")

    assert told(items, both) == []
    assert says(told([*at(0, HERE, *range(20)), tick(1)], both)) == [(HERE, 1.0, 10)]
    (found,) = told([*at(0, HERE, *range(20)), tick(1)], both, purpose="emergency-response")
    assert found.purpose == "emergency-response"


def test_a_source_is_named_only_if_a_whole_group_is_its_own() -> None:
    """Source 0 has the even ones."""
    ten_and_three = [*range(0, 20, 2), 1, 3, 5]

    (found,) = told([*at(0, HERE, *ten_and_three), tick(1)])

    assert found.sources == ("source-0",)
    assert (found.datastreams, found.facts, found.place) == ((), (), centre_of(HERE))


def test_what_is_doubted_is_not_counted() -> None:
    (one,) = seens(world(), [*at(0, HERE, *range(10)), tick(1)])

    assert len(play(crowding(), [one])) == 1
    assert play(crowding(), [replace(one, doubted=np.array([3]))]) == []


places = st.builds(
    lambda slot, second, north, east: Observed(
        slot, START + second * SECOND, place=Place(lat=60.17 + 0.001 * north, lon=24.94 + 0.002 * east)
    ),
    st.integers(0, 39),
    st.integers(0, 600),
    st.integers(-4, 4),
    st.integers(-4, 4),
)


@settings(max_examples=60)
@given(st.lists(places, min_size=40, max_size=200), st.integers(0, 2))
def test_what_is_told_is_what_one_counts_by_hand(rows: list[Observed], rings: int) -> None:
    """And where nothing is told, no cell has the most around and enough, but near a crowd that is known."""
    rows.sort(key=lambda row: row.time)
    items: list[Item] = []
    for minute in range(11):
        items += [row for row in rows if minute * MINUTE <= row.time - START < (minute + 1) * MINUTE]
        items.append(tick(minute + 1))
    found = says(told(items, world(40), rings=rings))
    known: list[int] = []
    for minute in range(1, 12):
        now = START + minute * MINUTE
        newest = {row.slot: row for row in rows if row.time < now}
        cells = [
            h3.latlng_to_cell(row.place.lat, row.place.lon, 9)
            for row in newest.values()
            if row.place and row.time >= now - 120 * SECOND
        ]
        around_ = {cell: sum(other in h3.grid_disk(cell, rings) for other in cells) for cell in {*cells, *known}}
        known = [cell for cell in known if around_[cell] >= 8]
        new = {cell: things for cell, at_, things in found if at_ == minute}
        for cell, things in new.items():
            assert things == around_[cell] >= 10
            assert not any(cell in h3.grid_disk(old, rings) for old in known)
        for cell in {*cells} - new.keys():
            others = [cells.count(other) for other in h3.grid_disk(cell, rings) if other != cell]
            near = any(cell in h3.grid_disk(old, rings) for old in known)
            assert around_[cell] < 10 or near or cells.count(cell) <= max(others, default=0)
        known = sorted([*known, *new])
