"""Promises of how a batch is cut into messages."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tutela.errors import BadInput
from tutela.flow import batch
from tutela.model.rows import Rows, joined
from tutela.model.when import DAY

P = 4
PURPOSES = batch.Purposes(np.array([0, 1, 0, 1, 0, 1, 0, 1, 0, 1], np.int32), ("traffic", "public-safety"))
DAYS = 20_000


def readings(datastream: list[int], time: list[int] | None = None) -> Rows:
    n = len(datastream)
    return Rows(
        "readings",
        np.array(datastream, np.int32),
        np.arange(n, dtype=np.int64) if time is None else np.array(time, np.int64),
        {"result": np.arange(n, dtype=np.float64)},
    )


def positions(datastream: list[int], time: list[int]) -> Rows:
    lat = np.arange(len(datastream), dtype=np.float64)
    return Rows("positions", np.array(datastream, np.int32), np.array(time, np.int64), {"lat": lat, "lon": -lat})


def test_rows_lie_by_partition_in_their_order_of_arrival() -> None:
    cut = list(batch.cut(readings([5, 2, 1, 5, 6, 9]), P, 100, PURPOSES))

    assert [(part.partition, part.rows.datastream.tolist(), part.rows.result.tolist()) for part in cut] == [
        (1, [5, 1, 5, 9], [0, 2, 3, 5]),
        (2, [2, 6], [1, 4]),
    ]
    assert [(part.bucket, part.schema) for part in cut] == [(None, "readings@1")] * 2


@given(st.lists(st.integers(1, 9), min_size=1, max_size=60), st.integers(1, 7))
def test_no_row_is_lost_doubled_or_overtaken_and_no_message_is_too_long(datastream: list[int], most: int) -> None:
    cut = list(batch.cut(readings(datastream), P, most, PURPOSES))
    together = joined([part.rows for part in cut])

    assert all(0 < len(part.rows) <= most for part in cut)
    assert all((part.rows.datastream % P == part.partition).all() for part in cut)
    for number in range(1, 10):
        sent = [row for row, one in enumerate(datastream) if one == number]
        assert together.result[together.datastream == number].tolist() == sent


@given(
    st.lists(st.tuples(st.integers(1, 9), st.integers(0, 3), st.integers(0, DAY - 1)), min_size=1, max_size=40),
    st.integers(1, 5),
)
def test_personal_rows_share_a_message_only_with_those_of_their_purpose_and_day(
    said: list[tuple[int, int, int]], most: int
) -> None:
    rows = positions([one for one, _, _ in said], [(DAYS + day) * DAY + time for _, day, time in said])
    cut = list(batch.cut(rows, P, most, PURPOSES))

    for part in cut:
        days, purposes = part.rows.time // DAY, PURPOSES.code[part.rows.datastream]
        (day,), (purpose,) = set(days.tolist()), set(purposes.tolist())
        date = np.datetime64(day, "D")
        assert part.bucket == f"{PURPOSES.names[purpose]}/positions/{date}"
        assert (part.rows.datastream % P == part.partition).all()
        assert len(part.rows) <= most
    together = joined([part.rows for part in cut])
    for number in range(1, 10):
        # Within a datastream: by day, and within a day as they came.
        own = sorted((row for row, (one, _, _) in enumerate(said) if one == number), key=lambda row: said[row][1])
        assert together.values["lat"][together.datastream == number].tolist() == own
    assert (together.values["lat"] == -together.values["lon"]).all()


def test_pieces_are_views_of_the_rows_in_their_order() -> None:
    rows = readings([1, 2, 3, 4, 5])

    found = list(batch.pieces(rows, 2))

    assert [piece.datastream.tolist() for piece in found] == [[1, 2], [3, 4], [5]]
    assert all(np.shares_memory(piece.time, rows.time) for piece in found)
    assert list(batch.pieces(rows, 5)) == [rows]


def test_rows_that_fit_their_kind_pass() -> None:
    batch.fit(readings([1, 2]))
    batch.fit(positions([1], [0]))


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (Rows("readings", np.ones(2, np.int64), np.ones(2, np.int64), {"result": np.ones(2)}), "'datastream'.*int64"),
        (Rows("readings", np.ones(2, np.int32), np.ones(3, np.int64), {"result": np.ones(2)}), "'time'.*(3,)"),
        (Rows("counts", np.ones(2, np.int32), np.ones(2, np.int64), {"result": np.ones(2)}), "'result'.*float64"),
        (Rows("readings", np.ones(2, np.int32), np.ones(2, np.int64), {"lat": np.ones(2)}), "has the columns"),
        (Rows("tracks", np.ones(2, np.int32), np.ones(2, np.int64), {}), "no kind called 'tracks'"),
        (Rows("readings", np.ones((2, 1), np.int32), np.ones(2, np.int64), {"result": np.ones(2)}), "'datastream'"),
    ],
)
def test_rows_that_do_not_fit_their_kind_are_refused_with_the_column_named(rows: Rows, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        batch.fit(rows)


@given(hnp.arrays(np.int32, st.integers(1, 50), elements=st.integers(0, 2**31 - 1)), st.integers(1, 1024))
def test_any_datastream_has_its_partition(datastream: np.ndarray[tuple[int], np.dtype[np.int32]], ways: int) -> None:
    for partition, rows in batch.by_partition(readings(datastream.tolist()), ways):
        assert (rows.datastream % ways == partition).all()
