"""`tutela papers`: what has to stand before something may be done, entered from a file, granted and ended."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import msgspec

from tutela.app.core import Core, clock, core
from tutela.app.settings import Settings
from tutela.errors import BadInput
from tutela.flow.paper_acts import Told, told
from tutela.flow.papers import Papers
from tutela.model.noun import Noun
from tutela.model.paper import About, Hash, Paper, Sealable, Word
from tutela.model.when import parse

BY = "install"


class Written(Noun, frozen=True, kw_only=True):
    """A file with a paper. Times are written like 2026-11-25T08:00:00Z; without `since` it stands from now on."""

    number: Word
    authority: Word
    signed: Sealable
    about: About
    until: str
    since: str = ""
    sha256: Hash = ""
    replaces: str | None = None
    simulated: bool = False


def papers(inside: Core) -> Papers:
    """The papers of an instance."""
    return Papers(log=inside.facts, keys=inside.keys, clock=clock)


def read(file: Path) -> Paper:
    """The paper in a file; raises BadInput with what is wrong and where."""
    try:
        written = msgspec.toml.decode(file.read_bytes(), type=Written)
    except (OSError, UnicodeDecodeError, msgspec.MsgspecError) as wrong:
        raise BadInput(f"{file} can't be read: {wrong}") from wrong
    said = {name: getattr(written, name) for name in Written.__struct_fields__}
    times = {"since": parse(written.since) if written.since else clock(), "until": parse(written.until)}
    return Paper(**{**said, **times})


async def enter(settings: Settings, file: Path) -> Told:
    """Enter the paper in a file, by whoever holds the machine."""
    wanted = await asyncio.to_thread(read, file)
    async with core(settings, "papers", connections=2) as inside:
        return told(await papers(inside).enter(wanted, BY), clock())


async def grant(settings: Settings, id_: str, sha256: str) -> Told:
    """Grant one that waits for it."""
    async with core(settings, "papers", connections=2) as inside:
        return told(await papers(inside).grant(id_, BY, sha256), clock())


async def end(settings: Settings, id_: str, because: str) -> Told:
    """End one, at once."""
    async with core(settings, "papers", connections=2) as inside:
        return told(await papers(inside).end(id_, because, BY), clock())


async def listed(settings: Settings, *, consents: bool) -> Sequence[Told]:
    """All papers but consents, or these alone, the newest first."""
    async with core(settings, "papers", connections=2) as inside:
        here = papers(inside)
        found = await (here.consents() if consents else here.all())
        return [told(await here.opened(one), clock()) for one in reversed(found)]
