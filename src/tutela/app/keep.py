"""The keeper's process: it ticks, relays, seals and archives. A second keeper does no harm."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import time

from tutela.app.arming import telling
from tutela.app.core import Core, clock, core
from tutela.app.gauging import Gauging
from tutela.app.holds import holds
from tutela.app.lake import lake
from tutela.app.measuring import tell
from tutela.app.memory import settle
from tutela.app.rotating import retiring
from tutela.app.settings import Settings
from tutela.app.tasks import together
from tutela.app.tracing import traced
from tutela.app.verifying import log_key, origin, witness
from tutela.backends.postgres.copying import PostgresCopying
from tutela.backends.postgres.log import PostgresLog
from tutela.backends.postgres.outbox import PostgresOutbox
from tutela.backends.postgres.snapshots import PostgresSnapshots
from tutela.errors import Broken
from tutela.flow.archive import Archiver
from tutela.flow.outbox import Relay
from tutela.flow.rest import rest
from tutela.flow.retain import Retainer
from tutela.flow.seal import Sealer, Signer
from tutela.flow.tick import Ticker
from tutela.model.timeline import LIVE

AGAIN = 60.0
"""Seconds after which sealing is tried again."""

log = logging.getLogger(__name__)


def sealer(inside: Core, name: str) -> Sealer:
    """Puts events into the tree, and signs checkpoints that are kept outside of the database too.

    Raises Broken when the key to sign with is gone.
    """
    key = log_key(inside.settings)
    return Sealer(
        worker=name,
        sealing=inside.facts,
        log=PostgresLog(inside.facts.db),
        witness=witness(inside.settings),
        signer=Signer(origin(inside.install), key.public, key.sign),
        clock=clock,
        monotonic=time.monotonic,
        told=lambda _count, lag: inside.meters.sealed.observe(lag),
    )


def archiver(inside: Core) -> Archiver:
    """Puts every stream into the lake, and lets JetStream forget what nobody needs."""
    return Archiver(
        timelines=inside.facts,
        streams=inside.streams,
        lake=lake(inside),
        snapshots=PostgresSnapshots(inside.facts.db),
        clock=clock,
        monotonic=time.monotonic,
    )


def retainer(inside: Core) -> Retainer:
    """Deletes what is past its source's retention."""
    return Retainer(
        register=inside.facts,
        ages=inside.facts,
        lake=lake(inside),
        keys=inside.keys,
        log=PostgresLog(inside.facts.db),
        spared=holds(inside).spared,
        copying=PostgresCopying(inside.facts.db),
        clock=clock,
        gone=lambda source, rows: inside.meters.forgotten.labels(source).inc(rows),
        left=inside.meters.overdue.set,
    )


async def seal(inside: Core, name: str, stop: asyncio.Event) -> None:
    """Seal until told to stop. While the log does not hold together, sealing stands still, and nothing else does.

    Calls must go on reaching the correlators, whatever became of a key or of the witness.
    """
    while not stop.is_set():
        try:
            await sealer(inside, name).run(stop)
        except Broken as wrong:
            log.error("nothing is sealed: %s", wrong)  # noqa: TRY400  the words say all; a trace would hide them
            await rest(stop, AGAIN)


async def run(settings: Settings) -> None:
    """Keep until stopped; what is committed by then is sealed and signed."""
    name = f"{socket.gethostname()}-{os.getpid()}"
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with traced(settings, "keep") as traces, core(settings, "keep", traces=traces) as inside:
        loops = (
            Ticker(inside.streams, (LIVE,), clock, asyncio.sleep).run(),
            Relay(PostgresOutbox(inside.facts.db), inside.streams, traces=traces).run(),
            Gauging(inside, lake(inside), inside.meters).run(),
            tell(inside.meters, settings, "keep"),
            telling(inside),
        )
        settle()
        async with together(*loops):
            await asyncio.gather(
                seal(inside, name, stop), archiver(inside).run(stop), retainer(inside).run(stop), retiring(inside, stop)
            )
