"""The register's door: a source is entered with its event, its Things and Datastreams get numbers and cells."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from tutela.maths.cells import cell_of
from tutela.maths.ids import uuid_of
from tutela.model.event import Event
from tutela.model.flow import encode
from tutela.model.register import Datastream, Source, Thing
from tutela.policy.gate import LIVE
from tutela.policy.purposes import proper

from .ports import Register


async def enter(register: Register, source: Source, by: str, now: int) -> None:
    """Enter a source, or change its entry; raises BadInput for a purpose or legal basis that nobody knows."""
    proper(source)
    body = encode(source)
    event = Event(
        id=uuid_of("source@1", source.name, body),
        at=now,
        by=by,
        cause=None,
        kind="source@1",
        timeline=LIVE,
        body=body,
        subject=source.name,
    )
    await register.enter(source, event)


async def define(
    register: Register, things: Sequence[Thing], datastreams: Sequence[Datastream]
) -> Sequence[Datastream]:
    """Define Things and Datastreams of sources that are entered; the datastreams come back with their numbers."""
    placed = [msgspec.structs.replace(stream, cell=cell_of(stream.place)) for stream in datastreams]
    return await register.define(things, placed)
