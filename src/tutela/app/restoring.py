"""`tutela restore`: a new instance from a backup, checked against what was signed, with nothing in it that was erased.

The order matters. The root key that opens the backup is the one in force then, though the folder with the keys has newer ones. Keys that were destroyed after the backup was made are destroyed again before anything can be read. The
witness is cut back to what PostgreSQL has, and all is verified before anything is signed. Then the restore becomes an event, and
all that is signed from then on is of a new seal epoch: somebody may hold a later checkpoint of the old one, over events
that are lost.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tutela.app.backing_up import KEYS, LAKE, POSTGRES_COPY, STREAMS, WITNESS, event, ours
from tutela.app.core import Core, clock, core, tombstones
from tutela.app.keep import sealer
from tutela.app.lake import lake
from tutela.app.settings import Settings
from tutela.app.verifying import check as verified
from tutela.app.verifying import public_key, settle_key
from tutela.backends import copies, ring
from tutela.backends.checkpoints import cut
from tutela.backends.copies import Said, copy, empty, room
from tutela.backends.engines import Engines
from tutela.backends.key_file import keep
from tutela.backends.link import Link
from tutela.backends.migrate import migrate
from tutela.backends.places import SYSTEM, places, private, settle
from tutela.backends.server_postgres import PostgresServer
from tutela.backends.stream_copies import StreamCopies
from tutela.backends.tombstones import destroy_again, destroyed, handed, shred
from tutela.errors import BadInput, Broken, NotFound
from tutela.flow.seal import read_witnessed
from tutela.flow.verify import Report
from tutela.model import note
from tutela.model.backup import Manifest, Restored, Tombstone
from tutela.model.noun import Noun

SHOWN = 3
"""Of what was found in a log that was changed, so many are told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What to restore: a backup's folder, the folder with the keys (None: the backup's own), and lists of destroyed keys.

    No list says that nothing was erased since the backup was made.
    """

    folder: Path
    keys: Path | None
    tombstones: tuple[Path, ...]


class Outcome(Noun, frozen=True, kw_only=True):
    """What became of it. `destroyed` keys were in the backup, and are destroyed again."""

    began: int
    ended: int
    destroyed: int
    streams: int
    verified: Report


async def run(settings: Settings, wanted: Wanted, said: Said) -> Outcome:
    """Restore into the data directory of these settings, which is new or empty. What fails leaves nothing behind."""
    ours(settings)
    manifest = copies.read(wanted.folder)
    stones = _stones(wanted)
    keys = _keys(wanted, manifest)
    said("checking the hash of every file")
    await asyncio.to_thread(copies.check, wanted.folder, manifest)
    empty(settings.data, "the data directory")
    empty(Path(settings.lake), "the lake's folder")
    try:
        said("laying out the files")
        await asyncio.to_thread(_lay, settings, wanted, manifest, keys)
        return await _start(settings, wanted, manifest, stones, said)
    except BaseException:  # cancelled too: what is half laid would be refused by the next try as not empty
        await asyncio.to_thread(_clear, settings)
        raise


def _stones(wanted: Wanted) -> Mapping[str, int]:
    found: dict[str, int] = {}
    for path in wanted.tombstones:
        if not path.is_file():
            raise NotFound(f"there is no list of destroyed keys at {path}; `tutela tombstones` writes one")
        found = {**handed(path), **found}
    return found


def _keys(wanted: Wanted, manifest: Manifest) -> Path:
    """The folder with the keys; raises BadInput when there is none."""
    folder = wanted.keys or (wanted.folder if manifest.keys else None)
    if folder is None or not all((folder / name).is_file() for name in KEYS):
        raise BadInput(
            f"the keys ({' and '.join(KEYS)}) are not in {folder or wanted.folder}; "
            "name the folder where you keep them with --keys: without them nothing personal can be read, and nothing signed"
        )
    return folder


def _lay(settings: Settings, wanted: Wanted, manifest: Manifest, keys: Path) -> None:
    """Every file in its place, before anything runs."""
    room(settings.data, manifest.size)
    private(settings.data)
    for path in (*(keys / name for name in KEYS), *keys.glob("root-*.key")):
        keep(settings.data / path.name, path.read_bytes())
    keep(public_key(settings), (wanted.folder / "log.pub").read_bytes(), 0o644)
    if (wanted.folder / LAKE).exists():
        copy(wanted.folder / LAKE, Path(settings.lake))
    settle(settings.data)
    PostgresServer(places(settings.data)).take_over(wanted.folder / POSTGRES_COPY)


async def _start(
    settings: Settings, wanted: Wanted, manifest: Manifest, stones: Mapping[str, int], said: Said
) -> Outcome:
    """Start the engines for as long as it takes, and put right what files alone can't."""
    said("starting the engines")
    async with Engines(settings.data, settings.env) as engines:
        await migrate(engines.addresses.pg, clock())
        link = await Link(engines.addresses.nats, "restore").open(30)
        try:
            for name in manifest.streams:
                await StreamCopies(link).load(name, wanted.folder / STREAMS)
        finally:
            await link.close()
        async with core(settings, "restore", connections=4) as inside:
            return await _Restore(inside, wanted.folder, manifest, said).finish(stones)


@dataclass(frozen=True, slots=True)
class _Restore:
    inside: Core
    folder: Path
    manifest: Manifest
    said: Said

    async def finish(self, stones: Mapping[str, int]) -> Outcome:
        """What was erased is erased, the log goes on in a new epoch, and all of it is verified."""
        inside, manifest = self.inside, self.manifest
        if inside.install.id != manifest.install:
            raise Broken(f"the database is of the install {inside.install.id}, the manifest of {manifest.install}")
        root = await inside.keys.fits()
        await asyncio.to_thread(ring.take, inside.settings.data, ring.name_of(root))
        again = await self._erase(stones)
        await self._shut_out()
        await self._cut_back()
        self.said("verifying the log")
        report = await self._sound()
        await self._whole()
        await self._reopen(again)
        return Outcome(
            began=manifest.began,
            ended=manifest.ended,
            destroyed=again,
            streams=len(manifest.streams),
            verified=report,
        )

    async def _erase(self, stones: Mapping[str, int]) -> int:
        db = self.inside.facts.db
        before = await destroyed(db)
        if stones and (lacking := sorted(before.keys() - stones.keys())):
            raise BadInput(
                f"the list of destroyed keys is older than the backup: it lacks {len(lacking)} keys that were destroyed by "
                f"then, such as {lacking[0]}; hand over the newest one, or all that you have, each with --tombstones"
            )
        again = await destroy_again(db, stones)
        await shred(db)
        known = {**before, **stones}
        await tombstones(self.inside.settings).add(Tombstone(key=key, at=at) for key, at in sorted(known.items()))
        return again

    async def _shut_out(self) -> None:
        """Who was let in then may have been shut out since: everybody comes in anew."""
        async with self.inside.facts.db.writing() as connection:
            await connection.execute("delete from session")
            await connection.execute("delete from invitation where used_at is null")

    async def _cut_back(self) -> None:
        """The witness reaches no further than the copy of the database."""
        inside, manifest = self.inside, self.manifest
        await settle_key(inside.settings, inside.install, inside.facts)
        size, seen = await inside.facts.last() + 1, set[str]()

        def keep_line(line: bytes) -> bool:
            told = read_witnessed(line).note
            seen.add(told if told == manifest.checkpoint else "")
            return note.read(told).size <= size

        if (self.folder / WITNESS).exists():
            await asyncio.to_thread(cut, self.folder / WITNESS, inside.settings.data / WITNESS, keep_line)
        if manifest.checkpoint and manifest.checkpoint not in seen:
            raise Broken("the witness in this backup lacks the checkpoint that the manifest names; take another backup")

    async def _sound(self) -> Report:
        """What was read of the log; raises Broken when it was changed: nothing more is signed over that."""
        report = await verified(self.inside, public_key(self.inside.settings), lambda _count, _total: None)
        if not report.sound:
            told = "; ".join(f"{one.what} at {one.position}: {one.says}" for one in report.findings[:SHOWN])
            raise Broken(
                f"the log in this backup was changed, in {len(report.findings) + report.more} places ({told}); "
                "take another backup, and keep this one for whoever looks into it"
            )
        return report

    async def _reopen(self, again: int) -> None:
        """The log goes on with the restore, in a new epoch."""
        inside, manifest = self.inside, self.manifest
        now = clock()
        body = Restored(began=manifest.began, ended=manifest.ended, destroyed=again)
        await inside.facts.append([event("restore@1", now, body)])
        await sealer(inside, "restore").begin_epoch()

    async def _whole(self) -> None:
        history = lake(self.inside)
        try:
            gone = await history.missing()
        finally:
            await history.close()
        if gone:
            raise Broken(
                f"the lake lacks {len(gone)} files that its catalogue names, such as {gone[0]}; take another backup"
            )


def _clear(settings: Settings) -> None:
    """Remove what was laid out: all of it, for the folders were empty."""
    where = places(settings.data)
    if where.postgres.is_relative_to(SYSTEM):
        shutil.rmtree(where.postgres.parent, ignore_errors=True)
    for folder in (settings.data, Path(settings.lake)):
        for path in folder.glob("*") if folder.exists() else ():
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
