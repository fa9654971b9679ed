"""The processes of an instance as children of `tutela up`: the same program, another verb."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable

import httpx

from tutela.app.settings import MQTT_PORT, PORT, PROCESS, Settings
from tutela.backends.children import Program
from tutela.backends.engines import Addresses


def program(
    verb: str, settings: Settings, where: Addresses, ready: Callable[[], Awaitable[bool]], name: str
) -> Program:
    """`tutela VERB` on this instance's engines."""
    ports = {PORT: settings.port, MQTT_PORT: settings.mqtt_port}
    chosen = {name: str(port) for name, port in ports.items() if port}
    return Program(
        name=name,
        command=(sys.executable, "-m", "tutela", verb),
        ready=ready,
        env={**settings.environment, **where.environment(), **chosen, PROCESS: name, "PYTHONUNBUFFERED": "1"},
    )


def outsider(name: str, words: tuple[str, ...], settings: Settings) -> Program:
    """A program of somebody else, played by this machine: it is told nothing of the instance but these words."""
    return Program(
        name=name,
        command=(sys.executable, "-m", "tutela", *words),
        ready=at_once,
        env={
            **{key: told for key, told in settings.env.items() if not key.startswith("TUTELA_")},
            "PYTHONUNBUFFERED": "1",
        },
    )


async def at_once() -> bool:
    """For a process that serves nobody: it is ready when it runs."""
    return True


def answers(url: str) -> Callable[[], Awaitable[bool]]:
    """Ready when that address answers with success."""

    async def ready() -> bool:
        try:
            async with httpx.AsyncClient(timeout=2) as client:
                return (await client.get(url)).is_success
        except httpx.HTTPError:
            return False

    return ready
