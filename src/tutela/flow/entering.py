"""The register's door: a source is entered with its event, its Things and Datastreams get numbers and cells."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from math import inf

import msgspec

from tutela.errors import BadInput, Quarantined
from tutela.maths.cells import cell_of
from tutela.maths.ids import uuid_of
from tutela.model.event import Event
from tutela.model.flow import Refusal, encode
from tutela.model.kinds import kind
from tutela.model.noun import Noun
from tutela.model.register import Connection, Datastream, Kept, Source, Thing
from tutela.model.timeline import LIVE
from tutela.policy import refusals
from tutela.policy.gate import LIVE_AHEAD, SAYS, Reason
from tutela.policy.purposes import proper, purpose_of

from .ports import Connections, Keys, Register

AHEAD = LIVE_AHEAD
"""Microseconds that a live time may lie ahead, at the gate."""
LONGEST = 500
TOGETHER = 200
"""Datastreams in one event, so that it stays a message that any engine takes."""


class Defined(Noun, frozen=True, kw_only=True):
    """Body of `datastreams@1`: datastreams of one source, as they are defined from now on."""

    datastreams: tuple[Datastream, ...]


async def enter(register: Register, source: Source, by: str, now: int) -> None:
    """Enter a source, or change its entry; raises BadInput for a purpose or legal basis that nobody knows.

    An entry that says what stands already leaves no second event.
    """
    proper(source)
    _plain(source.name)
    if source in await register.sources():
        return
    body = encode(source)
    event = Event(
        id=uuid_of("source@1", source.name, body, now),
        at=now,
        by=by,
        cause=None,
        kind="source@1",
        timeline=LIVE,
        body=body,
        subject=source.name,
    )
    await register.enter(source, event)


class Connected(Noun, frozen=True, kw_only=True):
    """Body of `connection@1`: how a source is reached from now on; None: it is left to send by itself."""

    connection: Connection | None


async def connect(
    register: Connections, keys: Keys, connection: Connection, secret: Mapping[str, object], by: str, now: int
) -> None:
    """Keep how an entered source is reached. The values of `secret` are sealed; the event only names their fields."""
    named = msgspec.structs.replace(connection, secret=tuple(sorted(secret)))
    key, sealed = (
        await keys.seal(f"system-operation/connections/{named.source}", encode(secret)) if secret else ("", b"")
    )
    event = _connection(named.source, Connected(connection=named), by, now)
    await register.connect(Kept(connection=named, key=key, sealed=sealed), event)


async def disconnect(register: Connections, source: str, by: str, now: int) -> None:
    """Leave a source to send by itself; where it was not connected, nothing happens."""
    await register.disconnect(source, _connection(source, Connected(connection=None), by, now))


def _connection(source: str, told: Connected, by: str, now: int) -> Event:
    body = encode(told)
    return Event(
        id=uuid_of("connection@1", source, body, now),
        at=now,
        by=by,
        cause=None,
        kind="connection@1",
        timeline=LIVE,
        body=body,
        subject=source,
    )


async def define(
    register: Register,
    things: Sequence[Thing],
    datastreams: Sequence[Datastream],
    by: str,
    now: int,
    *,
    heard: bool = False,
) -> Sequence[Datastream]:
    """Define Things and Datastreams of sources that are entered; the datastreams come back with their numbers.

    What is new or changed leaves its events. Running processes learn of it with their next refresh: detectors go on
    from there with the new place, unit or interval. What a message says (`heard`) leaves the place and the properties of
    a Thing as they are where it tells none, and may come only from a source whose entry has not ended.

    Raises BadInput for a kind that nobody knows, a name that can't be shown, an interval that is none, or a purpose
    that is not its source's; Quarantined for a source without a valid entry; Refused for what nobody may look at.
    """
    refusals.defined(things, datastreams)
    for thing in things:
        _plain(thing.name)
    for stream in datastreams:
        _plain(stream.name)
        kind(stream.kind)
        if stream.interval is not None and not 0 < stream.interval < inf:
            raise BadInput(f"{stream.name}: an interval is a number of seconds, or is left out; not {stream.interval}")
    entries = {source.name: source for source in await register.sources()}
    _valid(entries, {one.source for one in things} | {one.source for one in datastreams} if heard else (), now)
    _valid(entries, {stream.source for stream in datastreams}, -inf)
    whole = [
        msgspec.structs.replace(
            stream, cell=cell_of(stream.place), purpose=purpose_of(stream, entries[stream.source]), changed=now
        )
        for stream in datastreams
    ]
    return await register.define(things, whole, partial(_told, by, now), heard=heard)


def _valid(entries: Mapping[str, Source], sources: Iterable[str], now: float) -> None:
    """Raise Quarantined when one of the sources has no entry, or one that has ended by now."""
    for name in sorted(sources):
        ends = entries[name].ends if name in entries else now
        if ends is not None and ends <= now:
            raise Quarantined(SAYS[Reason.QUARANTINED], source=name)


def quarantined(count: int) -> Refusal:
    """So many parts of a message from a source without a valid entry."""
    return Refusal(Reason.QUARANTINED, SAYS[Reason.QUARANTINED], count)


def _told(by: str, now: int, new: Sequence[Datastream]) -> list[Event]:
    """The events of what was defined: of each source its own."""
    sources: dict[str, list[Datastream]] = {}
    for stream in new:
        sources.setdefault(stream.source, []).append(stream)
    return [
        _event(by, now, source, tuple(streams[first : first + TOGETHER]))
        for source, streams in sources.items()
        for first in range(0, len(streams), TOGETHER)
    ]


def _event(by: str, now: int, source: str, streams: tuple[Datastream, ...]) -> Event:
    body = encode(Defined(datastreams=streams))
    return Event(
        id=uuid_of("datastreams@1", source, body),
        at=now,
        by=by,
        cause=None,
        kind="datastreams@1",
        timeline=LIVE,
        body=body,
        subject=source,
    )


def _plain(name: str) -> None:
    """A name is shown beside others, and must not turn or hide them."""
    if not name.isprintable() or not name.strip() or len(name) > LONGEST:
        raise BadInput(f"a name is plain text in one line of at most {LONGEST} characters; this one is {name[:40]!a}")
