"""Arrow streams: plain record batches in, rows out; nothing that grows when it is read."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutela.errors import BadInput
from tutela.model.rows import Rows
from tutela.model.wire import encode
from tutela.standards.arrow import read

PLAIN = encode(Rows("readings", np.ones(3, np.int32), np.arange(3), {"result": np.array([1.0, 2.0, 3.0])}))


def stream(*, batches: int = 1, rows: int = 3, compression: str | None = None, extra: pa.Array | None = None) -> bytes:
    """A stream of such batches; with one more column, if it is given."""
    batch = pa.ipc.open_stream(encode(_rows(rows))).read_next_batch()
    if extra is not None:
        batch = batch.append_column("extra", extra)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema, options=pa.ipc.IpcWriteOptions(compression=compression)) as writer:
        for _ in range(batches):
            writer.write_batch(batch)
    return bytes(sink.getvalue().to_pybytes())


def _rows(count: int) -> Rows:
    return Rows("readings", np.ones(count, np.int32), np.arange(count), {"result": np.zeros(count)})


def test_all_batches_of_a_stream_are_taken_in_their_order() -> None:
    rows = read(stream(batches=2), "readings")

    assert rows is not None
    assert rows.time.tolist() == [0, 1, 2, 0, 1, 2]
    assert read(stream(batches=0), "readings") is None


@pytest.mark.parametrize("compression", ["zstd", "lz4"])
def test_a_compressed_stream_is_refused_before_it_grows(compression: str) -> None:
    body = stream(rows=5_000_000, compression=compression)
    before = pa.default_memory_pool().max_memory()

    with pytest.raises(BadInput, match="send its record batches without compression"):
        read(body, "readings")

    assert pa.default_memory_pool().max_memory() == before


def test_a_stream_with_a_dictionary_is_refused() -> None:
    body = stream(extra=pa.array(["a", "b", "a"]).dictionary_encode())

    with pytest.raises(BadInput, match="dictionary"):
        read(body, "readings")


@given(st.integers(0, len(PLAIN) - 1), st.integers(1, 255))
def test_a_stream_with_one_wrong_byte_is_read_or_refused_in_words(place: int, change: int) -> None:
    body = bytearray(PLAIN)
    body[place] ^= change
    try:
        rows = read(bytes(body), "readings")
    except BadInput:
        return

    assert rows is None or len(rows) <= len(PLAIN)


@given(st.integers(0, len(PLAIN) - 1))
def test_a_stream_that_ends_early_is_read_or_refused_in_words(length: int) -> None:
    try:
        rows = read(PLAIN[:length], "readings")
    except BadInput:
        return

    assert rows is None or len(rows) == 3
