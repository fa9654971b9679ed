"""The root keys of an instance: files of 32 random bytes in its directory, which only their owner may read.

root.key            the one that new keys are wrapped under
root-next.key       the one that a rotation, which is under way, goes to
root-<digest>.key   one that was in use before, for the backups that were made then
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from tutela.backends.key_file import keep, secret, sync_folder

ROOT = 32
"""Bytes of a root key."""

CURRENT, NEXT, EARLIER = "root.key", "root-next.key", "root-{}.key"


def root_key(path: Path) -> bytes:
    """A root key, which is made at the first call; raises Broken when others can read it, or it is damaged."""
    if not path.exists():
        keep(path, secrets.token_bytes(ROOT))
    return secret(path, "the root key", ROOT)


def name_of(root: bytes) -> str:
    """What a root key is called: nobody can tell the key by it."""
    return sha256(b"tutela: what a root key is called, 1\n" + root).hexdigest()[:16]


def files(folder: Path) -> Iterator[Path]:
    """Where root keys are, or can be. In this order none is missed when one takes another's place meanwhile."""
    yield folder / NEXT
    yield folder / CURRENT
    yield from (path for path in sorted(folder.glob("root-*.key")) if path.name != NEXT)


def roots(folder: Path) -> Mapping[str, bytes]:
    """All of them, by what they are called."""
    found = {}
    for path in files(folder):
        with suppress(FileNotFoundError):  # it was never there, or it is no more
            root = secret(path, "the root key", ROOT)
            found[name_of(root)] = root
    return found


def advance(folder: Path) -> None:
    """The next root key is the current one from now on, and the one before is kept by its name. Killed in between, it is done again."""
    if (folder / NEXT).exists():
        before = folder / EARLIER.format(name_of(secret(folder / CURRENT, "the root key", ROOT)))
        if not before.exists():
            before.hardlink_to(folder / CURRENT)
            sync_folder(folder)
        (folder / NEXT).replace(folder / CURRENT)
        sync_folder(folder)


def take(folder: Path, name: str) -> None:
    """That one of them is the current one, and all others go: what a restore laid beside it opens nothing there."""
    wanted = roots(folder)[name]
    # In place first: whoever is killed in between still has it.
    (folder / NEXT).unlink(missing_ok=True)
    keep(folder / NEXT, wanted)
    (folder / NEXT).replace(folder / CURRENT)
    sync_folder(folder)
    for path in list(files(folder)):
        if path.name != CURRENT:
            path.unlink(missing_ok=True)
    sync_folder(folder)


def destroy(folder: Path, name: str) -> bool:
    """Overwrite and remove a root key that was in use before; whether it was there."""
    path = folder / EARLIER.format(name)
    if not path.exists():
        return False
    with path.open("r+b") as file:
        file.write(bytes(ROOT))
        file.flush()
        os.fsync(file.fileno())
    path.unlink()
    sync_folder(folder)
    return True
