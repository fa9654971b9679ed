"""Step 3 for facts: a call is committed before it is answered, and never waits for NATS.

A call's own id is unique in its source alone, so inside it goes by the id of the event that records it,
made from timeline, source and that id: telling the same call again is the same event, once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite

import msgspec

from tutela.errors import BadInput, Conflict, Quarantined, Refused, TutelaError
from tutela.maths.cells import cell_of
from tutela.maths.ids import uuid_of
from tutela.model.call import Call
from tutela.model.event import Event
from tutela.model.flow import Refusal, decode_fact, encode
from tutela.model.when import iso
from tutela.policy import gate

from . import hop
from .catalogue import Known
from .health import Health
from .ports import Clock, Desk, Keys
from .trace import UNTRACED, Traces

SALT = 16


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

    async def tell(self, call: Call) -> str:
        """Record a call; returns the id of its event after the commit.

        Raises Quarantined for a source without a register entry, BadInput for an impossible place or
        time, and Conflict when the source told another call under the same id: also when only what was said
        is another, for nothing of it would be kept.
        """
        now = self.clock()
        self._admit(call, now)
        id_ = uuid_of("call", call.timeline, call.source, call.id)
        named = msgspec.structs.replace(call, id=id_, cell=cell_of(call.place))
        key, body = await self.keys.seal(f"{call.purpose}/calls/{iso(call.at)[:7]}", encode(call))
        event = Event(
            id=id_,
            at=now,
            by=call.source,
            cause=None,
            kind="call@1",
            timeline=call.timeline,
            body=body,
            key=key,
            salt=self.chance(SALT),
            subject=id_,
        )
        if await self.desk.tell(named, event, hop.outgoing(named, self.ways, trace=self.traces.here())):
            self.health.stored(call.source, 1, now)
        else:
            await self._same(call, id_)
        return id_

    async def _same(self, call: Call, id_: str) -> None:
        """Raise Conflict when what is stored says something else. Of what was erased nobody can tell."""
        stored = await self.desk.call(id_)
        try:
            told = decode_fact(stored.body if stored.key is None else await self.keys.open(stored.key, stored.body))
        except Refused:
            return
        if told != call:
            raise Conflict(
                f"the call {call.id} of {call.source} was told before with other words, and those stay; "
                "tell what is new as a call of its own, under another id"
            )

    def _admit(self, call: Call, now: int) -> None:
        try:
            gate.admit_call(call, self.known.admission, now)
            _on_earth(call)
        except TutelaError as refused:
            reason = gate.Reason.QUARANTINED if isinstance(refused, Quarantined) else "bad-call"
            self.health.refused(call.source, (Refusal(reason, refused.message, 1),), now)
            raise


def _on_earth(call: Call) -> None:
    """Decoding checks this; a place that was computed has not been decoded."""
    lat, lon = call.place.lat, call.place.lon
    if not (isfinite(lat) and isfinite(lon) and abs(lat) <= 90 and abs(lon) <= 180):
        raise BadInput(f"{lat}, {lon} is not on the Earth; send WGS 84 degrees: latitude ±90, longitude ±180")
