"""Which capabilities are at work, for workers; and `tutela capabilities`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from tutela.app.approving import approvals
from tutela.app.core import Core, core
from tutela.app.papers import papers
from tutela.app.registering import registering
from tutela.app.settings import Settings
from tutela.errors import BadInput, TutelaError
from tutela.flow.arming import Arming
from tutela.flow.at_work import at_work, standing
from tutela.flow.detector import Works
from tutela.flow.register_public import Registering
from tutela.flow.rules import uses
from tutela.model.approval import CAPABILITY
from tutela.model.arming import SUBJECT, Comment, CommentAnswered, Extent, Standing
from tutela.model.noun import Noun
from tutela.model.rule import Armed
from tutela.model.when import DAY

BY = "install"
EVERY = 5.0
"""Seconds between two looks for what switched itself off or on."""

LOG = logging.getLogger(__name__)


class Written(Noun, frozen=True, kw_only=True):
    """A file with what residents are told of a capability, and how far it reaches."""

    name: str
    text: str
    extent: Extent


def arming(inside: Core, here: Registering | None = None) -> Arming:
    """How the capabilities of an instance come to run."""
    needed, open_for = (here or registering(inside)).needed, inside.settings.comment_days * DAY
    return Arming(papers=papers(inside), needed=needed, open_for=open_for)


async def works(inside: Core, here: Registering, armed: Iterable[Armed]) -> Works:
    """When which detector is at work: a rule's terms when the rule is."""
    filed_, told = await papers(inside).all(), await inside.facts.about(SUBJECT)
    found = dict(at_work(await here.needed(), told, filed_))
    for one in armed:
        if one.rule.name in found:
            found |= {use.name: found[one.rule.name] for use in uses(one.rule)}
    return found


async def telling(inside: Core) -> None:
    """Write an event for each capability that has switched itself off or on, for ever."""
    here = arming(inside)
    while True:
        try:
            for one in await here.tell():
                LOG.warning("the capability %s is %s", one.name, f"off: {one.why}" if one.why else "on")
        except TutelaError as wrong:
            # Also a part that an armed rule names and that is gone: that ends neither this nor what else the keeper does.
            LOG.warning("whether a capability is off can't be told: %s: %s", type(wrong).__name__, wrong)
        await asyncio.sleep(EVERY)


def read(file: Path) -> Written:
    """What a file says; raises BadInput with what is wrong and where."""
    try:
        return msgspec.toml.decode(file.read_bytes(), type=Written)
    except (OSError, UnicodeDecodeError, msgspec.MsgspecError) as wrong:
        raise BadInput(f"{file} can't be read: {wrong}") from wrong


async def listed(settings: Settings) -> Sequence[Standing]:
    """Where each capability is."""
    async with core(settings, "capabilities", connections=2) as inside:
        return [standing(one) for one in await arming(inside).all()]


async def publish(settings: Settings, file: Path) -> Standing:
    """Tell residents of a capability, by what a file says."""
    said = await asyncio.to_thread(read, file)
    async with core(settings, "capabilities", connections=2) as inside:
        here = arming(inside)
        await here.publish(said.name, said.text, said.extent, BY)
        return await _one(here, said.name)


async def arm(settings: Settings, name: str) -> Standing:
    """Let it run."""
    async with core(settings, "capabilities", connections=2) as inside:
        here = arming(inside)
        if change := await here.ready(name):
            await approvals(inside).alone(CAPABILITY, name, "; ".join(change.widens), BY)
        await here.arm(name, BY)
        return await _one(here, name)


async def disarm(settings: Settings, name: str, because: str) -> Standing:
    """Let it run no more."""
    async with core(settings, "capabilities", connections=2) as inside:
        here = arming(inside)
        await here.disarm(name, because, BY)
        return await _one(here, name)


async def comments(settings: Settings) -> Sequence[Comment]:
    """Comments that wait for an answer."""
    async with core(settings, "capabilities", connections=2) as inside:
        return await arming(inside).comments()


async def answer(settings: Settings, id_: str, text: str, signed: str) -> CommentAnswered:
    """Answer one."""
    async with core(settings, "capabilities", connections=2) as inside:
        return await arming(inside).answer(id_, text, signed, BY)


async def _one(here: Arming, name: str) -> Standing:
    return next(standing(one) for one in await here.all() if one.name == name)
