"""Fence: what it says row by row is what it does with columns; it tells of an area, and not where a Thing was."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tutela.detectors.fence import Fence
from tutela.errors import BadInput
from tutela.maths.cells import metres, north_of
from tutela.model.detection import Detection
from tutela.model.flow import encode
from tutela.model.place import Place
from tutela.model.when import MINUTE, SECOND
from tutela.model.why import Moved
from tutela_promises.changes import changed
from tutela_promises.examples import START, made
from tutela_promises.stage import CENTRE, Item, Observed, Ticked, World, play, seens, slot_of
from tutela_promises.streams import positions

WORLD = World(property="position", size=5, kind="positions")
STAYS = {"tells": "stays", "dwell": 600.0}
CORNERS = [(-0.004, -0.004), (-0.004, 0.006), (0.002, 0.006), (0.0005, 0.0), (0.003, -0.004)]
HOLE = [(-0.002, 0.001), (-0.002, 0.003), (-0.001, 0.002)]
POLYGON: Mapping[str, object] = {
    "shape": "polygon",
    "outer": [{"lat": CENTRE.lat + north, "lon": CENTRE.lon + east} for north, east in CORNERS],
    "holes": [[{"lat": CENTRE.lat + north, "lon": CENTRE.lon + east} for north, east in HOLE]],
}
USES: Mapping[str, Mapping[str, object]] = {
    "enters": {},
    "leaves": {"tells": "leaves"},
    "stays": STAYS,
    "a polygon": {"area": POLYGON, "margin": 15.0},
    "leaves a polygon": {"area": POLYGON, "tells": "leaves", "margin": 15.0},
    "stays in a polygon": {"area": POLYGON, "margin": 15.0, **STAYS},
    "without a margin": {"margin": 0.0, "tells": "leaves"},
}


def fence(**options: object) -> Fence:
    part = made("fence", **options)
    assert isinstance(part, Fence)
    return part


def away(at: int, far: float, slot: int = 0) -> Observed:
    return Observed(slot, START + at * SECOND, place=north_of(CENTRE, far))


def told(part: Fence, items: Sequence[Item]) -> list[Detection]:
    return play(part, seens(WORLD, items))


def times(found: Sequence[Detection]) -> list[int]:
    return [(each.at - START) // SECOND for each in found]


def row_by_row(part: Fence, items: Sequence[Item]) -> Iterator[tuple[int, int, int]]:
    """The definition, for the circle of the example: (at, slot, since) of each."""
    inside: dict[int, bool] = {}
    since: dict[int, int] = {}
    rang = set[tuple[int, int]]()
    stayed = set[tuple[int, int]]()
    for item in items:
        if isinstance(item, Observed):
            assert item.place is not None
            far = metres(CENTRE, item.place) - 200.0
            now = far < 0 if abs(far) > part.margin else inside.get(item.slot)
            before = inside.get(item.slot)
            if now is not None and now != before:
                inside[item.slot], since[item.slot] = now, item.time
                crossed = before is not None and part.tells == ("enters" if now else "leaves")
                if crossed and (item.slot, item.time) not in rang:
                    rang.add((item.slot, item.time))
                    yield item.time, item.slot, item.time
        else:
            assert isinstance(item, Ticked)
        at, waiting = (item.at, sorted(inside)) if isinstance(item, Ticked) else (item.time, [item.slot])
        for slot in waiting if part.tells == "stays" else ():
            long = inside.get(slot, False) and at - since[slot] >= part.dwell * SECOND
            if long and (slot, since[slot]) not in stayed:
                stayed.add((slot, since[slot]))
                yield at, slot, since[slot]


@st.composite
def streams(draw: st.DrawFn) -> list[Item]:
    """Positions of three Things near the edge, each in the order of its time, some of one moment; ticks, not all late enough."""
    at, items = START, list[Item]()
    for _ in range(draw(st.integers(0, 40))):
        at += draw(st.sampled_from((0, 1, 60, 300))) * SECOND
        slot = draw(st.integers(-1, 2))
        far = draw(st.sampled_from((0.0, 150.0, 179.0, 181.0, 199.0, 201.0, 219.0, 221.0, 400.0)))
        early = draw(st.sampled_from((0, 0, 0, 30))) * SECOND
        items.append(Ticked(at + early) if slot < 0 else Observed(slot, at, place=north_of(CENTRE, far)))
    return items


@settings(deadline=None)
@given(items=streams(), cuts=st.lists(st.integers(0, 40)), use=st.sampled_from([{}, {"tells": "leaves"}, STAYS]))
def test_does_what_it_says_row_by_row(items: list[Item], cuts: list[int], use: dict[str, object]) -> None:
    part = fence(**use)

    found = play(part, seens(WORLD, items, [cut for cut in cuts if cut < len(items)]))

    assert sorted((each.at, slot_of(each.datastreams[0]), each.since) for each in found) == sorted(
        row_by_row(part, items)
    )
    assert len({each.id for each in found}) == len(found)


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_would_not_have_fired_if_it_says_so_and_half_of_that_is_not_enough(use: Mapping[str, object]) -> None:
    part, items = fence(**use), positions(5)
    found = told(part, items)
    assert len(found) > 5
    for some in np.random.default_rng(1).permutation(len(found))[:5].tolist():
        one = (found[some].key, found[some].at)
        whole, half = (told(part, changed(items, found[some], share, part.area)) for share in (1.0, 0.5))

        assert one not in [(each.key, each.at) for each in whole]
        assert one in [(each.key, each.at) for each in half]


def test_a_position_that_jitters_at_the_edge_rings_once() -> None:
    jitter = [away(60 * n, 200.0 + 19.0 * (-1) ** n) for n in range(1, 50)]

    assert times(told(fence(), [away(0, 300.0), *jitter, away(3000, 170.0), *jitter[49:]])) == [3000]
    assert told(fence(tells="leaves"), [away(0, 100.0), *jitter]) == []


def test_one_that_was_never_seen_outside_has_not_come_in() -> None:
    assert told(fence(), [away(0, 10.0), away(60, 20.0)]) == []
    assert times(told(fence(**STAYS), [away(0, 10.0), away(600, 20.0)])) == [600]


def test_a_stay_is_completed_by_a_tick_and_told_once() -> None:
    items: list[Item] = [
        away(0, 10.0),
        *(Ticked(START + n * MINUTE) for n in range(30)),
        away(1790, 210.0),
        away(1900, 10.0),
    ]

    (found,) = told(fence(**STAYS), items)

    assert (found.since, times([found])) == (START, [600])


def test_a_stay_that_a_tick_told_is_not_told_again_by_a_row_from_before_the_tick() -> None:
    items: list[Item] = [away(0, 10.0), Ticked(START + 600 * SECOND), away(590, 10.0), Ticked(START + 700 * SECOND)]

    assert times(told(fence(**STAYS), items)) == [600]


def test_a_hole_is_outside() -> None:
    spots = [(-0.003, 0.002), (-0.0017, 0.002), (-0.003, 0.002)]
    items: list[Item] = [
        Observed(0, START + n * MINUTE, place=Place(lat=CENTRE.lat + north, lon=CENTRE.lon + east))
        for n, (north, east) in enumerate(spots)
    ]

    assert times(told(fence(area=POLYGON, margin=5.0, tells="leaves"), items)) == [60]
    assert times(told(fence(area=POLYGON, margin=5.0), items)) == [120]


def test_it_tells_nothing_of_where_a_thing_was() -> None:
    """A finding is stored in the clear: it has the area's place, and roughly how far the Thing was from its edge."""
    items = positions(7)
    found = told(fence(), items)
    said = b"".join(encode(each) for each in found)

    assert {each.place for each in found} == {CENTRE}
    for item in items:
        if isinstance(item, Observed) and item.place is not None:
            assert str(item.place.lat).encode() not in said


def test_who_was_east_and_who_was_west_of_an_area_are_told_alike() -> None:
    """From what is told, and the area that all know, nobody works out the position."""

    def unless(east: float) -> Moved:
        spots = [north_of(CENTRE, 300.0), Place(lat=CENTRE.lat, lon=CENTRE.lon + east)]
        (found,) = told(fence(), [Observed(0, START + n * MINUTE, place=spot) for n, spot in enumerate(spots)])
        assert isinstance(found.why.unless, Moved)
        return found.why.unless

    one = unless(0.0030)

    assert one == unless(0.00301) == unless(-0.0030)
    assert one.metres % 10 == 0
    assert set(msgspec.structs.asdict(one)) == {"datastream", "time", "metres"}


def test_other_kinds_and_properties_are_left_alone() -> None:
    readings = World(property="position", size=1)

    assert play(fence(), seens(readings, [Observed(0, START, 60.0), Observed(0, START + 1, 60.0)])) == []
    assert told(fence(observed_property="another"), positions(7)) == []
    assert told(fence(observed_property="nobody's"), positions(7)) == []


@pytest.mark.parametrize("options", [{"tells": "stays"}, {"dwell": 60.0}])
def test_a_dwell_belongs_to_who_stays(options: dict[str, object]) -> None:
    with pytest.raises(BadInput, match="only a fence that tells who stays has a dwell"):
        fence(**options)


def test_an_area_that_cannot_be_measured_is_refused_at_the_start() -> None:
    area = {"shape": "circle", "centre": msgspec.to_builtins(CENTRE), "radius": 50_000.0}

    with pytest.raises(BadInput, match="cut it into parts"):
        fence(area=area)
