"""What every standard of a city's feeds promises: what it hears can be offered as it is, and garbage is a clear error."""

from __future__ import annotations

import json
import math
from copy import deepcopy
from typing import Any
from xml.etree.ElementTree import fromstring, tostring

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.standards.messages import AT, HOUR, MESSAGES, Read

from tutela.errors import BadInput
from tutela.model.flow import Offer
from tutela.model.heard import Heard
from tutela.model.kinds import kind
from tutela.model.place import Place
from tutela.model.register import Source
from tutela.model.rows import Rows
from tutela.model.timeline import LIVE
from tutela.model.when import DAY
from tutela.policy.gate import Admission, admit
from tutela.standards._hearing import MOST_BYTES, MOST_NAME, SPEED, Hearing, Measure, at, period, since_epoch
from tutela.standards._shapes import shape
from tutela.standards.observations import NAMED
from tutela_promises.traps import trapped

EVERY = pytest.mark.parametrize(("read", "body"), MESSAGES.values(), ids=MESSAGES)
COUNT = Measure("counts", "people", "1")
FLAG = Measure("readings", "flag", "1")
CITY = Source(
    name="city",
    owner="City of Example",
    kind="feeds",
    purposes=("city-operations",),
    legal_basis="PublicInterest",
    personal_data=True,
    place="here",
)
FEW = settings(max_examples=60, deadline=None)


def check(heard: Heard, source: str) -> None:
    """What whoever receives it relies on."""
    things = {thing.name: thing for thing in heard.things}
    streams = {stream.name: stream for stream in heard.datastreams}

    assert len(things) == len(heard.things)
    assert len(streams) == len(heard.datastreams)
    assert all(name.startswith(f"{source}/") and name.isprintable() for name in (*things, *streams))
    assert {thing.source for thing in heard.things} | {stream.source for stream in heard.datastreams} <= {source}
    assert {stream.thing for stream in heard.datastreams} <= things.keys()
    for value in heard.values:
        assert len(value.columns) == len(kind(streams[value.datastream].kind).columns)
        assert all(math.isfinite(column) for column in value.columns)
        assert abs(value.time) < 2**63


def survives(read: Read, body: bytes) -> None:
    try:
        heard = read(body, "s")
    except BadInput as wrong:
        message = wrong.message
    else:
        check(heard, "s")
        return

    assert len(message) < 1_000


@EVERY
def test_what_is_heard_can_be_offered_as_it_is(read: Read, body: bytes) -> None:
    heard = read(body, "city/feed")

    check(heard, "city/feed")
    assert heard.values
    assert heard.refused == ()


@EVERY
def test_what_is_heard_passes_the_gate_once_its_datastreams_are_defined(read: Read, body: bytes) -> None:
    heard = read(body, "city")
    numbered = [msgspec.structs.replace(stream, id=id_) for id_, stream in enumerate(heard.datastreams, 1)]
    register = Admission.empty().knowing([CITY], numbered)
    taken = 0
    for of in {stream.kind for stream in numbered}:
        ids = {stream.name: stream.id for stream in numbered if stream.kind == of}
        values = [value for value in heard.values if value.datastream in ids]
        columns = zip(*(value.columns for value in values), strict=True)
        rows = Rows(
            of,
            np.array([ids[value.datastream] for value in values], np.int32),
            np.array([value.time for value in values], np.int64),
            {name: np.array(column, dtype) for (name, dtype), column in zip(kind(of).columns, columns, strict=True)},
        )
        admitted, refused = admit(Offer("city", LIVE, rows), register, AT + DAY)
        assert refused == ()
        taken += len(admitted or ())

    assert taken == len(heard.values)


@EVERY
def test_nobody_is_named_in_what_is_heard(read: Read, body: bytes) -> None:
    assert not any(words in str(read(body, "s")) for words in ("Ms Example", "555-0100", "ABC-123"))


@EVERY
def test_a_standard_only_thinks(read: Read, body: bytes) -> None:
    first = read(body, "s")  # what is read once, such as the zones of the world, is read now

    with trapped():
        assert read(body, "s") == first


@EVERY
@FEW
@given(garbage=st.binary(max_size=300))
def test_garbage_is_a_clear_error(read: Read, body: bytes, garbage: bytes) -> None:
    survives(read, garbage)
    survives(read, body[: len(body) // 2] + garbage)


@EVERY
@FEW
@given(data=st.data())
def test_a_message_that_was_cut_or_changed_is_heard_or_refused_in_words(
    read: Read, body: bytes, data: st.DataObject
) -> None:
    changed = bytearray(body)
    for _ in range(data.draw(st.integers(1, 4))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))

    survives(read, bytes(changed))
    survives(read, body[: data.draw(st.integers(0, len(body)))])


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8) | st.just("2026-11-25T08:00:00Z"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize("name", ["wzdx", "wzdx devices", "ngsi_ld", "chirpstack", "ttn", "json_map"])
@FEW
@given(data=st.data())
def test_a_json_message_with_other_values_in_it_is_heard_or_refused_in_words(name: str, data: st.DataObject) -> None:
    read, body = MESSAGES[name]
    message = json.loads(body)
    where: Any = message
    keys: list[tuple[Any, Any]] = []
    while isinstance(where, (dict, list)) and where and (not keys or data.draw(st.booleans())):
        key = data.draw(st.sampled_from(sorted(where) if isinstance(where, dict) else list(range(len(where)))))
        keys.append((where, key))
        where = where[key]
    inner, key = keys[-1]
    inner[key] = data.draw(JSON)

    survives(read, json.dumps(message).encode())


TEXTS = st.sampled_from(["", "1", "nan", "soon", "60.1 24.9", "9999-12-31T23:59:59Z", "Wed, 00 Foo 0000 99:99:99 GMT"])


@pytest.mark.parametrize("name", ["datex2 situations", "datex2 measured", "feeds"])
@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_a_document_with_elements_where_none_should_be_is_heard_or_refused_in_words(
    name: str, data: st.DataObject
) -> None:
    read, body = MESSAGES[name]
    root = fromstring(body)
    nodes = list(root.iter())
    for _ in range(data.draw(st.integers(1, 3))):
        data.draw(st.sampled_from(nodes)).text = data.draw(TEXTS)
        data.draw(st.sampled_from(nodes)).append(deepcopy(data.draw(st.sampled_from(nodes))))

    survives(read, tostring(root))


@EVERY
@pytest.mark.parametrize(
    "bomb",
    [
        b"x" * (MOST_BYTES + 1),
        b"[" * 10_000 + b"]" * 10_000,
        b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
        b"<a>" * 10_000 + b"</a>" * 10_000,
        b'<!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;&b;">]><a>&c;</a>',
        b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
        b'{"id": 1e999, "time": NaN}',
        b'{"id": ' + b"9" * 100_000 + b"}",
    ],
    ids=["long", "lists", "objects", "elements", "entities", "outside", "infinite", "digits"],
)
def test_a_bomb_is_refused_before_it_goes_off(read: Read, body: bytes, bomb: bytes) -> None:  # noqa: ARG001  one mark for all
    try:
        heard = read(bomb, "s")
    except BadInput:
        return

    assert heard.values == ()  # syslog refuses line by line
    assert heard.refused


# ── what they share ─────────────────────────────────────────────────────────────────────────────
def hearing(most: int = 100) -> tuple[Hearing, str]:
    heard = Hearing("s", most)
    name = heard.thing("t", "station")
    assert name == "s/t"
    return heard, name


def in_force(*periods: tuple[int | None, int | None], told: int | None) -> list[tuple[int, float]]:
    heard, name = hearing()
    heard.in_force(name, "road-closed", periods, told)
    return [(value.time, value.columns[0]) for value in heard.heard().values]


def test_what_is_in_force_is_1_from_its_start_and_0_at_its_end() -> None:
    assert in_force((10, 30), told=20) == [(10, 1.0), (20, 1.0), (30, 0.0)]
    assert in_force((10, 30), told=40) == [(10, 1.0), (30, 0.0), (40, 0.0)]
    assert in_force((10, None), told=5) == [(5, 0.0), (10, 1.0)]
    assert in_force((None, None), told=5) == [(5, 1.0)]
    assert in_force((None, 3), told=5) == [(3, 0.0), (5, 0.0)]


def test_periods_that_touch_leave_no_gap() -> None:
    assert in_force((20, 30), (10, 20), told=None) == [(10, 1.0), (20, 1.0), (30, 0.0)]
    assert in_force((10, 10), told=None) == [(10, 0.0)]


def test_where_periods_overlap_it_is_in_force_until_the_last_of_them_ends() -> None:
    assert in_force((10, 30), (20, 40), told=None) == [(10, 1.0), (20, 1.0), (30, 1.0), (40, 0.0)]


def test_endless_periods_are_refused() -> None:
    heard, name = hearing()
    heard.in_force(name, "incident", [(second, second + 1) for second in range(201)], None)

    assert heard.heard().values == ()
    assert "201 periods" in heard.heard().refused[0].says


def test_what_tells_no_time_is_refused() -> None:
    heard, name = hearing()
    heard.in_force(name, "incident", [(None, None)], None)

    assert "no time from when it is in force" in heard.heard().refused[0].says


def test_an_end_in_another_age_is_none_and_one_before_the_start_is_refused() -> None:
    assert period(AT, at("9999-12-29T00:00:00Z")) == (AT, None)
    with pytest.raises(BadInput, match="before it starts"):
        period(AT, AT - HOUR)


def test_a_message_becomes_a_bounded_number_of_values_and_the_rest_is_counted() -> None:
    heard, name = hearing(most=3)
    for second in range(5):
        heard.say(name, "speed", SPEED, second, 1.0)
    last = heard.heard()

    assert len(last.values) == 3
    assert [(refusal.reason, refusal.count) for refusal in last.refused] == [("too-many", 2)]


def test_a_message_becomes_a_bounded_number_of_things() -> None:
    heard = Hearing("s", 2)

    assert [heard.thing(name, "station") for name in ("a", "b", "c", "a")] == ["s/a", "s/b", None, "s/a"]
    assert [refusal.count for refusal in heard.heard().refused] == [1]


def test_a_message_of_nothing_but_noise_is_refused_as_a_whole() -> None:
    heard, _ = hearing(most=100)
    heard.refuse("noise", count=90)
    for _ in range(NAMED + 90):
        heard.refuse("noise")

    with pytest.raises(BadInput, match="more than 100 parts"):
        heard.refuse("noise", count=100)


@pytest.mark.parametrize(
    ("measure", "columns", "says"),
    [
        (SPEED, (math.nan,), "no finite number"),
        (SPEED, (math.inf,), "no finite number"),
        (COUNT, (1.5,), "not a whole number"),
        (COUNT, (1e300,), "not a whole number"),
        (Measure("positions", "position", "deg"), (91.0, 24.0), "not on the Earth"),
        (Measure("positions", "position", "deg"), (0.0, 0.0), "not on the Earth"),
    ],
)
def test_a_number_that_is_none_is_refused(measure: Measure, columns: tuple[float, ...], says: str) -> None:
    heard, name = hearing()
    heard.say(name, "x", measure, AT, *columns)

    assert heard.heard().values == ()
    assert says in heard.heard().refused[0].says


def test_two_measurements_cannot_share_a_name() -> None:
    heard, name = hearing()
    heard.say(name, "x", SPEED, AT, 1.0)
    heard.say(name, "x", COUNT, AT, 1.0)

    assert len(heard.heard().values) == 1
    assert "two measurements" in heard.heard().refused[0].says


@pytest.mark.parametrize("name", ["", " ", "a\nb", "a\u202eb", "a" * (MOST_NAME + 1)])
def test_a_name_that_cannot_be_shown_is_refused(name: str) -> None:
    heard, thing = hearing()

    assert heard.thing(name, "station") is None
    assert heard.thing("x", name) is None
    heard.say(thing, name, FLAG, AT, 1.0)
    assert len(heard.heard().refused) == 3
    assert len(heard.heard().things) == 1


def test_the_first_place_that_a_message_tells_of_a_thing_stays() -> None:
    first, second = Place(lat=60.0, lon=24.0), Place(lat=61.0, lon=25.0)
    hearing = Hearing("city")
    for place, properties in ((None, {"road": "7"}), (first, {}), (None, {}), (second, {})):
        name = hearing.thing("a", "site", place, properties)
        assert name
        hearing.say(name, "speed", SPEED, AT, 50.0)
    heard = hearing.heard()

    assert [(thing.place, thing.properties) for thing in heard.things] == [(first, {"road": "7"})]
    assert [stream.place for stream in heard.datastreams] == [first]


def test_properties_are_lines_of_bounded_length() -> None:
    heard = Hearing("s")
    heard.thing("t", "station", None, {"a": "x\ny" * 1000, "b": ""})
    kept = heard.heard().things[0].properties

    assert kept["a"].startswith("x yx y")
    assert (len(kept["a"]), "b" in kept) == (1000, False)


def test_nested_numbers_have_dotted_paths_in_their_order_and_endless_paths_are_refused() -> None:
    heard, name = hearing()
    heard.fields(name, {"b": {"x": [1, {"y": True}]}, "a": 2, "t": "text", "k" * 400: [1] * 50}, AT, {"a": "V"})
    last = heard.heard()

    assert [(value.datastream, value.columns[0]) for value in last.values] == [
        ("s/t/b.x.0", 1.0),
        ("s/t/b.x.1.y", 1.0),
        ("s/t/a", 2.0),
    ]
    assert [stream.unit for stream in last.datastreams] == ["", "", "V"]
    assert len(last.refused) == 1


@pytest.mark.parametrize(
    ("geometry", "place", "kept"),
    [
        ({"type": "Point", "coordinates": [24.0, 60.0, 12.0]}, (60.0, 24.0), '"coordinates":[24.0,60.0,12.0]'),
        ({"type": "LineString", "coordinates": [[1, 2], [3, 4], [5, 6]]}, (4.0, 3.0), "LineString"),
        ({"type": "Polygon", "coordinates": [[[0, 0.5], [4, 0.5], [4, 2], [0, 0.5]]]}, (1.25, 2.0), "Polygon"),
        ({"type": "MultiPolygon", "coordinates": [[[[2, 2], [4, 4]]], [[[8, 8]]]]}, (5.0, 5.0), "MultiPolygon"),
        ({"type": "MultiLineString", "coordinates": [[[1, 2]], [[3, 4]]]}, (4.0, 3.0), "MultiLineString"),
    ],
)
def test_a_geometry_has_a_place_on_it(geometry: object, place: tuple[float, float], kept: str) -> None:
    found, text = shape(geometry)

    assert (found.lat, found.lon) == place
    assert kept in text


@pytest.mark.parametrize(
    "geometry",
    [
        None,
        {"type": "Circle", "coordinates": [1, 2]},
        {"type": "Point", "coordinates": [1]},
        {"type": "Point", "coordinates": [181, 2]},
        {"type": "Point", "coordinates": [406975.0, 6683809.0]},
        {"type": "LineString", "coordinates": []},
        {"type": "LineString", "coordinates": [[1, 2]] * 2_001},
        {"type": "Point", "coordinates": ["1", "2"]},
    ],
)
def test_a_geometry_that_is_none_is_a_clear_error(geometry: object) -> None:
    with pytest.raises(BadInput, match="geometry"):
        shape(geometry)


def test_times_without_an_offset_need_a_zone() -> None:
    assert at("2026-11-25T08:00:00Z") == at("2026-11-25T10:00:00", "Europe/Helsinki") == AT
    assert at(" 2026-11-25T08:00:00Z ", "Europe/Helsinki") == AT
    with pytest.raises(BadInput, match="no offset"):
        at("2026-11-25T08:00:00")
    with pytest.raises(BadInput, match="no time zone"):
        at("2026-11-25T08:00:00", "Mars/Base")
    with pytest.raises(BadInput, match="not a time"):
        at("soon", "Europe/Helsinki")
    with pytest.raises(BadInput, match="after 9999"):
        at("9999-12-31T23:00:00-12:00")


@pytest.mark.parametrize("number", [math.nan, math.inf, 1e18, -1e30])
def test_a_number_that_is_no_time_is_a_clear_error(number: float) -> None:
    with pytest.raises(BadInput, match="time"):
        since_epoch(number)
