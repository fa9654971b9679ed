"""The doctor says what is wrong, where, and what to do; also when nothing runs."""

from __future__ import annotations

import signal
from pathlib import Path

import asyncpg
import pytest
from tests.backends.halt import freeze
from tests.conftest import MakeEngines

from tutela.backends.doctor import examine
from tutela.backends.engines import addresses
from tutela.backends.finding import Finding, Health
from tutela.backends.migrate import migrate


def bad(found: list[Finding]) -> list[str]:
    return [finding.what for finding in found if finding.health is Health.BAD]


async def test_a_place_where_nothing_was_started_says_what_to_do(tmp_path: Path) -> None:
    found = await examine(tmp_path / "city", {})

    assert bad(found) == ["nothing was ever started here"]
    assert "tutela up" in found[-1].do + found[-1].where + found[-1].what


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
