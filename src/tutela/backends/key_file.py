"""Files that are made once and then hold: keys that only their owner may read, and what goes with them."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from tutela.errors import Broken


def secret(path: Path, what: str, size: int) -> bytes:
    """The key in that file; raises Broken when others can read it, or it is damaged. `what` names it for people."""
    if path.stat().st_mode & 0o077:
        raise Broken(f"others can read {what} {path}; run `chmod 600 {path}`")
    key = path.read_bytes()
    if len(key) != size:
        raise Broken(f"{what} {path} has {len(key)} bytes, not {size}; restore it from its backup")
    return key


def keep(path: Path, body: bytes, mode: int = 0o600) -> None:
    """Write it aside, fsynced, and link it into place: of two processes that start together the first one's counts."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())
    try:
        path.hardlink_to(aside)
    except FileExistsError:
        pass  # the other process was first
    finally:
        aside.unlink()
    sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """A file is only on the disk when its name is, too."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
