"""What many MQTT connections bring in one turn of the event loop, given to the gateway as one offer for each source and kind."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from tutela.errors import Overloaded, TutelaError
from tutela.model.flow import Give, Offer, Receipt, Refusal
from tutela.model.timeline import LIVE
from tutela.standards import payloads
from tutela.standards.mqtt import Code
from tutela.standards.payloads import Line

SAYS = {
    "unreadable": "messages that can't be understood",
    "foreign": "messages on topics that are not the sender's own",
    "unknown": "messages on topics that name no datastream of the register",
}
"""What the door itself refuses, as it is counted."""


class Waiting(Protocol):
    """A connection, as what it sent sees it."""

    def landed(self) -> None:
        """Some of its promises are kept, or rows of it wait no longer."""

    def lost(self, code: Code, says: str) -> None:
        """What it sent was not stored: it has to send again."""


@dataclass(slots=True, eq=False)
class Promise:
    """A message until it is `done` with. `number` is its packet identifier, 0 when nobody asked for an answer.

    `code` is the answer: what was wrong with some of its lines is known before the others are durable.
    """

    by: Waiting
    number: int
    rows: int = 0
    code: Code = Code.SUCCESS
    says: str = ""
    done: bool = False


@dataclass(slots=True, eq=False)
class _Batch:
    """Lines of one source and kind, and whose they are."""

    source: str
    kind: str
    datastreams: list[int] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    promises: list[Promise] = field(default_factory=list)

    def offer(self) -> Offer:
        return Offer(self.source, LIVE, payloads.rows(self.kind, self.datastreams, self.lines))


class Gathering:
    """Gathers for one turn, gives, and tells each connection what became of what it sent.

    `rows` counts what waits or is on its way; `room` is called when there are fewer. What goes wrong with an offer ends the connections whose rows it had.
    """

    def __init__(self, give: Give, room: Callable[[], None]) -> None:
        self.rows = 0
        self._give, self._room = give, room
        self._batches: dict[tuple[str, str], _Batch] = {}
        self._refused: Counter[tuple[str, str]] = Counter()
        self._due = False
        self._offered: set[asyncio.Task[None]] = set()
        self._tasks: asyncio.TaskGroup | None = None

    def begin(self, tasks: asyncio.TaskGroup) -> None:
        """From now on there is somebody to run the offers."""
        self._tasks = tasks

    def add(self, source: str, kind: str, datastream: int, lines: Sequence[Line], promise: Promise) -> None:
        """The lines of one message, for the offer of this turn."""
        batch = self._batches.get((source, kind))
        if batch is None:
            batch = self._batches[source, kind] = _Batch(source, kind)
        batch.lines += lines
        batch.datastreams += [datastream] * len(lines)
        batch.promises.append(promise)
        promise.rows = len(lines)
        self.rows += len(lines)
        self._soon()

    def refuse(self, source: str, reason: str, count: int = 1) -> None:
        """Count what the door did not take, without its content."""
        self._refused[source, reason] += count
        self._soon()

    async def finish(self, within: float) -> None:
        """Wait for what is on its way, so many seconds at most; what takes longer is not waited for, nor acknowledged."""
        self._flush()
        if self._offered:
            _, late = await asyncio.wait(self._offered, timeout=within)
            for offer in late:
                offer.cancel()

    def _soon(self) -> None:
        if not self._due:
            self._due = True
            asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        """The turn is over."""
        self._due = False
        batches, self._batches = self._batches, {}
        refused, self._refused = self._refused, Counter()
        for batch in batches.values():
            self._start(batch)
        for (source, reason), count in refused.items():
            self._start(Offer(source, LIVE, None, (Refusal(reason, SAYS[reason], count),)))

    def _start(self, what: _Batch | Offer) -> None:
        if self._tasks is None:
            return
        task = self._tasks.create_task(self._count(what) if isinstance(what, Offer) else self._see_through(what))
        self._offered.add(task)
        task.add_done_callback(self._offered.discard)

    async def _count(self, refused: Offer) -> None:
        await self._give(refused)

    async def _see_through(self, batch: _Batch) -> None:
        try:
            receipt = await self._give(batch.offer())
        except TutelaError as down:
            self._land(batch)
            full = isinstance(down, Overloaded)
            for by in {promise.by: None for promise in batch.promises}:
                by.lost(Code.QUOTA if full else Code.BUSY, down.message)
            return
        code, says = verdict(receipt, len(batch.lines), len(batch.promises))
        for promise in batch.promises:
            promise.done = True
            if not promise.code:
                promise.code, promise.says = code, says
        self._land(batch)
        for by in {promise.by: None for promise in batch.promises}:
            by.landed()

    def _land(self, batch: _Batch) -> None:
        self.rows -= len(batch.lines)
        self._room()


def verdict(receipt: Receipt, rows: int, messages: int) -> tuple[Code, str]:
    """The answer to each message of an offer. When the gate refused some rows of several messages, nobody knows whose."""
    if receipt.accepted == rows or (receipt.accepted and messages > 1):
        return Code.SUCCESS, ""
    why = receipt.refused[-1]
    return (Code.NOT_AUTHORISED if why.reason == "quarantined" else Code.PAYLOAD), why.says
