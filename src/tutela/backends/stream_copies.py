"""A stream of JetStream as a file, and back, with its sequences: the server's own snapshot (NATS ADR-31 lists its API).

A copy is two files: what the stream is (`NAME.json`), and what it holds (`NAME.tar.s2`, as the server packs it).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

from nats.aio.msg import Msg

from tutela.backends.link import Link
from tutela.errors import Broken, EngineDown

CHUNK = 128 << 10
"""Bytes of one piece."""

SILENT = 30.0
"""Seconds in which the next piece, or the next answer, has to come."""


class StreamCopies:
    """Saves and restores streams over one connection."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def names(self) -> Sequence[str]:
        """The streams that there are."""
        return sorted(str(info.config.name) for info in await self._link.jetstream.streams_info())

    async def save(self, stream: str, folder: Path) -> None:
        """Copy a stream into that folder, checked by the server; it goes on meanwhile."""
        inbox = self._link.client.new_inbox()
        with (folder / f"{stream}.tar.s2").open("wb") as file:
            pieces = _Pieces(file)
            coming = await self._link.client.subscribe(inbox, cb=pieces.came)
            try:
                wanted = {"deliver_subject": inbox, "no_consumers": True, "chunk_size": CHUNK, "jsck": True}
                told = await self._ask(f"$JS.API.STREAM.SNAPSHOT.{stream}", wanted)
                await pieces.all()
            finally:
                await coming.unsubscribe()
        (folder / f"{stream}.json").write_text(json.dumps({"config": told["config"], "state": told["state"]}))

    async def load(self, stream: str, folder: Path) -> None:
        """Make a stream as it was; raises Broken when there is one of that name, or the copy does not fit."""
        is_ = json.loads((folder / f"{stream}.json").read_text())
        told = await self._ask(f"$JS.API.STREAM.RESTORE.{stream}", is_)
        with (folder / f"{stream}.tar.s2").open("rb") as file:
            while piece := file.read(CHUNK):
                await self._send(told["deliver_subject"], piece)
        _read(stream, await self._send(told["deliver_subject"], b""))
        state = (await self._link.jetstream.stream_info(stream)).state
        if (state.messages, state.last_seq) != (is_["state"]["messages"], is_["state"]["last_seq"]):
            raise Broken(
                f"the stream {stream} was restored with {state.messages} messages up to {state.last_seq}, "
                f"not {is_['state']['messages']} up to {is_['state']['last_seq']}; take another backup"
            )

    async def _ask(self, subject: str, body: object) -> dict[str, Any]:
        return _read(subject.rpartition(".")[2], await self._send(subject, json.dumps(body).encode()))

    async def _send(self, subject: str, body: bytes) -> bytes:
        answer = await self._link.ask(self._link.client.request(subject, body, timeout=SILENT))
        return answer.data


class _Pieces:
    """What the server sends, written as it comes. It sends on when a piece is acknowledged; the last one is empty."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._came = asyncio.Event()
        self._wrong: Exception | None = None
        self._over = False

    async def came(self, message: Msg) -> None:
        """Take a piece."""
        self._came.set()
        status = (message.headers or {}).get("Status", "204")
        if message.data and not self._wrong:
            try:
                await asyncio.to_thread(self._file.write, message.data)
            except OSError as wrong:
                self._wrong = wrong
        elif status != "204":
            self._wrong = EngineDown(f"NATS could not copy a stream: {status} {message.headers}; run `tutela doctor`")
        self._over = not message.data
        if message.reply:
            await message.respond(b"")

    async def all(self) -> None:
        """Return when all is written."""
        while not self._over and not self._wrong:
            self._came.clear()
            try:
                await asyncio.wait_for(self._came.wait(), SILENT)
            except TimeoutError as silent:
                raise EngineDown(f"NATS sent no piece of a stream for {SILENT:.0f} s; back up again") from silent
        if self._wrong:
            raise self._wrong


def _read(stream: str, answer: bytes) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(answer)
    if "error" in told:
        raise Broken(f"NATS can't copy the stream {stream}: {told['error'].get('description', 'no reason')}")
    return told
