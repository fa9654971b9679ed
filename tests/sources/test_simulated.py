"""The simulated city: the same seed gives the same day, everything in it is marked, staged events do what they say."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tutela_helsinki import EXTRACT

from tutela.errors import NotFound
from tutela.model.register import Thing
from tutela.model.when import SECOND
from tutela.sources.simulated import ENTRIES, EVERY, City, Moment, Staged
from tutela.sources.streetmap import StreetMap

ORIGIN = 1795593600 * SECOND


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
    one, other = (list(moments(City(things, 7, ORIGIN), 60)) for _ in range(2))

    assert one == other
    assert one != list(moments(City(things, 8, ORIGIN), 60))


def test_every_simulated_source_says_that_it_is_simulated() -> None:
    assert all(entry.simulated and "simulated" in entry.owner for entry in ENTRIES)


def test_every_line_names_a_datastream_of_the_city_and_its_source(things: tuple[Thing, ...]) -> None:
    city = City(things, 7, ORIGIN)
    source = {stream.name: (stream.source, stream.kind) for stream in city.streams}

    for _, moment in moments(city, 60):
        for key, lines in moment.lines.items():
            assert {source[str(line["datastream"])] for line in lines} == {key}


def test_each_meter_speaks_as_often_as_its_interval_says(things: tuple[Thing, ...]) -> None:
    city = City(things, 7, ORIGIN)
    spoken: dict[str, int] = {}
    for _, moment in moments(city, 120):
        for line in (line for lines in moment.lines.values() for line in lines):
            spoken[str(line["datastream"])] = spoken.get(str(line["datastream"]), 0) + 1

    assert all(spoken[stream.name] == 120 // int(stream.interval or 1) for stream in city.streams)


def test_the_first_staged_event_is_a_fire_with_calls_and_smoke_near_it(things: tuple[Thing, ...]) -> None:
    city = City(things, 7, ORIGIN)
    staged = city.staged(ORIGIN + 21 * SECOND)
    calls = [
        call for _, moment in moments(city, 80) for call in moment.calls if call.category.startswith("Fire: smoke")
    ]

    assert isinstance(staged, Staged)
    assert staged.what == "fire"
    assert [(call.lat, call.lon) for call in calls] == [(staged.place.lat, staged.place.lon)] * 4


def test_silent_lamps_send_nothing_while_it_lasts(things: tuple[Thing, ...]) -> None:
    city = City(things, 7, ORIGIN)
    starts = (city.staged(ORIGIN + 20 * SECOND + number * EVERY + 60 * SECOND) for number in range(60))
    staged = next(event for event in starts if event and event.what == "silent-lamps")
    before = sum(
        len(lines) for (source, _), lines in _minute(city, staged.at - 60 * SECOND) if source == "simulated-lamps"
    )
    during = sum(len(lines) for (source, _), lines in _minute(city, staged.at) if source == "simulated-lamps")

    assert during < before


def _minute(city: City, at: int) -> Iterator[tuple[tuple[str, str], list[dict[str, object]]]]:
    for second in range(60):
        yield from city.moment(at + second * SECOND).lines.items()
