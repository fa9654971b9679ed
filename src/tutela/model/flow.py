"""What passes between the steps and the engines: messages, leases, effects. All frozen."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

import msgspec

from .alert import Alert
from .detection import Detection
from .event import Event
from .noun import Noun
from .rows import Rows
from .telling import Telling


@dataclass(frozen=True, slots=True)
class Message:
    """One durable message: `sequence` is its place in the stream, from 1."""

    sequence: int
    subject: str
    headers: Mapping[str, str]
    body: bytes
    at: int


class Tick(msgspec.Struct, frozen=True):
    """A recorded passing of event time: the body of a tick message; `at` in microseconds."""

    at: int


@dataclass(frozen=True, slots=True)
class Sender:
    """Who shows a token: a source, or one Thing of it, which speaks for nothing but itself (None: the whole source)."""

    source: str
    thing: str | None = None

    @property
    def name(self) -> str:
        """`SOURCE` or `SOURCE/THING`: the identity, under which its topics lie."""
        return self.source if self.thing is None else f"{self.source}/{self.thing}"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Rows that were not taken: `reason` is one of a few words, `says` a sentence with the fix."""

    reason: str
    says: str
    count: int
    sample: bytes = b""


@dataclass(frozen=True, slots=True)
class Offer:
    """What a source hands to the gateway: rows of one kind, and what it had to refuse on the way."""

    source: str
    timeline: str
    rows: Rows | None
    refused: tuple[Refusal, ...] = ()


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of an offer, told only once it is durable.

    `due`: when (microseconds) the first can be taken of what was left out of a message since it lies ahead.
    """

    accepted: int
    refused: tuple[Refusal, ...] = ()
    due: int | None = None


Give = Callable[[Offer], Awaitable[Receipt]]
"""The gateway's door, as sources see it: returns after the rows are durable."""

Tell = Callable[[Telling], Awaitable[str]]
"""The facts' door: returns the id of the event after it is committed."""


class Lease(Noun, frozen=True, kw_only=True):
    """One partition of one stage, held by this worker under `epoch` until `until`."""

    timeline: str
    stage: str
    partition: int
    epoch: int
    sequence: int
    snapshot: int


class Outgoing(Noun, frozen=True, kw_only=True):
    """One row of the outbox: sent to `subject` once, under `id`.

    `trace`: the place in a trace that it follows from (W3C `traceparent`), beside what is sent; "" for none.
    """

    id: str
    subject: str
    body: bytes
    trace: str = ""


class Newest(Noun, frozen=True, kw_only=True):
    """The newest values of one partition and kind, in columns (an Arrow batch in `body`)."""

    timeline: str
    kind: str
    partition: int
    sequence: int
    body: bytes


class Column(Noun, frozen=True, kw_only=True):
    """One changed column of a state, saved with the sequence it is true at."""

    detector: str
    name: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Effects:
    """All that one turn changed, committed in one transaction `where epoch = mine`.

    `ticked` is the last recorded tick this partition has worked off; the least of them over all
    partitions becomes the second hop's tick. `snapshot` is None when no snapshot is due.
    `late` counts rows too late for the detectors, by minute of event time (a correction each).
    """

    sequence: int
    ticked: int | None = None
    events: tuple[Event, ...] = ()
    detections: tuple[Detection, ...] = ()
    outgoing: tuple[Outgoing, ...] = ()
    alerts: tuple[Alert, ...] = ()
    newest: tuple[Newest, ...] = ()
    snapshot: tuple[Column, ...] | None = None
    late: Mapping[int, int] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.events or self.newest or self.alerts or self.snapshot is not None)


Fact = Telling | Detection

encode = msgspec.json.Encoder(order="sorted").encode
"""Any noun as JSON with sorted keys: the same noun gives the same bytes everywhere."""

decode_fact = msgspec.json.Decoder(Fact).decode
decode_tick = msgspec.json.Decoder(Tick).decode
