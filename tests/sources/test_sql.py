"""A database that is polled: new rows once, in order, read-only; what does not fit is told and loses nothing."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tutela import parts
from tutela.errors import BadInput
from tutela.model.heard import Heard, Value
from tutela.model.when import SECOND, parse
from tutela.sources.sql import Sql
from tutela_promises.intake import FakeIntake, Kept, run

AT = int(parse("2026-11-25T08:00:00Z"))
STREAM = {
    "name": "{station}/pm25",
    "thing": "{station}",
    "result": "pm25",
    "observed_property": "pm25",
    "unit": "ug/m3",
    "place": "{station}",
}
OPTIONS: dict[str, object] = {
    "query": "select id, taken, station, pm25 from air",
    "increasing": "id",
    "time": {"column": "taken", "zone": "Europe/Helsinki"},
    "datastream": [STREAM],
    "places": {"Kallio": [60.18, 24.95], "Vallila": [60.19, 24.96]},
    "every": 30,
}


def sql(**options: object) -> Sql:
    made: Sql = parts.make("sources", "sql", {**OPTIONS, **options})
    return made


class File:
    """A SQLite database with one table."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.do("create table air (id integer primary key, taken, station, pm25)")

    def do(self, statement: str, *values: object) -> None:
        with closing(sqlite3.connect(self.path)) as connection, connection:
            connection.execute(statement, values)

    def add(self, id_: int, pm25: object, taken: object = "2026-11-25 10:00:00", station: object = "Kallio") -> None:
        self.do("insert into air values (?, ?, ?, ?)", id_, taken, station, pm25)


@pytest.fixture
def file(tmp_path: Path) -> File:
    return File(tmp_path / "air.sqlite")


def values(heard: list[Heard]) -> list[Value]:
    return [value for one in heard for value in one.values]


def results(kept: Kept) -> list[float]:
    return [value.columns[0] for value in values(kept.heard)]


async def test_rows_become_observations_of_the_sources_own_things(file: File) -> None:
    file.add(1, 14.5)
    intake = await run(sql(path=str(file.path)), FakeIntake())

    (heard,) = intake.kept.heard
    assert heard.values == (Value("probe/Kallio/pm25", AT, (14.5,)),)
    assert [(one.name, one.source, one.id) for one in heard.things] == [("probe/Kallio", "probe", 0)]
    (stream,) = heard.datastreams
    assert (stream.name, stream.thing, stream.unit, stream.id) == ("probe/Kallio/pm25", "probe/Kallio", "ug/m3", 0)
    assert stream.place
    assert stream.place.lat == 60.18


async def test_rows_that_come_later_are_taken_and_the_old_ones_not_again(file: File) -> None:
    file.add(1, 1)

    def more(looks: int) -> None:
        file.add(1 + looks, 1 + looks)

    intake = await run(sql(path=str(file.path)), FakeIntake(waits=3, between=more))

    assert results(intake.kept) == [1, 2, 3]
    assert intake.waited == [30, 30, 30]


async def test_a_table_longer_than_a_page_is_taken_page_by_page_without_waiting(file: File) -> None:
    for number in range(1, 8):
        file.add(number, number)
    intake = await run(sql(path=str(file.path), rows=3), FakeIntake(waits=3))

    assert results(intake.kept) == [1, 2, 3, 4, 5, 6, 7]
    assert intake.waited == [0, 0, 30]


async def test_rows_of_one_value_are_never_split_between_pages(file: File) -> None:
    file.do("drop table air")
    file.do("create table air (id integer, taken, station, pm25)")
    for number in (1, 2, 2, 2, 3):
        file.add(number, number)
    intake = await run(sql(path=str(file.path), rows=3), FakeIntake(waits=3))

    assert results(intake.kept) == [1, 2, 2, 2, 3]


async def test_rows_that_come_later_with_the_value_of_the_last_one_are_taken_too(file: File) -> None:
    file.do("drop table air")
    file.do("create table air (id integer, taken, station, pm25)")
    for number in (1, 2):
        file.add(number, number)

    def more(looks: int) -> None:
        if looks in {1, 2, 3}:
            file.add(2, 2 + looks / 10)
        if looks == 4:
            for number in (3, 3, 4):
                file.add(number, number)

    intake = await run(sql(path=str(file.path), rows=2), FakeIntake(waits=8, between=more))

    assert results(intake.kept) == [1, 2, 2.1, 2.2, 2.3, 3, 3, 4]


async def test_more_rows_of_one_value_than_a_page_takes_is_told_with_what_to_do(file: File) -> None:
    file.do("drop table air")
    file.do("create table air (id integer, taken, station, pm25)")
    for _ in range(5):
        file.add(1, 1)
    intake = await run(sql(path=str(file.path), rows=3), FakeIntake())

    assert results(intake.kept) == []
    assert "raise `rows`" in intake.troubles[0]


async def test_killed_before_it_was_durable_it_asks_for_the_same_rows_again(file: File) -> None:
    kept = Kept()
    for number in (1, 2, 3, 4):
        file.add(number, number)
    source = sql(path=str(file.path), rows=2)
    await run(source, FakeIntake(waits=9, kept=kept, dies=2))
    await run(source, FakeIntake(waits=1, kept=kept))

    assert results(kept) == [1, 2, 3, 4, 3, 4]


async def test_another_query_begins_at_its_start(file: File) -> None:
    kept = Kept()
    file.add(1, 1)
    await run(sql(path=str(file.path)), FakeIntake(kept=kept))
    await run(
        sql(path=str(file.path), query="select id, taken, station, pm25 * 2 as pm25 from air"), FakeIntake(kept=kept)
    )

    assert results(kept) == [1, 2]


@pytest.mark.parametrize(("type_", "value"), [("int", "many"), ("date", "1"), ("Decimal", "x"), ("datetime", "now")])
async def test_a_mark_of_another_version_is_as_none(file: File, type_: str, value: str) -> None:
    file.add(1, 1)
    source = sql(path=str(file.path))
    mark = b'{"query": "%s", "type": "%s", "value": "%s"}' % (source._digest().encode(), type_.encode(), value.encode())
    intake = await run(source, FakeIntake(kept=Kept(remembered=mark)))

    assert results(intake.kept) == [1]


@pytest.mark.parametrize(
    ("taken", "at"),
    [
        ("2026-11-25T08:00:00Z", AT),
        ("2026-11-25 10:00:00", AT),
        ("2026-11-25T09:00:00+01:00", AT),
        (AT // SECOND, AT),
        (AT / SECOND + 0.5, AT + SECOND // 2),
        ("yesterday", None),
        (None, None),
        (1e300, None),
        (b"\x00", None),
    ],
)
async def test_times_are_what_databases_give_and_what_is_none_is_refused_by_itself(
    file: File, taken: object, at: int | None
) -> None:
    file.add(1, 1, taken)
    file.add(2, 2)
    intake = await run(sql(path=str(file.path)), FakeIntake())

    assert [value.time for value in values(intake.kept.heard)] == [*([] if at is None else [at]), AT]
    assert sum(refusal.count for refusal in intake.kept.heard[0].refused) == (at is None)


@pytest.mark.parametrize("result", [None, "n/a", b"\x00", "", float("inf")])
async def test_a_result_that_is_no_number_leaves_the_others_alone(file: File, result: object) -> None:
    file.add(1, result)
    file.add(2, 2)
    intake = await run(sql(path=str(file.path)), FakeIntake())

    assert results(intake.kept)[-1] == 2
    assert not intake.troubles


async def test_a_database_that_can_be_asked_cannot_be_written(file: File) -> None:
    file.add(1, 1)
    query = "select 1 as id; delete from air"
    intake = await run(sql(path=str(file.path), query=query), FakeIntake())
    deleting = await run(sql(path=str(file.path), query="delete from air returning id"), FakeIntake())

    assert len(intake.troubles) == len(deleting.troubles) == 1
    with closing(sqlite3.connect(file.path)) as connection:
        assert connection.execute("select count(*) from air").fetchone() == (1,)


async def test_a_query_that_never_ends_is_stopped(file: File) -> None:
    query = "with recursive n(id) as (select 1 union all select id + 1 from n) select max(id) as id from n"
    intake = await run(sql(path=str(file.path), query=query, timeout=0.2), FakeIntake())

    assert "interrupted" in intake.troubles[0]


async def test_a_mapping_that_does_not_fit_loses_nothing(file: File) -> None:
    kept = Kept()
    file.add(1, 1, station="Elsewhere")
    first = await run(sql(path=str(file.path)), FakeIntake(kept=kept))
    await run(sql(path=str(file.path), places={"Elsewhere": [60, 25]}), FakeIntake(kept=kept))

    assert "'Elsewhere'" in first.troubles[0]
    assert results(kept) == [1]


async def test_a_database_that_is_not_there_is_a_trouble_and_is_not_made(tmp_path: Path) -> None:
    intake = await run(sql(path=str(tmp_path / "none.sqlite")), FakeIntake(waits=2))

    assert intake.waited == [60, 120]
    assert "unable to open" in intake.troubles[0]
    assert not os.listdir(tmp_path)  # noqa: PTH208  pathlib would be a blocking call here as well


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"path": "/a", "dsn": "postgresql://x"},
        {"dsn": "mysql://x"},
        {"path": "/a", "increasing": 'id" or 1=1 --'},
        {"path": "/a", "datastream": []},
        {"path": "/a", "time": {"column": "taken", "zone": "Mars/Olympus"}},
    ],
)
def test_what_could_never_be_asked_is_not_made(wrong: dict[str, object]) -> None:
    with pytest.raises(BadInput):
        sql(**wrong)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    cells=st.tuples(
        *[
            st.one_of(
                st.none(), st.integers(-(2**63), 2**63 - 1), st.floats(), st.text(max_size=20), st.binary(max_size=9)
            )
        ]
        * 3
    ),
    mark=st.binary(max_size=40),
)
async def test_whatever_is_in_the_table_it_goes_on(file: File, cells: tuple[object, ...], mark: bytes) -> None:
    taken, station, pm25 = cells
    file.do("delete from air")
    file.do("insert into air values (1, ?, ?, ?)", taken, station, pm25)
    plain = {key: value for key, value in STREAM.items() if key != "place"}
    source = sql(path=str(file.path), datastream=[plain])
    intake = await run(source, FakeIntake(kept=Kept(remembered=mark)))

    assert len(intake.waited) == 1
    assert not intake.troubles


# ── PostgreSQL ──────────────────────────────────────────────────────────────────────────────────
class Server:
    def __init__(self, dsn: str) -> None:
        self.dsn = dsn

    def do(self, statement: str, *values: object) -> object:
        async def ask() -> object:
            connection = await asyncpg.connect(self.dsn)
            try:
                return await connection.fetchval(statement, *values)
            finally:
                await connection.close()

        return asyncio.run(ask())


@pytest.fixture
def server(pg_dsn: str) -> Server:
    one = Server(pg_dsn)
    one.do("create table air (id bigint primary key, taken timestamptz, station text, pm25 numeric)")
    return one


ROWS = "insert into air select n, $1::timestamptz + n * interval '1 minute', 'Kallio', n from generate_series({}, {}) n"
START = datetime(2026, 11, 25, 8, tzinfo=UTC)


@pytest.mark.integration
@pytest.mark.parametrize("increasing", ["id", "taken", "pm25"])
def test_postgresql_is_asked_for_what_is_new(server: Server, increasing: str) -> None:
    kept = Kept()
    source = sql(dsn=server.dsn, increasing=increasing, rows=2)
    server.do(ROWS.format(1, 3), START)
    asyncio.run(_finished(source, FakeIntake(waits=2, kept=kept)))
    server.do(ROWS.format(4, 5), START)
    asyncio.run(_finished(source, FakeIntake(waits=1, kept=kept)))

    assert results(kept) == [1, 2, 3, 4, 5]
    assert [value.time for value in values(kept.heard)] == [AT + n * 60 * SECOND for n in range(1, 6)]


async def _finished(source: Sql, intake: FakeIntake) -> FakeIntake:
    return await run(source, intake)


@pytest.mark.integration
def test_postgresql_is_only_read(server: Server) -> None:
    server.do("create function wipe() returns bigint language sql as 'delete from air returning id'")
    server.do(ROWS.format(1, 1), START)
    query = "select wipe() as id, now() as taken, 'Kallio' as station, 1.0 as pm25"
    intake = asyncio.run(_finished(sql(dsn=server.dsn, query=query), FakeIntake()))

    assert "read-only" in intake.troubles[0]
    assert server.do("select count(*) from air") == 1


async def test_an_address_that_cannot_be_understood_is_told_without_its_password() -> None:
    intake = await run(sql(dsn="postgresql://reader:sesame@host:port/air"), FakeIntake())

    assert "look at its host, port and options" in intake.troubles[0]
    assert "sesame" not in intake.troubles[0]


@pytest.mark.integration
def test_a_postgresql_that_is_not_there_is_a_trouble(unused_tcp_port: int) -> None:
    source = sql(dsn=f"postgresql://reader:sesame@127.0.0.1:{unused_tcp_port}/air")
    intake = asyncio.run(_finished(source, FakeIntake()))

    assert len(intake.troubles) == 1
    assert intake.waited == [60]
