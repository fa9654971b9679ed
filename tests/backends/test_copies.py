"""A backup is whole or none, and a stream that is copied comes back with its sequences."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from errno import ENOSPC
from pathlib import Path

import pytest

from tutela.backends import copies
from tutela.backends.link import Link
from tutela.backends.nats import NatsStreams
from tutela.backends.postgres.copying import LOCK, PostgresCopying
from tutela.backends.postgres.facts import PostgresFacts
from tutela.backends.postgres.snapshots import PostgresSnapshots
from tutela.backends.stream_copies import StreamCopies
from tutela.errors import BadInput, Broken, Conflict, EngineDown, NotFound, StorageFull
from tutela.model.backup import Manifest
from tutela.model.flow import Message


def manifest(folder: Path) -> Manifest:
    return Manifest(
        program="0",
        install="i",
        city="Helsinki",
        began=1,
        ended=2,
        checkpoint=None,
        streams=(),
        keys=False,
        files=copies.listed(folder),
    )


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """A backup of two files."""
    folder = copies.empty(tmp_path / "backup", "the folder")
    (folder / "lake").mkdir()
    (folder / "lake" / "a.parquet").write_bytes(b"a" * 3_000_000)
    (folder / "log.pub").write_bytes(b"key")
    copies.write(folder, manifest(folder))
    return folder


def test_a_backup_is_read_as_it_was_written(made: Path) -> None:
    told = copies.read(made)

    assert [(file.path, file.size) for file in told.files] == [("lake/a.parquet", 3_000_000), ("log.pub", 3)]
    assert told.size == 3_000_003
    copies.check(made, told)


@pytest.mark.parametrize(
    ("harm", "named"),
    [
        (lambda folder: (folder / "log.pub").write_bytes(b"kez"), "log.pub is not"),
        (lambda folder: (folder / "log.pub").unlink(), "log.pub is not"),
        (lambda folder: (folder / "more").write_bytes(b""), "more is not"),
        (lambda folder: [(folder / "log.pub").unlink(), (folder / "more").touch()], "log.pub and 1 more is not"),
    ],
    ids=["changed", "gone", "added", "two"],
)
def test_whatever_was_changed_in_a_backup_is_named(made: Path, harm: object, named: str) -> None:
    assert callable(harm)
    harm(made)

    with pytest.raises(Broken, match=named):
        copies.check(made, copies.read(made))


def test_a_folder_without_a_manifest_is_no_backup(made: Path) -> None:
    path = made / copies.MANIFEST
    text = path.read_bytes()

    path.write_bytes(text.replace(b'"version": 1', b'"version": 2'))
    with pytest.raises(BadInput, match="is of version 2, this program reads 1"):
        copies.read(made)
    path.write_bytes(text[:-9])
    with pytest.raises(BadInput, match=r"manifest.json can't be read"):
        copies.read(made)
    path.unlink()
    with pytest.raises(NotFound, match="is no whole backup"):
        copies.read(made)


def test_a_backup_goes_into_an_empty_folder_alone(made: Path) -> None:
    with pytest.raises(Conflict, match="is not empty"):
        copies.empty(made, "the folder")
    with pytest.raises(Conflict, match="is not empty"):
        copies.empty(made / "log.pub", "the folder")


def test_a_backup_that_would_fill_the_disk_is_not_begun(tmp_path: Path) -> None:
    with pytest.raises(StorageFull, match="free some space, or name a folder on another disk"):
        copies.room(tmp_path, 1 << 60)


@pytest.fixture
async def link(nats_url: str) -> AsyncIterator[Link]:
    link = await Link(nats_url, "test").open(10)
    yield link
    await link.close()


@pytest.mark.integration
async def test_a_stream_comes_back_with_its_sequences_and_goes_on(nats_url: str, link: Link, tmp_path: Path) -> None:
    bodies = [os.urandom(50_000) for _ in range(60)]
    async with NatsStreams(nats_url) as streams:
        await streams.open("OBS-x", ("obs.x.>",))
        for number, body in enumerate(bodies):
            await streams.publish("obs.x.readings.1", body, f"id-{number}", {"Schema": "readings@1"})
        await streams.purge("OBS-x", 11)
        copied = StreamCopies(link)
        await copied.save("OBS-x", tmp_path)
        await streams.publish("obs.x.readings.1", b"later", "later", {})
        await link.jetstream.delete_stream("OBS-x")

        await copied.load("OBS-x", tmp_path)
        reader = await streams.read("OBS-x", ("obs.x.>",), 0)
        found: list[Message] = []
        while len(found) < 50:
            found += await reader.fetch(100, 5)
        await reader.close()

        assert [message.sequence for message in found] == list(range(11, 61))
        assert [message.body for message in found] == bodies[10:]
        assert found[0].headers["Schema"] == "readings@1"
        assert await streams.publish("obs.x.readings.1", b"new", "new", {}) == 61
        with pytest.raises(Broken, match="NATS can't copy the stream OBS-x"):
            await copied.load("OBS-x", tmp_path)


@pytest.mark.integration
async def test_a_stream_that_is_not_there_is_named(link: Link, tmp_path: Path) -> None:
    with pytest.raises(Broken, match="NATS can't copy the stream OBS-none: stream not found"):
        await StreamCopies(link).save("OBS-none", tmp_path)


@pytest.mark.integration
async def test_a_copy_that_was_cut_short_is_noticed(nats_url: str, link: Link, tmp_path: Path) -> None:
    async with NatsStreams(nats_url) as streams:
        await streams.open("OBS-y", ("obs.y.>",))
        for number in range(30):
            await streams.publish("obs.y.readings.1", os.urandom(20_000), f"id-{number}", {})
    copied = StreamCopies(link)
    await copied.save("OBS-y", tmp_path)
    await link.jetstream.delete_stream("OBS-y")
    path = tmp_path / "OBS-y.tar.s2"
    path.write_bytes(path.read_bytes()[:300_000])

    with pytest.raises(Broken, match="OBS-y"):
        await copied.load("OBS-y", tmp_path)


@pytest.mark.integration
async def test_nothing_is_removed_and_nothing_counts_as_saved_while_a_copy_is_made(pg_facts: PostgresFacts) -> None:
    copying, snapshots = PostgresCopying(pg_facts.db), PostgresSnapshots(pg_facts.db)
    await pg_facts.db.pool.execute("update lease set snapshot = 7")

    async def may() -> bool:
        async with copying.removing() as may:
            return may

    assert (await may(), await snapshots.snapshotted("live", ("detect",))) == (True, 7)
    async with copying.removing() as one:
        assert (one, await may()) == (True, False)  # one at a time
    async with copying.copying():
        assert (await may(), await snapshots.snapshotted("live", ("detect",))) == (False, 0)
    assert (await may(), await snapshots.snapshotted("live", ("detect",))) == (True, 7)


@pytest.mark.integration
async def test_who_copies_can_ask_whether_nothing_is_removed_still(pg_facts: PostgresFacts) -> None:
    async with PostgresCopying(pg_facts.db).copying() as held:
        assert await held()
        async with pg_facts.db.reading() as other:
            await other.execute(
                "select pg_terminate_backend(pid) from pg_locks where objid::bigint = $1", LOCK & 0xFFFFFFFF
            )
        with pytest.raises(EngineDown):
            await held()


@pytest.mark.integration
async def test_a_full_disk_of_a_copy_is_not_told_as_postgresqls(pg_facts: PostgresFacts) -> None:
    with pytest.raises(OSError, match="the backup's own"):
        async with PostgresCopying(pg_facts.db).copying():
            raise OSError(ENOSPC, "the backup's own")

    async with PostgresCopying(pg_facts.db).removing() as may:
        assert may
