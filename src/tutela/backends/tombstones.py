"""The list of destroyed keys, in a file of lines outside of the database, so that no backup brings one of them back.

A line is written, and on the disk, before its key is destroyed: whatever happens in between, the key's end is known.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from tutela.backends.key_file import sync_folder
from tutela.backends.postgres.database import Database
from tutela.errors import BadInput
from tutela.model.backup import Tombstone

_decode = msgspec.json.Decoder(Tombstone).decode

_AGAIN = """
update bucket_key k set wrapped = null, destroyed_at = coalesce(k.destroyed_at, t.at)
from unnest($1::text[], $2::bigint[]) as t (id, at) where k.id = t.id and k.wrapped is not null
"""


class Tombstones:
    """One file. Several processes may add to it at once."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def add(self, stones: Iterable[Tombstone]) -> None:
        """Add these; they are on the disk when this returns."""
        await asyncio.to_thread(self._add, [msgspec.json.encode(stone) + b"\n" for stone in stones])

    async def all(self) -> Mapping[str, int]:
        """When each key was destroyed, by its id; the first time counts. Raises BadInput for a file that is no list."""
        return await asyncio.to_thread(lambda: read(self._path) if self._path.exists() else {})

    def _add(self, lines: list[bytes]) -> None:
        made = not self._path.exists()
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "r+b", buffering=0) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            # A line that a crash cut off was never acknowledged.
            file.truncate(file.read().rfind(b"\n") + 1)
            file.write(b"".join(lines))
            os.fsync(file.fileno())
        if made:
            sync_folder(self._path.parent)


def read(path: Path) -> dict[str, int]:
    """The keys in a list, each with its time."""
    found: dict[str, int] = {}
    lines = path.read_bytes().split(b"\n")[:-1]
    for number, line in enumerate(lines, 1):
        try:
            stone = _decode(line)
        except msgspec.MsgspecError as wrong:
            raise BadInput(f"{path}, line {number}: this is no list of destroyed keys ({wrong})") from wrong
        found.setdefault(stone.key, stone.at)
    return found


def handed(path: Path) -> dict[str, int]:
    """A list that somebody hands over: raises BadInput when it is not whole, for what it lacks would come back."""
    raw = path.read_bytes()
    if not raw.strip():
        raise BadInput(f"{path} names no destroyed key; if nothing was erased since the backup, say --nothing-erased")
    if not raw.endswith(b"\n"):
        raise BadInput(
            f"{path} does not end with a line feed: its last entry may be cut off; copy it anew, or look at its last line "
            "and end it with a line feed"
        )
    return read(path)


async def destroyed(db: Database) -> dict[str, int]:
    """The keys that a database knows as destroyed, each with its time."""
    async with db.reading() as connection:
        rows = await connection.fetch("select id, destroyed_at from bucket_key where wrapped is null order by id")
    return {row["id"]: row["destroyed_at"] for row in rows}


async def destroy_again(db: Database, stones: Mapping[str, int]) -> int:
    """Destroy those of these keys that a restored database still has; how many there were."""
    async with db.reading() as connection:
        done: str = await connection.execute(_AGAIN, list(stones), list(stones.values()))
    return int(done.split()[1])


async def shred(db: Database) -> None:
    """Write the table of keys anew, without what keys were before they were destroyed.

    An update leaves the row as it was in the file, until somebody tidies up. What an older transaction may still read
    stays until the next time.
    """
    async with db.reading() as connection:
        await connection.execute("vacuum full bucket_key")
