"""The files of a backup: copied with their hashes, listed in a manifest, and looked at again before they are used."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from tutela.backends.disk import look
from tutela.backends.key_file import sync_folder
from tutela.errors import BadInput, Broken, Conflict, NotFound, StorageFull
from tutela.model.backup import VERSION, File, Manifest

MANIFEST = "manifest.json"
CHUNK = 1 << 20

Said = Callable[[str], None]
"""Told in words what is being done."""


def empty(folder: Path, what: str) -> Path:
    """A folder that is made, for us alone, or was empty; raises Conflict. `what` names it for people."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Conflict(f"{what} {folder} is not empty; name a folder that is new")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    return folder


def room(folder: Path, size: int) -> None:
    """Raise StorageFull when that many bytes would bring the folder's disk down to its reserve."""
    state = look(folder)
    if state.free - size < state.reserve:
        raise StorageFull(
            f"{folder} has {state.free >> 20} MB free and needs {(size + state.reserve) >> 20} MB; "
            "free some space, or name a folder on another disk"
        )


def size_of(folder: Path) -> int:
    """Bytes in a folder; what goes while it is looked at counts for nothing."""
    return sum(path.stat().st_size for path in _files(folder) if path.exists())


def copy(source: Path, target: Path) -> None:
    """Copy a folder. What is removed meanwhile is left out: whoever holds the copying lock knows that nobody needs it."""
    for path in _files(source):
        to = target / path.relative_to(source)
        to.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            shutil.copyfile(path, to)
        except FileNotFoundError:
            to.unlink(missing_ok=True)
        else:
            sync(to)


def listed(folder: Path) -> tuple[File, ...]:
    """Every file of a backup, with its hash, by path; all of them are on the disk when this returns."""
    paths = sorted(path for path in _files(folder) if path.name != MANIFEST)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return tuple(pool.map(lambda path: _listed(folder, path), paths))


def write(folder: Path, manifest: Manifest) -> None:
    """Put the manifest beside the files: from now on this is a backup."""
    new = folder / f"{MANIFEST}.new"
    with new.open("wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(manifest), indent=1))
        file.flush()
        os.fsync(file.fileno())
    new.replace(folder / MANIFEST)
    sync_folder(folder)


def read(folder: Path) -> Manifest:
    """The manifest of a backup; raises NotFound or BadInput."""
    path = folder / MANIFEST
    if not path.is_file():
        raise NotFound(f"{folder} is no whole backup: it has no {MANIFEST}; name the folder that `tutela backup` made")
    try:
        manifest = msgspec.json.decode(path.read_bytes(), type=Manifest)
    except msgspec.MsgspecError as wrong:
        raise BadInput(f"{path} can't be read ({wrong}); take another backup") from wrong
    if manifest.version != VERSION:
        raise BadInput(
            f"{path} is of version {manifest.version}, this program reads {VERSION}; use the program it names"
        )
    return manifest


def check(folder: Path, manifest: Manifest) -> None:
    """Raise Broken when a file is not as the manifest says, or there is one that it does not name."""
    there = {file.path: file for file in listed(folder)}
    told = {file.path: file for file in manifest.files}
    wrong = sorted(name for name in told.keys() | there.keys() if told.get(name) != there.get(name))
    if wrong:
        more = f" and {len(wrong) - 1} more" if len(wrong) > 1 else ""
        raise Broken(
            f"{folder / wrong[0]}{more} is not as the manifest says; nothing was restored, take another backup"
        )


def sync(path: Path) -> None:
    """What a file says is on the disk when this returns."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def _listed(folder: Path, path: Path) -> File:
    hashed, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while piece := file.read(CHUNK):
            hashed.update(piece)
            size += len(piece)
    sync(path)
    return File(path=str(path.relative_to(folder)), size=size, sha256=hashed.hexdigest())
