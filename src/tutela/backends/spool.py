"""What waits beside the log while it can't be written: a folder, a file each, sealed under a key that is derived from the root key."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from time import time_ns
from typing import TypeVar

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from tutela.backends.checkpoints import FULL
from tutela.backends.envelope import close, disclose
from tutela.backends.key_file import keep, sync_folder
from tutela.errors import Broken, EngineDown, StorageFull

LOG = logging.getLogger(__name__)
T = TypeVar("T")

_INFO = b"tutela: what waits beside the log, 1"
"""The label of the key: it serves for nothing else."""

BUCKET = "spool"

SPOOL = "spool"
"""The folder in the data directory."""


class SpoolFolder:
    """`flow.spooling.Spool` in a folder. A file that is there is whole: it is written aside, fsynced, and put into place.

    `current` reads the root key in force, and `roots` all that there are: another one may have taken its place since the start.
    Raises StorageFull when the disk is full, EngineDown when it fails otherwise.
    """

    def __init__(
        self,
        path: Path,
        current: Callable[[], bytes],
        roots: Callable[[], Mapping[str, bytes]],
        clock: Callable[[], int] = time_ns,
    ) -> None:
        self._path, self._current, self._roots, self._clock = path, current, roots, clock

    async def put(self, plain: bytes) -> None:
        """Keep it; it is on the disk when this returns."""
        name = f"{self._clock():020d}-{secrets.token_hex(4)}"
        await self._tried(lambda: keep(self._path / name, close(_key(self._current()), BUCKET, plain)))

    async def count(self) -> int:
        """How many wait."""
        return len(await self._tried(lambda: waiting(self._path)))

    async def waiting(self) -> Sequence[tuple[str, bytes]]:
        """All that waits, in the order in which it came. What was altered stays where it is, and is told."""
        return await self._tried(self._opened)

    async def done(self, name: str) -> None:
        """It waits no more."""
        await self._tried(lambda: self._remove(name))

    def _opened(self) -> list[tuple[str, bytes]]:
        names = waiting(self._path)
        keys = [_key(root) for root in self._roots().values()] if names else []
        found = []
        for name in names:
            plain = _disclosed(keys, (self._path / name).read_bytes())
            if plain is None:
                LOG.error("ALARM: %s was altered, or is of another instance; it waits for somebody to look", name)
            else:
                found.append((name, plain))
        return found

    def _remove(self, name: str) -> None:
        (self._path / name).unlink(missing_ok=True)
        sync_folder(self._path)

    async def _tried(self, work: Callable[[], T]) -> T:
        try:
            return await asyncio.to_thread(work)
        except OSError as wrong:
            if wrong.errno in FULL:
                raise StorageFull(
                    f"there is no room for the spool {self._path}; free some space on its disk"
                ) from wrong
            raise EngineDown(f"the spool {self._path} can't be read or written: {wrong.strerror}") from wrong


def waiting(path: Path) -> list[str]:
    """The names of what waits in that folder, in order. Names that begin with a dot are not in place yet."""
    return sorted(one.name for one in path.iterdir() if one.name[0] != ".") if path.exists() else []


def _disclosed(keys: Sequence[bytes], sealed: bytes) -> bytes | None:
    """What was sealed under one of them; None when none opens it."""
    for key in keys:
        with suppress(Broken):
            return disclose(key, BUCKET, sealed)
    return None


def _key(root: bytes) -> bytes:
    return HKDF(SHA256(), length=32, salt=None, info=_INFO).derive(root)
