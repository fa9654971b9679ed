"""Where one instance keeps its things. Two instances share no path."""

from __future__ import annotations

import os
import secrets
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tutela.errors import Broken

SYSTEM = Path("/var/lib/tutela")
"""As root, PostgreSQL's own user must reach its data: it lies here, under the name of the instance."""

OWNER = "of"
"""There, the file that says which data directory the rest belongs to."""

INSTANCE = "instance"
"""The file in the data directory with the name of the instance."""

SOCKET = ".s.PGSQL.5432"
LONGEST = 107
"""Bytes in the path of a Unix socket (sun_path in unix(7), less the closing zero)."""


@dataclass(frozen=True, slots=True)
class Places:
    """The directories of one instance. `data` is the one that the person chose."""

    data: Path
    postgres: Path
    socket: Path

    @property
    def run(self) -> Path:
        """Run files of the children, and the lock of the instance."""
        return self.data / "run"

    @property
    def log(self) -> Path:
        """What the children say."""
        return self.data / "log"

    @property
    def nats(self) -> Path:
        """The telemetry log and the server's configuration."""
        return self.data / "nats"

    @property
    def ballast(self) -> Path:
        """Room to give back when the disk is full."""
        return self.data / "ballast"


def places(data: Path) -> Places:
    """The places of the instance in this data directory, for whoever runs this process."""
    data = data.expanduser().resolve()
    mark = data / INSTANCE
    name = mark.read_text().strip() if mark.exists() else "not-started"
    if os.geteuid() == 0:
        home = SYSTEM / name
        return Places(data, home / "postgres", home / "socket")
    near = data / "socket"
    if len(os.fsencode(near / SOCKET)) <= LONGEST:
        return Places(data, data / "postgres", near)
    return Places(data, data / "postgres", Path(tempfile.gettempdir()) / f"tutela-{os.geteuid()}-{name}")


def settle(data: Path) -> Places:
    """The places of an instance that starts. A new one gets a name that no other ever had.

    A name made from the path would let a directory that was deleted and made again find the old facts.
    """
    mark = data.expanduser().resolve() / INSTANCE
    if not mark.exists():
        new = mark.with_suffix(".new")
        new.write_text(secrets.token_hex(6))
        new.replace(mark)
    return places(data)


def private(path: Path, owner: tuple[int, int] | None = None) -> Path:
    """Makes the directory for one user alone (uid and gid; default: us); somebody else's is refused."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    us = os.geteuid()
    stat = path.lstat()
    if path.is_symlink() or stat.st_uid not in (us, owner[0] if owner else us):
        raise Broken(
            f"{path} belongs to somebody else (user {stat.st_uid}); remove it, or choose another data directory"
        )
    path.chmod(0o700)
    if owner:
        os.chown(path, *owner)
    return path
