"""SensorThings' CreateObservations: data arrays in, rows out, bad rows refused one by one."""

from __future__ import annotations

import json

import pytest

from tutela.errors import BadInput
from tutela.standards.sensorthings import create_observations


def body(rows: list[list[object]], components: tuple[str, ...] = ("phenomenonTime", "result")) -> bytes:
    return json.dumps([{"Datastream": {"@iot.id": 3}, "components": components, "dataArray": rows}]).encode()


def test_each_row_of_a_data_array_becomes_an_observation() -> None:
    rows, refused = create_observations(body([["2026-11-25T08:00:00Z", 1], ["2026-11-25T08:00:01+00:00", 2.5]]))

    assert rows is not None
    assert rows.datastream.tolist() == [3, 3]
    assert rows.time.tolist() == [1795593600000000, 1795593601000000]
    assert rows.result.tolist() == [1.0, 2.5]
    assert refused == ()


def test_the_components_say_where_time_and_result_stand() -> None:
    rows, _ = create_observations(
        body([[7, "x", "2026-11-25T08:00:00Z"]], ("result", "FeatureOfInterest/id", "phenomenonTime"))
    )

    assert rows is not None
    assert rows.result.tolist() == [7.0]


@pytest.mark.parametrize("row", [["2026-11-25T08:00:00Z"], ["soon", 1], ["2026-11-25T08:00:00Z", "many"]])
def test_a_bad_row_is_refused_by_itself(row: list[object]) -> None:
    rows, refused = create_observations(body([row, ["2026-11-25T08:00:00Z", 4]]))

    assert rows is not None
    assert len(rows) == 1
    assert "datastream 3, row 1" in refused[0].says


def test_counts_are_whole_numbers() -> None:
    rows, _ = create_observations(body([["2026-11-25T08:00:00Z", 4]]), "counts")

    assert rows is not None
    assert str(rows.result.dtype) == "int64"


def test_a_body_with_nothing_good_gives_no_rows() -> None:
    rows, refused = create_observations(body([["soon", 1]]))

    assert rows is None
    assert len(refused) == 1


@pytest.mark.parametrize("garbage", [b"", b"{}", b"\xff", b'[{"Datastream":1}]'])
def test_garbage_is_a_clear_error(garbage: bytes) -> None:
    with pytest.raises(BadInput, match="not a CreateObservations body"):
        create_observations(garbage)


def test_components_that_lack_the_result_are_a_clear_error() -> None:
    with pytest.raises(BadInput, match="lack phenomenonTime or result"):
        create_observations(body([[1]], ("phenomenonTime",)))
