"""The worker's process: it leases partitions of every stage and works on them."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Sequence
from functools import partial
from secrets import token_hex

from tutela.app.core import Core, core
from tutela.app.detecting import check, instances
from tutela.app.following import worker as followed
from tutela.app.measuring import Watched, tell
from tutela.app.memory import settle
from tutela.app.settings import Settings
from tutela.app.tasks import together
from tutela.app.tracing import traced
from tutela.errors import EngineDown
from tutela.flow.correlating import CorrelateStage
from tutela.flow.desk import DeskStage
from tutela.flow.detecting import DetectStage
from tutela.flow.rules import begins, in_force
from tutela.flow.stage import Stage
from tutela.model.rule import Armed

LOG = logging.getLogger(__name__)

REFRESH = 1.0


def detecting(inside: Core, armed: Sequence[Armed]) -> DetectStage:
    """The stage of observations, with the detectors that the systems and the armed rules name."""
    return DetectStage(
        instances(inside.install.zone, armed)[0],
        inside.known,
        inside.keys,
        inside.install.ways,
        begins=begins(armed),
        watched=partial(Watched, meters=inside.meters),
    )


def correlating(inside: Core, armed: Sequence[Armed]) -> CorrelateStage:
    """The stage of facts, likewise."""
    return CorrelateStage(
        instances(inside.install.zone, armed)[1],
        inside.install.ways,
        begins=begins(armed),
        watched=partial(Watched, meters=inside.meters),
    )


def stages(inside: Core, armed: Sequence[Armed]) -> Sequence[Stage]:
    """All that a worker does."""
    return detecting(inside, armed), correlating(inside, armed), DeskStage(inside.facts)


async def run(settings: Settings) -> None:
    """Work until stopped; with other rules, begin anew: start is recovery."""
    check()
    async with traced(settings, "work") as traces, core(settings, socket.gethostname(), traces=traces) as inside:
        await inside.known.refresh()
        settle()
        async with together(inside.known.run(REFRESH), tell(inside.meters, settings, settings.process or "work")):
            name = f"{socket.gethostname()}-{os.getpid()}-{token_hex(3)}"
            while True:
                await _with(inside, name, in_force(await inside.facts.rules()))


async def _with(inside: Core, name: str, armed: Sequence[Armed]) -> None:
    """Work as long as these rules are in force. Its name stays, so that its share does: it has given back all leases before."""
    worker = asyncio.ensure_future(
        followed(name, stages(inside, armed), inside.streams, inside.facts, inside.traces).run()
    )
    others = asyncio.ensure_future(_others(inside, armed))
    try:
        await asyncio.wait({worker, others}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (worker, others):
            task.cancel()
        ended = await asyncio.gather(worker, others, return_exceptions=True)
    for one in ended:
        if isinstance(one, Exception):
            raise one


async def _others(inside: Core, armed: Sequence[Armed]) -> None:
    """Return when other rules are in force than these."""
    known = list(armed)
    while known == list(armed):
        await asyncio.sleep(REFRESH)
        try:
            known = list(in_force(await inside.facts.rules()))
        except EngineDown as down:
            LOG.warning("the rules can't be read, those in force stay: %s", down)
