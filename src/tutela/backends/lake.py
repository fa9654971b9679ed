"""History in DuckLake: Parquet files in a folder or a bucket, and their catalogue in the same PostgreSQL.

Rows and how far they reach are one transaction: whoever dies in it leaves a file that no catalogue names
(`tidy` removes it). Two archivers can't both go on from one offset: the second to commit is refused.
DuckDB blocks, so each operation has a thread and a cursor; its memory and threads are bounded.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TypeVar

import duckdb
import pyarrow as pa

from tutela.backends.lake_catalogue import Where, connect, missing, shred, tidy
from tutela.backends.lake_past import Ids, Past, forget, forgotten, oldest, overdue
from tutela.backends.lake_reads import Series, Span, passed, recorded, sealed, series, ticked
from tutela.backends.lake_rows import PLAIN, tables
from tutela.errors import BadInput, Conflict, EngineDown, StorageFull
from tutela.model.flow import Message
from tutela.model.rows import Rows
from tutela.model.timeline import token
from tutela.model.when import EVER

T = TypeVar("T")

WINDOW = 20_000
"""Sequences that are read from the lake at a time."""


class DuckLake:
    """`Lake` on DuckLake. It connects when it is first used, and again after a failure."""

    def __init__(self, where: Where) -> None:
        self._where = where
        self._lake: duckdb.DuckDBPyConnection | None = None
        self._connecting = threading.Lock()
        self._writing = asyncio.Lock()

    async def offset(self, stream: str) -> int:
        """How far that stream is archived; 0 for one that never was."""
        return await self._in_thread(partial(_offset, stream=stream)) or 0

    async def archive(self, stream: str, messages: Sequence[Message], since: int, upto: int) -> None:
        """Take these, which are all after `since` up to `upto`; raises Conflict when somebody else was first."""
        async with self._writing:
            await self._in_thread(partial(_archive, stream=stream, messages=messages, since=since, upto=upto))

    async def series(self, timeline: str, kind: str, datastream: int, since: int, until: int, most: int) -> Rows:
        """Each (time, value) once, in order of time, the first `most`. Of what is stored sealed there is none: BadInput."""
        if kind not in PLAIN:
            raise BadInput(f"{kind!r} is not stored in the clear; there are series of: {', '.join(PLAIN)}")
        of = Series(timeline, kind, datastream % self._where.partitions, datastream, since, until)
        return await self._in_thread(partial(series, of=of, most=most))

    async def sealed(self, timeline: str, kind: str, partition: int, since: int, until: int) -> Sequence[Message]:
        """The messages that may hold rows of a personal kind, since ≤ time < until; buckets tell it to the day."""
        return await self._in_thread(partial(sealed, of=Series(timeline, kind, partition, 0, since, until)))

    async def recorded(
        self, timeline: str, stage: str, partition: int, since: int, until: int
    ) -> AsyncIterator[Message]:
        """What that partition of that stage read, in the recorded order."""
        stream = f"{'OBS' if stage == 'detect' else 'DET'}-{token(timeline)}"
        until = min(until, await self.offset(stream))
        for first in range(since, until, WINDOW):
            span = Span(timeline, partition, first, min(first + WINDOW, until))
            for message in await self._in_thread(partial(recorded, stage=stage, span=span)):
                yield message

    async def ticked(self, timeline: str) -> int:
        """The newest archived tick; 0 for none."""
        return await self._in_thread(partial(ticked, timeline=timeline))

    async def passed(self, timeline: str, stage: str, at: int) -> int:
        """The sequence of the last tick before that time, on the hop which the stage reads; 0 for none."""
        return await self._in_thread(partial(passed, timeline=timeline, stage=stage, at=at))

    async def tidy(self, before: int) -> None:
        """Merge small files; forget what was superseded before then (microseconds), and its files."""
        async with self._writing:
            await self._in_thread(partial(tidy, before=before))

    async def overdue(self, timeline: str, datastreams: Ids, before: int, since: int = EVER) -> int:
        """The rows of these datastreams in that time which lie in the clear."""
        return await self._in_thread(partial(overdue, of=Past(timeline, datastreams, before, since)))

    async def oldest(self, timeline: str, datastreams: Ids) -> int | None:
        """The time of the oldest row of these datastreams that lies in the clear; None: there is none."""
        return await self._in_thread(partial(oldest, timeline=timeline, datastreams=datastreams))

    async def forget(self, timeline: str, datastreams: Ids, before: int, since: int = EVER) -> int:
        """Delete those; how many they were."""
        async with self._writing:
            return await self._in_thread(partial(forget, of=Past(timeline, datastreams, before, since)))

    async def shred(self) -> None:
        """Remove what was deleted from every file."""
        async with self._writing:
            await self._in_thread(shred)

    async def forgotten(self, timeline: str, upto: int) -> tuple[int, int | None]:
        """How many rows were deleted up to that sequence, and the first sequence that lacks some."""
        return await self._in_thread(partial(forgotten, timeline=timeline, upto=upto))

    async def missing(self) -> Sequence[str]:
        """The files that the catalogue names and that are not there: none, unless somebody took them."""
        return await self._in_thread(missing)

    async def close(self) -> None:
        """Let go of the files and of PostgreSQL."""
        lake, self._lake = self._lake, None
        if lake is not None:
            await asyncio.to_thread(lake.close)

    async def _in_thread(self, act: Callable[[duckdb.DuckDBPyConnection], T]) -> T:
        return await asyncio.to_thread(self._with_cursor, act)

    def _with_cursor(self, act: Callable[[duckdb.DuckDBPyConnection], T]) -> T:
        with self._faults():
            cursor = self._cursor()
            try:
                return act(cursor)
            finally:
                cursor.close()  # this ends a transaction that was not committed

    def _cursor(self) -> duckdb.DuckDBPyConnection:
        with self._connecting:
            if self._lake is None:
                self._lake = connect(self._where)
            return self._lake.cursor()

    @contextmanager
    def _faults(self) -> Iterator[None]:
        """Failures of the engine in our words. The connection may be what failed: the next use makes a new one."""
        try:
            yield
        except duckdb.ProgrammingError:
            raise  # that is our own fault
        except duckdb.Error as wrong:
            says = " ".join(str(wrong).replace(self._where.dsn, "(the catalogue)").split())
            if isinstance(wrong, duckdb.TransactionException) and "conflict" in says:
                raise Conflict(f"somebody else changed the lake first; read its offset again ({says})") from None
            self._lake = None
            if "No space left" in says:
                raise StorageFull(f"the lake has no room; free disk space, nothing is lost ({says})") from None
            raise EngineDown(f"the lake did not answer; `tutela doctor` tells why ({says})") from None


def _offset(lake: duckdb.DuckDBPyConnection, stream: str) -> int | None:
    found = lake.execute("select sequence from lake.offs where stream = ?", [stream]).fetchone()
    return None if found is None else int(found[0])


def _archive(lake: duckdb.DuckDBPyConnection, stream: str, messages: Sequence[Message], since: int, upto: int) -> None:
    found = tables(messages)
    lake.execute("begin")
    _claim(lake, stream, since, upto)
    _insert(lake, found)
    lake.execute("commit")


def _claim(lake: duckdb.DuckDBPyConnection, stream: str, since: int, upto: int) -> None:
    """Move the offset on. Whoever moves it at the same time changes the same row, and can't commit."""
    before = _offset(lake, stream)
    if (before or 0) != since:
        raise Conflict(f"{stream} is archived up to {before or 0}, not {since}: another archiver was first")
    if before is None:
        lake.execute("update lake.offs set sequence = sequence + 1 where stream = ''")
        lake.execute("insert into lake.offs values (?, ?)", [stream, upto])
    else:
        lake.execute("update lake.offs set sequence = ? where stream = ?", [upto, stream])


def _insert(lake: duckdb.DuckDBPyConnection, found: Mapping[str, pa.Table]) -> None:
    for name, table in found.items():
        lake.register("flush", table)
        lake.execute(f"insert into lake.{name} select * from flush")  # noqa: S608  a name of ours
        lake.unregister("flush")
