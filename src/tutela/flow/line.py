"""The line of one connection: what its source is given to work with, and how it is doing."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from tutela.errors import BadInput, EngineDown, Overloaded
from tutela.model.flow import Receipt, Refusal, Tell
from tutela.model.heard import Heard, Value
from tutela.model.intake import Intake
from tutela.model.register import Datastream, Reach, Thing
from tutela.model.telling import Telling
from tutela.model.when import HOUR, SECOND

from .hearing import UNREADABLE, Hearing
from .ports import Clock, Connections
from .trace import UNTRACED, Traces

LOG = logging.getLogger(__name__)

T = TypeVar("T")

EVERY = 30.0
"""Seconds between two reports of a connection's health."""
SAMPLE = 300
LONGEST = 300
LEAST = 4
"""Characters of a secret that is worth hiding: shorter ones would hide half of every sentence."""
HIDDEN = "…"

Read = Callable[[bytes, str], Awaitable[Heard]]
"""The connection's standard with its options: reads a body and the topic that it came by (or nothing); raises BadInput."""


class Runs(Protocol):
    """A part that fetches or listens. It runs until it is cancelled; it may raise, and is then started again."""

    async def run(self, intake: Intake) -> None:
        """Fetch or listen."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A connection ready to run: its part (None: others carry what it takes), its standard, and what is never told."""

    part: Runs | None
    read: Read
    secrets: tuple[str, ...] = ()


@dataclass(slots=True)
class Line:
    """The `Intake` of one source, under one epoch."""

    source: str
    epoch: int
    hearing: Hearing
    speak: Tell
    connections: Connections
    watch: Clock
    dice: Callable[[], float]
    opened: Opened | None = None
    starts: int = 0
    traces: Traces = UNTRACED
    _reachable: bool | None = None
    _came: int | None = None
    _troubles: int = 0
    _says: str = ""
    _logged: int = 0
    _since: int = field(init=False)

    def __post_init__(self) -> None:
        """Begin to count."""
        self._since = self.watch()

    async def take(self, body: bytes, topic: str = "") -> Receipt:
        """Read a body by the connection's standard, and hear it; one that can't be read is counted as refused."""
        assert self.opened is not None  # noqa: S101  nobody has a line before it is opened
        try:
            heard = await self.opened.read(body, topic)
        except BadInput as wrong:
            self.trouble(f"what came can't be read: {wrong.message}")
            heard = Heard(refused=(Refusal(UNREADABLE, wrong.message, 1, body[:SAMPLE]),))
        except Exception as fault:  # noqa: BLE001  a body that a standard stumbles over would be sent again for ever
            says = f"its standard stumbles over a body ({type(fault).__name__}), which it should refuse in words"
            self.trouble(says)
            heard = Heard(refused=(Refusal(UNREADABLE, says, 1, body[:SAMPLE]),))
        return await self.hear(heard)

    async def hear(self, heard: Heard) -> Receipt:
        """Take in one message, however long the engines need."""
        with self.traces.span("connection"):
            receipt = await self._patiently(lambda: self.hearing.hear(heard))
        self._arrived()
        return receipt

    async def tell(self, told: Telling) -> str:
        """Record what was told, however long the engines need; raises what the facts' door raises when it is wrong."""
        event = await self._patiently(lambda: self.speak(told))
        self._arrived()
        return event

    async def mark(self) -> bytes:
        """Where the source stopped."""
        return await self._patiently(lambda: self.connections.mark(self.source))

    async def remember(self, mark: bytes) -> None:
        """Keep where it is; raises Fenced when another process runs the connections."""
        await self._patiently(lambda: self.connections.remember(self.epoch, self.source, mark))

    async def _patiently(self, do: Callable[[], Awaitable[T]]) -> T:
        while True:
            try:
                return await do()
            except (EngineDown, Overloaded) as down:
                LOG.warning("%s waits: %s", self.source, down)
                await asyncio.sleep(down.retry_after)

    def well(self) -> None:
        """The other side answered."""
        self._reachable = True

    def trouble(self, says: str) -> None:
        """Something went wrong that the source lives with. Secrets are not told again."""
        told = self.plain(says)[:LONGEST]
        if told != self._says or self.watch() - self._logged >= HOUR:
            LOG.warning("%s: %s", self.source, told)  # a trouble that goes on is only counted
            self._logged = self.watch()
        self._reachable, self._says, self._troubles = False, told, self._troubles + 1

    def clock(self) -> int:
        """Microseconds since 1970, UTC."""
        return self.watch()

    def chance(self) -> float:
        """A number from 0 up to 1."""
        return self.dice()

    async def wait(self, seconds: float) -> None:
        """Let time pass."""
        await asyncio.sleep(seconds)

    def _arrived(self) -> None:
        self._reachable, self._came = True, self.watch()

    def plain(self, says: str) -> str:
        """The words without what is secret."""
        forms = {form for secret in (self.opened.secrets if self.opened else ()) for form in _forms(secret)}
        for form in sorted(forms, key=len, reverse=True):
            if len(form) >= LEAST:
                says = says.replace(form, HIDDEN)
        return says

    @property
    def watched(self) -> bool:
        """Whether there is something to tell: it runs, or could not be opened. What others carry is watched there."""
        return self._troubles > 0 if self.opened is None else self.opened.part is not None

    def condition(self) -> Reach:
        """How it is doing."""
        return Reach(
            source=self.source,
            at=self.watch(),
            reachable=self._reachable,
            came=self._came,
            troubles=self._troubles,
            starts=self.starts,
            says=self._says,
        )

    def health(self) -> Heard:
        """The same as observations of the source itself, so that detectors watch it like everything else."""
        at = self.watch()
        thing = Thing(id=0, name=health_thing(self.source), kind="connection", source=self.source)
        age = (at - (self._since if self._came is None else self._came)) / SECOND
        told = {"age": ("connection-age", "s", age)}
        if self._reachable is not None:
            told["reachable"] = ("connection-reachable", "1", float(self._reachable))
        streams = [_stream(thing, name, observed, unit) for name, (observed, unit, _) in told.items()]
        values = [Value(f"{thing.name}/{name}", at, (result,)) for name, (_, _, result) in told.items()]
        return Heard((thing,), tuple(streams), tuple(values))


def health_thing(source: str) -> str:
    """The name of the Thing by which a source's connection tells how it is doing; no person enters it."""
    return f"{source}/connection"


def _stream(thing: Thing, name: str, observed_property: str, unit: str) -> Datastream:
    return Datastream(
        id=0,
        name=f"{thing.name}/{name}",
        source=thing.source,
        thing=thing.name,
        kind="readings",
        observed_property=observed_property,
        unit=unit,
        interval=EVERY,
    )


def told(secret: object) -> Iterator[str]:
    """Each text in the values of secret fields."""
    if isinstance(secret, str):
        yield secret
        if password := _password(secret):
            yield password
    elif isinstance(secret, dict):
        for value in secret.values():
            yield from told(value)
    elif isinstance(secret, Sequence):
        for value in secret:
            yield from told(value)


def _forms(secret: str) -> Iterator[str]:
    """A secret as libraries write it in what they say: as it is, without spaces at its ends, quoted, without its scheme."""
    for form in (secret, secret.strip(), secret.strip().partition(" ")[2].strip()):
        yield form
        yield repr(form)[1:-1]


def _password(text: str) -> str:
    """The password in an address."""
    found = re.search(r"://[^/@]*?:([^/@]+)@", text)
    return found[1] if found else ""
