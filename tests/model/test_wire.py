"""The recorded form of a batch: what was written is read, and what is no batch of ours is a clear error."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutela.errors import BadInput
from tutela.model.kinds import KINDS, kind
from tutela.model.rows import Rows, empty
from tutela.model.wire import decode, encode, from_batch

TIME = pa.timestamp("us", tz="UTC")
READINGS = Rows("readings", np.array([1, 2], np.int32), np.array([5, 6], np.int64), {"result": np.array([1.5, -0.0])})


def batch(**columns: pa.Array) -> pa.RecordBatch:
    usual = {
        "datastream": pa.array([1], pa.int32()),
        "time": pa.array([5], TIME),
        "result": pa.array([1.5], pa.float64()),
    }
    return pa.record_batch({name: column for name, column in (usual | columns).items() if column is not None})


@given(st.sampled_from(sorted(KINDS)), st.lists(st.tuples(st.integers(1, 2**31 - 1), st.integers(-(2**62), 2**62))))
def test_what_was_written_is_read_for_every_kind(name: str, told: list[tuple[int, int]]) -> None:
    ids = np.array([number for number, _ in told], np.int32)
    times = np.array([time for _, time in told], np.int64)
    values = {column: np.arange(len(told)).astype(dtype) for column, dtype in kind(name).columns}
    read = decode(encode(Rows(name, ids, times, values)))

    assert read.kind == name
    assert read.datastream.tolist() == ids.tolist()
    assert read.time.tolist() == times.tolist()
    assert {column: found.tolist() for column, found in read.values.items()} == {
        column: found.tolist() for column, found in values.items()
    }


def test_no_rows_are_a_batch_too() -> None:
    assert len(decode(encode(empty("counts")))) == 0


@pytest.mark.parametrize("body", [b"", b"no arrow at all", encode(READINGS)[:40]])
def test_bytes_that_are_no_batch_are_a_clear_error(body: bytes) -> None:
    with pytest.raises(BadInput, match="not an Arrow IPC stream"):
        decode(body)


def test_a_schema_of_another_version_names_the_one_that_is_read() -> None:
    body = encode(READINGS).replace(b"readings@1", b"readings@9")

    with pytest.raises(BadInput, match=r"'readings@9' is not known here; this version reads 'readings@1'"):
        decode(body)


def test_rows_of_a_batch_may_have_their_columns_in_any_order() -> None:
    told = batch()
    turned = told.select(list(reversed(told.schema.names)))

    assert from_batch(kind("readings"), turned).result.tolist() == [1.5]


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ({"result": None}, "the column 'result' is missing"),
        ({"result": pa.array([1], pa.int64())}, "the column 'result' is int64, it should be double"),
        ({"time": pa.array([5], pa.int64())}, "the column 'time' is int64"),
        ({"result": pa.array([None], pa.float64())}, "'result' has 1 empty values"),
    ],
)
def test_a_batch_of_another_shape_says_which_column_is_wrong(columns: dict[str, pa.Array], says: str) -> None:
    with pytest.raises(BadInput, match=says):
        from_batch(kind("readings"), batch(**columns))


def test_a_batch_whose_column_is_shorter_than_it_says_is_refused_before_it_is_read() -> None:
    """The length of a column's buffer, 16 bytes for two numbers, told as 3: Arrow would read past its end."""
    body, length = encode(READINGS), (16).to_bytes(8, "little")
    places = [place for place in range(len(body)) if body.startswith(length, place)]
    refused = 0
    for place in places:
        try:
            decode(body[:place] + (3).to_bytes(8, "little") + body[place + 8 :])
        except BadInput as told:
            refused += "does not hold what it says" in str(told)

    assert refused == 2  # time and result
