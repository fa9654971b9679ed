"""Recorded messages as rows of the lake's tables, and back. No I/O.

A table's rows of one flush are put in order of (partition, datastream), so that a series reads one or two row
groups of a file. Messages hold one partition each, so only the datastreams have to be sorted, partition by partition.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from tutela.errors import Broken
from tutela.model import wire
from tutela.model.flow import Message, Tick, decode_tick, encode
from tutela.model.kinds import KINDS, kind
from tutela.model.rows import Rows, empty
from tutela.model.timeline import timeline_of

TIME = pa.timestamp("us")
"""As the lake keeps it: microseconds since 1970, UTC."""

_ZONED = pa.timestamp("us", tz="UTC")
"""As batches have it."""

PLAIN = tuple(name for name, of in KINDS.items() if not of.personal_data)
"""The kinds that have a table of their own; the others are kept as they came, sealed."""


@dataclass(frozen=True, slots=True)
class Place:
    """What a subject tells. `kind` is a kind's name or "tick" on the first hop, and "" on the second."""

    timeline: str
    kind: str
    partition: int

    @classmethod
    def of(cls, subject: str) -> Place:
        """Read from `obs.<token>.<kind>.<partition>`, `obs.<token>.tick` or `det.<token>.…`."""
        hop, name, *rest = subject.split(".")
        if hop == "det":
            return cls(timeline_of(name), "", 0)
        return cls(timeline_of(name), rest[0], int(rest[1]) if len(rest) > 1 else 0)


@dataclass(slots=True)
class _Kind:
    """The messages of one kind, by partition, in their order."""

    rows: dict[int, list[Rows]] = field(default_factory=dict)
    sequences: dict[int, list[int]] = field(default_factory=dict)

    def add(self, partition: int, sequence: int, rows: Rows) -> None:
        self.rows.setdefault(partition, []).append(rows)
        self.sequences.setdefault(partition, []).append(sequence)


def tables(messages: Sequence[Message]) -> Mapping[str, pa.Table]:
    """What the lake keeps of these messages, by table. Raises Broken for a body that is not what its subject says."""
    kinds: dict[str, _Kind] = {}
    others: dict[str, list[tuple[object, ...]]] = {"sealed": [], "tick": [], "second_hop": []}
    for message in messages:
        place = Place.of(message.subject)
        if place.kind == "":
            others["second_hop"].append((place.timeline, message.sequence, message.subject, message.body))
        elif place.kind == "tick":
            others["tick"].append((place.timeline, message.sequence, decode_tick(message.body).at))
        elif "Key" in message.headers:
            others["sealed"].append(_sealed(place, message))
        else:
            kinds.setdefault(place.kind, _Kind()).add(place.partition, message.sequence, _rows(place, message))
    timeline = Place.of(messages[0].subject).timeline if messages else ""
    found = {name: _columns(timeline, of) for name, of in kinds.items()}
    return found | {name: _table(SCHEMAS[name], rows) for name, rows in others.items() if rows}


SCHEMAS = {
    "sealed": pa.schema(
        {
            "timeline": pa.string(),
            "kind": pa.string(),
            "partition": pa.int16(),
            "sequence": pa.int64(),
            "key": pa.string(),
            "bucket": pa.string(),
            "rows": pa.int32(),
            "body": pa.binary(),
        }
    ),
    "tick": pa.schema({"timeline": pa.string(), "sequence": pa.int64(), "at": pa.int64()}),
    "second_hop": pa.schema(
        {"timeline": pa.string(), "sequence": pa.int64(), "subject": pa.string(), "body": pa.binary()}
    ),
}


def _sealed(place: Place, message: Message) -> tuple[object, ...]:
    headers = message.headers
    said = (headers["Key"], headers["Bucket"], int(headers.get("Rows", "0")))
    return (place.timeline, place.kind, place.partition, message.sequence, *said, message.body)


def _rows(place: Place, message: Message) -> Rows:
    rows = wire.decode(message.body)
    if rows.kind != place.kind or place.kind not in PLAIN:
        raise Broken(
            f"the message {message.sequence} on {message.subject} holds {rows.kind}, in the clear: stop and look"
        )
    return rows


def _table(schema: pa.Schema, rows: Sequence[tuple[object, ...]]) -> pa.Table:
    columns = zip(*rows, strict=True)
    return pa.table([pa.array(column, of.type) for column, of in zip(columns, schema, strict=True)], schema=schema)


def _columns(timeline: str, of: _Kind) -> pa.Table:
    parts = [_part(timeline, number, of.rows[number], of.sequences[number]) for number in sorted(of.rows)]
    return pa.Table.from_batches(parts)


def _part(timeline: str, partition: int, parts: Sequence[Rows], sequences: Sequence[int]) -> pa.RecordBatch:
    """The rows of one partition, in order of datastream, those of one datastream as they came."""
    counts = np.array([len(part) for part in parts])
    datastream = np.concatenate([part.datastream for part in parts])
    order = np.argsort(datastream, kind="stable")
    ends = np.cumsum(counts)
    row = np.arange(ends[-1]) - np.repeat(ends - counts, counts)
    columns: dict[str, pa.Array] = {
        "timeline": _same(timeline, len(order)),
        "partition": pa.array(np.full(len(order), partition, np.int16)),
        "sequence": pa.array(np.repeat(np.array(sequences, np.int64), counts)[order]),
        "row": pa.array(row.astype(np.int32)[order]),
        "datastream": pa.array(datastream[order]),
        "time": pa.array(np.concatenate([part.time for part in parts])[order]).view(TIME),
    }
    for name in parts[0].values:
        columns[name] = pa.array(np.concatenate([part.values[name] for part in parts])[order])
    return pa.RecordBatch.from_pydict(columns)


def _same(text: str, count: int) -> pa.DictionaryArray:
    """One text, that many times, in a byte each."""
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(count, np.int8)), pa.array([text]))


def rows_of(name: str, table: pa.Table) -> Rows:
    """A table with the columns of a kind, as rows."""
    batch = table.combine_chunks().to_batches()
    if not batch:
        return empty(name)
    time = batch[0].column("time").view(_ZONED)
    return wire.from_batch(kind(name), batch[0].set_column(batch[0].schema.get_field_index("time"), "time", time))


def messages_of(token: str, name: str, partition: int, table: pa.Table) -> Iterator[Message]:
    """Rows in order of (sequence, row) as the messages that they came in, encoded anew."""
    sequence = table.column("sequence").to_numpy()
    rows = rows_of(name, table)
    headers = {"Schema": kind(name).schema}
    cuts = [*(np.flatnonzero(sequence[1:] != sequence[:-1]) + 1).tolist(), len(sequence)]
    first = 0
    for end in cuts if len(sequence) else ():
        body = wire.encode(rows.take(slice(first, end)))
        yield Message(int(sequence[first]), f"obs.{token}.{name}.{partition}", headers, body, 0)
        first = end


def sealed_message(  # noqa: PLR0917  the columns of a row, in their order
    token: str, partition: int, name: str, sequence: int, key: str, bucket: str, rows: int, body: bytes
) -> Message:
    """A row of `sealed` as the message that it came in."""
    headers = {"Schema": kind(name).schema, "Key": key, "Bucket": bucket, "Rows": str(rows)}
    return Message(sequence, f"obs.{token}.{name}.{partition}", headers, body, 0)


def tick_message(token: str, sequence: int, at: int) -> Message:
    """A row of `tick` as the message that it came in."""
    return Message(sequence, f"obs.{token}.tick", {}, encode(Tick(at)), 0)
