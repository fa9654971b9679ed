"""Recorded files: CSV, Parquet or NDJSON, read whole and put in the order of their own time.

A file is brought to our nouns by a mapping (`standards.mapping`) and travels on a timeline of its own, so
that a recorded month can't be mistaken for today.
"""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.json
import pyarrow.parquet as pq

from tutela.errors import BadInput, NotFound
from tutela.model.card import Card
from tutela.standards.mapping import Mapping, shaped

READERS = {
    ".csv": pyarrow.csv.read_csv,
    ".parquet": pq.read_table,
    ".ndjson": pyarrow.json.read_json,
    ".jsonl": pyarrow.json.read_json,
}


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

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self, mapping: Mapping) -> pa.Table:
        """The whole table in the order of its time. Raises BadInput with what is wrong and where."""
        reader = READERS.get(self.path.suffix.lower())
        if reader is None:
            raise BadInput(f"{self.path.name} ends in {self.path.suffix!r}; this reads {', '.join(READERS)}")
        if not self.path.is_file():
            raise NotFound(f"there is no file {self.path}; check the path")
        try:
            if reader is pyarrow.json.read_json:
                self._objects()
            table = reader(self.path)
        except (pa.ArrowInvalid, OSError) as wrong:
            raise BadInput(f"{self.path.name} can't be read: {wrong}") from wrong
        table = shaped(mapping, table)
        if mapping.time.column not in table.column_names:
            there = ", ".join(table.column_names)
            raise BadInput(f"{self.path.name} has no column {mapping.time.column!r} for the time; it has {there}")
        return table.sort_by(mapping.time.column)

    def _objects(self) -> None:
        """Raise BadInput unless every line is an object: the reader of JSON lines ends the process on anything else."""
        with self.path.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip() and not line.lstrip().startswith(b"{"):
                    raise BadInput(f"{self.path.name}: line {number} is no JSON object, but {line.strip()[:40]!r}")


part = Recorded
