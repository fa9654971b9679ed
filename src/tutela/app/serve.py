"""The process that people and devices talk to: the API, the page, and the gateway behind the HTTP source."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from secrets import token_hex

import uvicorn
from litestar import Litestar, Router

from tutela import __version__
from tutela.app.core import Core, chance, clock, core
from tutela.app.lake import lake
from tutela.app.leaving import Leaving
from tutela.app.settings import FIRST_PORT, Settings
from tutela.app.staff import staff
from tutela.app.tasks import together
from tutela.app.wording import sentences
from tutela.backends.postgres.progress import PostgresProgress
from tutela.flow import hop
from tutela.flow.act import Acts
from tutela.flow.command import Incidents
from tutela.flow.deed import Deeds
from tutela.flow.gateway import Gateway
from tutela.flow.health import Health
from tutela.flow.history import History
from tutela.flow.prose import Prose
from tutela.flow.read import reads
from tutela.flow.read_health import HealthReads
from tutela.flow.record import Recorder
from tutela.flow.tokens import Doorkeeper
from tutela.flow.units import UnitActs
from tutela.model.timeline import LIVE
from tutela.screens import alerts, events, health, incidents, observations, page, people, units
from tutela.screens.console import Console
from tutela.screens.guard import Guard
from tutela.screens.headers import harden
from tutela.screens.openapi import description
from tutela.screens.problem import HANDLERS
from tutela.sources.http import Door
from tutela.sources.http import routes as devices

HOST = "127.0.0.1"
BODY = 200_000
"""Bytes of a body; devices may send longer ones."""
REFRESH = 1.0


@dataclass(frozen=True, slots=True)
class Doors:
    """What runs behind the routes: the gateway of the live timeline, and how its sources are doing."""

    core: Core
    gateway: Gateway
    health: Health


def doors(inside: Core) -> Doors:
    """The doors. The gateway's name is new at each start: message ids begin with it."""
    told = Health()
    gateway = Gateway(
        f"gateway-{token_hex(6)}",
        LIVE,
        streams=inside.streams,
        keys=inside.keys,
        known=inside.known,
        health=told,
        clock=clock,
    )
    return Doors(inside, gateway, told)


def application(behind: Doors) -> Litestar:
    """The HTTP application."""
    return Litestar(
        # One router around all: two that share a path would both answer its OPTIONS.
        route_handlers=[Router("/", route_handlers=_routes(behind))],
        exception_handlers=HANDLERS,
        request_max_body_size=BODY,
        openapi_config=description(__version__),
        before_send=[harden],
        logging_config=None,
    )


def _routes(behind: Doors) -> Sequence[Router]:
    inside = behind.core
    facts, known, keys, ledger = inside.facts, inside.known, inside.keys, inside.ledger
    here = staff(inside, chance)
    guard = Guard(here)
    history = History(lake(inside), inside.streams, keys, inside.install.partitions)
    shown = reads(ledger, facts, known, history, keys)
    deeds = Deeds(ledger, facts, facts, Prose(keys))
    acts, commands, moves, words = Acts(deeds), Incidents(deeds), UnitActs(ledger, facts, facts), sentences(inside)
    recorder = Recorder(facts, keys, known, behind.health, clock, chance, ways=inside.install.ways)
    vitals = HealthReads(ledger=ledger, known=known, progress=PostgresProgress(facts.db), report=behind.health.report)
    doorkeeper = Doorkeeper(inside.tokens, known, behind.health, clock)
    probes: dict[str, Callable[[], Awaitable[object]]] = {
        "NATS": partial(inside.streams.last, hop.observations(LIVE)),
        "PostgreSQL": facts.timelines,
    }
    return [
        devices(Door(behind.gateway.give, recorder.tell, known, doorkeeper.identify)),
        observations.routes(shown, guard),
        alerts.routes(shown, acts, words, guard),
        incidents.routes(shown, commands, guard),
        units.routes(shown, moves, guard),
        events.routes(shown, guard),
        people.routes(here, guard),
        health.routes(vitals, probes, guard),
        page.routes(
            Console(
                reads=shown,
                health=vitals,
                staff=here,
                acts=acts,
                incidents=commands,
                units=moves,
                sentences=words,
                install=inside.install,
            ),
            guard,
        ),
    ]


@asynccontextmanager
async def running(behind: Doors) -> AsyncIterator[None]:
    """What has to run as long as the doors are open."""
    inside = behind.core
    async with together(behind.gateway.run(), inside.known.run(REFRESH), behind.health.run(inside.facts)):
        yield


async def run(settings: Settings) -> None:
    """Serve until stopped."""
    async with core(settings, "serve") as inside:
        await inside.known.refresh()
        behind = doors(inside)
        async with running(behind):
            config = uvicorn.Config(
                Leaving(application(behind)),
                host=HOST,
                port=settings.port or FIRST_PORT,
                access_log=False,
                log_level="warning",
                http="httptools",
                timeout_graceful_shutdown=2,
                server_header=False,
            )
            await uvicorn.Server(config).serve()
