"""Any JSON by a declarative mapping: what is mapped is what was meant, and what is not is told with its path."""

from __future__ import annotations

import pytest
from tests.standards.messages import AT, MAP, PARKS, dumps

from tutela.errors import BadInput
from tutela.model.heard import Heard
from tutela.model.place import Place
from tutela.standards import json_map

PLAIN = """
[[datastream]]
thing = "pump"
time = "/t"
result = "/v"
observed_property = "flow"
unit = "m3/h"
"""


def read(message: object, mapping: str = PLAIN) -> Heard:
    return json_map.read(dumps(message), "s", json_map.load(mapping))


BARE = """
[[datastream]]
thing = "{topic/1}"
result = "#"
observed_property = "{topic/2}"
field = "{topic/2}"
unit = "Cel"
"""


def says(heard: Heard) -> list[str]:
    return [refusal.says for refusal in heard.refused]


def test_each_item_becomes_a_value_of_its_own_datastream() -> None:
    heard = read(PARKS, MAP)

    assert [(value.datastream, value.time, value.columns[0]) for value in heard.values] == [
        ("s/park/7/free-places", AT, 12.0),
        ("s/park/north/free-places", AT, 31.0),
        ("s/air/kallio/pm25", AT, 12.5),
    ]
    assert [(thing.name, thing.place) for thing in heard.things] == [
        ("s/park/7", Place(lat=60.18, lon=24.95)),
        ("s/park/north", Place(lat=60.19, lon=24.96)),
        ("s/air/kallio", None),
    ]
    assert [(stream.kind, stream.unit, stream.interval) for stream in heard.datastreams] == [
        ("counts", "1", 60.0),
        ("counts", "1", 60.0),
        ("readings", "ug/m3", None),
    ]


def test_a_message_can_be_the_one_item() -> None:
    assert [value.columns for value in read({"t": "2026-11-25T08:00:00Z", "v": True}).values] == [(1.0,)]


def test_positions_have_their_latitude_and_longitude_as_the_result() -> None:
    moving = PLAIN.replace('result = "/v"', 'kind = "positions"\nlat = "/at/0"\nlon = "/at/1"')
    heard = read({"t": "2026-11-25T08:00:00Z", "at": [60.18, 24.95]}, moving)

    assert [(value.columns, heard.things[0].place) for value in heard.values] == [((60.18, 24.95), None)]


@pytest.mark.parametrize(
    ("options", "time"),
    [
        ('time_unit = "s"', 1795593600),
        ('time_unit = "ms"', 1795593600000),
        ('time_unit = "us"', 1795593600000000),
        ('time_unit = "min"', 29926560),
        ('zone = "Europe/Helsinki"', "2026-11-25T10:00:00"),
        ("", "2026-11-25T10:00:00+02:00"),
    ],
)
def test_times_are_as_the_mapping_says(options: str, time: object) -> None:
    assert [value.time for value in read({"t": time, "v": 1}, PLAIN + options).values] == [AT]


def test_paths_are_json_pointers() -> None:
    odd = PLAIN.replace('"/v"', '"/a~1b/~0/1"')

    assert [value.columns for value in read({"t": "2026-11-25T08:00:00Z", "a/b": {"~": [1, 2]}}, odd).values] == [
        (2.0,)
    ]


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ({"v": 1}, "the message: there is nothing at /t"),
        ({"t": None, "v": 1}, "the message: there is nothing at /t"),
        ({"t": 5, "v": 1}, "the message: /t is no text with a time; where it is a number, set time_unit"),
        ({"t": "2026-11-25T08:00:00Z", "v": "many"}, "the message: /v is no number"),
        ({"t": "2026-11-25T08:00:00Z", "v": "nan"}, "the message: /v is no number"),
        ({"t": "2026-11-25T08:00:00Z", "v": "1e999"}, "s/pump/flow: it is no finite number"),
        ({"t": "2026-11-25T08:00:00Z", "v": 10**400}, "s/pump/flow: it is no finite number"),
        ({"t": "2026-11-25T08:00:00", "v": 1}, "the message: the time 2026-11-25T08:00:00 has no offset"),
        ([1], "the message: there is nothing at /v"),
    ],
)
def test_what_cannot_be_mapped_is_told(message: object, expected: str) -> None:
    heard = read(message)

    assert heard.values == ()
    assert says(heard)[0].startswith(expected)


def test_an_item_that_is_refused_is_named_by_its_path() -> None:
    parks = [*PARKS["parks"], {"id": 7.5, "free": 1, "at": {"lat": 60, "lon": 24}}, {"id": 1}]
    heard = read({**PARKS, "parks": parks, "air": {}}, MAP)

    assert len(heard.values) == 2
    assert says(heard) == [
        "/parks/2: /id is no text and no whole number, so that nothing can be named by it",
        "/parks/3: there is nothing at /free",
    ]


def test_a_list_that_is_not_there_is_told() -> None:
    assert says(read({"air": []}, MAP)) == ["there is nothing at '/parks/*'"]


@pytest.mark.parametrize(
    ("was", "becomes", "expected"),
    [
        ("[[datastream]]", "[[datastreams]]", "can't be read"),
        (PLAIN, 'about = "x"\ndatastream = []', "maps nothing"),
        ('result = "/v"', "", "readings need result"),
        ('"/v"', '"v"', "'v' is no path"),
        ('"/v"', '"/v/*"', "belongs into each"),
        ('"/t"', '"t"', "is no path"),
        ('"pump"', '"{id}"', "'id' is no path"),
        ('unit = "m3/h"', 'unit = "m3/h"\nkind = "guesses"', "there is no kind"),
        ('unit = "m3/h"', 'unit = "m3/h"\nkind = "positions"', "positions need lat"),
        ('unit = "m3/h"', 'unit = "m3/h"\neach = "x"', "is no path"),
        ('unit = "m3/h"', "unit = 7", "unit"),
    ],
)
def test_a_wrong_mapping_says_which_field_is_wrong(was: str, becomes: str, expected: str) -> None:
    with pytest.raises(BadInput, match=expected):
        json_map.load(PLAIN.replace(was, becomes))


def test_what_a_message_would_become_can_be_shown() -> None:
    heard = read({**PARKS, "parks": [PARKS["parks"][0], {}]}, MAP)

    assert json_map.told(heard) == (
        "2 values of 2 datastreams on 2 things",
        "s/park/7/free-places: 1, such as 12 1 at 2026-11-25T08:00:00.000Z",
        "s/air/kallio/pm25: 1, such as 12.5 ug/m3 at 2026-11-25T08:00:00.000Z",
        "1 refused",
        "/parks/1: there is nothing at /free (1)",
    )


def test_only_some_of_many_datastreams_are_shown() -> None:
    many = {"sent": "2026-11-25T08:00:00Z", "parks": [{**PARKS["parks"][0], "id": number} for number in range(30)]}

    assert "and 10 more datastreams" in json_map.told(read(many, MAP))


def test_a_message_can_be_named_by_its_topic_and_be_of_the_time_when_it_came() -> None:
    mapping = json_map.load(BARE.replace('property = "{topic/2}"', 'property = "temperature"'))
    heard = json_map.read(b"21.5", "s", mapping, topic="city/yard/air", received=AT)

    assert [(value.datastream, value.time, value.columns) for value in heard.values] == [("s/yard/air", AT, (21.5,))]
    assert [thing.name for thing in heard.things] == ["s/yard"]


def test_a_topic_without_that_level_and_a_time_that_nobody_knows_are_told() -> None:
    mapping = json_map.load(BARE)

    assert says(json_map.read(b"21.5", "s", mapping, topic="city/yard", received=AT)) == [
        "the message: the topic 'city/yard' has nothing for {topic/2}"
    ]
    assert says(json_map.read(b"21.5", "s", mapping, topic="a/b/c")) == [
        "the message: nobody knows when it came; set time"
    ]


def test_a_level_that_is_none_is_refused_with_the_mapping() -> None:
    with pytest.raises(BadInput, match=r"write it like \{topic/1\}"):
        json_map.load(BARE.replace("{topic/1}", "{topic/one}"))
