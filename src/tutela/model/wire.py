"""The recorded form of a batch: Arrow IPC, with its schema name in the bytes themselves."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from tutela.errors import BadInput

from .kinds import Kind, kind
from .rows import Rows

_TIME = pa.timestamp("us", tz="UTC")


def _schema(of: Kind) -> pa.Schema:
    fields = [pa.field("datastream", pa.int32()), pa.field("time", _TIME)]
    fields += [pa.field(name, pa.from_numpy_dtype(np.dtype(dtype))) for name, dtype in of.columns]
    return pa.schema(fields, metadata={"schema": of.schema})


def encode(rows: Rows) -> bytes:
    """Rows as an Arrow IPC stream of one record batch."""
    schema = _schema(kind(rows.kind))
    columns = [pa.array(rows.datastream), pa.array(rows.time).view(_TIME)]
    columns += [pa.array(rows.values[name]) for name, _ in kind(rows.kind).columns]
    batch = pa.RecordBatch.from_arrays(columns, schema=schema)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, schema) as writer:
        writer.write_batch(batch)
    return bytes(sink.getvalue().to_pybytes())


def decode(body: bytes | memoryview) -> Rows:
    """The rows of an Arrow IPC stream; raises BadInput when it is not one of our schemas."""
    try:
        with pa.ipc.open_stream(body) as reader:
            found = reader.schema
            batch = reader.read_next_batch()
    except (pa.ArrowInvalid, pa.ArrowException, StopIteration, OSError) as wrong:
        raise BadInput(f"this is not an Arrow IPC stream with one batch: {wrong}") from wrong
    return from_batch(_named(found), batch)


def _named(schema: pa.Schema) -> Kind:
    said = (schema.metadata or {}).get(b"schema", b"").decode("utf-8", "replace")
    of = kind(said.partition("@")[0])
    if said != of.schema:
        raise BadInput(f"the schema {said!r} is not known here; this version reads {of.schema!r}")
    return of


def from_batch(of: Kind, batch: pa.RecordBatch) -> Rows:
    """An Arrow record batch as rows, with each column of the right type and no nulls."""
    try:
        batch.validate()  # Arrow believes what a stream says of its lengths, and would read past the end
    except pa.ArrowInvalid as wrong:
        raise BadInput(f"this batch does not hold what it says: {wrong}") from wrong
    wanted = _schema(of)
    columns = {}
    for field in wanted:
        position = batch.schema.get_field_index(field.name)
        if position < 0:
            raise BadInput(f"the column {field.name!r} is missing; {of.schema} needs {wanted.names}")
        column = batch.column(position)
        if column.type != field.type:
            raise BadInput(f"the column {field.name!r} is {column.type}, it should be {field.type}")
        if column.null_count:
            raise BadInput(f"the column {field.name!r} has {column.null_count} empty values; leave such rows out")
        plain = column.view(pa.int64()) if field.name == "time" else column
        columns[field.name] = plain.to_numpy(zero_copy_only=True)
    return Rows(of.name, columns.pop("datastream"), columns.pop("time"), columns)
