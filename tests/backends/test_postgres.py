"""What only PostgreSQL can do wrong: connections that break, notices that get lost, transactions in a circle."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import asyncpg
import pytest

from tutela.backends.postgres import log
from tutela.backends.postgres.database import Database
from tutela.backends.postgres.facts import PostgresFacts
from tutela.backends.postgres.faults import faults
from tutela.backends.postgres.outbox import PostgresOutbox
from tutela.errors import Conflict, EngineDown, StorageFull
from tutela.model.flow import Effects, Outgoing

if TYPE_CHECKING:
    from tests.backends.conftest import Make

pytestmark = pytest.mark.integration


async def break_connections(dsn: str) -> None:
    """End every other connection to this database, as a crash of the server does."""
    admin = await asyncpg.connect(dsn)
    await admin.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where datname = current_database() and pid <> pg_backend_pid()"
    )
    await admin.close()


async def test_a_broken_connection_is_told_and_the_next_attempt_finds_a_new_one(
    pg_facts: PostgresFacts, pg_dsn: str, make: Make
) -> None:
    event = make.event("s")

    async def cut_off() -> None:
        async with pg_facts.db.writing() as connection:
            await break_connections(pg_dsn)
            await log.append(connection, [event])

    with pytest.raises(EngineDown, match="tutela doctor"):
        await cut_off()
    assert await pg_facts.about("s") == []
    await pg_facts.append([event])

    assert await pg_facts.about("s") == [event]


async def test_who_waits_looks_again_when_the_connection_breaks_and_hears_what_comes_after(
    pg_facts: PostgresFacts, pg_dsn: str, make: Make
) -> None:
    await pg_facts.wait(0.01)
    async with asyncio.timeout(20):
        waiting = asyncio.create_task(pg_facts.wait(60))
        await break_connections(pg_dsn)
        await waiting
        await pg_facts.wait(0.01)
        waiting = asyncio.create_task(pg_facts.wait(60))
        await pg_facts.append([make.event()])
        await waiting


async def test_news_reach_another_process_and_only_the_port_that_they_are_for(
    pg_facts: PostgresFacts, pg_dsn: str, make: Make
) -> None:
    other = await Database.open(pg_dsn)
    outbox = PostgresOutbox(other)
    await outbox.wait(0.01)
    quiet = asyncio.create_task(outbox.wait(60))
    await pg_facts.append([make.event()])
    await PostgresFacts(other).wait(20)

    assert not quiet.done()
    await pg_facts.tell(make.call("c"), make.event("c"), [Outgoing(id="o", subject="det.live.0", body=b"{}")])
    async with asyncio.timeout(20):
        await quiet
    assert [one.id for one in await outbox.pending(5)] == ["o"]
    await other.close()


async def test_a_tick_wakes_the_relay(pg_facts: PostgresFacts) -> None:
    outbox = PostgresOutbox(pg_facts.db)
    (lease,) = await pg_facts.take("w", "detect", 1)
    await outbox.wait(0.01)
    waiting = asyncio.create_task(outbox.wait(60))
    await pg_facts.commit(lease, Effects(sequence=1, ticked=5))

    async with asyncio.timeout(20):
        await waiting


async def test_a_lost_notice_is_told_and_fails_nothing(pg_dsn: str, caplog: pytest.LogCaptureFixture) -> None:
    db = await Database.open(pg_dsn)
    await db.pool.close()
    db.notices.ring("event")
    await db.notices.close()

    assert "a notice was lost" in caplog.text


async def test_transactions_in_a_circle_are_a_conflict(pg_facts: PostgresFacts) -> None:
    await pg_facts.db.pool.execute("create table x (n int primary key, v int); insert into x values (1, 0), (2, 0)")
    both = asyncio.Barrier(2)

    async def change(first: int, second: int) -> None:
        async with pg_facts.db.writing() as connection:
            await connection.execute("update x set v = 1 where n = $1", first)
            await both.wait()
            await connection.execute("update x set v = 1 where n = $1", second)

    done = await asyncio.gather(change(1, 2), change(2, 1), return_exceptions=True)

    assert sorted(type(result).__name__ for result in done) == ["Conflict", "NoneType"]


@pytest.mark.parametrize(
    ("wrong", "ours"),
    [
        (asyncpg.DiskFullError("no space left"), StorageFull),
        (asyncpg.CannotConnectNowError("starting up"), EngineDown),
        (asyncpg.TooManyConnectionsError("no slots"), EngineDown),
        (asyncpg.InterfaceError("connection is closed"), EngineDown),
        (ConnectionRefusedError(), EngineDown),
        (TimeoutError(), EngineDown),
        (asyncpg.SerializationError("again"), Conflict),
    ],
)
def test_faults_have_words_of_ours(wrong: Exception, ours: type[Exception]) -> None:
    with pytest.raises(ours), faults():
        raise wrong
