"""Simulated units: the same seed and second give the same places, on real streets, never faster than they may be."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path as File

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tutela_helsinki import EXTRACT

from tutela.errors import BadInput
from tutela.maths.cells import metres
from tutela.maths.streets import Net, Path, net
from tutela.model.kinds import KINDS, Key
from tutela.model.place import Place
from tutela.model.street import Street
from tutela.model.when import SECOND, iso
from tutela.sources.streetmap import StreetMap
from tutela.sources.units import EVERY, FLEET, SPEEDS, STOPS, TOUR, UNITS, Units

ORIGIN = 1795593600 * SECOND


@pytest.fixture(scope="module")
def streets() -> Net:
    return net(StreetMap(File(str(EXTRACT))).streets()).whole()


@pytest.fixture(scope="module")
def units(streets: Net) -> Units:
    return Units(streets, 7)


def test_the_same_seed_and_second_give_the_same_positions_whatever_was_asked_before(streets: Net, units: Units) -> None:
    later = [units.lines(ORIGIN + second * SECOND) for second in (5000, 4000, 9000)]
    fresh = Units(streets, 7)

    assert [fresh.lines(ORIGIN + second * SECOND) for second in (5000, 4000, 9000)] == later
    assert later != [Units(streets, 8).lines(ORIGIN + second * SECOND) for second in (5000, 4000, 9000)]


@given(number=st.integers(0, len(FLEET) - 1), second=st.integers(0, 10 * TOUR))
def test_a_unit_never_jumps_also_where_one_half_hour_follows_another(units: Units, number: int, second: int) -> None:
    here = units.place(number, ORIGIN + second * SECOND)
    then = units.place(number, ORIGIN + (second + 1) * SECOND)

    assert metres(here, then) <= SPEEDS[1] + 0.1


def test_units_drive_and_stop_and_are_back_at_their_base_when_the_half_hour_ends(units: Units) -> None:
    for number in range(len(FLEET)):
        places = [units.place(number, ORIGIN + second * SECOND) for second in range(TOUR + 1)]
        moves = [metres(one, other) for one, other in pairwise(places)]

        assert places[0] == places[TOUR] == units.base(number)
        assert STOPS[0] <= sum(move < 0.01 for move in moves) < TOUR
        assert sum(moves) > 1000
        assert len({(round(place.lat, 4), round(place.lon, 4)) for place in places}) > 20


def test_units_keep_to_the_streets(streets: Net, units: Units) -> None:
    for number in range(len(FLEET)):
        for leg in units._tour(number, ORIGIN // SECOND // TOUR):
            assert isinstance(leg.way, Path)
            assert all(other in dict(streets.links[one]) for one, other in pairwise(leg.way.nodes))
            assert SPEEDS[0] <= leg.speed <= SPEEDS[1]


def test_each_unit_tells_its_position_every_five_seconds(units: Units) -> None:
    told: dict[object, list[object]] = {}
    for second in range(60):
        for line in units.lines(ORIGIN + second * SECOND):
            assert line["phenomenonTime"] == iso(ORIGIN + second * SECOND)
            told.setdefault(line["datastream"], []).append(second)

    assert told.keys() == {stream.name for stream in units.streams}
    assert all(len(seconds) == 60 // EVERY for seconds in told.values())


def test_what_is_entered_says_that_it_is_simulated_and_about_people(units: Units) -> None:
    assert UNITS.simulated
    assert UNITS.personal_data
    assert {stream.source for stream in units.streams} == {UNITS.name}
    assert {stream.purpose for stream in units.streams} <= set(UNITS.purposes)
    assert [stream.thing for stream in units.streams] == [thing.name for thing in units.things]
    assert all(KINDS[stream.kind].key is Key.THING for stream in units.streams)
    assert {unit.agency for unit in FLEET} == {"fire", "ambulance", "police"}


def test_without_streets_nobody_drives() -> None:
    with pytest.raises(BadInput, match="no streets"):
        Units(net([]), 7)


def test_streets_that_do_not_hang_together_are_refused() -> None:
    places = tuple(Place(lat=60.0 + node * 0.001, lon=25.0) for node in range(3))
    apart = net([Street(nodes=(0, 1, 2), places=places, backwards=False)])

    with pytest.raises(BadInput, match="hang together"):
        Units(apart, 7).lines(ORIGIN)
