"""A private instance for a bench: its engines and processes in a directory of their own, gone afterwards."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks.meter import Meter

from tutela.app.children import answers, at_once, program
from tutela.app.core import Core, clock, core
from tutela.app.install import Place, install
from tutela.app.settings import Settings
from tutela.backends.engines import Engines
from tutela.backends.places import SYSTEM
from tutela.flow.entering import define, enter
from tutela.model.people import Role
from tutela.model.register import Datastream, Source

BY = "bench"
CITY = Place("Helsinki", "Europe/Helsinki")
CHUNK = 20_000
VERBS = ("keep", "work", "serve")


@dataclass(frozen=True, slots=True)
class Stack:
    """A running instance. `inside` is this process's own view of it, `names` are its children."""

    settings: Settings
    engines: Engines
    inside: Core
    names: list[str]

    @property
    def url(self) -> str:
        """Where the API is."""
        return f"http://127.0.0.1:{self.settings.port}"

    def pid(self, name: str) -> int | None:
        """The pid of a child now, if it runs."""
        return self.engines.children.child(name).pid

    def meter(self, *names: str) -> Meter:
        """A meter of these children, and of others by name through `Meter.pids`."""
        pids: dict[str, Callable[[], int | None]] = {name: lambda name=name: self.pid(name) for name in names}  # type: ignore[misc]  # a default binds the name
        return Meter(pids)

    async def enter(self, entry: Source, datastreams: Sequence[Datastream]) -> tuple[str, int]:
        """A source with its datastreams: its token, and the number of the first datastream; the others follow it."""
        await enter(self.inside.facts, entry, BY, clock())
        first = 0
        for begin in range(0, len(datastreams), CHUNK):
            defined = await define(self.inside.facts, (), datastreams[begin : begin + CHUNK], BY, clock())
            first = first or defined[0].id
            if [one.id for one in defined] != list(range(first + begin, first + begin + len(defined))):
                raise SystemExit("the register gave numbers with gaps: the bench can't tell which row is whose")
        return await self.inside.tokens.issue(entry.name), first

    async def asked(self, sql: str, *arguments: object) -> list[tuple[object, ...]]:
        """Rows of a query on the facts."""
        async with self.inside.facts.db.reading() as connection:
            return [tuple(row.values()) for row in await connection.fetch(sql, *arguments)]

    async def number(self, sql: str, *arguments: object) -> int:
        """The one number that a query gives (0 for null)."""
        found = (await self.asked(sql, *arguments))[0][0]
        return int(str(found)) if found is not None else 0


def entry(name: str, *, personal: bool = False, kind: str = "http") -> Source:
    """A simulated source's register entry."""
    return Source(
        name=name,
        owner="bench",
        kind=kind,
        purposes=("public-safety", "emergency-response"),
        legal_basis="PublicInterest",
        personal_data=personal,
        place="Helsinki",
        simulated=True,
    )


@asynccontextmanager
async def stack(verbs: Sequence[str] = VERBS, workers: int = 1, data: Path | None = None) -> AsyncIterator[Stack]:
    """Start an instance, stop it, and remove what it kept (in a `data` that is given, only what lies outside of it)."""
    async with AsyncExitStack() as undo:
        home = Path(tempfile.mkdtemp(prefix="tutela-bench-"))
        undo.callback(shutil.rmtree, home, ignore_errors=True)
        settings = Settings((data or home / "city").resolve(), plain(), port(), port())
        engines = Engines(settings.data, settings.env)
        if data is None:
            undo.callback(forget, engines)
        await undo.enter_async_context(engines)
        watching = asyncio.create_task(engines.watch())
        undo.push_async_callback(_cancelled, watching)
        await install(settings, engines.addresses, CITY)
        inside = await undo.enter_async_context(core(settings, BY, connections=4))
        running = Stack(settings, engines, inside, ["nats", "postgres"])
        await start(running, verbs, workers)
        yield running


async def start(running: Stack, verbs: Sequence[str], workers: int = 1, first: int = 1) -> None:
    """Start these processes of the instance; workers are numbered from `first` to `workers`."""
    for verb in verbs:
        ready = answers(f"{running.url}/ready") if verb == "serve" else at_once
        for name in [f"work-{number}" for number in range(first, workers + 1)] if verb == "work" else [verb]:
            running.names.append(name)
            await running.engines.children.start(
                program(verb, running.settings, running.engines.addresses, ready, name)
            )


async def operator(running: Stack, budget: int) -> str:
    """Enrol a supervisor, sign on with that budget of alerts an hour; gives the session's token."""
    from tutela.app.core import chance  # noqa: PLC0415
    from tutela.app.staff import staff  # noqa: PLC0415
    from tutela.model.access import Access  # noqa: PLC0415

    people = staff(running.inside, chance)
    code = await people.invite_here(Role.SUPERVISOR, running.inside.install.city)
    agent, token = await people.enrol(code, "Bench")
    await people.sign_on(Access(agent=agent, purpose="public-safety", legal_basis="PublicInterest"), budget)
    return token


async def until(met: Callable[[], object], within: float, every: float = 0.05) -> float:
    """Seconds until an asynchronous condition is met; raises TimeoutError."""
    begun = time.monotonic()
    while not await met():  # type: ignore[misc]  # whatever it gives is awaited
        if time.monotonic() - begun > within:
            raise TimeoutError(f"not within {within} s")
        await asyncio.sleep(every)
    return time.monotonic() - begun


def plain() -> Mapping[str, str]:
    """The environment without what names another instance."""
    return {name: value for name, value in os.environ.items() if not name.startswith("TUTELA_")}


def port() -> int:
    """A port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def forget(engines: Engines) -> None:
    """Remove what an instance keeps outside its data directory when it runs as root."""
    if engines.places.postgres.is_relative_to(SYSTEM):
        shutil.rmtree(engines.places.postgres.parent, ignore_errors=True)


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
