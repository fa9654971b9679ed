"""Step 3 for facts: what people tell is committed before it is answered, and never waits for NATS.

The own id of a call, report or post is unique in its source alone, so inside it goes by the id of the event that
records it, made from timeline, source and that id: telling the same again is the same event, once. A secret of the install
goes into it, for a post's own id is public and a call's is a running number: who holds bare rows can't find out whose they are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite

import msgspec

from tutela.errors import BadInput, Conflict, Quarantined, Refused, TutelaError
from tutela.maths.cells import cell_of, centre_of
from tutela.maths.ids import digest, uuid_from
from tutela.model.event import Event
from tutela.model.flow import Refusal, decode_fact, encode
from tutela.model.telling import Telling, word_of
from tutela.policy import gate

from . import hop
from .catalogue import Known
from .health import Health
from .ports import Clock, Desk, Keys
from .prose import hour_bucket
from .trace import UNTRACED, Traces

SALT = 16

POST = "post"


@dataclass(frozen=True, slots=True)
class Recorder:
    """The facts' door. `clock` is that of the timeline; `chance` gives that many random bytes."""

    desk: Desk
    keys: Keys
    known: Known
    health: Health
    clock: Clock
    chance: Callable[[int], bytes]
    ways: int = hop.WAYS
    traces: Traces = UNTRACED

    async def tell(self, told: Telling) -> str:
        """Record a call, report or post; returns the id of its event after the commit.

        Raises Quarantined for a source without a register entry, BadInput for an impossible place or
        time, and Conflict when the source told another one under the same id: also when only what was said
        is another, for nothing of it would be kept.
        """
        now, word = self.clock(), word_of(told)
        self._admit(told, now)
        told = _coarse(told)
        id_ = told_id(self.keys, told)
        named = msgspec.structs.replace(told, id=id_, cell=cell_of(told.place))
        key, body = await self.keys.seal(bucket_of(told), encode(told))
        event = Event(
            id=id_,
            at=now,
            by=told.source,
            cause=None,
            kind=f"{word}@1",
            timeline=told.timeline,
            body=body,
            key=key,
            salt=self.chance(SALT),
            subject=id_,
        )
        if await self.desk.tell(named, event, hop.outgoing(named, self.ways, trace=self.traces.here())):
            self.health.stored(told.source, 1, now)
        else:
            await self._same(told, id_)
        return id_

    async def _same(self, told: Telling, id_: str) -> None:
        """Raise Conflict when what is stored says something else. Of what was erased nobody can tell."""
        stored = await self.desk.telling(id_)
        try:
            before = decode_fact(stored.body if stored.key is None else await self.keys.open(stored.key, stored.body))
        except Refused:
            return
        if before != told:
            word = word_of(told)
            raise Conflict(
                f"the {word} {told.id} of {told.source} was told before with other words, and those stay; "
                f"tell what is new as a {word} of its own, under another id"
            )

    def _admit(self, told: Telling, now: int) -> None:
        try:
            gate.admit_told(told, self.known.admission, now)
            _on_earth(told)
        except TutelaError as refused:
            reason = gate.Reason.QUARANTINED if isinstance(refused, Quarantined) else f"bad-{word_of(told)}"
            self.health.refused(told.source, (Refusal(reason, refused.message, 1),), now)
            raise


def told_id(keys: Keys, told: Telling) -> str:
    """The id by which it goes inside."""
    return uuid_from(keys.keyed(digest(word_of(told), told.timeline, told.source, told.id, size=32)))


def _on_earth(told: Telling) -> None:
    """Decoding checks this; a place that was computed has not been decoded."""
    lat, lon = told.place.lat, told.place.lon
    if not (isfinite(lat) and isfinite(lon) and abs(lat) <= 90 and abs(lon) <= 180):
        raise BadInput(f"{lat}, {lon} is not on the Earth; send WGS 84 degrees: latitude ±90, longitude ±180")


def _coarse(told: Telling) -> Telling:
    """A post is kept by its cell: where somebody stood who wrote it is nobody's business."""
    return msgspec.structs.replace(told, place=centre_of(cell_of(told.place))) if word_of(told) == POST else told


def bucket_of(told: Telling) -> str:
    """What is sealed together: an hour, so that nothing outlives its time by more, and a hold on one call keeps few others."""
    return hour_bucket(told.purpose, f"{word_of(told)}s", told.at)
