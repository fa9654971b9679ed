"""A disk that is full: telemetry is refused so that calls go on, nothing accepted is lost, and all heals by itself."""

from __future__ import annotations

import asyncio
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from tests.conftest import MakeEngines
from tests.integration.running import Device, Instance, datastream, line, now, running, until

from tutela.backends import places, server_postgres
from tutela.backends.disk import Reserve, look
from tutela.backends.migrate import migrate
from tutela.backends.nats import NatsStreams
from tutela.backends.postgres.facts import PostgresFacts
from tutela.errors import EngineDown, StorageFull
from tutela.model.event import Event

pytestmark = [pytest.mark.chaos, pytest.mark.integration]

HEALS = 60.0
MB = 1 << 20


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A disk of 400 MB that nobody else writes on, and that every user reaches; gone with the test."""
    disk = Path(tempfile.mkdtemp(prefix="tutela-full-"))
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=400m,mode=711", "tmpfs", disk], check=False, capture_output=True
    )
    if mounted.returncode:
        disk.rmdir()
        pytest.skip(f"can't mount a small disk here: {mounted.stderr.decode().strip()}")
    yield disk
    subprocess.run(["umount", disk], check=True)
    disk.rmdir()


class Filler:
    """Somebody else's file, which grows."""

    def __init__(self, disk: Path) -> None:
        self._path = disk / "filler"

    def leave(self, free: int) -> None:
        """Take all but so many bytes."""
        size = self._path.stat().st_size if self._path.exists() else 0
        with self._path.open("ab") as file:
            os.posix_fallocate(file.fileno(), 0, size + max(0, look(self._path.parent).free - free))

    def go(self) -> None:
        self._path.unlink()


def call(device: Device) -> httpx.Response:
    return device.call(id=str(uuid4()), at=now(), lat=60.17, lon=24.94, category="EMS: FALL", said="help")


def test_senders_are_told_507_while_calls_are_taken_until_there_is_room_again(small_disk: Path) -> None:
    filler = Filler(small_disk)
    with running(small_disk / "data", "--empty") as city:
        sensors = city.enter("full", datastream("full/a"))
        sensors.known("full/a")
        callers = city.enter("callers", kind="calls", purposes=["emergency-response"], personal_data=True)
        filler.leave(look(small_disk).reserve // 2)
        refused = until(lambda: _refusal(sensors), "telemetry is refused", HEALS)
        taken = [call(callers).status_code for _ in range(20)]

        filler.leave(MB)
        until(lambda: not _ballast(city).exists(), "the ballast is thrown off", HEALS)
        still = [call(callers).status_code for _ in range(20)]
        doctor = city.tutela("doctor").stdout

        filler.go()
        until(lambda: sensors.post(line("full/a", 2.0)).status_code == 200, "telemetry is taken again", HEALS)
        until(_ballast(city).exists, "the ballast is laid again", HEALS)
        found = city.asked("select count(*) as n from event where kind = 'call@1'")

    assert refused.status_code == 507
    assert int(refused.headers["Retry-After"]) >= 1
    assert (taken, still) == ([201] * 20, [201] * 20)
    assert "the disk is" in doctor
    assert found == [{"n": 40}]


def _refusal(device: Device) -> httpx.Response | None:
    answer = device.post(line("full/a", 1.0))
    return answer if answer.status_code == 507 else None


def _ballast(city: Instance) -> Path:
    return city.data / "ballast"


def fact() -> Event:
    return Event(id=str(uuid4()), at=1, by="test", cause=None, kind="note@1", timeline="live", body=os.urandom(200_000))


async def test_postgresql_on_a_full_disk_loses_nothing_and_comes_back_by_itself(
    small_disk: Path, make_engines: MakeEngines, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (places, server_postgres):  # as root its data would lie on another disk
        monkeypatch.setattr(module, "SYSTEM", small_disk / "system")
    engines = make_engines(small_disk / "city", {})
    await engines.start()
    watch = asyncio.create_task(engines.watch())
    await migrate(engines.addresses.pg, 1)
    facts = await PostgresFacts.open(engines.addresses.pg, 2)
    filler, kept = Filler(small_disk), list[str]()
    async with NatsStreams(engines.addresses.nats) as streams:
        await streams.open("OBS-x", ["obs.x.>"])
        await asyncio.to_thread(filler.leave, 30 * MB)
        with pytest.raises(StorageFull):  # telemetry stops at the reserve …
            Reserve((engines.places.postgres,)).check()
        await _kept(facts, kept, 20)  # … and facts do not
        with pytest.raises(EngineDown):
            await _kept(facts, kept, 1000)

        await asyncio.to_thread(filler.go)
        before = len(kept)
        await _healed(facts, kept)
        await _published(streams)
    found = {event.id for event in [await facts.event(id_) for id_ in kept]}
    await asyncio.to_thread(until, engines.places.ballast.exists, "the ballast is laid again", HEALS)
    await facts.close()
    watch.cancel()
    await asyncio.wait({watch})

    assert before >= 20
    assert found == set(kept)


async def _kept(facts: PostgresFacts, kept: list[str], count: int) -> None:
    """Commit so many, and note each that was acknowledged."""
    for _ in range(count):
        one = fact()
        await facts.append([one])
        kept.append(one.id)


async def _healed(facts: PostgresFacts, kept: list[str]) -> None:
    async with asyncio.timeout(HEALS):
        while True:
            try:
                await _kept(facts, kept, 1)
            except EngineDown:
                await asyncio.sleep(0.2)
            else:
                return


async def _published(streams: NatsStreams) -> None:
    async with asyncio.timeout(HEALS):
        while True:
            try:
                await streams.publish("obs.x.a", b"healed", "healed", {})
            except StorageFull:
                await asyncio.sleep(0.2)
            else:
                return
