"""The witness: signed checkpoints in a file of lines outside of the database, and the key that signs them.

The key is made once, at the install, with its public half in a file beside it. Nothing else makes one: a log
whose key was replaced would call everything forged that was signed before.
"""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TypeVar

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from tutela.backends.key_file import keep, secret, sync_folder
from tutela.errors import BadInput, Broken, EngineDown, NotFound, StorageFull
from tutela.model import note

T = TypeVar("T")

CHUNK = 1 << 20
KEY = 32
"""Bytes of a private key."""

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class Checkpoints:
    """`Witness` in one file that is only ever added to, a line each, fsynced before `append` returns.

    A line that a crash cut off was never acknowledged: it is cut away before the next one is written.
    Raises StorageFull when its disk is full, EngineDown when it fails otherwise: then try again.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    async def append(self, line: bytes) -> None:
        """Add a line; it is on the disk when this returns."""
        await self._done(lambda: self._append(line))

    async def last(self) -> bytes | None:
        """The newest whole line; None when there is none."""
        return await self._done(self._last)

    async def lines(self) -> AsyncIterator[bytes]:
        """The whole lines that there are now, oldest first."""
        place, end = 0, await self._done(self._end)
        while place < end:
            for line in await self._some(place, end):
                yield line
                place += len(line) + 1

    async def _done(self, work: Callable[[], T]) -> T:
        """Do it in a thread: the disk may take its time."""
        try:
            return await asyncio.to_thread(work)
        except OSError as wrong:
            if wrong.errno in FULL:
                raise StorageFull(
                    f"there is no room for the witness {self._path}; nothing is lost, free some space and sealing goes on"
                ) from wrong
            raise EngineDown(f"the witness {self._path} can't be read or written: {wrong.strerror}") from wrong

    async def _some(self, place: int, end: int) -> list[bytes]:
        return await self._done(lambda: self._from(place, end))

    def _append(self, line: bytes) -> None:
        if b"\n" in line:
            raise BadInput("a line of the witness can't have a line feed in it")
        self._path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            end = self._end()
            if os.fstat(handle).st_size > end:
                os.ftruncate(handle, end)
            os.lseek(handle, end, os.SEEK_SET)
            _write(handle, line + b"\n")
            os.fsync(handle)
        finally:
            os.close(handle)
        if not end:
            sync_folder(self._path.parent)

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

    def _from(self, place: int, end: int) -> list[bytes]:
        """Whole lines from that place on, about a megabyte of them, none of them after `end`."""
        with self._path.open("rb") as file:
            file.seek(place)
            found = file.read(min(CHUNK, end - place))
            if not found.endswith(b"\n"):
                found += file.readline()
        return found[:-1].split(b"\n")


def cut(source: Path, target: Path, keep: Callable[[bytes], bool]) -> None:
    """Write those lines of a witness into a new file that are to be kept; they are on the disk when this returns. Blocks."""
    with source.open("rb") as lines, target.open("wb") as kept:
        for line in lines:
            if line.endswith(b"\n") and keep(line[:-1]):
                kept.write(line)
        kept.flush()
        os.fsync(kept.fileno())
    sync_folder(target.parent)


class Key:
    """The Ed25519 key in a file that only its owner may read; raises Broken when it is not that."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            raise _gone(path)
        self._private = Ed25519PrivateKey.from_private_bytes(secret(path, "the log's key", KEY))
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


def verifies(public: bytes, signature: bytes, text: bytes) -> bool:
    """Whether that public key (32 bytes) made that signature over that text."""
    return Verifier(public)(signature, text)


def settle(key: Path, public: Path, origin: str, *, signed: bool) -> None:
    """Make the log's key, and write its public half beside it as note tools take it. What is there already holds.

    `signed`: whether this log has signed checkpoints. Then its key was made before, and raises Broken when it is gone.
    """
    if not key.exists():
        if signed or public.exists():
            raise _gone(key)
        keep(key, Ed25519PrivateKey.generate().private_bytes_raw())
    told = note.verifier_key(origin, Key(key).public)
    if not public.exists():
        keep(public, f"{told}\n".encode(), 0o644)
    if public.read_text().strip() != told:
        raise Broken(f"{public} does not belong to the log's key {key}; restore from a backup the one that was changed")


def verifier(public: Path) -> Verifier:
    """Verifies by the public key in that file; raises NotFound or BadInput."""
    if not public.is_file():
        raise NotFound(f"the log's public key is not at {public}; an install writes it as log.pub beside its data")
    return Verifier(note.read_verifier_key(public.read_text(errors="replace")))


def _gone(key: Path) -> Broken:
    return Broken(
        f"the log's key {key} is gone; restore it from its backup: with another key, "
        "everything that was signed with this one would look forged"
    )


def _write(handle: int, body: bytes) -> None:
    left = memoryview(body)
    while left:
        left = left[os.write(handle, left) :]
