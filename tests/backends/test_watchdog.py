"""The supervision outlives what it supervises: a probe that fails is asked again, and never ends `tutela up`."""

from __future__ import annotations

import asyncio
import signal
import socket
import struct
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import MakeEngines

from tutela.backends import watchdog
from tutela.backends.children import Child
from tutela.backends.engines import Engines
from tutela.backends.places import places
from tutela.backends.server_nats import NatsAccess, NatsServer
from tutela.backends.server_postgres import PostgresServer
from tutela.backends.watchdog import Watchdog

NO_POSTGRES = {"TUTELA_PG_DSN": "postgresql://elsewhere/none"}


@pytest.fixture
async def guarded(tmp_path: Path, make_engines: MakeEngines) -> tuple[Watchdog, Child, Engines]:
    """A NATS server of this test's own, with its watchdog."""
    engines = make_engines(tmp_path / "city", NO_POSTGRES)
    await engines.start()
    assert engines.watchdog is not None
    return engines.watchdog, engines.children.child("nats"), engines


def reset(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Lets in, and resets the connection at once: as a server that dies under the question."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@pytest.fixture
async def dying() -> AsyncIterator[int]:
    """The port of a server that resets whoever connects."""
    server = await asyncio.start_server(reset, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


@pytest.mark.integration
async def test_a_server_that_dies_between_two_questions_does_not_end_the_supervision(
    guarded: tuple[Watchdog, Child, Engines], monkeypatch: pytest.MonkeyPatch
) -> None:
    guard, child, _ = guarded
    asked, questions = guard._asked, []

    async def dies(what: str) -> dict[str, Any]:
        questions.append(what)
        if what == "JSZ":
            child.signal(signal.SIGKILL)
        return await asked(what)

    monkeypatch.setattr(guard, "_asked", dies)
    await guard.look()

    assert questions == ["HEALTHZ", "JSZ"]


@pytest.mark.integration
async def test_a_disk_that_takes_no_configuration_does_not_end_the_supervision(
    guarded: tuple[Watchdog, Child, Engines], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    guard, _, engines = guarded
    monkeypatch.setattr(watchdog, "limit", lambda _used, _disk: 1 << 60)  # so that there always is more to give
    configuration = engines.places.nats / "server.conf"
    configuration.unlink()
    configuration.mkdir()  # nothing can be put in its place

    await guard.look()
    assert "limit stays" in caplog.text

    configuration.rmdir()
    await guard.look()
    assert configuration.is_file()


@pytest.mark.integration
async def test_a_ballast_that_can_not_be_laid_does_not_end_the_supervision(
    guarded: tuple[Watchdog, Child, Engines], caplog: pytest.LogCaptureFixture
) -> None:
    _, _, engines = guarded
    ballast = engines.places.ballast
    ballast.unlink(missing_ok=True)
    ballast.with_suffix(".new").mkdir()

    assert engines.disks is not None
    engines.disks.look()

    assert "can't be looked after" in caplog.text


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # a socket that was reset
async def test_a_server_that_resets_the_probe_is_not_ready(dying: int, tmp_path: Path) -> None:
    nats = NatsServer(places(tmp_path), NatsAccess(port=dying, password="a", keeper="b"))

    assert [await nats.program().ready() for _ in range(50)] == [False] * 50


def said(kind: bytes, body: bytes) -> bytes:
    """One message of PostgreSQL's protocol."""
    return kind + struct.pack("!i", len(body) + 4) + body


async def lets_in_and_dies(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """As PostgreSQL up to the first question."""
    await reader.read(4096)
    version = said(b"S", b"server_version\0" + b"16.0\0")
    writer.write(said(b"R", bytes(4)) + version + said(b"Z", b"I"))
    await reader.read(4096)
    writer.transport.abort()


async def test_a_postgres_that_dies_under_the_question_is_not_ready(tmp_path: Path) -> None:
    where = replace(places(tmp_path), socket=tmp_path)
    server = await asyncio.start_unix_server(lets_in_and_dies, where.socket / ".s.PGSQL.5432")

    async with server:
        assert await PostgresServer(where)._ready() is False
