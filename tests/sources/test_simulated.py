"""The simulated city: the same seed gives the same day, everything in it is marked, staged events do what they say."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from tutela_helsinki import EXTRACT

from tutela.app.city import day
from tutela.errors import BadInput, NotFound
from tutela.flow.read_staged import LONGEST
from tutela.maths.cells import metres
from tutela.maths.sun import height
from tutela.model.register import Thing
from tutela.model.when import HOUR, MINUTE, SECOND, parse
from tutela.sources.simulated import ENTRIES, City, Moment, On, Staging, Told, plan
from tutela.sources.streetmap import StreetMap

ORIGIN = 1795593600 * SECOND


STAGINGS = plan(day())


@pytest.fixture(scope="module")
def city(things: tuple[Thing, ...]) -> City:
    return City(things, 7, ORIGIN, STAGINGS, height)


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
    one, other = (list(moments(City(things, 7, ORIGIN, STAGINGS, height), 60)) for _ in range(2))

    assert one == other
    assert one != list(moments(City(things, 8, ORIGIN, STAGINGS, height), 60))


def test_every_simulated_source_says_that_it_is_simulated() -> None:
    assert all(entry.simulated and "simulated" in entry.owner for entry in ENTRIES)


def test_every_line_names_a_datastream_of_the_city_and_its_source(things: tuple[Thing, ...]) -> None:
    city = City(things, 7, ORIGIN, STAGINGS, height)
    source = {stream.name: (stream.source, stream.kind) for stream in city.streams}

    for _, moment in moments(city, 60):
        for key, lines in moment.lines.items():
            assert {source[str(line["datastream"])] for line in lines} == {key}


def test_each_meter_speaks_as_often_as_its_interval_says(things: tuple[Thing, ...]) -> None:
    city = City(things, 7, ORIGIN, STAGINGS, height)
    spoken: dict[str, int] = {}
    for _, moment in moments(city, 120):
        for line in (line for lines in moment.lines.values() for line in lines):
            spoken[str(line["datastream"])] = spoken.get(str(line["datastream"]), 0) + 1

    assert all(spoken[stream.name] == 120 // int(stream.interval or 1) for stream in city.streams)


def events(city: City, number: int) -> list[On]:
    return [city.event(place) for place in range(number)]


def test_the_first_staged_event_is_a_fire_with_calls_and_smoke_near_it(city: City) -> None:
    (staged,) = city.on(ORIGIN + 21 * SECOND)
    calls = [one for _, moment in moments(city, 80) for one in moment.told if one.category.startswith("Fire: smoke")]

    assert staged.staging.what == "fire"
    assert [(call.word, call.place) for call in calls] == [("call", staged.place)] * 4


def test_each_round_stages_everything_that_the_plan_has_once_in_an_order_of_its_own(city: City) -> None:
    size = len(city.stagings)
    one, other = ([city.event(first + number).staging.what for number in range(size)] for first in (0, size))

    assert len(set(one)) == size >= 10
    assert set(one) == set(other)
    assert one != other
    assert one[0] == "fire"


def test_events_that_last_go_on_while_the_next_ones_begin(city: City) -> None:
    for event in events(city, 24):
        assert event in city.on(event.at)
        assert event in city.on(event.until - SECOND)
        assert event not in city.on(event.until)
        assert event not in city.on(event.at - SECOND)


def test_no_event_lasts_longer_than_the_page_waits_before_it_says_that_an_alert_had_no_cause() -> None:
    assert max(staging.lasts for staging in STAGINGS) * SECOND < LONGEST


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
    return next(event for event in events(city, 40) if event.staging.what == what)


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
        ("camera-down", "camera-works", 0),
        ("signal-fault", "signal-fails", 1),
        ("bollard-down", "bollard-raised", 0),
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


def told_of(city: City, event: On) -> list[Told]:
    """What is told of a staged event."""
    return [
        one
        for second in range(event.staging.lasts)
        for one in city.moment(event.at + second * SECOND).told
        if one.id.startswith(f"{event.staging.what}-{event.number}-")
    ]


@pytest.mark.parametrize("what", ["thefts", "medical-cluster", "fallen-tree", "burst-pipe", "rumour"])
def test_whoever_tells_of_what_is_staged_is_near_it_and_in_time(city: City, what: str) -> None:
    event = the(city, what)
    told = told_of(city, event)

    cues = sorted((cue.after, word, cue.said) for word, cue in event.staging.cues)
    assert sorted(((one.at - event.at) // SECOND, one.word, one.said) for one in told) == cues
    assert all(metres(one.place, event.place) < 61 for one in told)
    assert len({one.id for one in told}) == len(told)


def test_people_call_report_and_post_on_any_day_too(city: City) -> None:
    told = [one for _, moment in moments(city, 500) for one in moment.told if one.id.count("-") == 1]

    assert {one.word for one in told} == {"call", "report", "post"}
    assert len({one.id for one in told}) == len(told)


def test_a_report_is_sent_in_the_words_of_open311_and_a_post_without_whoever_wrote_it(city: City) -> None:
    told = told_of(city, the(city, "fallen-tree"))

    bodies = {one.word: (one.path, set(one.body)) for one in told}
    assert bodies == {
        "report": (
            "/v1/reports",
            {"service_request_id", "service_code", "description", "requested_datetime", "lat", "long"},
        ),
        "post": ("/v1/posts", {"id", "at", "lat", "lon", "subject", "said"}),
    }


def said(city: City, observed: str, at: int, seconds: int) -> list[float]:
    """All values of one observed property in that time."""
    return [
        float(str(line["result"]))
        for second in range(seconds)
        for lines in city.moment(at + second * SECOND).lines.values()
        for line in lines
        if str(line["datastream"]).endswith(f"/{observed}")
    ]


def test_lamps_burn_when_the_sun_is_down_and_then_draw_power(city: City) -> None:
    night, noon = parse("2026-11-25T00:00:00Z"), parse("2026-11-25T10:20:00Z")

    assert (set(said(city, "lamp-lit", night, 60)), set(said(city, "lamp-lit", noon, 60))) == ({1.0}, {0.0})
    assert min(said(city, "power", night, 60)) > 50
    assert max(said(city, "power", noon, 60)) < 10


@pytest.fixture(scope="module")
def quiet(things: tuple[Thing, ...]) -> City:
    """Where nothing is staged but a crowd."""
    return City(things, 7, ORIGIN, [staging for staging in STAGINGS if staging.what == "crowd"], height)


def test_lamps_come_on_one_after_the_other_at_dusk(quiet: City) -> None:
    city, dusk = quiet, parse("2026-11-25T13:30:00Z")
    lit = [sum(said(city, "lamp-lit", dusk + minute * MINUTE, 60)) for minute in range(0, 60, 10)]

    assert lit == sorted(lit)
    assert len({0 < count < 585 for count in lit}) == 2


def test_in_summer_lamps_burn_for_a_few_hours_only(city: City) -> None:
    days = {
        day: [set(said(city, "lamp-lit", parse(day) + hour * HOUR, 5)) for hour in range(24)]
        for day in ("2026-06-21T00:00:00Z", "2026-12-21T00:00:00Z")
    }
    summer, winter = (sum(hour == {1.0} for hour in hours) for hours in days.values())

    assert summer < 6
    assert winter > 15


def test_a_bollard_goes_down_now_and_then_and_comes_up_again(city: City) -> None:
    raised = [said(city, "bollard-raised", ORIGIN + minute * MINUTE, 30) for minute in range(0, 60, 5)]

    assert all(set(some) <= {0.0, 1.0} for some in raised)
    assert 0 < sum(some.count(0.0) for some in raised) < sum(map(len, raised)) / 20


def test_nothing_fails_unless_it_is_staged(quiet: City) -> None:
    assert (set(said(quiet, "camera-works", ORIGIN, 60)), set(said(quiet, "signal-fails", ORIGIN, 60))) == (
        {1.0},
        {0.0},
    )


def test_whatever_stands_in_the_map_speaks(city: City, things: tuple[Thing, ...]) -> None:
    assert {stream.thing for stream in city.streams} == {thing.name for thing in things}
    assert {stream.source for stream in city.streams} <= {entry.name for entry in ENTRIES}


def test_what_can_be_staged_nowhere_is_said_at_the_start(things: tuple[Thing, ...]) -> None:
    nowhere = Staging(what="flood", says="", at="bollard", near=("level",), lasts=60, expects=("flood",))

    with pytest.raises(BadInput, match="flood can be staged nowhere: no bollard has level near it"):
        City(things, 7, ORIGIN, [nowhere], height)
