"""SensorThings' CreateObservations: data arrays in, rows out, bad rows refused one by one."""

from __future__ import annotations

import json

import pytest

from tutela.errors import BadInput, NotFound
from tutela.model.register import Datastream
from tutela.model.when import parse
from tutela.standards import sensorthings
from tutela.standards.observations import NAMED
from tutela.standards.sensorthings import MOST, PIECE, Found


class Register:
    """Datastream 3 is of readings, 4 of counts; there are no others."""

    def datastream(self, number: int) -> Datastream:
        kinds = {3: "readings", 4: "counts"}
        if number not in kinds:
            raise NotFound(f"there is no datastream {number}")
        return Datastream(
            id=number, name="d", source="s", thing="t", kind=kinds[number], observed_property="p", unit="1"
        )


def pieces(body: bytes) -> list[Found]:
    return list(sensorthings.create_observations(body, Register()))


def create_observations(body: bytes) -> Found:
    """A body of one piece."""
    (found,) = pieces(body)
    return found


def body(rows: list[list[object]], components: tuple[str, ...] = ("phenomenonTime", "result"), of: int = 3) -> bytes:
    return json.dumps([{"Datastream": {"@iot.id": of}, "components": components, "dataArray": rows}]).encode()


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


def test_rows_are_of_the_kind_that_the_register_says() -> None:
    row: list[list[object]] = [["2026-11-25T08:00:00Z", 4]]
    found = [create_observations(body(row, of=number))[0] for number in (3, 4, 5)]

    assert [(rows.kind, str(rows.result.dtype)) for rows in found if rows] == [
        ("readings", "float64"),
        ("counts", "int64"),
        ("readings", "float64"),
    ]


@pytest.mark.parametrize("result", [1.5, "NaN", "inf", 1e30])
def test_what_is_not_a_whole_number_is_no_count(result: object) -> None:
    rows, refused = create_observations(body([["2026-11-25T08:00:00Z", result]], of=4))

    assert rows is None
    assert "not a whole number" in refused[0].says


def test_a_long_array_is_read_in_pieces_and_few_of_its_bad_rows_are_told_by_themselves() -> None:
    good: list[object] = ["2026-11-25T08:00:00Z", 1]
    found = pieces(body([good, ["soon", 1]] * PIECE + [["soon", 1]] * PIECE))
    refused = [refusal for _, some in found for refusal in some]

    assert [0 if rows is None else len(rows) for rows, _ in found] == [PIECE // 2, PIECE // 2, 0]
    assert sum(refusal.count for refusal in refused) == 2 * PIECE
    assert len([refusal for refusal in refused if refusal.says.startswith("datastream 3, row")]) == NAMED
    assert len(refused) == NAMED + len(found)


def test_a_body_of_the_greatest_length_is_read_in_pieces_of_bounded_work() -> None:
    rows: list[list[object]] = [[1, 1]] * (MOST // 6)

    assert {sum(refusal.count for refusal in refused) for _, refused in pieces(body(rows))} <= {
        PIECE,
        len(rows) % PIECE,
    }


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


def test_an_interval_counts_from_its_end() -> None:
    assert sensorthings.instant("2026-11-25T07:00:00Z/2026-11-25T08:00:00Z") == parse("2026-11-25T08:00:00Z")
    assert sensorthings.instant("2026-11-25T08:00:00Z") == parse("2026-11-25T08:00:00Z")


@pytest.mark.parametrize(
    ("topic", "body", "number"),
    [
        ("v1.1/Datastreams(12)/Observations", b"", 12),
        ("v1.1/Observations", b'{"result": 1, "Datastream": {"@iot.id": 7}}', 7),
        ("v1.1/Observations", b'{"result": 1}', None),
        ("v1.1/Observations", b'{"Datastream": {"@iot.id": "x"}}', None),
        ("v1.1/Observations", b'{"Datastream": ' + b"[" * 100_000, None),
        ("v1.1/Datastreams(1)", b'{"Datastream": {"@iot.id": 7}}', None),
        ("v1.0/Datastreams(1)/Observations", b"", None),
    ],
)
def test_mqtt_names_a_datastream_in_the_topic_or_in_the_body(topic: str, body: bytes, number: int | None) -> None:
    assert sensorthings.datastream_of(topic, body) == number
