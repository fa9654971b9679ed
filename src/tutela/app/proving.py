"""`tutela proof`: one event with all that shows that it is in the log, as a file; and the witnesses that a log knows."""

from __future__ import annotations

from collections.abc import Sequence

from tutela.app.core import Core, clock, core
from tutela.app.settings import Settings
from tutela.app.verifying import origin, publishing
from tutela.errors import NotFound
from tutela.flow.witnesses import end, enter
from tutela.maths.ids import uuid_of
from tutela.model import note
from tutela.model.cosign import Cosigner, WitnessNow
from tutela.model.event import Event
from tutela.model.flow import encode
from tutela.model.proof import Proven
from tutela.model.timeline import LIVE

BY = "install"
FURTHEST = 2**53


async def proof(settings: Settings, named: str) -> str:
    """The file, and an event that says it was written: whoever gets it sees what is stored of the event.

    `named`: its id, or its position. Raises NotFound for an event that there is not, or that no checkpoint has yet.
    """
    async with core(settings, "proof", connections=2) as inside:
        public = await publishing(inside)
        event = await _event(inside, named)
        told, file = await public.file(event, note.verifier_key(origin(inside.install), public.public))
        size = note.opened(told.note)[0].size
        await inside.facts.append([_proven(Proven(event=event.id, size=size), clock())])
        return file


async def entered(settings: Settings, key: str, owner: str) -> Cosigner:
    """Wait for the cosignatures of that witness from now on."""
    async with core(settings, "witnesses", connections=1) as inside:
        return await enter(inside.facts, key, owner, BY, clock())


async def ended(settings: Settings, name: str, because: str) -> None:
    """Wait for them no more."""
    async with core(settings, "witnesses", connections=1) as inside:
        await end(inside.facts, name, because, BY, clock())


async def listed(settings: Settings) -> tuple[int, Sequence[WitnessNow]]:
    """The time, and the witnesses that there are."""
    async with core(settings, "witnesses", connections=1) as inside:
        return clock(), await inside.facts.watched()


async def _event(inside: Core, named: str) -> Event:
    if not (named.isascii() and named.isdigit()):
        return await inside.facts.event(named)
    found = await inside.facts.sealed(min(int(named), FURTHEST) - 1, 1)
    if not found or found[0].position != int(named):
        raise NotFound(f"the log has no position {named}; its newest one is {await inside.facts.last()}")
    return found[0].event


def _proven(said: Proven, now: int) -> Event:
    body = encode(said)
    return Event(
        id=uuid_of("proof@1", now, body),
        at=now,
        by=BY,
        cause=None,
        kind="proof@1",
        timeline=LIVE,
        body=body,
        subject=said.event,
    )
