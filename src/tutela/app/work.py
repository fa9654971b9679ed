"""The worker's process: it leases partitions of every stage and works on them."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from secrets import token_hex

from tutela.app.arming import works
from tutela.app.core import Core, core
from tutela.app.detecting import check, instances
from tutela.app.following import worker as followed
from tutela.app.measuring import Watched, tell
from tutela.app.memory import settle
from tutela.app.registering import registering
from tutela.app.settings import Settings
from tutela.app.tasks import together
from tutela.app.tracing import traced
from tutela.errors import TutelaError
from tutela.flow.correlating import CorrelateStage
from tutela.flow.desk import DeskStage
from tutela.flow.detecting import DetectStage
from tutela.flow.detector import Detector, Works
from tutela.flow.options import ALL
from tutela.flow.register_public import Registering
from tutela.flow.rules import begins, in_force
from tutela.flow.stage import Stage
from tutela.model.rule import Armed

LOG = logging.getLogger(__name__)

REFRESH = 1.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What is in force: the rules that are armed, and when which detector is at work."""

    armed: tuple[Armed, ...]
    works: Works

    def at_work(self, detectors: Sequence[Detector]) -> tuple[Detector, ...]:
        """Those that are at work at any time: what never is gets no data."""
        return tuple(one for one in detectors if self.works.get(one.name, ALL))


async def planned(inside: Core, here: Registering) -> Plan:
    """What is in force now, as the log has it."""
    armed = in_force(await inside.facts.rules())
    return Plan(armed, await works(inside, here, armed))


def detecting(inside: Core, plan: Plan) -> DetectStage:
    """The stage of observations, with the detectors that the systems and the armed rules name."""
    return DetectStage(
        plan.at_work(instances(inside.install.zone, plan.armed)[0]),
        inside.known,
        inside.keys,
        inside.install.ways,
        begins=begins(plan.armed),
        watched=partial(Watched, meters=inside.meters),
        works=plan.works,
    )


def correlating(inside: Core, plan: Plan) -> CorrelateStage:
    """The stage of facts, likewise."""
    return CorrelateStage(
        plan.at_work(instances(inside.install.zone, plan.armed)[1]),
        inside.install.ways,
        begins=begins(plan.armed),
        watched=partial(Watched, meters=inside.meters),
        works=plan.works,
    )


def stages(inside: Core, plan: Plan) -> Sequence[Stage]:
    """All that a worker does."""
    return detecting(inside, plan), correlating(inside, plan), DeskStage(inside.facts)


async def run(settings: Settings) -> None:
    """Work until stopped; when something else is in force, begin anew: start is recovery."""
    check()
    async with traced(settings, "work") as traces, core(settings, socket.gethostname(), traces=traces) as inside:
        await inside.known.refresh()
        settle()
        async with together(inside.known.run(REFRESH), tell(inside.meters, settings, settings.process or "work")):
            name = f"{socket.gethostname()}-{os.getpid()}-{token_hex(3)}"
            here = registering(inside, whole=False)
            while True:
                await _with(inside, name, here, await planned(inside, here))


async def _with(inside: Core, name: str, here: Registering, plan: Plan) -> None:
    """Work as long as this is in force. Its name stays, so that its share does: it has given back all leases before."""
    worker = asyncio.ensure_future(
        followed(name, stages(inside, plan), inside.streams, inside.facts, inside.traces).run()
    )
    others = asyncio.ensure_future(_others(inside, here, plan))
    try:
        await asyncio.wait({worker, others}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (worker, others):
            task.cancel()
        ended = await asyncio.gather(worker, others, return_exceptions=True)
    for one in ended:
        if isinstance(one, Exception):
            raise one


async def _others(inside: Core, here: Registering, plan: Plan) -> None:
    """Return when something else is in force than this."""
    known = plan
    while known == plan:
        await asyncio.sleep(REFRESH)
        try:
            known = await planned(inside, here)
        except TutelaError as wrong:
            LOG.warning("what is in force can't be read, it stays as it is: %s", wrong)
