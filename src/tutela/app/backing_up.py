"""`tutela backup`: a copy of everything an instance keeps, made while it runs.

PostgreSQL is copied first, and the copy stands at the moment when that ends. What is not in it but belongs to it comes after,
and only grows meanwhile: the witness, the lake's files, the streams. A restore cuts the witness back to what PostgreSQL
has, and the workers read on in the streams from what they had saved. Until the end a lock keeps files from being removed.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from errno import ENOSPC
from pathlib import Path

from tutela import __version__
from tutela.app.core import Core, clock, core
from tutela.app.settings import Settings
from tutela.app.verifying import public_key
from tutela.backends.copies import Said, copy, empty, listed, room, size_of, sync, write
from tutela.backends.engines import NATS, POSTGRES
from tutela.backends.link import Link
from tutela.backends.places import places
from tutela.backends.postgres.copying import PostgresCopying
from tutela.backends.ring import NEXT
from tutela.backends.server_postgres import PostgresServer
from tutela.backends.stream_copies import StreamCopies
from tutela.errors import BadInput, Conflict, StorageFull
from tutela.flow.retention import BACKUPS
from tutela.maths.ids import uuid_of
from tutela.model import note
from tutela.model.backup import BackedUp, Manifest
from tutela.model.event import Event
from tutela.model.flow import encode
from tutela.model.noun import Noun
from tutela.model.timeline import LIVE

POSTGRES_COPY, STREAMS, LAKE, WITNESS = "postgres", "streams", "lake", "checkpoints.jsonl"
"""Where things are in a backup."""

KEYS = ("root.key", "log.key")
"""What opens and signs everything: kept apart from the backups, unless somebody says otherwise."""

BY = "install"


def ours(settings: Settings) -> None:
    """Raise BadInput when the engines or the lake are somebody else's to copy."""
    if settings.env.get(NATS):
        raise BadInput(
            f"{NATS} names a NATS that somebody else keeps: copy its streams with its own tools (`nats stream backup`), as "
            "docs/how-to/back-up-and-restore.md tells"
        )
    if settings.env.get(POSTGRES):
        raise BadInput(
            f"{POSTGRES} names a PostgreSQL that somebody else keeps: copy it with its own tools, the whole cluster "
            "(pg_basebackup, or a snapshot of its disk), as docs/how-to/back-up-and-restore.md tells"
        )
    if "://" in settings.lake:
        raise BadInput(f"the lake is at {settings.lake}: copy it with the tools of that store, after PostgreSQL")


async def run(settings: Settings, folder: Path, *, keys: bool, said: Said) -> Manifest:
    """Back up into that folder; gives what is in it. Raises StorageFull before anything is written."""
    ours(settings)
    empty(folder, "the folder")
    async with core(settings, "backup", connections=3) as inside:
        await asyncio.to_thread(lambda: room(folder, _size(settings)))
        with _full(folder):
            async with PostgresCopying(inside.facts.db).copying() as held:
                if (settings.data / NEXT).exists():
                    raise Conflict(
                        "a change of the root key was interrupted; finish it with `tutela keys rotate`, then back up"
                    )
                return await _Backup(inside, folder, keys, said, held).make()


@contextmanager
def _full(folder: Path) -> Iterator[None]:
    """Raise StorageFull, and say whose disk it is."""
    try:
        yield
    except OSError as wrong:
        if wrong.errno != ENOSPC:
            raise
        raise StorageFull(f"the disk of {folder} is full; free some space, or name a folder on another disk") from wrong


@dataclass(frozen=True, slots=True)
class _Backup:
    inside: Core
    folder: Path
    keys: bool
    said: Said
    held: Callable[[], Awaitable[bool]]

    async def make(self) -> Manifest:
        """All of it, one after the other."""
        began, checkpoint = clock(), await self._checkpoint()
        await self._tell(began)
        self.said("copying PostgreSQL")
        await PostgresServer(places(self.inside.settings.data)).copy(self.folder / POSTGRES_COPY)
        ended = clock()
        self.said("copying the lake")
        await asyncio.to_thread(self._files)
        self.said("copying the streams")
        streams = await self._streams()
        self.said("computing the hash of every file")
        manifest = Manifest(
            program=__version__,
            install=self.inside.install.id,
            city=self.inside.install.city,
            began=began,
            ended=ended,
            checkpoint=checkpoint,
            streams=streams,
            keys=self.keys,
            files=await asyncio.to_thread(listed, self.folder),
        )
        if not await self.held():
            raise Conflict(
                "files may have been removed while they were copied, for a lock was lost; make the backup again"
            )
        await asyncio.to_thread(write, self.folder, manifest)
        return manifest

    async def _checkpoint(self) -> str | None:
        """The newest signed note: it is sealed by now, so the copy of PostgreSQL has all that it is over."""
        points = await self.inside.facts.checkpoints()
        if not points:
            return None
        return note.write(points[-1], note.read_verifier_key(public_key(self.inside.settings).read_text()))

    async def _tell(self, now: int) -> None:
        """A copy of everything is an event, and is in the copy."""
        await self.inside.facts.append([event("backup@1", now, BackedUp(keys=self.keys), BACKUPS)])

    def _files(self) -> None:
        settings = self.inside.settings
        names = (WITNESS, "log.pub", *(KEYS if self.keys else ()))
        for source in (settings.data / name for name in names):
            if source.exists():
                to = self.folder / source.name
                to.touch(mode=0o600)
                shutil.copyfile(source, to)
                sync(to)
        copy(Path(settings.lake), self.folder / LAKE)

    async def _streams(self) -> tuple[str, ...]:
        folder = self.folder / STREAMS
        folder.mkdir(mode=0o700)
        link = await Link(self.inside.where.nats, "backup").open(10)
        try:
            copies = StreamCopies(link)
            names = tuple(await copies.names())
            for name in names:
                await copies.save(name, folder)
        finally:
            await link.close()
        return names


def event(kind: str, now: int, body: Noun, subject: str = "") -> Event:
    """What happened to the whole of the log, as an event in it."""
    said = encode(body)
    return Event(
        id=uuid_of(kind, now, said), at=now, by=BY, cause=None, kind=kind, timeline=LIVE, body=said, subject=subject
    )


def _size(settings: Settings) -> int:
    where = places(settings.data)
    return sum(size_of(path) for path in (where.postgres, where.nats, Path(settings.lake)) if path.exists())
