"""What is deleted from the lake since its time is over, and what is remembered of that. All of this blocks."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tutela.backends.lake_rows import PLAIN
from tutela.model.when import EVER

Ids = npt.NDArray[np.int32]

_PAST = (
    "timeline = ? and time < make_timestamp(?) and time >= make_timestamp(?) and datastream in (select id from past)"
)


@dataclass(frozen=True, slots=True)
class Past:
    """Rows of these datastreams before a time (microseconds) and not before another, of whatever kind."""

    timeline: str
    datastreams: Ids
    before: int
    since: int = EVER


def overdue(lake: duckdb.DuckDBPyConnection, of: Past) -> int:
    """How many there are."""
    lake.register("past", pa.table({"id": of.datastreams}))
    asked = [f"select count(*) as n from lake.{name} where {_PAST}" for name in PLAIN]  # noqa: S608  names of ours
    found = lake.execute(
        f"select sum(n) from ({' union all '.join(asked)})",  # noqa: S608  names of ours
        [of.timeline, of.before, of.since] * len(asked),
    ).fetchone()
    return int(found[0]) if found else 0


def oldest(lake: duckdb.DuckDBPyConnection, timeline: str, datastreams: Ids) -> int | None:
    """The time of the oldest row of these datastreams that lies in the clear; None: there is none."""
    lake.register("past", pa.table({"id": datastreams}))
    asked = [
        f"select min(time) as t from lake.{name} where timeline = ? and datastream in (select id from past)"  # noqa: S608  names of ours
        for name in PLAIN
    ]
    found = lake.execute(
        f"select epoch_us(min(t)) from ({' union all '.join(asked)})",  # noqa: S608  names of ours
        [timeline] * len(asked),
    ).fetchone()
    return found[0] if found else None


def forget(lake: duckdb.DuckDBPyConnection, of: Past) -> int:
    """Delete them, and remember which messages lack rows from now on: a replay must not be blamed for it."""
    lake.register("past", pa.table({"id": of.datastreams}))
    count = 0
    lake.execute("begin")
    for name in PLAIN:
        lacking = f"select timeline, partition, sequence, count(*) from lake.{name} where {_PAST} group by all"  # noqa: S608  names of ours
        lake.execute(f"insert into lake.forgotten {lacking}", [of.timeline, of.before, of.since])
        gone = lake.execute(f"delete from lake.{name} where {_PAST}", [of.timeline, of.before, of.since]).fetchone()  # noqa: S608  as above
        count += int(gone[0]) if gone else 0
    lake.execute("commit")
    return count


def forgotten(lake: duckdb.DuckDBPyConnection, timeline: str, upto: int) -> tuple[int, int | None]:
    """How many rows were deleted up to that sequence, and the first sequence that lacks some."""
    found = lake.execute(
        "select coalesce(sum(rows), 0), min(sequence) from lake.forgotten where timeline = ? and sequence <= ?",
        [timeline, upto],
    ).fetchone()
    return (int(found[0]), found[1]) if found else (0, None)
