"""The process that people and devices talk to: the API, the page, and the gateway behind the HTTP source."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from secrets import token_hex

import uvicorn
from litestar import Litestar, Router
from litestar.config.compression import CompressionConfig
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import SwaggerRenderPlugin

from tutela import __version__
from tutela.app.core import Core, chance, clock, core
from tutela.app.settings import FIRST_PORT, Settings
from tutela.backends.lake import DuckLake
from tutela.flow.act import Acts
from tutela.flow.gateway import Gateway
from tutela.flow.health import Health
from tutela.flow.history import History
from tutela.flow.people import Staff
from tutela.flow.read import reads
from tutela.flow.record import Recorder
from tutela.screens import alerts, events, health, incidents, observations, page, people
from tutela.screens.guard import Guard
from tutela.screens.problem import HANDLERS
from tutela.sources import http

HOST = "127.0.0.1"
BODY = 64_000_000
LIVE = "live"
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Doors:
    """What runs behind the routes."""

    core: Core
    gateway: Gateway
    health: Health


def doors(inside: Core) -> Doors:
    """The gateway of the live timeline. Its name is new at each start: message ids begin with it."""
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
