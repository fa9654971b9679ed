"""Migrations: whole files only, resumable after a kill at any step, and never on a database that does not fit."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path
from uuid import uuid4

import asyncpg
import msgspec
import pytest

from tutela.backends.migrate import migrate, migrations, ours
from tutela.backends.postgres.facts import PostgresFacts
from tutela.errors import Broken, EngineDown, NotFound
from tutela.model.event import Event
from tutela.model.flow import encode
from tutela.model.people import Agent, Role, Session

# each file does half of its work, waits at the gate, and does the rest
FILES = {
    f"{n:04d}_step.sql": f"create table half_{n} (); lock table gate_{n}; create table whole_{n} ();" for n in (1, 2, 3)
}


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, sql in files.items():
        (folder / name).write_text(sql)
    return folder


async def tables(connection: asyncpg.Connection) -> list[str]:
    rows = await connection.fetch(
        "select table_name from information_schema.tables where table_schema = 'public' and table_name not like 'gate%'"
    )
    return sorted(row["table_name"] for row in rows)


def test_released_migrations_are_numbered_without_gaps() -> None:
    assert [one.n for one in migrations(ours())] == list(range(1, len(migrations(ours())) + 1))


@pytest.mark.parametrize("names", [["0002_b.sql"], ["0001_a.sql", "0001_b.sql"], ["0001_a.sql", "0003_c.sql"]])
def test_a_gap_or_a_doubled_number_stops_the_start(tmp_path: Path, names: list[str]) -> None:
    with pytest.raises(Broken, match="are not numbered 1, 2, 3"):
        migrations(write(tmp_path, dict.fromkeys(names, "")))


@pytest.mark.integration
async def test_a_database_is_brought_up_to_date_once(pg_dsn: str, tmp_path: Path) -> None:
    folder = write(tmp_path, {"0001_a.sql": "create table a ();", "readme.txt": "no migration"})
    first = await migrate(pg_dsn, 5, folder)
    write(tmp_path, {"0002_b.sql": "create table b ();"})
    second = await migrate(pg_dsn, 6, folder)
    third = await migrate(pg_dsn, 7, folder)

    connection = await asyncpg.connect(pg_dsn)
    rows = await connection.fetch("select n, name, at from migration order by n")
    await connection.close()
    assert (first, second, third) == ([1], [2], [])
    assert [tuple(row) for row in rows] == [(1, "a", 5), (2, "b", 6)]


@pytest.mark.integration
async def test_many_who_start_at_once_migrate_once(pg_dsn: str, tmp_path: Path) -> None:
    folder = write(tmp_path, {"0001_a.sql": "create table a ();", "0002_b.sql": "create table b ();"})
    done = await asyncio.gather(*(migrate(pg_dsn, 5, folder) for _ in range(5)))

    assert sorted(done) == [[], [], [], [], [1, 2]]


@pytest.mark.integration
async def test_a_file_that_fails_leaves_nothing_of_itself(pg_dsn: str, tmp_path: Path) -> None:
    folder = write(tmp_path, {"0001_a.sql": "create table a ();", "0002_b.sql": "create table b (); select 1 / 0;"})
    with pytest.raises(Broken, match=r"0002_b\.sql does not fit this database"):
        await migrate(pg_dsn, 5, folder)

    connection = await asyncpg.connect(pg_dsn)
    assert await tables(connection) == ["a", "migration"]
    await connection.close()
    write(tmp_path, {"0002_b.sql": "create table b ();"})
    assert await migrate(pg_dsn, 5, folder) == [2]


@pytest.mark.integration
async def test_a_changed_file_and_a_newer_database_are_refused(pg_dsn: str, tmp_path: Path) -> None:
    folder = write(tmp_path, {"0001_a.sql": "create table a ();", "0002_b.sql": "create table b ();"})
    await migrate(pg_dsn, 5, folder)

    write(tmp_path, {"0001_a.sql": "create table a (x int);"})
    with pytest.raises(Broken, match=r"0001_a\.sql is not the one that this database was made with"):
        await migrate(pg_dsn, 5, folder)
    write(tmp_path, {"0001_a.sql": "create table a ();"})
    (tmp_path / "0002_b.sql").unlink()
    with pytest.raises(Broken, match="the database has migration 2, this program knows 1"):
        await migrate(pg_dsn, 5, folder)


@pytest.mark.integration
@pytest.mark.chaos
@pytest.mark.parametrize("step", [1, 2, 3])
async def test_a_kill_at_any_step_is_made_up_for(pg_dsn: str, tmp_path: Path, step: int) -> None:
    folder = write(tmp_path, FILES)
    admin, gate = await asyncpg.connect(pg_dsn), await asyncpg.connect(pg_dsn)
    await admin.execute("create table gate_1 (); create table gate_2 (); create table gate_3 ();")
    closed = gate.transaction()
    await closed.start()
    await gate.execute(f"lock table gate_{step}")
    program = (
        f"import asyncio, pathlib; from tutela.backends.migrate import migrate; "
        f"asyncio.run(migrate({pg_dsn!r}, 5, pathlib.Path({str(folder)!r})))"
    )
    migrating = await asyncio.create_subprocess_exec(sys.executable, "-c", program)
    async with asyncio.timeout(30):
        while not await admin.fetchval(
            f"select count(*) from pg_locks where not granted and relation = 'gate_{step}'::regclass"
        ):
            pass
    migrating.kill()
    await migrating.wait()
    await closed.rollback()

    assert migrating.returncode == -signal.SIGKILL
    assert await migrate(pg_dsn, 6, folder) == [n for n in (1, 2, 3) if n >= step]
    assert await tables(admin) == ["half_1", "half_2", "half_3", "migration", "whole_1", "whole_2", "whole_3"]
    assert await admin.fetchval("select array_agg(n order by n) from migration") == [1, 2, 3]
    await gate.close()
    await admin.close()


@pytest.mark.integration
async def test_an_empty_database_says_what_to_do(pg_dsn: str) -> None:
    facts = await PostgresFacts.open(pg_dsn)
    with pytest.raises(NotFound, match="run `tutela up` once"):
        await facts.sources()
    await migrate(pg_dsn, 5)
    with pytest.raises(NotFound, match="run `tutela up` once"):
        await facts.open_timeline("import/x", 5)
    await facts.close()


async def test_without_postgresql_the_error_names_it() -> None:
    with pytest.raises(EngineDown, match="PostgreSQL does not answer"):
        await migrate("postgresql://nobody@localhost:1/none", 5)
    with pytest.raises(EngineDown, match="tutela doctor"):
        await PostgresFacts.open("postgresql://nobody@localhost:1/none")


@pytest.mark.integration
async def test_a_name_that_lay_in_the_clear_is_gone_and_its_agent_comes_again(pg_dsn: str, tmp_path: Path) -> None:
    aino = Agent(id="a", name="Aino Virtanen", role=Role.OPERATOR, agency="city")
    first = write(
        tmp_path, {one.name: one.read_text() for one in sorted(ours().iterdir(), key=str) if one.name[:4] < "0004"}
    )
    await migrate(pg_dsn, 1, first)
    connection = await asyncpg.connect(pg_dsn)
    await connection.execute("insert into agent (id, entry) values ('a', $1)", encode(aino).decode())

    await migrate(pg_dsn, 2)

    assert "Virtanen" not in await connection.fetchval("select entry::text from agent")
    await connection.close()
    facts = await PostgresFacts.open(pg_dsn)
    asked = Event(id=str(uuid4()), at=1, by="a", cause=None, kind="x@1", timeline="live", body=b"")
    await facts.invite(b"code", Role.OPERATOR, 9, asked)
    nameless = msgspec.structs.replace(aino, name="")
    await facts.enrol(b"code", nameless, msgspec.structs.replace(asked, id=str(uuid4())))
    await facts.begin(b"token", Session(agent="a", until=9), 5)
    assert (await facts.who(b"token", 5)).agent == nameless
    await facts.close()
