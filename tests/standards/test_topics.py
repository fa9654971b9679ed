"""Messages that are read by their topic: which block takes them, what they are named, and what is refused."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.client import topic_matches_sub
from tests.standards.messages import AT, TOLD, dumps

from tutela.errors import BadInput
from tutela.model.heard import Heard
from tutela.model.place import Place
from tutela.standards import _topics, topics
from tutela.standards.topics import Stream

YARD = {"topic": "city/+/pm25", "thing": "{topic/1}", "observed_property": "pm25", "unit": "ug/m3"}
PLACE = {"lat": 60.17, "lon": 24.94}


def read(payload: bytes, topic: str = "city/yard/pm25", *blocks: dict[str, Any]) -> Heard:
    streams = msgspec.convert(blocks or (YARD,), tuple[Stream, ...])
    return topics.read(payload, "s", datastream=streams, topic=topic, received=AT)


def values(heard: Heard) -> list[tuple[str, int, tuple[float, ...]]]:
    return [(value.datastream, value.time, value.columns) for value in heard.values]


def says(heard: Heard) -> list[str]:
    return [refusal.says for refusal in heard.refused]


def test_a_number_is_of_the_time_when_it_came_and_named_by_its_topic() -> None:
    heard = read(b"12.5", "city/yard/pm25", {**YARD, "place": PLACE, "interval": 60})

    assert values(heard) == [("s/yard/pm25", AT, (12.5,))]
    assert [(one.name, one.kind, one.place) for one in heard.things] == [("s/yard", "device", Place(**PLACE))]
    assert [(one.thing, one.unit, one.interval) for one in heard.datastreams] == [("s/yard", "ug/m3", 60.0)]


def test_the_first_block_whose_topic_fits_reads_a_message() -> None:
    blocks = ({**YARD, "topic": "city/roof/#", "field": "above"}, YARD)

    assert values(read(b"1", "city/roof/pm25", *blocks)) == [("s/roof/above", AT, (1.0,))]
    assert values(read(b"1", "city/yard/pm25", *blocks)) == [("s/yard/pm25", AT, (1.0,))]


def test_a_topic_that_no_block_takes_is_refused_with_what_to_do() -> None:
    with pytest.raises(BadInput, match="no block takes the topic 'city/yard/pm10'; add one"):
        read(b"1", "city/yard/pm10")


def test_an_observation_of_sensorthings_is_read_as_its_server_publishes_it() -> None:
    observation = {
        "@iot.id": 4711,
        "@iot.selfLink": "https://sta.example.org/v1.1/Observations(4711)",
        "phenomenonTime": TOLD,
        "resultTime": None,
        "result": 7.25,
        "resultQuality": None,
        "parameters": {},
        "Datastream@iot.navigationLink": "https://sta.example.org/v1.1/Observations(4711)/Datastream",
    }
    block = {**YARD, "topic": "v1.1/Datastreams(12)/Observations", "thing": "library"}

    assert values(read(dumps(observation), block["topic"], block)) == [("s/library/pm25", AT, (7.25,))]
    with pytest.raises(BadInput, match="no block"):
        read(dumps(observation), "v1.1/Datastreams(13)/Observations", block)


def test_several_lines_are_several_observations_and_a_bad_one_is_refused_by_itself() -> None:
    heard = read(b"1\nnonsense\n3")

    assert [columns for _, _, columns in values(heard)] == [(1.0,), (3.0,)]
    assert len({time for _, time, _ in values(heard)}) == 2
    assert "line 2" in says(heard)[0]


def test_counts_and_positions_are_read_as_what_they_are() -> None:
    moving = {**YARD, "kind": "positions", "observed_property": "position", "unit": "deg"}
    counted = {**YARD, "kind": "counts", "observed_property": "people", "unit": "1"}

    assert values(read(dumps(PLACE), "city/7/pm25", moving)) == [("s/7/position", AT, (60.17, 24.94))]
    assert values(read(b"3", "city/7/pm25", counted)) == [("s/7/people", AT, (3,))]
    assert "Expected `int" in says(read(b"3.5", "city/7/pm25", counted))[0]


def test_what_can_not_be_a_name_or_a_number_is_refused() -> None:
    assert "'s/' " not in str(values(read(b"1e999")))
    assert read(b"1e999").values == ()
    assert says(read(b"1", "city/\x07/pm25"))[0].startswith("a name is plain text")
    with pytest.raises(BadInput, match=r"has nothing for \{topic/1\}"):
        read(b"1", "city//pm25")


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        ({"topic": "city/#/x"}, "# stands for all levels"),
        ({"topic": ""}, "is no topic"),
        ({"thing": "{key}"}, "is no part of a topic"),
        ({"field": "{topic/x}"}, "is no level of a topic"),
    ],
)
def test_a_block_that_could_never_be_used_is_refused_before_anything_comes(wrong: dict[str, str], match: str) -> None:
    with pytest.raises(BadInput, match=match):
        msgspec.convert({**YARD, **wrong}, Stream)


LEVELS = st.text("ab$", max_size=2)
TOPICS = st.lists(LEVELS, min_size=1, max_size=4).map("/".join).filter(bool)
FILTERS = st.tuples(st.lists(LEVELS | st.just("+"), min_size=1, max_size=4), st.booleans()).map(
    lambda made: "/".join([*made[0], *(["#"] if made[1] else [])])
).filter(bool)  # fmt: skip


@given(TOPICS, FILTERS)
def test_a_filter_means_what_it_means_to_a_client_of_mqtt(topic: str, wanted: str) -> None:
    assert _topics.proper(wanted) == wanted
    assert _topics.fits(topic, wanted) == topic_matches_sub(wanted, topic)
