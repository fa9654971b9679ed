"""What is asked of the lake: the series of a datastream, and the recorded messages of a partition. All of this blocks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from heapq import merge

import duckdb
import pyarrow as pa

from tutela.backends.lake_rows import PLAIN, messages_of, rows_of, sealed_message, tick_message
from tutela.model.flow import Message
from tutela.model.kinds import kind
from tutela.model.rows import Rows
from tutela.model.timeline import token
from tutela.model.when import iso

_SEALED = "kind, sequence, key, bucket, rows, body"


@dataclass(frozen=True, slots=True)
class Series:
    """One datastream of one kind, since ≤ time < until (microseconds)."""

    timeline: str
    kind: str
    partition: int
    datastream: int
    since: int
    until: int


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of what one partition read, since < sequence ≤ until."""

    timeline: str
    partition: int
    since: int
    until: int


def series(lake: duckdb.DuckDBPyConnection, of: Series, most: int) -> Rows:
    """Each (time, value) once, in order of time, the first `most`."""
    values = ", ".join(column for column, _ in kind(of.kind).columns)
    found = lake.execute(
        f"select distinct datastream, time, {values} from lake.{of.kind}"  # noqa: S608  names of ours
        " where timeline = ? and partition = ? and datastream = ?"
        f" and time >= make_timestamp(?) and time < make_timestamp(?) order by time, {values} limit ?",
        [of.timeline, of.partition, of.datastream, of.since, of.until, most],
    )
    return rows_of(of.kind, found.to_arrow_table())


def sealed(lake: duckdb.DuckDBPyConnection, of: Series) -> list[Message]:
    """The messages of one partition (`of.datastream` is not looked at) whose bucket is of one of these days."""
    first, last = (iso(at)[:10] for at in (of.since, of.until - 1))
    found = lake.execute(
        f"select {_SEALED} from lake.sealed where timeline = ? and partition = ? and kind = ?"  # noqa: S608  names of ours
        " and right(bucket, 10) between ? and ? order by sequence",
        [of.timeline, of.partition, of.kind, first, last],
    )
    name = token(of.timeline)
    return [sealed_message(name, of.partition, *row) for row in found.fetchall()]


def detect(lake: duckdb.DuckDBPyConnection, span: Span) -> Iterator[Message]:
    """The rows of one partition, and the ticks; in partition 0 what is sealed of all others too.

    Detectors that see everything that moves in the city may be at work there; each circle takes its own.
    """
    found: list[Iterator[Message]] = [_plain(lake, name, span) for name in PLAIN]
    bodies = _some(lake, "sealed", f"partition, {_SEALED}", "$4 in (partition, 0)", span, span.partition)
    found.append(sealed_message(token(span.timeline), *row) for row in bodies.fetchall())
    ticks = _some(lake, "tick", 'sequence, "at"', "true", span)
    found.append(tick_message(token(span.timeline), *row) for row in ticks.fetchall())
    return merge(*found, key=lambda message: message.sequence)


def correlate(lake: duckdb.DuckDBPyConnection, span: Span) -> Iterator[Message]:
    """The facts of one partition, those from across its border, and the ticks; of partition 0 all facts.

    In partition 0 rules over the whole city may be at work, which read them all; each circle there takes its own.
    """
    own = span.partition or r"\d+"
    subjects = rf"det\.{re.escape(token(span.timeline))}\.({own}|{span.partition}\.copy|tick)"
    return _facts(lake, "regexp_full_match(subject, $4)", span, subjects)


def desk(lake: duckdb.DuckDBPyConnection, span: Span) -> Iterator[Message]:
    """All facts, each once, and the ticks."""
    return _facts(lake, "subject not like $4", span, "%.copy")


_STAGES = {"detect": detect, "correlate": correlate, "desk": desk}


def recorded(lake: duckdb.DuckDBPyConnection, stage: str, span: Span) -> Iterator[Message]:
    """What one partition of that stage read, in the recorded order."""
    return _STAGES[stage](lake, span)


def ticked(lake: duckdb.DuckDBPyConnection, timeline: str) -> int:
    """The newest archived tick; 0 for none."""
    return _one(lake, 'select coalesce(max("at"), 0) from lake.tick where timeline = ?', [timeline])


def passed(lake: duckdb.DuckDBPyConnection, timeline: str, stage: str, at: int) -> int:
    """The sequence of the last tick before that time, on the hop which the stage reads; 0 for none."""
    if stage == "detect":
        text = 'select coalesce(max(sequence), 0) from lake.tick where timeline = ? and "at" < ?'
        return _one(lake, text, [timeline, at])
    text = (
        "select coalesce(max(sequence), 0) from lake.second_hop where timeline = ? and subject = ?"
        " and cast(json_extract(decode(body), '$.at') as bigint) < ?"
    )
    return _one(lake, text, [timeline, f"det.{token(timeline)}.tick", at])


def _one(lake: duckdb.DuckDBPyConnection, text: str, values: list[object]) -> int:
    found = lake.execute(text, values).fetchone()
    return 0 if found is None else int(found[0])


def _plain(lake: duckdb.DuckDBPyConnection, name: str, span: Span) -> Iterator[Message]:
    columns = ", ".join(column for column, _ in kind(name).columns)
    found = _some(lake, name, f"sequence, row, datastream, time, {columns}", "partition = $4", span, span.partition)
    table: pa.Table = found.to_arrow_table()
    return messages_of(
        token(span.timeline), name, span.partition, table.sort_by([("sequence", "ascending"), ("row", "ascending")])
    )


def _facts(lake: duckdb.DuckDBPyConnection, which: str, span: Span, value: object) -> Iterator[Message]:
    found = _some(lake, "second_hop", "sequence, subject, body", which, span, value)
    return (Message(sequence, subject, {}, body, 0) for sequence, subject, body in found.fetchall())


def _some(
    lake: duckdb.DuckDBPyConnection, table: str, columns: str, which: str, span: Span, *values: object
) -> duckdb.DuckDBPyConnection:
    return lake.execute(
        f"select {columns} from lake.{table}"  # noqa: S608  names of ours
        f" where timeline = $1 and sequence > $2 and sequence <= $3 and {which} order by sequence",
        [span.timeline, span.since, span.until, *values],
    )
