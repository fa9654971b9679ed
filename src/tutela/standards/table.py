"""A table as a message: CSV, or one JSON object a line, each row brought to our nouns by the words of a mapping.

In: every row gives one observation for each `datastream` block whose result it has. Names of Things and Datastreams are put
behind the source's own name and a slash. Rows without a time, name or number are refused and counted; a table without the columns
that the blocks name, or with rows of another width, is refused whole. What the blocks say is listed below, under the fields of a mapping.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping as Table_
from collections.abc import Sequence
from io import StringIO
from itertools import islice
from typing import Literal

import msgspec
import pyarrow as pa

from tutela.errors import BadInput
from tutela.model.heard import Heard, Value
from tutela.model.register import Source
from tutela.model.timeline import LIVE

from .mapping import Mapping, Stream, When, apply

Places = dict[str, tuple[float, float]]
Cell = str | int | float | bool | None
Row = Table_[str, str | None]

MOST = 200_000
"""Rows of one table."""
COLUMNS = 1_000

_DECODER = msgspec.json.Decoder(dict[str, Cell])


def read(
    body: bytes,
    source: str,
    *,
    time: When,
    datastream: tuple[Stream, ...],
    places: Places | None = None,
    form: Literal["csv", "ndjson"] = "csv",
    separator: str = ",",
) -> Heard:
    """What the rows of a table say; raises BadInput when it is none, or another one than the blocks describe."""
    if len(separator) != 1 or separator in '\r\n"':
        raise BadInput(f"separator = {separator!r} separates nothing; give one character")
    names, rows = _csv(body, separator) if form == "csv" else _lines(body)
    if not names:
        return Heard()
    try:
        return heard(_columns(names, rows), source, time, datastream, places or {})
    except (pa.ArrowException, OverflowError, ValueError) as wrong:  # which Arrow, and times beyond all years, raise
        raise BadInput(f"the columns of this table do not fit its mapping: {wrong}") from wrong


def _csv(body: bytes, separator: str) -> tuple[Sequence[str], list[Row]]:
    try:
        lines = csv.DictReader(StringIO(body.decode("utf-8-sig"), newline=""), delimiter=separator, strict=True)
        rows = list(islice(lines, MOST + 1))
    except (UnicodeDecodeError, csv.Error) as wrong:
        raise BadInput(f"this is no CSV in UTF-8: {wrong}") from wrong
    if not lines.fieldnames:
        raise BadInput("this is no CSV: it has no line with the names of its columns")
    for number, row in enumerate(rows, 1):
        if None in row or None in row.values():
            raise BadInput(f"row {number} has more or fewer cells than the head of the table")
    return lines.fieldnames, list(rows)


def _lines(body: bytes) -> tuple[Sequence[str], list[Row]]:
    if body.count(b"\n") > MOST:  # each line would take up more than a hundred times its size
        raise BadInput(f"this table has more than {MOST} rows; split it")
    try:
        cells = _DECODER.decode_lines(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as wrong:
        raise BadInput(f"this is not one plain JSON object a line: {wrong}") from wrong
    rows: list[Row] = [{name: _text(cell) for name, cell in row.items()} for row in cells]
    return list({name: None for row in rows for name in row}), rows


def _text(cell: Cell) -> str | None:
    return cell if cell is None or isinstance(cell, str) else msgspec.json.encode(cell).decode()


def _columns(names: Sequence[str], rows: Sequence[Row]) -> pa.Table:
    """All cells as text, whatever they look like today: a station 007 is no number."""
    if len(rows) > MOST:
        raise BadInput(f"this table has more than {MOST} rows; split it")
    if len(names) > COLUMNS:
        raise BadInput(f"this table has more than {COLUMNS} columns")
    return pa.table({name: pa.array([row.get(name) or None for row in rows], pa.string()) for name in names})


def heard(rows: pa.Table, source: str, time: When, datastream: Sequence[Stream], places: Places) -> Heard:
    """The rows in our nouns; raises BadInput when the blocks do not fit them."""
    named = [
        msgspec.structs.replace(one, name=f"{source}/{one.name}", thing=f"{source}/{one.thing}") for one in datastream
    ]
    entry = Source(  # of the register entry an import asks all, and a mapping the name only
        name=source, owner="", kind="", purposes=(), legal_basis="", personal_data=False, place=""
    )
    mapped = apply(Mapping(source=entry, time=time, datastream=tuple(named), places=places), rows, LIVE)
    values = [
        Value(column.names[code], int(at), (float(result),))
        for column in mapped.columns
        for code, at, result in zip(column.codes, column.time, column.result, strict=True)
    ]
    return Heard(mapped.things, mapped.datastreams, tuple(values), mapped.refused)


part = read
