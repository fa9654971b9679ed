"""The witness: signed checkpoints in a file of lines outside of the database, and the key that signs them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from tutela.errors import BadInput

CHUNK = 1 << 20


class Checkpoints:
    """`Witness` in one file that is only ever added to, a line each, fsynced before `append` returns.

    A line that a crash cut off was never acknowledged: it is cut away before the next one is written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    async def append(self, line: bytes) -> None:
        """Add a line; it is on the disk when this returns."""
        await asyncio.to_thread(self._append, line)

    async def last(self) -> bytes | None:
        """The newest whole line; None when there is none."""
        return await asyncio.to_thread(self._last)

    async def lines(self) -> AsyncIterator[bytes]:
        """The whole lines that there are now, oldest first."""
        place, end = 0, await asyncio.to_thread(self._end)
        while place < end:
            for line in await asyncio.to_thread(self._some, place, end):
                yield line
                place += len(line) + 1

    def _append(self, line: bytes) -> None:
        if b"\n" in line:
            raise BadInput("a line of the witness can't have a line feed in it")
        self._path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            end = self._end()
            os.ftruncate(handle, end)
            os.lseek(handle, end, os.SEEK_SET)
            _write(handle, line + b"\n")
            os.fsync(handle)
        finally:
            os.close(handle)
        if not end:
            _sync_folder(self._path.parent)

    def _last(self) -> bytes | None:
        end = self._end()
        return self._before(end - 1)[1] if end else None

    def _end(self) -> int:
        """Where the last whole line ends."""
        size = self._path.stat().st_size if self._path.exists() else 0
        return self._before(size)[0]

    def _before(self, end: int) -> tuple[int, bytes]:
        """Where the line that reaches up to `end` starts, and what it says so far."""
        said = b""
        if end <= 0:
            return 0, said
        with self._path.open("rb") as file:
            while end > 0:
                start = max(0, end - CHUNK)
                file.seek(start)
                said = file.read(end - start) + said
                feed = said.rfind(b"\n")
                if feed >= 0:
                    return start + feed + 1, said[feed + 1 :]
                end = start
        return 0, said

    def _some(self, place: int, end: int) -> list[bytes]:
        """Whole lines from that place on, about a megabyte of them, none of them after `end`."""
        with self._path.open("rb") as file:
            file.seek(place)
            found = file.read(min(CHUNK, end - place))
            if not found.endswith(b"\n"):
                found += file.readline()
        return found[:-1].split(b"\n")


class Key:
    """An Ed25519 key in a file that only its owner may read: made when it is not there yet."""

    def __init__(self, path: Path) -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(_kept(path))
        self.public = self._private.public_key().public_bytes_raw()

    def sign(self, text: bytes) -> bytes:
        """The signature (64 bytes) over that text."""
        return self._private.sign(text)


class Verifier:
    """A public key (32 bytes) at work: `verifier(signature, text)` tells whether it signed the text."""

    def __init__(self, public: bytes) -> None:
        self._public = Ed25519PublicKey.from_public_bytes(public)

    def __call__(self, signature: bytes, text: bytes) -> bool:
        """Whether this key signed that text."""
        try:
            self._public.verify(signature, text)
        except InvalidSignature:
            return False
        return True


def _kept(path: Path) -> bytes:
    """The private key in that file; a new one is on the disk before it is used."""
    if path.exists():
        return path.read_bytes()
    path.parent.mkdir(parents=True, exist_ok=True)
    new = Ed25519PrivateKey.generate().private_bytes_raw()
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        _write(handle, new)
        os.fsync(handle)
    finally:
        os.close(handle)
    try:
        os.link(beside, path)  # fails when another process was first: its key is the key
    except FileExistsError:
        new = path.read_bytes()
    finally:
        beside.unlink()
    _sync_folder(path.parent)
    return new


def _write(handle: int, body: bytes) -> None:
    left = memoryview(body)
    while left:
        left = left[os.write(handle, left) :]


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
