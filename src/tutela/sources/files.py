"""Recorded files: CSV, Parquet or NDJSON, read whole and put in the order of their own time.

A file is brought to our nouns by a mapping (`standards.mapping`) and travels on a timeline of its own, so
that a recorded month can't be mistaken for today.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.csv
import pyarrow.json
import pyarrow.parquet as pq

from tutela.errors import BadInput, NotFound
from tutela.model.card import Card
from tutela.standards.mapping import Mapping, shaped

Decode = Callable[[Path], pa.Table]
"""Reads a file as a table; raises BadInput. `decoded` does so here, and `app.decoding` in a process with limits."""

SUFFIXES = (".csv", ".parquet", ".ndjson", ".jsonl")
LINES = (".ndjson", ".jsonl")


def decoded(path: Path) -> pa.Table:
    """The table in a file. Raises BadInput with what is wrong and where."""
    try:
        with path.open("rb") as file:
            return table_of(file, path.suffix.lower())
    except (pa.ArrowException, OSError) as wrong:
        raise BadInput(f"{path.name} can't be read: {wrong}") from wrong
    except BadInput as wrong:
        raise BadInput(f"{path.name} can't be read: {wrong}") from wrong


def table_of(file: BinaryIO, suffix: str) -> pa.Table:
    """The table in an open file, on one thread; raises BadInput, and what Arrow raises."""
    if suffix == ".csv":
        return pyarrow.csv.read_csv(file, pyarrow.csv.ReadOptions(use_threads=False))
    if suffix in LINES:
        _objects(file)
        return pyarrow.json.read_json(file, pyarrow.json.ReadOptions(use_threads=False))
    return pq.ParquetFile(file, pre_buffer=False).read(use_threads=False)


def _objects(lines: BinaryIO) -> None:
    """Raise BadInput unless every line is an object: the reader of JSON lines ends the process on anything else."""
    for number, line in enumerate(lines, 1):
        if line.strip() and not line.lstrip().startswith(b"{"):
            raise BadInput(f"line {number} is no JSON object, but {line.strip()[:40]!r}")
    lines.seek(0)


class Recorded:
    """A recorded file; `read` gives it as one table, ordered by the mapping's time column."""

    name = "files"
    card = Card(
        finds="Observations or calls that somebody recorded earlier, in a table.",
        needs=frozenset(),
        key="datastream",
        lateness=0,
        personal_data=False,
        cannot="Read a file larger than memory; split it first.",
    )

    def __init__(self, path: Path, decode: Decode = decoded) -> None:
        self.path, self.decode = path, decode

    def read(self, mapping: Mapping) -> pa.Table:
        """The whole table in the order of its time. Raises BadInput with what is wrong and where."""
        if self.path.suffix.lower() not in SUFFIXES:
            raise BadInput(f"{self.path.name} ends in {self.path.suffix!r}; this reads {', '.join(SUFFIXES)}")
        if not self.path.is_file():
            raise NotFound(f"there is no file {self.path}; check the path")
        table = self.decode(self.path)
        table = shaped(mapping, table)
        if mapping.time.column not in table.column_names:
            there = ", ".join(table.column_names)
            raise BadInput(f"{self.path.name} has no column {mapping.time.column!r} for the time; it has {there}")
        return table.sort_by(mapping.time.column)


part = Recorded
