"""Steps 2 and 3: what a source offers passes the gate, is recorded, and only then acknowledged.

The one door for all sources. It gathers what many of them offer into few durable messages, because
each message costs an fsync: it writes at once while it is idle, and lingers under load (`pace`).

What a receipt promises: every accepted row is on the disk, after all rows that the same source
offered before. What a failure means: of the rows in the offer, those of other partitions may have
been stored (each partition is a message of its own). So offer it again, all of it: history gives rows that
are stored twice once, and no detector is given them again. Of an offer with more than `maths.known.WINDOW` rows
of one datastream, the older ones are told as late in a correction, as if they had not come before.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from tutela.errors import BadInput, EngineDown, TutelaError
from tutela.model import wire
from tutela.model.flow import Offer, Receipt, Refusal
from tutela.model.rows import Rows, joined
from tutela.policy import gate

from . import batch, hop
from .catalogue import Known
from .fair import Fair, Room
from .health import Health
from .pace import Pace
from .ports import Clock, Keys, Streams
from .trace import NOTHING, UNTRACED, Facts, Span, Traces, after, carried

ROW_BYTES = 32
OFFER_BYTES = 1024


class Lane(NamedTuple):
    """What keeps its order: one kind of one partition."""

    kind: str
    partition: int


Lost = dict[Lane, TutelaError]
"""The lanes whose rows were not stored, or may not have been, and why."""


@dataclass(frozen=True, slots=True)
class Options:
    """How much at once.

    `flights`: batches on their way; `publishes`: messages on their way, of all flights;
    `message_rows`: rows of one message, so that its body stays under the 1 MB that NATS takes;
    `piece_rows`: a larger offer is taken in pieces, so that others come between;
    `flight_bytes`: what one batch gathers; `room`: what may be held in all.
    `may` is asked before anything is taken, and raises StorageFull when the disk's last room belongs to the facts.
    `traces` follows what is taken.
    """

    flights: int = 6
    publishes: int = 16
    message_rows: int = 30_000
    piece_rows: int = 65_536
    flight_bytes: int = 8 << 20
    room: Room = field(default_factory=Room)
    may: Callable[[], object] = lambda: None
    traces: Traces = UNTRACED


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting:
    """Rows of one offer, until `landed` tells what of their flight was lost. `trace`: what they follow from."""

    source: str
    rows: Rows
    landed: asyncio.Future[Lost]
    trace: str

    @property
    def size(self) -> int:
        return OFFER_BYTES + ROW_BYTES * len(self.rows)


@dataclass(slots=True, eq=False)
class _Flight:
    """A batch on its way: its messages by lane, and what is still `lost` if it stops now."""

    number: int
    items: list[_Waiting]
    lost: Lost
    lanes: dict[Lane, list[batch.Part]] = field(default_factory=lambda: defaultdict(list))
    causes: dict[Lane, dict[str, None]] = field(default_factory=lambda: defaultdict(dict))

    def rows(self) -> Iterator[Rows]:
        """The rows of all items, by kind, in the order in which they were offered."""
        for name in {item.rows.kind: None for item in self.items}:
            yield joined([item.rows for item in self.items if item.rows.kind == name])

    def follow(self, partitions: int) -> None:
        """What is followed of the items, by the lanes that they have rows in."""
        for item in self.items:
            if item.trace:
                for partition in np.flatnonzero(np.bincount(item.rows.datastream % partitions)).tolist():
                    self.causes[Lane(item.rows.kind, partition)][item.trace] = None


class Gateway:
    """`give` is the door; `run` has to be running behind it.

    `name` belongs to this run of the process alone: message ids begin with it, and JetStream drops a
    message whose id it has seen. Offers are of one timeline, whose clock `clock` is.
    """

    def __init__(
        self,
        name: str,
        timeline: str,
        *,
        streams: Streams,
        keys: Keys,
        known: Known,
        health: Health,
        clock: Clock,
        options: Options | None = None,
    ) -> None:
        self._name, self._timeline = name, timeline
        self._streams, self._keys = streams, keys
        self._known, self._health, self._clock = known, health, clock
        self._options = options or Options()
        self._traces = self._options.traces
        self._told: Facts = {"timeline": timeline}
        self._pace = Pace()
        self._waiting: Fair[_Waiting] = Fair(self._options.room)
        self._publishing = asyncio.Semaphore(self._options.publishes)
        self._order: defaultdict[Lane, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._running = False
        self._offered, self._landed = asyncio.Event(), asyncio.Event()
        self._aloft: set[_Flight] = set()
        self._flights = 0

    async def give(self, offer: Offer) -> Receipt:
        """Take an offer; returns when all that was accepted of it is durable.

        Raises BadInput for another timeline or misshapen columns, Overloaded when too much waits
        already, EngineDown (StorageFull) when it could not be stored: then offer it again, whole.
        """
        if offer.timeline != self._timeline:
            raise BadInput(
                f"this gateway takes the timeline {self._timeline!r}, and the offer is of {offer.timeline!r}"
            )
        if offer.rows is not None:
            batch.fit(offer.rows)
        with self._traces.span("offer", (), self._told):
            rows, refused = self._admitted(offer)
            accepted = 0 if rows is None else len(rows)
            if rows is not None:
                self._options.may()
                await self._store(offer.source, rows)
                self._health.stored(offer.source, accepted, self._clock())
            if refused:
                self._health.refused(offer.source, refused, self._clock())
            return Receipt(accepted, refused)

    def _admitted(self, offer: Offer) -> tuple[Rows | None, tuple[Refusal, ...]]:
        """What the gate takes of it, and what not."""
        with self._traces.span("gate") as span:
            rows, refused = gate.admit(offer, self._known.admission, self._clock())
            if span.trace:
                taken: Facts = {} if rows is None else {"kind": rows.kind, "accepted": len(rows)}
                span.note({**taken, "refused": sum(refusal.count for refusal in refused)})
            return rows, refused

    async def _store(self, source: str, rows: Rows) -> None:
        if not self._running:
            raise _stopped()
        future = asyncio.get_running_loop().create_future
        trace = self._traces.here()
        waiting = [_Waiting(source, piece, future(), trace) for piece in batch.pieces(rows, self._options.piece_rows)]
        self._waiting.put(waiting)
        self._offered.set()
        for one in waiting:
            if lost := await one.landed:
                self._check(one.rows, lost)

    def _check(self, rows: Rows, lost: Lost) -> None:
        """Raise what happened to these rows, if their lane is among the lost."""
        for lane, error in lost.items():
            if lane.kind == rows.kind and (rows.datastream % self._known.partitions == lane.partition).any():
                raise error

    async def run(self) -> None:
        """Write what is offered, for ever. When this ends, whoever still waits is told that it was not stored."""
        self._running = True
        try:
            async with asyncio.TaskGroup() as flights:
                while True:
                    await self._due()
                    flight = self._board()
                    flights.create_task(self._fly(flight))
        finally:
            self._running = False
            self._abandon()

    async def _due(self) -> None:
        """Wait until something is offered and may be written."""
        if not self._waiting:
            self._offered.clear()
            await self._offered.wait()
        while (wait := self._wait()) != 0:
            self._landed.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._landed.wait()

    def _wait(self) -> float | None:
        """Seconds to the next flight; None: one has to land first."""
        if len(self._aloft) >= self._options.flights:
            return None
        return self._pace.wait(asyncio.get_running_loop().time(), flying=bool(self._aloft))

    def _board(self) -> _Flight:
        """The next batch: what waits, a turn for each source, cut into messages."""
        items = self._waiting.take(self._options.flight_bytes)
        self._flights += 1
        flight = _Flight(self._flights, items, self._all_lost(items))
        self._aloft.add(flight)
        for rows in flight.rows():
            for part in batch.cut(rows, self._known.partitions, self._options.message_rows, self._known.purposes):
                flight.lanes[Lane(rows.kind, part.partition)].append(part)
        flight.lost = {lane: flight.lost[lane] for lane in flight.lanes}
        flight.follow(self._known.partitions)
        self._pace.sent(asyncio.get_running_loop().time(), sum(map(len, flight.lanes.values())))
        return flight

    def _all_lost(self, items: Sequence[_Waiting]) -> Lost:
        error = _stopped()
        kinds = {item.rows.kind for item in items}
        return {Lane(name, partition): error for name in kinds for partition in range(self._known.partitions)}

    async def _fly(self, flight: _Flight) -> None:
        try:
            async with asyncio.TaskGroup() as sending:
                for lane, parts in flight.lanes.items():
                    sending.create_task(self._send(flight, lane, parts))
        finally:
            self._land(flight)

    async def _send(self, flight: _Flight, lane: Lane, parts: Sequence[batch.Part]) -> None:
        """The messages of one lane, one after the other, and after those of earlier flights."""
        subject = hop.observed(self._timeline, lane.kind, lane.partition)
        try:
            async with self._order[lane], self._publishing:
                for number, part in enumerate(parts):
                    id_ = f"{self._name}-{flight.number}-{lane.kind}-{lane.partition}-{number}"
                    with self._publication(flight, lane, part) as span:
                        body, headers = await self._body(part)
                        await self._streams.publish(subject, body, id_, carried(headers, span.trace))
        except TutelaError as error:
            flight.lost[lane] = error  # told to whoever offered rows of this lane
        else:
            del flight.lost[lane]

    def _publication(self, flight: _Flight, lane: Lane, part: batch.Part) -> Span:
        causes = flight.causes.get(lane)
        if not causes:
            return NOTHING
        told = {**self._told, "kind": lane.kind, "partition": lane.partition, "rows": len(part.rows)}
        return after(self._traces, tuple(causes), "publish", told)

    async def _body(self, part: batch.Part) -> tuple[bytes, Mapping[str, str]]:
        plain, headers = wire.encode(part.rows), {"Schema": part.schema}
        if part.bucket is None:
            return plain, headers
        key, sealed = await self._keys.seal(part.bucket, plain)
        return sealed, headers | {"Key": key, "Bucket": part.bucket, "Rows": str(len(part.rows))}

    def _land(self, flight: _Flight) -> None:
        self._aloft.discard(flight)
        self._landed.set()
        self._tell(flight.items, flight.lost)

    def _abandon(self) -> None:
        for flight in tuple(self._aloft):
            self._land(flight)
        while items := self._waiting.take(self._options.flight_bytes):
            self._tell(items, self._all_lost(items))

    def _tell(self, items: Sequence[_Waiting], lost: Lost) -> None:
        self._waiting.free(items)
        for item in items:
            if not item.landed.done():  # whoever offered it may have gone away
                item.landed.set_result(lost)


def _stopped() -> EngineDown:
    return EngineDown("the gateway stopped before this was stored; offer it again")
