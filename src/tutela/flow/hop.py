"""The names of the two hops, and the way a fact takes over the second one.

First hop, observations: stream `OBS-<token>`, subjects `obs.<token>.<kind>.<p>` and `obs.<token>.tick`.
Second hop, facts: stream `DET-<token>`, subjects

    det.<token>.<r>         facts whose place belongs to correlate partition r
    det.<token>.<r>.copy    facts near r's border, whose own partition is another
    det.<token>.desk        detections for the desk alone
    det.<token>.tick        the least tick that all detect partitions have worked off
    det.<token>.settled     the least tick that all correlate partitions have worked off

The correlate stage of r reads its two subjects and the tick; the desk reads `det.<token>.*`, which
leaves the copies out, so it sees each fact once. A rule over the whole city (its card's key is "city") is at
work in partition `CITY` alone, which reads the facts of all others too, so nothing is sent twice for it.
"""

from __future__ import annotations

from tutela.maths import cells
from tutela.maths.ids import spread
from tutela.model.flow import Fact, Outgoing, Tick, decode_fact, decode_tick, encode
from tutela.model.telling import Telling
from tutela.model.timeline import token

WAYS = 4
"""Correlate partitions."""

CITY = 0
"""The correlate partition in which rules over the whole city are at work; the detect partition for what sees all that moves."""

NEAR = 2
"""Rings of H3 res-9 cells around a fact within which a rule may join it with another."""


def observations(timeline: str) -> str:
    """The stream of the first hop."""
    return f"OBS-{token(timeline)}"


def second(timeline: str) -> str:
    """The stream of the second hop."""
    return f"DET-{token(timeline)}"


def observed(timeline: str, kind: str, partition: int) -> str:
    """The subject of one kind's rows of one partition."""
    return f"obs.{token(timeline)}.{kind}.{partition}"


def ticks(timeline: str) -> str:
    """The subject of the first hop's ticks."""
    return f"obs.{token(timeline)}.tick"


def second_ticks(timeline: str) -> str:
    """The subject of the second hop's ticks."""
    return f"det.{token(timeline)}.tick"


def settled(timeline: str) -> str:
    """The subject of the ticks that are settled: nothing earlier can be detected any more."""
    return f"det.{token(timeline)}.settled"


def placed(timeline: str, ways: int = WAYS) -> tuple[str, ...]:
    """The subjects that have each fact once: those of all partitions, without the copies."""
    return tuple(f"det.{token(timeline)}.{way}" for way in range(ways))


def desk(timeline: str) -> str:
    """The subjects that the desk reads: all but the copies."""
    return f"det.{token(timeline)}.*"


def everything(timeline: str) -> dict[str, tuple[str, ...]]:
    """The streams of a timeline, each with the subjects it keeps: what has to be opened before use."""
    name = token(timeline)
    return {observations(timeline): (f"obs.{name}.>",), second(timeline): (f"det.{name}.>",)}


def tick(at: int) -> bytes:
    """The body of a tick message."""
    return encode(Tick(at))


def tick_of(body: bytes) -> int:
    """The time that a tick message tells, in microseconds."""
    return decode_tick(body).at


def route(fact: Fact, ways: int = WAYS) -> tuple[int, ...]:
    """The correlate partitions of a fact: its own first, then those whose border is near, ascending."""
    own = spread(cells.parent_of(fact.cell), ways)
    near = {spread(cells.parent_of(cell), ways) for cell in cells.around(fact.cell, NEAR)}
    return (own, *sorted(near - {own}))


def outgoing(fact: Fact, ways: int = WAYS, *, desk_only: bool = False, trace: str = "") -> tuple[Outgoing, ...]:
    """A fact as outbox rows: one to its own partition and one to each across a near border.

    What people tell goes without its personal data. `trace`: what it follows from, if somebody follows it. `desk_only` is for
    what the correlate stage itself found: it must not be fed its own detections.
    """
    revision = 0 if isinstance(fact, Telling) else fact.revision
    body = encode(fact.bare() if isinstance(fact, Telling) else fact)
    places = ("desk",) if desk_only else _places(route(fact, ways))
    return tuple(
        Outgoing(
            id=f"{fact.id}.{revision}.{place.partition('.')[0]}",
            subject=f"det.{token(fact.timeline)}.{place}",
            body=body,
            trace=trace,
        )
        for place in places
    )


def facts(body: bytes) -> tuple[Fact, ...]:
    """The facts of one message of the second hop: one to a line, because each message costs an fsync."""
    return tuple(decode_fact(line) for line in body.splitlines())


def _places(ways: tuple[int, ...]) -> tuple[str, ...]:
    own, *copies = ways
    return (str(own), *(f"{way}.copy" for way in copies))
