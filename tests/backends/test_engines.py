"""The engines keep what they acknowledged, come back by themselves, and leave nothing behind."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic

import asyncpg
import psutil
import pytest
from tests.backends.halt import freeze
from tests.conftest import MakeEngines, remove

from tutela.backends import nats, watchdog
from tutela.backends.disk import look
from tutela.backends.doctor import examine
from tutela.backends.engines import Addresses, Engines, addresses
from tutela.backends.nats import NatsStreams
from tutela.backends.orphans import orphans
from tutela.backends.places import places
from tutela.backends.server_postgres import PostgresServer
from tutela.errors import Conflict, EngineDown, NotFound, StorageFull

pytestmark = pytest.mark.integration

STREAM = "OBS-test"
NO_POSTGRES = {"TUTELA_PG_DSN": "postgresql://elsewhere/none"}


async def until(truth: Callable[[], object], within: float = 30) -> None:
    async with asyncio.timeout(within):
        while not truth():  # noqa: ASYNC110  another process sets no event here
            await asyncio.sleep(0.02)


@pytest.fixture
async def own(tmp_path: Path, make_engines: MakeEngines) -> Engines:
    """A NATS server of this test's own."""
    engines = make_engines(tmp_path / "city", NO_POSTGRES)
    await engines.start()
    return engines


async def ids_in(streams: NatsStreams) -> list[str]:
    reader = await streams.read(STREAM, ["t.>"], 0)
    found: list[str] = []
    seen, last = 0, await streams.last(STREAM)
    while seen < last:
        batch = await reader.fetch(1000, 5)
        found += [message.headers["Nats-Msg-Id"] for message in batch]
        seen = batch[-1].sequence if batch else seen
    await reader.close()
    return found


@pytest.mark.chaos
async def test_what_was_acknowledged_survives_kills_and_is_stored_once(own: Engines) -> None:
    acked: list[str] = []
    server = own.children.child("nats")
    async with NatsStreams(own.addresses.nats) as streams:
        await streams.open(STREAM, ["t.>"])
        over = asyncio.Event()

        async def publish(lane: int) -> None:
            for n in range(100_000):
                if over.is_set():
                    return
                await streams.publish(f"t.{lane}", b"x" * 1000, f"{lane}-{n}", {})
                acked.append(f"{lane}-{n}")

        async with asyncio.TaskGroup() as group:
            for lane in range(16):
                group.create_task(publish(lane))
            for kill in range(3):
                before, done = server.pid, len(acked)
                await until(lambda done=done: len(acked) > done + 100)  # type: ignore[misc]
                server.signal(signal.SIGKILL)
                await until(lambda before=before: server.running and server.pid != before)  # type: ignore[misc]
                assert server.starts == kill + 2
            over.set()
        stored = await ids_in(streams)

    assert len(stored) == len(set(stored))
    assert set(acked) == set(stored)


async def test_a_reader_goes_on_over_a_restart_without_gap_or_repeat(own: Engines) -> None:
    async with NatsStreams(own.addresses.nats) as streams:
        await streams.open(STREAM, ["t.>"])
        reader = await streams.read(STREAM, ["t.>"], 0)
        await streams.publish("t.a", b"", "1", {})
        before = await reader.fetch(10, 5)

        await own.children.child("nats").restart("this test asks for it")
        await streams.publish("t.a", b"", "2", {})
        after = await reader.fetch(10, 10)
        await reader.close()

    assert [message.sequence for message in (*before, *after)] == [1, 2]


async def test_past_the_window_a_doubtful_message_is_looked_for_before_it_is_sent_again(
    own: Engines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nats, "WINDOW", 0.2)
    async with NatsStreams(own.addresses.nats) as streams, NatsStreams(own.addresses.nats) as other:
        await streams.open(STREAM, ["t.>"])
        await other.open(STREAM, ["t.>"])
        await other.publish("t.a", b"", "doubtful", {})
        streams._remember("doubtful", nats._Doubt(monotonic(), 0))  # as if this one had sent it and heard nothing
        while await other.publish("t.b", b"", "filler", {}) == 2:
            """Until the server has forgotten `filler`, and `doubtful` with it."""

        assert await streams.publish("t.a", b"", "doubtful", {}) == 1
        assert (await ids_in(streams)).count("doubtful") == 1


@pytest.mark.chaos
async def test_a_publish_that_was_given_up_is_in_doubt_and_stored_once_when_it_is_repeated(own: Engines) -> None:
    server = own.children.child("nats")
    async with NatsStreams(own.addresses.nats, patience=1) as streams:
        await streams.open(STREAM, ["t.>"])
        freeze(server)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(streams.publish("t.a", b"", "once", {}), 0.2)
        server.signal(signal.SIGCONT)

        assert await streams.publish("t.a", b"", "once", {}) == 1
        assert await streams.last(STREAM) == 1


async def test_an_engine_that_stays_away_is_named_with_what_to_do(own: Engines) -> None:
    async with NatsStreams(own.addresses.nats, patience=0.5) as streams:
        await streams.open(STREAM, ["t.>"])
        await own.stop()

        with pytest.raises(EngineDown, match="tutela doctor"):
            await streams.publish("t.a", b"", "1", {})


async def test_postgres_comes_back_with_what_was_committed(tmp_path: Path, make_engines: MakeEngines) -> None:
    engines = make_engines(tmp_path / "city", {"TUTELA_NATS_URL": "nats://elsewhere"})
    await engines.start()
    child = engines.children.child("postgres")
    connection = await asyncpg.connect(engines.addresses.pg)
    await connection.execute("create table t (n int); insert into t values (7)")

    child.signal(signal.SIGKILL)
    await until(lambda: child.starts == 2 and child.running)
    again = await asyncpg.connect(engines.addresses.pg)

    assert await again.fetchval("select n from t") == 7
    connection.terminate()
    await again.close()


async def test_a_directory_that_is_deleted_and_made_again_does_not_find_the_old_facts(
    tmp_path: Path, make_engines: MakeEngines
) -> None:
    no_nats = {"TUTELA_NATS_URL": "nats://elsewhere"}
    old = make_engines(tmp_path / "city", no_nats)
    await old.start()
    before = old.places
    await old.stop()
    shutil.rmtree(before.data)

    again = await make_engines(tmp_path / "city", no_nats).start()
    after = places(tmp_path / "city")
    findings = await examine(tmp_path / "city", no_nats)
    remove(before)

    if os.geteuid() == 0:
        assert again.pg != PostgresServer(before).dsn
        assert str(before.postgres.parent) in [finding.where for finding in findings]
    assert after.data == before.data


async def test_settings_keep_what_is_committed_on_the_disk_and_the_network_out(engines: Addresses) -> None:
    connection = await asyncpg.connect(engines.pg)
    wanted = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "listen_addresses": ""}
    found = {name: await connection.fetchval(f"show {name}") for name in wanted}
    await connection.close()

    assert found == wanted


async def test_two_instances_run_side_by_side(tmp_path: Path, make_engines: MakeEngines) -> None:
    one, other = (make_engines(tmp_path / name, {}) for name in ("one", "other"))
    await asyncio.gather(one.start(), other.start())

    assert one.addresses.nats != other.addresses.nats
    assert one.addresses.pg != other.addresses.pg


async def test_a_second_supervisor_of_one_directory_is_refused(own: Engines, make_engines: MakeEngines) -> None:
    with pytest.raises(Conflict, match=str(os.getpid())):
        await make_engines(own.places.data, NO_POSTGRES).start()


async def test_a_restart_keeps_the_address_and_the_messages(own: Engines, make_engines: MakeEngines) -> None:
    before = own.addresses
    async with NatsStreams(before.nats) as streams:
        await streams.open(STREAM, ["t.>"])
        await streams.publish("t.a", b"", "1", {})
    await own.stop()

    again = await make_engines(own.places.data, NO_POSTGRES).start()
    async with NatsStreams(again.nats) as streams:
        assert await streams.last(STREAM) == 1
    assert again == before


async def test_engines_named_in_the_environment_are_used_and_none_are_started(
    tmp_path: Path, make_engines: MakeEngines
) -> None:
    env = {"TUTELA_NATS_URL": "nats://there:4222", "TUTELA_PG_DSN": "postgresql://there/city"}
    engines = make_engines(tmp_path / "city", env)

    found = await engines.start()

    assert found.environment() == env
    assert orphans(engines.places.run) == []


def test_a_directory_where_nothing_was_started_says_so(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="tutela up"):
        addresses(tmp_path, {})


def test_secrets_are_for_their_owner_alone(engines: Addresses, tmp_path_factory: pytest.TempPathFactory) -> None:
    found = [path for path in tmp_path_factory.getbasetemp().glob("engines*/nats/*") if path.is_file()]

    assert found
    assert {path.stat().st_mode & 0o077 for path in found} == {0}
    assert engines.nats not in repr(found)


@pytest.mark.chaos
async def test_children_die_with_their_parent(tmp_path: Path) -> None:
    program = (
        "import asyncio, os, sys; from pathlib import Path; from tutela.backends.engines import Engines\n"
        "async def main():\n"
        "    engines = Engines(Path(sys.argv[1]), {})\n"
        "    await engines.start()\n"
        "    print(*(engines.children.child(name).pid for name in ('nats', 'postgres')), flush=True)\n"
        "    await engines.watch()\n"
        "asyncio.run(main())\n"
    )
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, str(tmp_path / "city"), stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout is not None
    children = [psutil.Process(int(pid)) for pid in (await parent.stdout.readline()).split()]

    parent.kill()
    await parent.wait()
    _, alive = await asyncio.to_thread(psutil.wait_procs, children, 20)

    remove(places(tmp_path / "city"))

    assert len(children) == 2
    assert alive == []


async def test_a_server_that_hangs_is_started_again(own: Engines, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchdog, "SILENT", 0.3)
    guard, child = own.watchdog, own.children.child("nats")
    assert guard is not None
    await guard.look()
    child.program = child.program.__class__(  # a stopped process does not hear SIGTERM
        **{name: getattr(child.program, name) for name in child.program.__slots__} | {"stop_within": 0.2}
    )

    freeze(child)
    await guard.look()
    assert child.starts == 1
    await guard.look()

    assert child.starts == 2
    assert child.running


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 64 MB that nobody else writes on; gone with the test."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", disk], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip(f"can't mount a small disk here: {mounted.stderr.decode().strip()}")
    yield disk
    subprocess.run(["umount", disk], check=True)


async def fill(streams: NatsStreams, prefix: str) -> tuple[list[str], Exception]:
    """Publishes until the log refuses; gives what was acknowledged, and the refusal."""
    acked: list[str] = []
    try:
        while True:
            await streams.publish("t.a", os.urandom(500_000), f"{prefix}-{len(acked)}", {})
            acked.append(f"{prefix}-{len(acked)}")
    except EngineDown as refusal:
        return acked, refusal


async def published(streams: NatsStreams, id_: str) -> int:
    """The sequence, as soon as the log takes it again."""
    async with asyncio.timeout(30):
        while True:
            try:
                return await streams.publish("t.a", b"", id_, {})
            except StorageFull:
                await asyncio.sleep(0.1)


@pytest.mark.chaos
async def test_a_full_disk_is_named_loses_nothing_and_heals_when_there_is_room(
    small_disk: Path, make_engines: MakeEngines
) -> None:
    engines = make_engines(small_disk / "city", NO_POSTGRES)
    await engines.start()
    watch = asyncio.create_task(engines.watch())
    async with NatsStreams(engines.addresses.nats) as streams:
        await streams.open(STREAM, ["t.>"])
        acked, refusal = await fill(streams, "limit")
        assert isinstance(refusal, StorageFull)
        assert look(small_disk).free > look(small_disk).reserve // 2

        await streams.purge(STREAM, len(acked) // 2)
        filler = small_disk / "filler"
        with filler.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, look(small_disk).free - (1 << 20))
        more, refusal = await fill(streams, "disk")
        assert isinstance(refusal, StorageFull)

        filler.unlink()
        await published(streams, "healed")
        stored = await ids_in(streams)
    watch.cancel()
    await asyncio.wait({watch})

    assert {*acked[len(acked) // 2 :], *more} <= set(stored)
    assert len(stored) == len(set(stored))
