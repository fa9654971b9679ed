"""`tutela keys rotate`: another root key, and the end of the one before when no backup needs it any more."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import msgspec

from tutela.app.core import Core, clock, core
from tutela.app.settings import Settings
from tutela.backends import ring
from tutela.backends.postgres.copying import PostgresCopying
from tutela.backends.rotation import Rotation
from tutela.backends.spool import SPOOL, waiting
from tutela.errors import Conflict, EngineDown
from tutela.flow.rest import rest
from tutela.flow.retention import BACKED_UP
from tutela.maths.ids import uuid_of
from tutela.model.event import Event
from tutela.model.flow import encode
from tutela.model.noun import Noun
from tutela.model.retention import RootDestroyed, Rotated
from tutela.model.timeline import LIVE
from tutela.model.when import DAY

SUBJECT = "root-keys"
"""What all events of root keys are about."""

BY = "install"
EVERY = 3600.0
"""Seconds between two looks for root keys that no backup needs any more."""

log = logging.getLogger(__name__)
_rotated = msgspec.json.Decoder(Rotated).decode


async def rotate(settings: Settings, said: Callable[[str], object], *, at_once: bool) -> Rotated:
    """Another root key, or the rest of a rotation that was interrupted. `at_once`: no backup needs the one before.

    Raises Conflict while a copy is made, or something is being destroyed: it would not know which root key it needs.
    """
    async with (
        core(settings, "keys", connections=4) as inside,
        PostgresCopying(inside.facts.db).removing() as may,
    ):
        if not may:
            raise Conflict(
                "a backup is being made, or the keeper destroys what is past its time; rotate a minute later"
            )
        return await rotated(inside, said, at_once=at_once)


async def rotated(inside: Core, said: Callable[[str], object], *, at_once: bool) -> Rotated:
    """The same, where nothing is copied meanwhile."""
    folder = inside.settings.data
    rotation = Rotation(folder, inside.facts.db, inside.keys, said)
    before, after, count = await rotation.wrap()
    now = clock()
    body = Rotated(
        before=before,
        after=after,
        keys=count,
        retired=tuple(sorted((await asyncio.to_thread(ring.roots, folder)).keys() - {after})),
        until=now if at_once else now + BACKED_UP * DAY,
    )
    said("telling the log")
    await _tell(inside, "keys-rotated@1", now, body, before, after)
    await rotation.settle()
    await retire(inside)
    return body


async def retire(inside: Core) -> list[str]:
    """Destroy the root keys that no backup needs any more; what they were called. One that still opens something stays."""
    now, folder, gone = clock(), inside.settings.data, list[str]()
    known = await asyncio.to_thread(ring.roots, folder)
    told = [_rotated(one.body) for one in await inside.facts.about(SUBJECT) if one.kind == "keys-rotated@1"]
    current = ring.name_of(await asyncio.to_thread(ring.root_key, folder / ring.CURRENT))
    for name in sorted({name for one in told if one.until <= now for name in one.retired} & known.keys() - {current}):
        if await asyncio.to_thread(waiting, folder / SPOOL):
            log.error("the root key %s is not destroyed: calls wait in the spool, perhaps sealed under it", name)
            continue
        if left := await inside.keys.under(known[name]):
            log.error("the root key %s is not destroyed: %d keys are wrapped under it still", name, left)
            continue
        await _tell(inside, "root-key-destroyed@1", now, RootDestroyed(root=name), name)
        await asyncio.to_thread(ring.destroy, folder, name)
        gone.append(name)
    return gone


async def retiring(inside: Core, stop: asyncio.Event) -> None:
    """Look each hour until told to stop."""
    while not stop.is_set():
        try:
            await retire(inside)
        except EngineDown as failed:
            log.warning("root keys of earlier are destroyed later: %s", failed)
        await rest(stop, EVERY)


async def _tell(inside: Core, kind: str, now: int, body: Noun, *about: str) -> None:
    """Once, however often it is begun again."""
    event = Event(
        id=uuid_of(kind, *about),
        at=now,
        by=BY,
        cause=None,
        kind=kind,
        timeline=LIVE,
        body=encode(body),
        subject=SUBJECT,
    )
    await inside.facts.append([event])
