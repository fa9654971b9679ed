"""A table as a message: rows become observations, what is wrong is refused by itself, garbage is a clear error."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tutela.errors import BadInput
from tutela.model.heard import Heard, Value
from tutela.model.when import parse
from tutela.standards.mapping import Stream, When
from tutela.standards.table import MOST, read

AT = int(parse("2026-11-25T08:00:00Z"))
PM25 = Stream(name="{station}/pm25", thing="{station}", result="pm25", observed_property="pm25", unit="ug/m3")
PLACED = Stream(
    name="{station}/no2", thing="{station}", result="no2", observed_property="no2", unit="ug/m3", place="{station}"
)
CSV = b"taken,station,pm25,no2\n2026-11-25 10:00,007,14.5,20\n2026-11-25 10:00,Kallio,,21\n"


def table(body: bytes, *streams: Stream, **more: Any) -> Heard:  # noqa: ANN401  any option
    when = When(column="taken", zone="Europe/Helsinki")
    return read(
        body,
        "air",
        time=when,
        datastream=streams or (PM25,),
        places={"007": (60.1, 24.9), "Kallio": (60.2, 25)},
        **more,
    )


def test_rows_become_observations_of_the_sources_own_things() -> None:
    heard = table(CSV, PM25, PLACED)

    assert heard.values == (
        Value("air/007/pm25", AT, (14.5,)),
        Value("air/007/no2", AT, (20.0,)),
        Value("air/Kallio/no2", AT, (21.0,)),
    )
    assert {one.name for one in heard.things} == {"air/007", "air/Kallio"}
    assert {one.name: one.source for one in heard.datastreams} == dict.fromkeys(
        [one.datastream for one in heard.values], "air"
    )
    assert [(one.reason, one.count) for one in heard.refused] == [("no-result", 1)]


def test_json_lines_and_other_separators_say_the_same() -> None:
    lines = b'{"taken": "2026-11-25 10:00", "station": "007", "pm25": 14.5}\n'

    assert table(lines, form="ndjson").values == table(CSV.replace(b",", b";"), separator=";").values


def test_a_table_without_its_columns_is_refused_with_those_that_are_there() -> None:
    with pytest.raises(BadInput, match="no column pm25; it has taken, station"):
        table(b"taken,station\n2026-11-25 10:00,a\n")


@pytest.mark.parametrize("separator", ["", "\n", '"', ";;"])
def test_a_separator_is_one_plain_character(separator: str) -> None:
    with pytest.raises(BadInput, match="one character"):
        table(CSV, separator=separator)


@pytest.mark.parametrize(("body", "form"), [(b"taken,station,pm25\n", "csv"), (b"", "ndjson"), (b"\n\n", "ndjson")])
def test_a_table_without_rows_says_nothing(body: bytes, form: str) -> None:
    assert table(body, form=form) == Heard()


def test_a_csv_without_a_head_is_none() -> None:
    with pytest.raises(BadInput, match="names of its columns"):
        table(b"")


def test_whole_numbers_in_names_stay_whole() -> None:
    lines = b'{"taken": "2026-11-25 10:00", "station": 7, "pm25": 14}\n'

    assert table(lines, form="ndjson").values == (Value("air/7/pm25", AT, (14.0,)),)


def test_a_row_of_another_width_makes_no_table() -> None:
    with pytest.raises(BadInput, match="row 2"):
        table(b"taken,station,pm25\n2026-11-25 10:00,a,1\n2026-11-25 10:00,a\n")


def test_a_place_that_is_not_listed_is_told() -> None:
    with pytest.raises(BadInput, match="'Vallila'"):
        table(b"taken,station,no2\n2026-11-25 10:00,Vallila,1\n", PLACED)


@pytest.mark.parametrize("form", ["csv", "ndjson"])
@pytest.mark.parametrize(
    "body",
    [b"\xff\xfe", b"{", b"[]", b"null", b'{"taken": {"a": 1}, "station": [1], "pm25": {"b": 2}}', b'"'],
)
def test_garbage_is_a_clear_error(body: bytes, form: str) -> None:
    with pytest.raises(BadInput):
        table(body, form=form)


@settings(max_examples=200, deadline=None)
@given(
    st.one_of(
        st.binary(max_size=200),
        st.binary(max_size=60).map(lambda cells: b"taken,station,pm25\n" + cells),
        st.tuples(st.integers(0, len(CSV)), st.binary(max_size=4)).map(
            lambda cut: CSV[: cut[0]] + cut[1] + CSV[cut[0] :]
        ),
    ),
    st.sampled_from(["csv", "ndjson"]),
)
def test_whatever_comes_it_is_read_or_refused(body: bytes, form: str) -> None:
    try:
        heard = table(body, form=form)
    except BadInput:
        return
    assert {value.datastream for value in heard.values} <= {stream.name for stream in heard.datastreams}


@pytest.mark.parametrize("zone", ["UTC", "Europe/Helsinki"])
def test_a_time_before_all_years_is_a_clear_error(zone: str) -> None:
    with pytest.raises(BadInput, match="out of range"):
        read(b"time,station,pm25\n0000-01-01 00:00,a,1\n", "air", time=When(zone=zone), datastream=(PM25,))


def test_lines_are_counted_before_they_are_read() -> None:
    with pytest.raises(BadInput, match=f"more than {MOST} rows"):
        table(b"\n" * (MOST + 1), form="ndjson")
