"""Mappings: a foreign table in our nouns, each lost row counted with its reason."""

from __future__ import annotations

from datetime import datetime
from importlib.resources import files

import numpy as np
import pyarrow as pa
import pytest

from tutela.errors import BadInput
from tutela.model.when import SECOND, parse
from tutela.standards import mapping

HEAD = """
[source]
name = "x"
owner = "X"
kind = "files"
purposes = ["environment"]
legal_basis = "PublicInterest"
personal_data = false
place = "here"

[time]
column = "t"
zone = "Europe/Helsinki"
"""
AIR = (
    HEAD
    + """
[[datastream]]
name = "air/{station}/no2"
thing = "air/{station}"
place = "{station}"
result = "NO2"
observed_property = "no2"
unit = "ug/m3"

[places]
a = [60.1, 24.9]
b = [60.2, 25.0]
"""
)
CALLS = (
    HEAD
    + """
[call]
id = "x-{row}"
category = "{cls}: {sub}"
lat = "lat"
lon = "lon"
said = "at {sub}"
"""
)


def table(**columns: object) -> pa.Table:
    return pa.table(columns)


def test_each_station_becomes_a_thing_and_a_datastream_at_its_place() -> None:
    when = [datetime(2026, 7, 1, 12)] * 3  # noqa: DTZ001  a wall-clock time, as files hold it
    mapped = mapping.apply(mapping.read(AIR), table(t=when, station=["a", "b", "a"], NO2=[1.0, 2.0, 3.0]), "import/x")

    assert sorted(thing.name for thing in mapped.things) == ["air/a", "air/b"]
    assert {stream.name: stream.place and stream.place.lat for stream in mapped.datastreams} == {
        "air/a/no2": 60.1,
        "air/b/no2": 60.2,
    }
    (column,) = mapped.columns
    assert [column.names[code] for code in column.codes] == ["air/a/no2", "air/b/no2", "air/a/no2"]
    assert column.result.tolist() == [1.0, 2.0, 3.0]


def test_wall_clock_times_are_taken_in_the_zone_that_the_mapping_names() -> None:
    when = [datetime(2026, 1, 1, 12), datetime(2026, 7, 1, 12)]  # noqa: DTZ001  a wall-clock time, as files hold it
    mapped = mapping.apply(mapping.read(AIR), table(t=when, station=["a", "a"], NO2=[1.0, 2.0]), "import/x")

    hours = np.array(mapped.columns[0].time) // 3_600_000_000 % 24
    assert hours.tolist() == [10, 9]


def test_times_with_an_offset_are_taken_as_they_are() -> None:
    mapped = mapping.apply(
        mapping.read(AIR), table(t=["2026-07-01T12:00:00+02:00"], station=["a"], NO2=[1.0]), "import/x"
    )

    assert mapped.columns[0].time.tolist() == [1782900000000000]


def test_rows_without_a_time_or_a_number_are_refused_and_counted() -> None:
    when = [None, datetime(2026, 7, 1), datetime(2026, 7, 2)]  # noqa: DTZ001  a wall-clock time, as files hold it
    mapped = mapping.apply(mapping.read(AIR), table(t=when, station=["a", "a", "a"], NO2=[1.0, None, 3.0]), "import/x")

    assert len(mapped.columns[0].time) == 1
    assert {refusal.reason: refusal.count for refusal in mapped.refused} == {"no-time": 1, "no-result": 1}


def test_one_bad_cell_does_not_take_the_others_with_it() -> None:
    rows = table(
        t=[
            "2026-07-01 12:00",
            "soon",
            "2026-07-01 14:00:30",
            "2026-07-01T15:00Z",
            "2026-07-01 16:00",
            None,
            "2026-13-01",
        ],
        station=["a", "a", "a", "a", " ", "a", "a"],
        NO2=["1", "2", " -3.5e1 ", "4", "5", "6", "high"],
    )
    mapped = mapping.apply(mapping.read(AIR), rows, "import/x")

    assert mapped.columns[0].result.tolist() == [1.0, -35.0]
    assert {refusal.reason: refusal.count for refusal in mapped.refused} == {"no-time": 4, "no-name": 1}
    assert [stream.name for stream in mapped.datastreams] == ["air/a/no2"]

    words = rows.set_column(0, "t", pa.array(["2026-07-01T12:00:00Z"] * 7))
    mapped = mapping.apply(mapping.read(AIR), words, "import/x")

    assert mapped.columns[0].result.tolist() == [1.0, 2.0, -35.0, 4.0, 6.0]
    assert {refusal.reason: refusal.count for refusal in mapped.refused} == {"no-name": 1, "no-result": 1}


def test_numbers_are_brought_to_the_unit_that_the_mapping_tells() -> None:
    rows = table(t=["2026-07-01T12:00:00Z"] * 2, station=["a", "a"], NO2=[100.0, None])
    mapped = mapping.apply(
        mapping.read(AIR.replace('unit = "ug/m3"', 'unit = "ug/m3"\nfactor = 1.9125')), rows, "import/x"
    )

    assert mapped.columns[0].result.tolist() == [191.25]
    assert [(refusal.reason, refusal.count) for refusal in mapped.refused] == [("no-result", 1)]


def test_rows_that_the_mapping_leaves_out_are_counted_and_no_offence_of_their_own() -> None:
    rows = table(
        t=["2026-07-01T12:00:00Z"] * 4,
        lat=[60.1] * 4,
        lon=[25.0] * 4,
        cls=["EMS", "EMS", "TEST", None],
        sub=["A", "B", "C", "D"],
        count=[1, -1, 1, None],
    )
    without = '[without]\ncount = ["-1", "0"]\ncls = ["TEST"]\n'
    mapped = mapping.apply(mapping.read(without + CALLS), rows, "import/x")

    assert [call.category for call in mapped.calls] == ["EMS: A", ": D"]
    assert [(refusal.reason, refusal.count) for refusal in mapped.refused] == [("left-out", 1), ("left-out", 1)]
    assert "'count' is -1 or 0" in mapped.refused[0].says
    with pytest.raises(BadInput, match="no column weather"):
        mapping.apply(mapping.read('[without]\nweather = ["wet"]\n' + CALLS), rows, "import/x")


def test_a_call_whose_place_is_no_number_is_refused() -> None:
    rows = table(t=["2026-07-01T12:00:00Z"] * 2, lat=["60.1", "here"], lon=["25", "25"], cls=["EMS"] * 2, sub=["A"] * 2)
    mapped = mapping.apply(mapping.read(CALLS), rows, "import/x")

    assert [call.place.lat for call in mapped.calls] == [60.1]
    assert [(refusal.reason, refusal.count) for refusal in mapped.refused] == [("no-place", 1)]


def test_calls_without_a_place_on_earth_are_refused_and_counted() -> None:
    rows = table(
        t=["2026-07-01T12:00:00Z"] * 4,
        lat=[60.0, 0.0, 95.0, None],
        lon=[25.0, 0.0, 25.0, 25.0],
        cls=["EMS"] * 4,
        sub=["FALL"] * 4,
    )
    mapped = mapping.apply(mapping.read(CALLS), rows, "import/x")

    assert [(call.id, call.category, call.said) for call in mapped.calls] == [("x-0", "EMS: FALL", "at FALL")]
    assert [(refusal.reason, refusal.count) for refusal in mapped.refused] == [("no-place", 3)]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("nonsense", "can't be read"),
        (HEAD, "maps nothing"),
        (AIR.replace('owner = "X"', "owner = 7"), "source.owner"),
        (AIR.replace("[time]", "[time]\nfoo = 1"), "foo"),
    ],
)
def test_a_wrong_mapping_says_which_field_is_wrong(text: str, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        mapping.read(text)


@pytest.mark.parametrize(
    ("text", "columns", "says"),
    [
        (AIR, {"t": ["2026-07-01T12:00:00Z"], "station": ["a"]}, "no column NO2"),
        (AIR, {"t": ["2026-07-01T12:00:00Z"], "station": ["c"], "NO2": [1.0]}, "no entry 'c'"),
        (AIR, {"t": ["noon"], "station": ["a"], "NO2": [1.0]}, "holds no times"),
        (AIR, {"t": ["2026-07-01T12:00:00Z"], "station": ["a"], "NO2": ["much"]}, "holds no numbers"),
        (
            AIR.replace("Europe/Helsinki", "Mars/Base"),
            {"t": ["2026-07-01T12:00:00"], "station": ["a"], "NO2": [1.0]},
            "no time zone",
        ),
    ],
)
def test_a_table_that_does_not_fit_says_what_is_wrong(text: str, columns: dict[str, object], says: str) -> None:
    with pytest.raises(BadInput, match=says):
        mapping.apply(mapping.read(text), table(**columns), "import/x")


@pytest.mark.parametrize("tick", ["0m", "ten minutes", "5y"])
def test_a_tick_that_is_no_duration_says_how_to_write_one(tick: str) -> None:
    with pytest.raises(BadInput, match="write it like"):
        _ = mapping.read(f'tick = "{tick}"\n' + AIR).step


WIDE = (
    HEAD.replace('column = "t"', 'begins = "2012-03-01T00:00:00-08:00"\nevery = 300').replace("zone", "# zone")
    + """
[[datastream]]
name = "loop/{column}/speed"
thing = "loop/{column}"
result = "value"
observed_property = "speed"
unit = "km/h"
"""
)


def wide(text: str) -> mapping.Mapping:
    return mapping.read("wide = true\n" + text)


def test_a_wide_table_is_a_series_for_each_column_and_rows_without_a_time_follow_each_other() -> None:
    how = wide(WIDE)
    table_ = mapping.shaped(how, pa.table({"7": [60.0, 61.5], "9": [40, None]}))
    mapped = mapping.apply(how, table_, "import/x")

    (column,) = mapped.columns
    assert [column.names[code] for code in column.codes] == ["loop/7/speed", "loop/7/speed", "loop/9/speed"]
    assert column.result.tolist() == [60.0, 61.5, 40.0]
    began = parse("2012-03-01T08:00:00Z")
    assert (column.time - began).tolist() == [0, 300 * SECOND, 0]
    assert [refusal.count for refusal in mapped.refused] == [1]


def test_a_column_of_hours_is_added_to_the_day() -> None:
    how = mapping.read(CALLS.replace('column = "t"', 'column = "day"\nhours = "hour"'))
    day = datetime(2026, 7, 1)  # noqa: DTZ001  a wall-clock time, as files hold it
    told = {"day": [day, day], "hour": [0, 23], "cls": ["EMS", "EMS"], "sub": ["a", "b"]}
    mapped = mapping.apply(
        how, mapping.shaped(how, pa.table({**told, "lat": [60.1] * 2, "lon": [24.9] * 2})), "import/x"
    )

    assert [call.at for call in mapped.calls] == [parse("2026-06-30T21:00:00Z"), parse("2026-07-01T20:00:00Z")]


@pytest.mark.parametrize(
    ("text", "columns", "says"),
    [
        ('column = "day"\nhours = "hour"', {"day": ["x"], "hour": [1]}, "'day' and 'hour' are no dates and hours"),
        ('column = "day"\nhours = "hour"', {"day": ["x"]}, "no column hour; it has day"),
    ],
)
def test_days_and_hours_that_are_none_are_told(text: str, columns: dict[str, object], says: str) -> None:
    how = mapping.read(CALLS.replace('column = "t"', text))

    with pytest.raises(BadInput, match=says):
        mapping.shaped(how, pa.table(columns))


def test_a_wide_table_without_its_time_is_told() -> None:
    with pytest.raises(BadInput, match="no column 't' for the time; it has a"):
        mapping.shaped(wide(AIR), pa.table({"a": [1]}))


def test_every_mapping_that_is_shipped_can_be_read() -> None:
    shipped = [file for file in (files("tutela.sources") / "mappings").iterdir() if file.name.endswith(".toml")]

    assert shipped
    for file in shipped:
        assert mapping.read(file.read_text()).step > 0
