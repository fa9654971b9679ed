"""`tutela up`: engines, database, processes, and the demonstration city, started and looked after together."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from tutela.app import trusting, wording
from tutela.app.children import answers, at_once, program
from tutela.app.core import chance, core, peopled
from tutela.app.demonstrating import its_witness, without_it
from tutela.app.detecting import check
from tutela.app.gauging import Housekeeping
from tutela.app.install import Place, install
from tutela.app.measuring import folder, tell
from tutela.app.settings import FIRST_METRICS, FIRST_MQTT_PORT, FIRST_PORT, METRICS, MQTT_PORT, Settings
from tutela.app.staff import staff
from tutela.app.tasks import together
from tutela.backends.engines import Engines
from tutela.backends.metrics import Meters, clear, serve
from tutela.errors import Conflict
from tutela.model.people import Role

HOST = "127.0.0.1"
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Up:
    """What a person who starts the city is told: where it is, also for MQTT, and with which codes people come in."""

    address: str
    mqtt: str
    metrics: str
    codes: tuple[tuple[Role, str], ...]


async def up(
    settings: Settings, where: Place, *, demo: bool, workers: int, say: Say, told: Callable[[Up], None]
) -> None:
    """Start everything, tell where it is, and look after it until SIGINT or SIGTERM, which may come at any moment.

    With parts that can't be made, or words that can't be read, nothing is started.
    """
    check()
    wording.words("en")
    stop = asyncio.ensure_future(_stopped().wait())
    living = asyncio.ensure_future(_live(settings, where, demo=demo, workers=workers, say=say, told=told))
    await asyncio.wait({living, stop}, return_when=asyncio.FIRST_COMPLETED)
    if not living.done():
        say("stopping")
        living.cancel()
    stop.cancel()
    with suppress(asyncio.CancelledError):
        await living


async def _live(
    settings: Settings, where: Place, *, demo: bool, workers: int, say: Say, told: Callable[[Up], None]
) -> None:
    """From the first engine to the last, until cancelled; ends by raising only."""
    chosen = replace(
        settings,
        port=settings.port or _free_port(FIRST_PORT, "--port"),
        mqtt_port=settings.mqtt_port or _free_port(FIRST_MQTT_PORT, MQTT_PORT),
    )
    async with Engines(settings.data, settings.env) as engines:
        # Not before: an orphan of an earlier run may have held them until now.
        _must_be_free(chosen.port, "--port")
        _must_be_free(chosen.mqtt_port, MQTT_PORT)
        say("engines are up: NATS and PostgreSQL")
        for one in trusting.listed():
            say(f"the package {one.name} {one.version} brings parts: {one.state}")
        await install(chosen, engines.addresses, where)
        _must_be_free(chosen.metrics_port, METRICS)
        metrics = chosen.metrics_port or _free_port(FIRST_METRICS, METRICS)
        await asyncio.to_thread(serve, clear(folder(chosen)), metrics)
        await _children(engines, chosen, workers, demo=demo)
        told(
            Up(
                address=f"http://localhost:{chosen.port}",
                mqtt=f"mqtt://localhost:{chosen.mqtt_port}",
                metrics=f"http://{HOST}:{metrics}/metrics",
                codes=await _codes(chosen, demo=demo),
            )
        )
        meters = Meters()
        async with together(Housekeeping(engines, meters).run(), tell(meters, chosen, "up")):
            await engines.watch()


async def _children(engines: Engines, settings: Settings, workers: int, *, demo: bool) -> None:
    """The processes of this instance: those that keep and work first, the door after them, the city last."""
    where = engines.addresses
    verbs: Sequence[tuple[str, str]] = [
        ("keep", "keep"),
        ("connect", "connect"),
        *(("work", f"work-{number}") for number in range(1, workers + 1)),
    ]
    for verb, name in verbs:
        await engines.children.start(program(verb, settings, where, at_once, name))
    ready = answers(f"http://{HOST}:{settings.port}/ready")
    await engines.children.start(program("serve", settings, where, ready, "serve"))
    if demo:
        await engines.children.start(await its_witness(settings))
        await engines.children.start(program("city", settings, where, at_once, "city"))


async def _codes(settings: Settings, *, demo: bool) -> tuple[tuple[Role, str], ...]:
    """A code for a supervisor and one for an operator, as long as nobody has enrolled."""
    async with core(settings, "up", connections=1) as inside:
        await trusting.told(inside)
        if not demo:
            await without_it(inside)
        if await peopled(inside.facts):
            return ()
        here = staff(inside, chance)
        return tuple(
            [(role, await here.invite_here(role, inside.install.city)) for role in (Role.SUPERVISOR, Role.OPERATOR)]
        )


def _must_be_free(port: int | None, named: str) -> None:
    if port is not None and not _free(port):
        raise Conflict(f"the port {port} is taken; name another one with {named}, or leave it out")


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def _free_port(first: int, named: str) -> int:
    """The usual port, or the next one that nobody uses."""
    for port in range(first, first + 100):
        if _free(port):
            return port
    raise Conflict(f"the ports {first} to {first + 99} are all taken; name another one with {named}")


def _stopped() -> asyncio.Event:
    """Set by SIGINT or SIGTERM."""
    stop = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    return stop
