"""The process that runs the connections: what is fetched and listened to comes in through a gateway of its own."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import socket
from secrets import token_hex

from tutela.app.connections import opened
from tutela.app.core import Core, chance, clock, core
from tutela.app.disks import reserve
from tutela.app.memory import settle
from tutela.app.settings import Settings
from tutela.app.tasks import together
from tutela.app.tracing import followed, traced
from tutela.flow.connecting import Connecting
from tutela.flow.gateway import Gateway, Options
from tutela.flow.health import Health
from tutela.flow.hearing import Hearing
from tutela.flow.line import Line, Opened
from tutela.flow.record import Recorder
from tutela.model.register import Kept
from tutela.model.timeline import LIVE

REFRESH = 1.0


def connecting(inside: Core, name: str, gateway: Gateway, health: Health) -> Connecting:
    """Runs every connection of the register."""
    facts, keys, known = inside.facts, inside.keys, inside.known
    traces = inside.traces
    recorder = Recorder(facts, keys, known, health, clock, chance, ways=inside.install.ways, traces=traces)
    tell = followed(recorder.tell, traces, "tell")
    dice = random.SystemRandom().random

    def line(source: str, epoch: int) -> Line:
        hearing = Hearing(source, facts, known, gateway.give, clock)
        return Line(source, epoch, hearing, tell, facts, clock, dice, traces=traces)

    async def opening(kept: Kept) -> Opened:
        return await opened(kept, keys)

    return Connecting(name, facts, known, line=line, opening=opening, clock=clock)


def door(inside: Core, health: Health) -> Gateway:
    """The gateway behind the connections: it leaves the disk's last room to the facts, as that of the other doors does."""
    return Gateway(
        f"connect-{token_hex(6)}",
        LIVE,
        streams=inside.streams,
        keys=inside.keys,
        known=inside.known,
        health=health,
        clock=clock,
        options=Options(may=reserve(inside.settings).check, traces=inside.traces),
    )


async def run(settings: Settings) -> None:
    """Run the connections until stopped. The name is new at each start: a lease of an earlier life is another's."""
    name = f"{socket.gethostname()}-{os.getpid()}-{token_hex(3)}"
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with traced(settings, "connect") as traces, core(settings, "connect", traces=traces) as inside:
        await inside.known.refresh()
        health = Health()
        gateway = door(inside, health)
        runner = connecting(inside, name, gateway, health)
        loops = gateway.run(), inside.known.run(REFRESH), health.run(inside.facts), runner.run()
        settle()
        async with together(*loops):
            await stop.wait()
