"""The engines of one instance: addresses of NATS and PostgreSQL, and the servers themselves where none are given.

`TUTELA_NATS_URL` and `TUTELA_PG_DSN` name servers that somebody else keeps; what is not named runs as a child
of this process, in the data directory.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tutela.backends.children import Children
from tutela.backends.disk import Ballast
from tutela.backends.disk_watch import DiskWatch
from tutela.backends.places import Places, places, private, settle
from tutela.backends.server_nats import NatsServer, choose_access, read_access
from tutela.backends.server_postgres import PostgresServer
from tutela.backends.watchdog import Watchdog
from tutela.errors import NotFound

NATS = "TUTELA_NATS_URL"
POSTGRES = "TUTELA_PG_DSN"


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the engines are. Both carry what is needed to get in: never print them."""

    nats: str
    pg: str

    def environment(self) -> dict[str, str]:
        """The variables by which another process uses the same engines and starts none."""
        return {NATS: self.nats, POSTGRES: self.pg}


def addresses(data_dir: Path, env: Mapping[str, str]) -> Addresses:
    """Where the engines of this data directory are, or would be; starts nothing."""
    where = places(data_dir)
    access = read_access(where)
    if access is None and NATS not in env:
        raise NotFound(f"nothing was ever started in {where.data}; run `tutela up` there, or set {NATS}")
    return Addresses(env.get(NATS) or (access.url if access else ""), env.get(POSTGRES) or PostgresServer(where).dsn)


class Engines:
    """Starts what is not named in `env`, keeps it running, and stops it. `children` takes further programs."""

    def __init__(self, data_dir: Path, env: Mapping[str, str]) -> None:
        self._data = data_dir
        self.children = Children(self.places.run, self.places.log)
        self._env = env
        self.watchdog: Watchdog | None = None
        self.disks: DiskWatch | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    @property
    def places(self) -> Places:
        """Where this instance keeps its things; settled by the first start."""
        return places(self._data)

    @property
    def addresses(self) -> Addresses:
        """Where the engines are."""
        return addresses(self._data, self._env)

    async def start(self) -> Addresses:
        """Starts the servers side by side; returns when both are ready."""
        private(self.places.data)
        await self.children.open()
        async with AsyncExitStack() as undo:
            undo.push_async_callback(self.stop)
            settle(self._data)
            self.disks = DiskWatch(self.places, facts=not self._env.get(POSTGRES))
            await self._start_servers()
            undo.pop_all()
        return self.addresses

    async def watch(self) -> None:
        """Looks after the servers until it is cancelled; raises when the supervision itself fails."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.children.watch())
            if self.disks:
                group.create_task(self.disks.run())
            if self.watchdog:
                group.create_task(self.watchdog.run())

    async def stop(self) -> None:
        """Stops everything that was started here, the last first."""
        if self.watchdog:
            await self.watchdog.close()
        await self.children.close()

    async def _start_servers(self) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                if not self._env.get(NATS):
                    group.create_task(self._start_nats())
                if not self._env.get(POSTGRES):
                    group.create_task(self._start_postgres())
        except BaseExceptionGroup as wrong:
            raise wrong.exceptions[0] from wrong

    async def _start_nats(self) -> None:
        server = NatsServer(self.places, choose_access(self.places))
        Ballast(self.places.ballast).lay()  # before the server's limit is reckoned
        self.watchdog = Watchdog(server, await self.children.start(server.program()))

    async def _start_postgres(self) -> None:
        await self.children.start(await PostgresServer(self.places).program())
