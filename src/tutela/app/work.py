"""The worker's process: it leases partitions of every stage and works on them."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from functools import partial
from secrets import token_hex

from tutela.app.core import Core, core
from tutela.app.detecting import instances
from tutela.app.measuring import Watched, tell
from tutela.app.settings import Settings
from tutela.app.tasks import together
from tutela.flow.correlating import CorrelateStage
from tutela.flow.desk import DeskStage
from tutela.flow.detecting import DetectStage
from tutela.flow.stage import Stage
from tutela.flow.work import Worker

REFRESH = 1.0


def detecting(inside: Core) -> DetectStage:
    """The stage of observations, with the detectors that the systems name."""
    return DetectStage(
        instances(inside.install.zone)[0],
        inside.known,
        inside.keys,
        inside.install.ways,
        watched=partial(Watched, meters=inside.meters),
    )


def correlating(inside: Core) -> CorrelateStage:
    """The stage of facts, likewise."""
    return CorrelateStage(
        instances(inside.install.zone)[1], inside.install.ways, watched=partial(Watched, meters=inside.meters)
    )


def stages(inside: Core) -> Sequence[Stage]:
    """All that a worker does."""
    return detecting(inside), correlating(inside), DeskStage(inside.facts)


async def run(settings: Settings) -> None:
    """Work until stopped. The name is new at each start: a lease of an earlier life is another's."""
    name = f"{socket.gethostname()}-{os.getpid()}-{token_hex(3)}"
    async with core(settings, name) as inside:
        await inside.known.refresh()
        async with together(inside.known.run(REFRESH), tell(inside.meters, settings, settings.process or "work")):
            await Worker(name, stages(inside), inside.streams, inside.facts).run()
