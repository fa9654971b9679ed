"""The simulated city: the same seed gives the same day, everything in it is marked, staged events do what they say."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from tutela_helsinki import EXTRACT

from tutela.app.city import day
from tutela.errors import BadInput, NotFound
from tutela.maths.cells import metres
from tutela.model.place import Place
from tutela.model.register import Thing
from tutela.model.when import SECOND
from tutela.sources.simulated import ENTRIES, City, Moment, On, Staging, plan
from tutela.sources.streetmap import StreetMap

ORIGIN = 1795593600 * SECOND


STAGINGS = plan(day())


@pytest.fixture(scope="module")
def city(things: tuple[Thing, ...]) -> City:
    return City(things, 7, ORIGIN, STAGINGS)


@pytest.fixture(scope="module")
def things() -> tuple[Thing, ...]:
    return StreetMap(Path(str(EXTRACT))).things("streetmap")


def moments(city: City, seconds: int) -> Iterator[tuple[int, Moment]]:
    for second in range(seconds):
        at = ORIGIN + second * SECOND
        yield at, city.moment(at)


def test_the_map_gives_the_real_things_of_central_helsinki(things: tuple[Thing, ...]) -> None:
    kinds = [thing.kind for thing in things]

    assert {kind: kinds.count(kind) for kind in set(kinds)} == {
        "camera": 221,
        "street-lamp": 585,  # of 586: one is also a camera
        "traffic-signal": 135,
        "bollard": 125,
        "lift-gate": 6,
    }
    assert all(thing.place and 60.1 < thing.place.lat < 60.3 and 24.8 < thing.place.lon < 25.1 for thing in things)


def test_a_missing_map_says_what_to_do() -> None:
    with pytest.raises(NotFound, match="reinstall"):
        StreetMap(Path("nowhere.osm.pbf")).things("streetmap")


def test_the_same_seed_gives_the_same_day(things: tuple[Thing, ...]) -> None:
    one, other = (list(moments(City(things, 7, ORIGIN, STAGINGS), 60)) for _ in range(2))

    assert one == other
    assert one != list(moments(City(things, 8, ORIGIN, STAGINGS), 60))


def test_every_simulated_source_says_that_it_is_simulated() -> None:
    assert all(entry.simulated and "simulated" in entry.owner for entry in ENTRIES)


def test_every_line_names_a_datastream_of_the_city_and_its_source(things: tuple[Thing, ...]) -> None:
    city = City(things, 7, ORIGIN, STAGINGS)
    source = {stream.name: (stream.source, stream.kind) for stream in city.streams}

    for _, moment in moments(city, 60):
        for key, lines in moment.lines.items():
            assert {source[str(line["datastream"])] for line in lines} == {key}


def test_each_meter_speaks_as_often_as_its_interval_says(things: tuple[Thing, ...]) -> None:
    city = City(things, 7, ORIGIN, STAGINGS)
    spoken: dict[str, int] = {}
    for _, moment in moments(city, 120):
        for line in (line for lines in moment.lines.values() for line in lines):
            spoken[str(line["datastream"])] = spoken.get(str(line["datastream"]), 0) + 1

    assert all(spoken[stream.name] == 120 // int(stream.interval or 1) for stream in city.streams)


def events(city: City, number: int) -> list[On]:
    return [city.event(place) for place in range(number)]


def test_the_first_staged_event_is_a_fire_with_calls_and_smoke_near_it(city: City) -> None:
    (staged,) = city.on(ORIGIN + 21 * SECOND)
    calls = [
        call for _, moment in moments(city, 80) for call in moment.calls if call.category.startswith("Fire: smoke")
    ]

    assert staged.staging.what == "fire"
    assert [(call.lat, call.lon) for call in calls] == [(staged.place.lat, staged.place.lon)] * 4


def test_each_round_stages_everything_that_the_plan_has_once_in_an_order_of_its_own(city: City) -> None:
    one, other = ([event.staging.what for event in events(city, 24)[first : first + 12]] for first in (0, 12))

    assert len(set(one)) == 12 == len(city.stagings)
    assert set(one) == set(other)
    assert one != other
    assert one[0] == "fire"


def test_events_that_last_go_on_while_the_next_ones_begin(city: City) -> None:
    for event in events(city, 24):
        assert event in city.on(event.at)
        assert event in city.on(event.until - SECOND)
        assert event not in city.on(event.until)
        assert event not in city.on(event.at - SECOND)


def test_an_event_is_told_once_when_it_is_over(city: City) -> None:
    times = [ORIGIN + second * SECOND for second in (*range(3000), 3007, 3200, 3999)]
    told = [staged for last, at in pairwise(times) for staged in city.over(last, at)]
    past = [event for event in events(city, 24) if event.until <= times[-1]]

    assert sorted(told, key=lambda one: one.at) == [event.noun for event in past]
    assert all(event.noun.expects for event in past)


def values(city: City, event: On, after: int) -> dict[str, list[float]]:
    """What is said in a minute of an event by the datastreams that it changes, by observed property."""
    properties = {stream.name: stream.observed_property for stream in city.streams if event.of(stream, event.place)}
    found: dict[str, list[float]] = {name: [] for name in properties.values()}
    for second in range(60):
        for lines in city.moment(event.at + (after + second) * SECOND).lines.values():
            for line in lines:
                if line["datastream"] in properties:
                    found[properties[str(line["datastream"])]].append(float(str(line["result"])))
    return found


def the(city: City, what: str) -> On:
    return next(event for event in events(city, 24) if event.staging.what == what)


@pytest.mark.parametrize(
    ("what", "observed", "least"),
    [("fire", "pm25", 250), ("crowd", "people", 150), ("noise", "noise", 80), ("bad-air", "pm25", 140)],
)
def test_what_a_staged_event_adds_is_there_and_was_not_before(
    city: City, what: str, observed: str, least: float
) -> None:
    event = the(city, what)

    assert min(values(city, event, 0)[observed]) > least
    if what != "fire":  # the first minute of all
        assert min(values(city, event, -60)[observed]) < least


@pytest.mark.parametrize(
    ("what", "observed", "result"),
    [
        ("blocked-street", "speed", 3),
        ("gate-open", "open", 1),
        ("bollard-hit", "tilt", 34),
        ("broken-sensor", "pm25", 65535),
    ],
)
def test_what_a_staged_event_sets_is_said(city: City, what: str, observed: str, result: float) -> None:
    event = the(city, what)

    assert set(values(city, event, 0)[observed]) == {result}
    assert result not in values(city, event, event.staging.lasts + 1)[observed]


def test_a_sensor_that_is_stuck_says_one_and_the_same(city: City) -> None:
    event = the(city, "stuck-sensor")

    assert len(set(values(city, event, 60)["noise"])) == 1


def test_lamps_without_their_link_say_nothing_while_it_lasts(city: City) -> None:
    event = the(city, "silent-lamps")

    assert values(city, event, -60)["power"]
    assert values(city, event, 60)["power"] == []


def test_whoever_calls_about_a_series_is_near_it_and_in_time(city: City) -> None:
    for what in ("thefts", "medical-cluster"):
        event = the(city, what)
        category = event.staging.calls[0].category
        called = [
            call
            for second in range(event.staging.lasts)
            for call in city.moment(event.at + second * SECOND).calls
            if call.category == category
        ]
        assert len(called) == len(event.staging.calls)
        assert all(metres(Place(lat=call.lat, lon=call.lon), event.place) < 61 for call in called)
        assert len({call.id for call in called}) == len(called)


def test_what_can_be_staged_nowhere_is_said_at_the_start(things: tuple[Thing, ...]) -> None:
    nowhere = Staging(what="flood", says="", at="bollard", near=("level",), lasts=60, expects=("flood",))

    with pytest.raises(BadInput, match="flood can be staged nowhere: no bollard has level near it"):
        City(things, 7, ORIGIN, [nowhere])
