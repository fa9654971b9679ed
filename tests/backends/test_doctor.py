"""The doctor says what is wrong, where, and what to do; also when nothing runs."""

from __future__ import annotations

import signal
import time
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
import msgspec
import pytest
from tests.backends.halt import freeze
from tests.conftest import MakeEngines

from tutela.backends.doctor import examine
from tutela.backends.engines import addresses
from tutela.backends.examine import examine_postgres
from tutela.backends.finding import Finding, Health
from tutela.backends.migrate import migrate, ours
from tutela.backends.postgres.facts import PostgresFacts
from tutela.backends.spool import SPOOL, SpoolFolder
from tutela.maths.ids import uuid_of
from tutela.model.event import Event
from tutela.model.flow import encode
from tutela.model.hold import SUBJECT, Hold, HoldLifted
from tutela.model.when import DAY


def bad(found: list[Finding]) -> list[str]:
    return [finding.what for finding in found if finding.health is Health.BAD]


async def test_a_place_where_nothing_was_started_says_what_to_do(tmp_path: Path) -> None:
    found = await examine(tmp_path / "city", {})

    assert bad(found) == ["nothing was ever started here"]
    assert "tutela up" in found[-1].do + found[-1].where + found[-1].what


async def test_calls_that_wait_beside_the_log_are_told(tmp_path: Path) -> None:
    (tmp_path / "city").mkdir()
    await SpoolFolder(tmp_path / "city" / SPOOL, lambda: bytes(32), dict).put(b"help")

    (found,) = [one for one in await examine(tmp_path / "city", {}) if "wait beside the log" in one.what]

    assert found.health is Health.BAD
    assert found.what.startswith("1 calls wait beside the log, the oldest one since 20")


@pytest.mark.integration
async def test_a_healthy_instance_has_nothing_bad_and_a_stopped_one_says_so(
    tmp_path: Path, make_engines: MakeEngines
) -> None:
    engines = make_engines(tmp_path / "city", {})
    await engines.start()
    running = await examine(tmp_path / "city", {})
    await engines.stop()
    stopped = await examine(tmp_path / "city", {})

    assert bad(running) == []
    assert "the database has no tables yet" in [finding.what for finding in running]
    assert bad(stopped) == ["NATS does not answer", "PostgreSQL does not answer"]
    assert "no supervisor is at work" in [finding.what for finding in stopped]
    assert all(finding.do for finding in stopped if finding.health is not Health.GOOD)
    assert not any(addresses(tmp_path / "city", {}).nats in repr(finding) for finding in (*running, *stopped))


@pytest.mark.integration
async def test_partitions_without_a_worker_are_counted(tmp_path: Path, make_engines: MakeEngines) -> None:
    engines = make_engines(tmp_path / "city", {"TUTELA_NATS_URL": "nats://127.0.0.1:1"})
    at = await engines.start()
    await migrate(at.pg, 0)
    connection = await asyncpg.connect(at.pg)
    await connection.execute("insert into timeline (name, at) values ('live', 0)")
    await connection.execute(
        "insert into lease (timeline, stage, partition, owner, lease_until) values"
        " ('live', 'detect', 0, 'a', now() + interval '1 min'), ('live', 'detect', 1, 'b', 'epoch')"
    )
    await connection.close()

    found = await examine(tmp_path / "city", {"TUTELA_NATS_URL": "nats://127.0.0.1:1"})

    assert "1 of 2 partitions of detect have a worker" in bad(found)


@pytest.mark.integration
async def test_secrets_that_others_can_read_are_found(tmp_path: Path, make_engines: MakeEngines) -> None:
    engines = make_engines(tmp_path / "city", {"TUTELA_PG_DSN": "postgresql://127.0.0.1:1/none"})
    await engines.start()
    secret = engines.places.nats / "access.json"
    secret.chmod(0o644)

    found = await examine(tmp_path / "city", {"TUTELA_PG_DSN": "postgresql://127.0.0.1:1/none"})

    assert (str(secret), f"chmod go= {secret}") in [(finding.where, finding.do) for finding in found]


@pytest.mark.integration
async def test_a_server_that_hangs_is_told_within_seconds(tmp_path: Path, make_engines: MakeEngines) -> None:
    env = {"TUTELA_PG_DSN": "postgresql://127.0.0.1:1/none"}
    engines = make_engines(tmp_path / "city", env)
    await engines.start()
    child = engines.children.child("nats")
    freeze(child)

    found = await examine(tmp_path / "city", env)
    child.signal(signal.SIGCONT)

    assert "NATS does not answer" in bad(found)


@pytest.mark.integration
async def test_a_database_of_an_older_version_is_examined_and_not_called_empty(pg_dsn: str, tmp_path: Path) -> None:
    for file in ours().iterdir():
        if file.name < "0014" and file.name.endswith(".sql"):
            (tmp_path / file.name).write_text(file.read_text())
    await migrate(pg_dsn, 0, tmp_path)

    found = await examine_postgres(pg_dsn)

    assert "PostgreSQL answers" in [finding.what for finding in found]
    assert "0 events wait to be sealed" in [finding.what for finding in found]
    assert found[-1].what == "the database is of an older version, without witnesses"
    assert not any("empty" in repr(finding) for finding in found)


@pytest.mark.integration
async def test_a_legal_hold_whose_review_is_overdue_is_told_and_one_in_time_is_well(pg_dsn: str) -> None:
    await migrate(pg_dsn, 0)
    facts = await PostgresFacts.open(pg_dsn)
    now = time.time_ns() // 1000
    late = Hold(id="h1", case="R 1", authority="A court", reason="r", at=1, review=now - 1, bucket="a/calls/2026-11")
    for number, hold in enumerate((late, msgspec.structs.replace(late, id="h2", review=now + DAY))):
        await facts.append([held(number, "hold@1", encode(hold))])
    found = await examine_postgres(pg_dsn)
    await facts.append([held(2, "hold-lifted@1", encode(HoldLifted(id="h1", reason="r")))])
    after = await examine_postgres(pg_dsn)
    await facts.close()

    (told,) = [finding for finding in found if "hold" in finding.what]
    assert "the legal hold of the case R 1 on bucket a/calls/2026-11 should have been reviewed by" in told.what
    assert "tutela holds lift h1" in told.do
    assert "1 legal holds stand, each reviewed in time" in [finding.what for finding in after]


def held(number: int, kind: str, body: bytes) -> Event:
    id_ = uuid_of("held", number)
    return Event(
        id=id_, at=1, by="x", cause=None, kind=kind, timeline="live", body=body, salt=b"s" * 16, subject=SUBJECT
    )


@pytest.mark.integration
async def test_one_connection_that_is_left_is_enough(pg_dsn: str) -> None:
    await migrate(pg_dsn, 0)
    name = f"t{uuid4().hex}"
    keeper = await asyncpg.connect(pg_dsn)
    try:
        await keeper.execute(f"create role {name} login password '{name}' connection limit 1")
        await keeper.execute(f"grant pg_read_all_data to {name}")
        address = urlsplit(pg_dsn)
        theirs = address._replace(netloc=f"{name}:{name}@{address.netloc.rpartition('@')[2]}").geturl()
        found = await examine_postgres(theirs)

        assert bad(found) == []
        assert found[-1].what.startswith("no witness cosigns this log")
    finally:
        await keeper.execute(f"drop role if exists {name}")
        await keeper.close()


@pytest.mark.integration
async def test_witnesses_that_can_not_be_read_are_told_beside_all_the_rest(pg_dsn: str) -> None:
    await migrate(pg_dsn, 0)
    keeper = await asyncpg.connect(pg_dsn)
    await keeper.execute(
        "do $$ begin execute format('alter database %I set statement_timeout = 1500', current_database()); end $$"
    )
    async with keeper.transaction():
        await keeper.execute("lock table witness in access exclusive mode")
        found = await examine_postgres(pg_dsn)
    await keeper.close()

    assert bad(found) == ["the witnesses can't be read"]
    assert "0 events wait to be sealed" in [finding.what for finding in found]
