"""A backup: what is in it, and at which point of the log it stands."""

from __future__ import annotations

from .noun import Noun

VERSION = 1
"""Of the form of a backup."""


class File(Noun, frozen=True, kw_only=True):
    """One file of a backup, by its path in it; `size` in bytes, `sha256` in hexadecimal."""

    path: str
    size: int
    sha256: str


class Manifest(Noun, frozen=True, kw_only=True):
    """What a backup holds. It is written last: a folder without one is no backup.

    Everything committed before `began` is in it, and nothing committed after `ended` (both microseconds);
    telemetry reaches a little further. `checkpoint` is the newest signed note of the log when it began (None: nothing was
    signed yet). `keys` tells whether the root key and the log's key are among the files.
    """

    version: int = VERSION
    program: str
    install: str
    city: str
    began: int
    ended: int
    checkpoint: str | None
    streams: tuple[str, ...]
    keys: bool
    files: tuple[File, ...]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)


class BackedUp(Noun, frozen=True, kw_only=True):
    """Body of `backup@1`: a copy of everything is being made; `keys` tells whether it holds the keys."""

    keys: bool


class Restored(Noun, frozen=True, kw_only=True):
    """Body of `restore@1`: this log goes on from a backup.

    `began` and `ended` are the backup's; what was committed after `ended` is lost. `destroyed` counts the keys that the
    backup still had, and that were destroyed again.
    """

    began: int
    ended: int
    destroyed: int


class Tombstone(Noun, frozen=True, kw_only=True):
    """A bucket's key that was destroyed, and when (microseconds)."""

    key: str
    at: int
