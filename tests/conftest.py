"""Engines for tests: started once per test process, in a directory of their own, as root or not."""

from __future__ import annotations

import asyncio
import os
import shutil
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import asyncpg
import pytest
from hypothesis import settings

from tutela.backends.engines import Addresses, Engines
from tutela.backends.link import Link
from tutela.backends.places import SYSTEM, Places

# How long an example takes tells how busy the machine is, and nothing of what it tests.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

T = TypeVar("T")
MakeEngines = Callable[[Path, Mapping[str, str]], Engines]


class Supervisor:
    """A loop in a thread that lasts as long as the tests do, so that the engines are looked after all the while."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="engines")
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(120)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


def remove(places: Places) -> None:
    """What an instance keeps outside its data directory when it runs as root."""
    if places.postgres.is_relative_to(SYSTEM):
        shutil.rmtree(places.postgres.parent, ignore_errors=True)


@pytest.fixture(scope="session")
def supervisor() -> Iterator[Supervisor]:
    supervisor = Supervisor()
    yield supervisor
    supervisor.close()


@pytest.fixture(scope="session")
def engines(supervisor: Supervisor, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Addresses]:
    """NATS and PostgreSQL, shared by all tests of this process; those named in the environment are used as they are."""
    started = Engines(tmp_path_factory.mktemp("engines"), os.environ)
    yield supervisor.run(started.start())
    supervisor.run(started.stop())
    remove(started.places)


@pytest.fixture
def nats_url(supervisor: Supervisor, engines: Addresses) -> Iterator[str]:
    """The address of a NATS server; the streams that a test makes are removed after it."""
    yield engines.nats

    async def clear() -> None:
        link = await Link(engines.nats, "tests").open(10)
        for stream in await link.jetstream.streams_info():
            await link.jetstream.delete_stream(str(stream.config.name))
        await link.close()

    supervisor.run(clear())


@pytest.fixture
def pg_dsn(supervisor: Supervisor, engines: Addresses) -> Iterator[str]:
    """The address of an empty database, dropped after the test."""
    name = f"t{uuid4().hex}"

    async def do(statement: str) -> None:
        connection = await asyncpg.connect(engines.pg)
        await connection.execute(statement)
        await connection.close()

    supervisor.run(do(f"create database {name}"))
    yield engines.pg.replace("/tutela?", f"/{name}?")
    supervisor.run(do(f"drop database {name} with (force)"))


@pytest.fixture
async def make_engines() -> AsyncIterator[MakeEngines]:
    """Makes engines that a test may break; they are stopped after it."""
    made: list[Engines] = []

    def make(data_dir: Path, env: Mapping[str, str]) -> Engines:
        made.append(Engines(data_dir, env))
        return made[-1]

    yield make
    for one in made:
        await one.stop()
        remove(one.places)
