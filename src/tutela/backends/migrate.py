"""Numbered migrations: each file in one transaction with its row, so that a kill at any step loses nothing.

Files are `NNNN_name.sql`, from 1 without gaps; a released file never changes. A second program that starts at the same
time waits at an advisory lock.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

import asyncpg

from tutela.backends.postgres.faults import faults
from tutela.errors import Broken

_LOCK = 7_498_353_081_642_913
_NAME = re.compile(r"(\d{4})_(\w+)\.sql")
_WRONG = (asyncpg.SyntaxOrAccessError, asyncpg.DataError, asyncpg.IntegrityConstraintViolationError)

_TABLE = """
create table if not exists migration (
    n             int primary key,
    name          text not null,
    sha256        text not null,
    at            bigint not null
)
"""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file."""

    n: int
    name: str
    sql: str

    @property
    def sha256(self) -> str:
        """The hash of the file, in hexadecimal."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def ours() -> Traversable:
    """The folder with the migrations of this program."""
    return files("tutela.backends") / "migrations"


def migrations(folder: Traversable) -> list[Migration]:
    """The migrations of a folder, in order; raises Broken when a number is missing or doubled."""
    named = [(match, path) for path in folder.iterdir() if (match := _NAME.fullmatch(path.name))]
    found = [Migration(int(match[1]), match[2], path.read_text(encoding="utf-8")) for match, path in named]
    found.sort(key=lambda one: one.n)
    if [one.n for one in found] != list(range(1, len(found) + 1)):
        raise Broken(f"the migrations in {folder} are not numbered 1, 2, 3, …: {[one.n for one in found]}")
    return found


async def migrate(dsn: str, at: int, folder: Traversable | None = None) -> list[int]:
    """Bring a database up to date; the numbers that were applied now. `at`: the time, in microseconds.

    Raises Broken when the database is newer than this program, an applied file was changed or one does not fit,
    EngineDown when PostgreSQL does not answer. Then nothing was applied, or whole files only: run it again.
    """
    known = migrations(folder or ours())
    with faults():
        connection = await asyncpg.connect(dsn, server_settings={"application_name": "tutela migrate"})
        try:
            await connection.execute("select pg_advisory_lock($1)", _LOCK)
            await connection.execute(_TABLE)
            due = _due(known, await connection.fetch("select n, name, sha256 from migration order by n"))
            for one in due:
                await _apply(connection, one, at)
        finally:
            await connection.close()  # and with it the lock
    return [one.n for one in due]


def _due(known: Sequence[Migration], applied: Sequence[asyncpg.Record]) -> Sequence[Migration]:
    if len(applied) > len(known):
        raise Broken(
            f"the database has migration {applied[-1]['n']}, this program knows {len(known)}: "
            "start a newer tutela, or restore the backup from before the upgrade"
        )
    for one, row in zip(known, applied, strict=False):
        if (one.n, one.sha256) != (row["n"], row["sha256"]):
            raise Broken(
                f"the migration {one.n:04d}_{one.name}.sql is not the one that this database was made with: "
                "a released file never changes; put it back and write a new one"
            )
    return known[len(applied) :]


async def _apply(connection: asyncpg.Connection, one: Migration, at: int) -> None:
    try:
        async with connection.transaction():
            await connection.execute(one.sql)
            await connection.execute("insert into migration values ($1, $2, $3, $4)", one.n, one.name, one.sha256, at)
    except _WRONG as wrong:
        raise Broken(
            f"the migration {one.n:04d}_{one.name}.sql does not fit this database and left it as it was: {wrong}"
        ) from wrong
