"""The process that people and devices talk to: the API, the page, and the gateway behind the HTTP source."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from secrets import token_hex

import uvicorn
from litestar import Litestar, Router
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import SwaggerRenderPlugin

from tutela import __version__
from tutela.app.core import Core, chance, clock, core
from tutela.app.lake import lake
from tutela.app.settings import FIRST_PORT, Settings
from tutela.app.staff import staff
from tutela.app.tasks import together
from tutela.flow.gateway import Gateway
from tutela.flow.health import Health
from tutela.flow.history import History
from tutela.flow.read import reads
from tutela.flow.record import Recorder
from tutela.screens import events, observations, people
from tutela.screens.guard import Guard
from tutela.screens.problem import HANDLERS
from tutela.sources.http import Door
from tutela.sources.http import routes as devices

HOST = "127.0.0.1"
BODY = 64_000_000
LIVE = "live"
REFRESH = 1.0


@dataclass(frozen=True, slots=True)
class Doors:
    """What runs behind the routes: the gateway of the live timeline, and how its sources are doing."""

    core: Core
    gateway: Gateway
    health: Health


def doors(inside: Core) -> Doors:
    """The doors. The gateway's name is new at each start: message ids begin with it."""
    health = Health()
    gateway = Gateway(
        f"gateway-{token_hex(6)}",
        LIVE,
        streams=inside.streams,
        keys=inside.keys,
        known=inside.known,
        health=health,
        clock=clock,
    )
    return Doors(inside, gateway, health)


def application(behind: Doors) -> Litestar:
    """The HTTP application."""
    return Litestar(
        route_handlers=_routes(behind),
        exception_handlers=HANDLERS,
        request_max_body_size=BODY,
        openapi_config=OpenAPIConfig(
            title="tutela",
            version=__version__,
            description="From sensor to courtroom, one accountable log. Every read names a purpose and a legal basis.",
            render_plugins=[SwaggerRenderPlugin()],
        ),
        logging_config=None,
    )


def _routes(behind: Doors) -> Sequence[Router]:
    inside = behind.core
    recorder = Recorder(inside.facts, inside.keys, inside.known, behind.health, clock, chance, ways=inside.install.ways)
    people_here = staff(inside, chance)
    guard = Guard(people_here)
    history = History(lake(inside), inside.streams, inside.keys, inside.install.partitions)
    shown = reads(inside.ledger, inside.facts, inside.known, history, inside.keys)
    return [
        devices(Door(behind.gateway.give, recorder.tell, inside.known, inside.tokens.identify)),
        observations.routes(shown, guard),
        events.routes(shown, guard),
        people.routes(people_here, guard),
    ]


@asynccontextmanager
async def running(behind: Doors) -> AsyncIterator[None]:
    """What has to run as long as the doors are open."""
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(
            together(
                behind.gateway.run(),
                behind.core.known.run(REFRESH),
                behind.health.run(behind.core.facts),
            )
        )
        yield


async def run(settings: Settings) -> None:
    """Serve until stopped."""
    async with core(settings, "serve") as inside:
        behind = doors(inside)
        async with running(behind):
            config = uvicorn.Config(
                application(behind),
                host=HOST,
                port=settings.port or FIRST_PORT,
                access_log=False,
                log_level="warning",
                http="httptools",
                timeout_graceful_shutdown=2,
                server_header=False,
            )
            await uvicorn.Server(config).serve()
