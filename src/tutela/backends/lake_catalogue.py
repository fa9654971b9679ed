"""The lake's connection, its tables, and what they need each night. All of this blocks: it runs in a thread."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import duckdb

from tutela.backends.lake_rows import PLAIN
from tutela.errors import PartMissing
from tutela.model.kinds import kind
from tutela.model.when import moment

TRIES = 3

_SQL = {"f8": "double", "i8": "bigint"}

_ROWS = "timeline varchar, partition smallint, sequence bigint, row integer, datastream integer, time timestamp"
_BODIES = (
    "timeline varchar, kind varchar, partition smallint, sequence bigint, key varchar, bucket varchar, rows integer"
)

# Columns and order. There are no partitions: files are small and follow each other in time, and what is in one is
# found by the least and greatest of its columns. Partitions by timeline made an insert half again as dear.
_TABLES = {
    "offs": ("stream varchar, sequence bigint", "stream"),
    "sealed": (f"{_BODIES}, body blob", "timeline, partition, sequence"),
    "tick": ('timeline varchar, sequence bigint, "at" bigint', "timeline, sequence"),
    "forgotten": ("timeline varchar, partition smallint, sequence bigint, rows bigint", "timeline, sequence"),
    "second_hop": ("timeline varchar, sequence bigint, subject varchar, body blob", "timeline, sequence"),
} | {
    name: (
        ", ".join([_ROWS, *(f"{column} {_SQL[dtype]}" for column, dtype in kind(name).columns)]),
        "timeline, partition, datastream, time",
    )
    for name in PLAIN
}

# Level 3 of zstd saves 3 % of the bytes and costs a tenth more time. An insert is sorted already, a merge is not; a
# quarter of a gigabyte of Parquet is what a merge can sort in the memory that it may have.
_OPTIONS = {
    "parquet_compression": "zstd",
    "parquet_compression_level": "1",
    "sort_on_insert": "false",
    "target_file_size": "256MB",
}


@dataclass(frozen=True, slots=True)
class Where:
    """Where the lake is. `dsn` is PostgreSQL's (it may hold a password), `data` a folder or `s3://bucket/prefix`.

    `spill` is a folder for what does not fit into `memory`. `partitions` are the register's. `s3` holds key_id,
    secret, region and endpoint.
    """

    dsn: str
    data: str
    spill: Path
    partitions: int
    memory: str = "1GB"
    threads: int = 1
    s3: Mapping[str, str] | None = None


def connect(where: Where) -> duckdb.DuckDBPyConnection:
    """A connection to the lake, which is made if there is none."""
    where.spill.mkdir(parents=True, exist_ok=True)
    home = str(where.spill)
    lake = duckdb.connect(
        ":memory:",
        config={
            "memory_limit": where.memory,
            "threads": where.threads,
            "temp_directory": home,
            "home_directory": home,
            "extension_directory": home,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        },
    )
    for name in ("ducklake", "postgres_scanner", *(("httpfs",) if "://" in where.data else ())):
        lake.execute(f"load {_text(_extension(name))}")
    if where.s3:
        said = ", ".join(f"{name} {_text(value)}" for name, value in where.s3.items())
        lake.execute(f"create secret lake (type s3, {said})")
    for tries in range(1, TRIES + 1):
        try:
            _attach(lake, where)
        except duckdb.Error:  # of those who make a lake at once all but one are refused; then they find it made
            if tries == TRIES:
                raise
        else:
            break
    return lake


def _attach(lake: duckdb.DuckDBPyConnection, where: Where) -> None:
    lake.execute(
        f"attach if not exists {_text(f'ducklake:postgres:{where.dsn}')} as lake"
        f" (data_path {_text(where.data)}, override_data_path true, metadata_schema 'lake')"
    )
    _prepare(lake)


def tidy(lake: duckdb.DuckDBPyConnection, before: int) -> None:
    """Merge small files; forget what was superseded before then (microseconds), and the files of nobody."""
    at = f"timestamptz '{moment(before):%Y-%m-%d %H:%M:%S.%f}+00'"
    for call in (
        "ducklake_flush_inlined_data('lake')",
        "ducklake_merge_adjacent_files('lake')",
        f"ducklake_expire_snapshots('lake', older_than => {at})",
        f"ducklake_cleanup_old_files('lake', older_than => {at})",
        f"ducklake_delete_orphaned_files('lake', older_than => {at})",
    ):
        lake.execute(f"select count(*) from {call}").fetchall()  # noqa: S608  all of it is ours


def shred(lake: duckdb.DuckDBPyConnection) -> None:
    """Remove what was deleted from every file: a deletion alone leaves it readable there, and in older snapshots."""
    for call in (
        "ducklake_flush_inlined_data('lake')",
        "ducklake_rewrite_data_files('lake', delete_threshold => 0.0)",
        "ducklake_expire_snapshots('lake', older_than => now())",
        "ducklake_cleanup_old_files('lake', cleanup_all => true)",
    ):
        lake.execute(f"select count(*) from {call}").fetchall()  # noqa: S608  all of it is ours


def missing(lake: duckdb.DuckDBPyConnection) -> list[str]:
    """The files that the catalogue names and that are not there (of a lake in a folder)."""
    named = [
        path
        for name in _TABLES
        for row in lake.execute(f"select data_file, delete_file from ducklake_list_files('lake', '{name}')").fetchall()  # noqa: S608  names of ours
        for path in row
        if path
    ]
    return [path for path in named if not Path(path).is_file()]


def _prepare(lake: duckdb.DuckDBPyConnection) -> None:
    """Make the tables that are not there yet, all in one transaction."""
    known = lake.execute("select table_name from duckdb_tables() where database_name = 'lake'").fetchall()
    new = [name for name in _TABLES if (name,) not in known]
    if not new:
        return
    lake.execute("begin")
    for name in new:
        columns, order = _TABLES[name]
        lake.execute(f"create table lake.{name} ({columns})")
        lake.execute(f"alter table lake.{name} set sorted by ({order})")
    if "offs" in new:
        # The row of no stream: whoever archives a stream for the first time changes it, so that two can't do so.
        lake.execute("insert into lake.offs values ('', 0)")
        for option, value in _OPTIONS.items():
            lake.execute(f"call lake.set_option('{option}', '{value}')")
    lake.execute("commit")


def _extension(name: str) -> str:
    """The file of an extension, from its package: nothing is fetched, and no home directory is needed."""
    package = find_spec(f"duckdb_extension_{name}")
    if package is None or not package.submodule_search_locations:
        wanted = f"duckdb-extension-{name.replace('_', '-')}=={duckdb.__version__}"
        raise PartMissing(f"this lake needs the package {wanted}, which is not installed; install it and start again")
    folder = Path(package.submodule_search_locations[0]) / "extensions" / f"v{duckdb.__version__}"
    return str(folder / f"{name}.duckdb_extension")


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
