"""Legal holds: placed, reviewed and lifted, each with an event; and what they keep from being destroyed.

What stands is what the log says: there is no table that could say otherwise, and a restore brings the holds back with the log. What a
hold on an incident covers is worked out anew at each look, so that a call that is added to the incident is held as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from tutela.errors import BadInput, NotFound
from tutela.maths.ids import uuid_of
from tutela.model.event import Event
from tutela.model.flow import encode
from tutela.model.hold import LONGEST, SUBJECT, Hold, HoldLifted, standing
from tutela.model.incident import Incident
from tutela.model.timeline import LIVE
from tutela.model.when import MINUTE, iso

from .ports import Clock, Desk, Log
from .prose import Prose, words_of
from .spared import Spared, windows

AROUND = 10 * MINUTE
"""Of telemetry, before and after what was detected."""

WORDS = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Holds:
    """The holds of an instance."""

    log: Log
    desk: Desk
    prose: Prose
    clock: Clock

    async def standing(self) -> Sequence[Hold]:
        """Those that stand, in the order in which they were placed, with their reasons sealed."""
        return standing(await self.log.about(SUBJECT))

    async def listed(self) -> Sequence[Hold]:
        """The same, as people read them."""
        return [
            msgspec.structs.replace(one, reason=await self.prose.words(one.reason)) for one in await self.standing()
        ]

    async def place(self, wanted: Hold, by: str) -> Hold:
        """Keep what that case needs from now on; its id and time are given here. Raises BadInput, or NotFound for no such incident."""
        now = self.clock()
        _proper(wanted, now)
        if wanted.incident is not None:
            await self.desk.incident(wanted.incident)
        id_ = uuid_of("hold", wanted.case, wanted.authority, wanted.scope, now)
        await self._tell("hold@1", msgspec.structs.replace(wanted, id=id_, at=now), by)
        return msgspec.structs.replace(wanted, id=id_, at=now)

    async def review(self, id_: str, until: int, reason: str, by: str) -> Hold:
        """Somebody looked at it again, and it is needed still; the next time is then. Raises NotFound."""
        hold = msgspec.structs.replace(await self.one(id_), review=until, reason=reason)
        _proper(hold, self.clock())
        await self._tell("hold@1", hold, by)
        return hold

    async def lift(self, id_: str, reason: str, by: str, approval: str | None = None) -> None:
        """It is needed no more: what is past its time goes at the next look. Raises NotFound."""
        await self.one(id_)
        said("reason", reason)
        await self._tell("hold-lifted@1", HoldLifted(id=id_, reason=reason, approval=approval), by)

    async def one(self, id_: str) -> Hold:
        """One that stands, with its reason sealed; raises NotFound."""
        found = next((one for one in await self.standing() if one.id == id_), None)
        if found is None:
            raise NotFound(f"no hold {id_!r} stands; `tutela holds list` names those that do")
        return found

    async def _tell(self, kind: str, said: Hold | HoldLifted, by: str) -> None:
        sealed = await self.prose.kept_in(_reasons(said.id), said.reason)
        body, now = encode(msgspec.structs.replace(said, reason=sealed)), self.clock()
        await self.log.append(
            [
                Event(
                    id=uuid_of(kind, now, body),
                    at=now,
                    by=by,
                    cause=None,
                    kind=kind,
                    timeline=LIVE,
                    body=body,
                    subject=SUBJECT,
                )
            ]
        )

    # ── what they keep ──────────────────────────────────────────────────────────────────────────
    async def spared(self) -> Spared:
        """What must not be destroyed now."""
        spared = Spared()
        for hold in await self.standing():
            spared.buckets.add(_reasons(hold.id))
            if hold.incident is None:
                spared.buckets.add(hold.bucket or "")
            else:
                await self._incident(spared, await self.desk.incident(hold.incident))
        return spared

    async def _incident(self, spared: Spared, incident: Incident) -> None:
        """All about it, and about what was fused into it."""
        parts = [incident, *[await self.desk.incident(id_) for id_ in incident.fused]]
        alerts = [await self.desk.alert(id_) for one in parts for id_ in one.alerts]
        detections = await self.desk.detections([id_ for alert in alerts for id_ in alert.detections])
        spared.buckets.update([words_of(one) for one in parts] + [words_of(one) for one in alerts])
        facts = [*(id_ for one in parts for id_ in one.calls), *(id_ for one in detections for id_ in one.facts)]
        for id_ in dict.fromkeys(facts):
            try:
                event = await self.desk.telling(id_)
            except NotFound:
                continue  # a detection may rest on other facts, too
            spared.keys.add(event.key or "")
        for number, times in windows(detections, AROUND).items():
            spared.rows.setdefault(number, []).append(times)


def _reasons(hold: str) -> str:
    """The bucket of what was said about a hold."""
    return f"oversight/holds/{hold}"


def _proper(hold: Hold, now: int) -> None:
    for name in ("case", "authority", "reason"):
        said(name, getattr(hold, name))
    if (hold.incident is None) == (hold.bucket is None):
        raise BadInput("a hold is on an incident or on a bucket: name the one or the other")
    if hold.bucket is not None and hold.bucket.count("/") != 2:
        raise BadInput(
            f"{hold.bucket!r} is no bucket; it is written purpose/kind/period: emergency-response/calls/2026-11"
        )
    if not now < hold.review <= now + LONGEST:
        raise BadInput(
            f"a hold is reviewed within 90 days: give a time after {iso(now)} and not after {iso(now + LONGEST)}"
        )


def said(name: str, words: str) -> None:
    """Raise BadInput when nobody said that, or too much."""
    if not words.strip() or len(words) > WORDS:
        raise BadInput(f"a hold needs a {name}, in up to {WORDS} letters: whoever reviews it must know why it stands")
