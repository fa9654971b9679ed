"""A database that is asked again and again: the rows which are new, by a column that only grows. PostgreSQL and SQLite.

It only reads: PostgreSQL in a transaction that can't write, SQLite in mode `ro`. Rows become observations by the same mapping
as imported files (`standards.mapping`). Where it stopped is the greatest value of `increasing` that is durable here, and the rows of
it: others of the same value may come later, as with a time in whole seconds.
"""

from __future__ import annotations

import asyncio
import re
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256
from typing import Annotated, Any, ClassVar
from urllib.parse import quote
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import asyncpg
import msgspec
import pyarrow as pa

from tutela.errors import BadInput
from tutela.model.card import Card
from tutela.model.intake import Intake, pause
from tutela.model.noun import Noun
from tutela.standards.mapping import Stream, When
from tutela.standards.table import heard

Row = Mapping[str, Any]
_WORD = re.compile(r"[A-Za-z_]\w*")
STEPS = 10_000
"""Steps of SQLite's machine between two looks at the clock."""


class _Mark(msgspec.Struct, frozen=True):
    """The greatest value that was taken of this query: its type, how it is written, and the digests of its rows."""

    query: str
    type: str
    value: str
    taken: tuple[str, ...] = ()


_TYPES: dict[str, Callable[[str], object]] = {
    "int": int,
    "float": float,
    "str": str,
    "Decimal": Decimal,
    "datetime": datetime.fromisoformat,
}


class Sql(Noun, frozen=True, kw_only=True):
    """`query` gives rows, `increasing` is the column of them that only grows; those from the last one on are asked for.

    A row has to be the same whenever it is asked for, by which it is known again: no `now()` in it.
    Give either `path` (a SQLite file) or the secret `dsn` (PostgreSQL). `time`, `datastream` and `places` are as in a mapping;
    names of Things and Datastreams are put behind the source's own name and a slash. `rows`: at most at once.
    """

    sealed: ClassVar[frozenset[str]] = frozenset({"dsn"})
    card: ClassVar[Card] = Card(
        finds="New rows of a table in somebody else's database.",
        needs=frozenset(),
        key="datastream",
        lateness=0,
        personal_data=False,
        cannot=(
            "See a row that is changed later, or one that comes with a smaller number than one that was read: numbers of"
            " transactions that run beside each other may come in another order than they were given."
        ),
    )

    query: str
    increasing: str
    time: When
    datastream: Annotated[tuple[Stream, ...], msgspec.Meta(min_length=1)]
    places: dict[str, tuple[float, float]] = {}
    path: str = ""
    dsn: str = ""
    every: Annotated[float, msgspec.Meta(ge=0.1)] = 30.0
    rows: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 5_000
    timeout: Annotated[float, msgspec.Meta(gt=0)] = 30.0

    def __post_init__(self) -> None:
        """Refuse what could never be asked."""
        if bool(self.path) == bool(self.dsn):
            raise BadInput(
                'name one database: path = "/…/file.sqlite" in the options, or dsn = "postgresql://…" as a secret'
            )
        if self.dsn and not self.dsn.startswith(("postgresql://", "postgres://")):
            raise BadInput(
                "the dsn is no address of PostgreSQL; write it like postgresql://user:password@host:5432/database"
            )
        if not _WORD.fullmatch(self.increasing):
            raise BadInput(f"increasing = {self.increasing!r} is no plain name of a column")
        _zone(self.time.zone)

    async def run(self, intake: Intake) -> None:
        """Ask for ever; while there is more, at once."""
        failures = 0
        while True:
            more = False
            try:
                more = await self._round(intake)
            except BadInput as wrong:
                intake.trouble(f"the rows don't fit the mapping, and wait: {wrong.message}")
                failures += 1
            except (OSError, TimeoutError, sqlite3.Error, asyncpg.PostgresError, asyncpg.InterfaceError) as wrong:
                intake.trouble(f"the database does not answer as it should: {wrong or type(wrong).__name__}")
                failures += 1
            else:
                failures = 0
            await intake.wait(0.0 if more else pause(self.every, failures, intake.chance()))

    async def _round(self, intake: Intake) -> bool:
        """Take the next rows, and remember the last of them; whether there are more."""
        after, taken = self._after(await intake.mark())
        found = await self._ask(after, len(taken))
        intake.well()
        rows = [row for row in found if row[self.increasing] != after or _row(row) not in taken]
        if not rows:
            return False
        whole = rows if len(rows) <= self.rows else self._whole(rows)
        await intake.hear(heard(self._table(whole), intake.source, self.time, self.datastream, self.places))
        last = whole[-1][self.increasing]
        await intake.remember(self._mark(last, {_row(row) for row in found if row[self.increasing] == last}))
        return len(rows) > self.rows

    def _whole(self, rows: Sequence[Row]) -> Sequence[Row]:
        """The rows before the last value of a full page: others of that value may be on the next."""
        last = rows[-1][self.increasing]
        before = [row for row in rows if row[self.increasing] != last]
        if not before:
            raise BadInput(
                f"more than {self.rows} rows have {self.increasing} = {last}; raise `rows`, or choose another column"
            )
        return before

    async def _ask(self, after: object, taken: int) -> Sequence[Row]:
        """The rows from that value on, of which so many were taken before."""
        if self.path:
            return await asyncio.to_thread(self._sqlite, after, taken)
        async with asyncio.timeout(self.timeout):
            connection = await self._connected()
            try:
                async with connection.transaction(readonly=True):
                    given = () if after is None else (after,)
                    found = await connection.fetch(self._statement("$1" if given else "", taken), *given)
                    return [dict(row) for row in found]
            finally:
                connection.terminate()  # nothing is under way that could be lost

    async def _connected(self) -> asyncpg.Connection:
        try:
            return await asyncpg.connect(self.dsn, timeout=self.timeout, command_timeout=self.timeout)
        except ValueError:
            # What the library says of such an address may hold a part of its password.
            raise OSError("the dsn can't be understood; look at its host, port and options") from None

    def _sqlite(self, after: object, taken: int) -> Sequence[Row]:
        end = time.monotonic() + self.timeout
        with closing(sqlite3.connect(f"file:{quote(self.path)}?mode=ro", uri=True, timeout=self.timeout)) as connection:
            connection.row_factory = sqlite3.Row
            connection.set_progress_handler(lambda: time.monotonic() > end, STEPS)
            given = () if after is None else (after,)
            return [dict(row) for row in connection.execute(self._statement("?" if given else "", taken), given)]

    def _statement(self, after: str, taken: int) -> str:
        """The query with what is asked of it. It stands in brackets, where nothing but a query can stand."""
        column = f'q."{self.increasing}"'
        beyond = f" where {column} >= {after}" if after else f" where {column} is not null"
        return f"select * from ({self.query}\n) as q{beyond} order by {column} limit {self.rows + 1 + taken}"  # noqa: S608  whoever enters the connection writes the query

    def _digest(self) -> str:
        return sha256(f"{self.query}\0{self.increasing}".encode()).hexdigest()[:16]

    def _mark(self, value: object, taken: AbstractSet[str]) -> bytes:
        name = type(value).__name__
        if name not in _TYPES:
            raise BadInput(
                f"{self.increasing} is {name}, which can't be told to grow; choose a number, a time or a text"
            )
        text = value.isoformat() if isinstance(value, datetime) else str(value)
        return msgspec.json.encode(_Mark(self._digest(), name, text, tuple(sorted(taken))))

    def _after(self, mark: bytes) -> tuple[object, frozenset[str]]:
        """The value to go on from, and its rows that were taken; None for a query that was never asked."""
        try:
            found = msgspec.json.decode(mark, type=_Mark) if mark else None
            if found is None or found.query != self._digest():
                return None, frozenset()
            return _TYPES[found.type](found.value), frozenset(found.taken)
        except (msgspec.DecodeError, KeyError, ValueError, ArithmeticError):
            return None, frozenset()  # of another version: then all is read once more

    def _table(self, rows: Sequence[Row]) -> pa.Table:
        """The rows in columns: times and results as what they are, all others as text. What is none is left empty."""
        results, zone = {stream.result for stream in self.datastream}, _zone(self.time.zone)
        columns: dict[str, pa.Array] = {}
        for name in rows[0]:
            values = [row[name] for row in rows]
            if name == self.time.column:
                columns[name] = pa.array([_time(value, zone) for value in values], pa.timestamp("us", "UTC"))
            elif name in results:
                columns[name] = pa.array([_number(value) for value in values], pa.float64())
            else:
                columns[name] = pa.array([None if value is None else str(value) for value in values], pa.string())
        return pa.table(columns)


def _row(row: Row) -> str:
    """A row's digest, by which it is known again when it is asked for once more."""
    return sha256(repr(list(row.items())).encode()).hexdigest()[:16]


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as wrong:
        raise BadInput(f"there is no time zone {name!r}; write it like Europe/Helsinki") from wrong


def _time(value: object, zone: ZoneInfo) -> datetime | None:
    """A time as a database gives it: a timestamp, ISO 8601, or seconds since 1970."""
    try:
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return datetime.fromtimestamp(value, UTC)
        when = datetime.fromisoformat(value) if isinstance(value, str) else value
    except (ValueError, OverflowError, OSError):
        return None
    if not isinstance(when, datetime):
        return None
    return when if when.tzinfo else when.replace(tzinfo=zone)


def _number(value: object) -> float | None:
    if not isinstance(value, (int, float, Decimal, str)):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


part = Sql
