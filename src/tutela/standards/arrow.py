"""Observations as an Arrow IPC stream: record batches of one kind, with its columns and without compression.

Compressed buffers say themselves how long they become, and a few bytes can become all memory there is.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

import pyarrow as pa

from tutela.errors import BadInput
from tutela.model.kinds import kind
from tutela.model.rows import Rows
from tutela.model.wire import from_batch

HEADER, COMPRESSION = 2, 3
"""Fields of `Message` and of `RecordBatch` in Arrow's Message.fbs."""


def read(body: bytes, of: str) -> Rows | None:
    """The rows of a stream, all of kind `of`; None when it has no batch."""
    try:
        table = pa.Table.from_batches(*_batches(body))
        table.validate(full=True)
    except (pa.ArrowException, UnicodeError, OSError, struct.error) as wrong:
        raise BadInput(f"this is not an Arrow IPC stream: {wrong}") from wrong
    batches = table.combine_chunks().to_batches()
    return from_batch(kind(of), batches[0]) if batches else None


def _batches(body: bytes) -> tuple[list[pa.RecordBatch], pa.Schema]:
    messages: Iterator[pa.Message] = iter(pa.ipc.MessageReader.open_stream(body))
    first = next(messages, None)
    if first is None:
        raise BadInput("this is not an Arrow IPC stream: it is empty")
    schema = pa.ipc.read_schema(first)
    return [pa.ipc.read_record_batch(_plain(message), schema) for message in messages], schema


def _plain(message: pa.Message) -> pa.Message:
    """A record batch without compression; raises BadInput for anything else."""
    if message.type != "record batch":
        raise BadInput(f"this Arrow IPC stream has a {message.type}; send plain columns in record batches")
    metadata = message.metadata.to_pybytes()
    root = struct.unpack_from("<I", metadata)[0]
    header = _field(metadata, root, HEADER)
    batch = header + struct.unpack_from("<I", metadata, header)[0]
    if _field(metadata, batch, COMPRESSION) != batch:
        raise BadInput("this Arrow IPC stream is compressed; send its record batches without compression")
    return message


def _field(metadata: bytes, table: int, number: int) -> int:
    """Where a field of a FlatBuffers table lies; at the table itself when it is left out."""
    entry = table - struct.unpack_from("<i", metadata, table)[0]
    size = struct.unpack_from("<H", metadata, entry)[0]
    place = 4 + 2 * number
    return table + (struct.unpack_from("<H", metadata, entry + place)[0] if place < size else 0)


part = read
