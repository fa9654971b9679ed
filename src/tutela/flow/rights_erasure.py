"""One record about a person is erased: by destroying its key, where nothing of anybody else is sealed under it.

Words about an incident have a key of their own, which goes when it is closed and each of its notes names the person. What was told in one hour for one purpose shares one: a call that was the only one of its hour can
be erased by itself, another goes with its hour, and the person is told when. A legal hold wins, and the person is told that too. The event
comes first, as with all that retention lets go.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tutela.errors import Conflict
from tutela.maths.ids import uuid_of
from tutela.model.event import Event
from tutela.model.flow import encode
from tutela.model.retention import BucketKey
from tutela.model.rights import EXEMPTIONS, Fate, Outcome
from tutela.model.timeline import LIVE
from tutela.model.when import DAY, iso

from .ports import Clock, Copying, Desk, Log
from .prose import hour_bucket, words_of
from .retain import Buckets, Erased
from .spared import Spared
from .subject_access import YourRecord

STILL = DAY
"""An hour so long ago is not added to any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """Erases one record. `spared` tells what legal holds keep."""

    log: Log
    desk: Desk
    keys: Buckets
    spared: Callable[[], Awaitable[Spared]]
    copying: Copying
    clock: Clock

    async def of(self, record: YourRecord, by: str) -> Outcome:
        """Erase it, or say why not. Raises Conflict while a copy of the instance is being made."""
        key = await self._key(record)
        if key is None:
            return Outcome(record=record.id, fate=Fate.ERASED, says="What was written there is erased already.")
        if (await self.spared()).keeps(key.id, key.bucket):
            held = EXEMPTIONS["legal-hold"]
            return Outcome(record=record.id, fate=Fate.HELD, says=f"{held.says} ({held.law})")
        if says := await self._shared(record):
            return Outcome(record=record.id, fate=Fate.SHARED, says=says, until=record.until)
        async with self.copying.removing() as may:
            if not may:
                raise Conflict("a copy of this instance is being made, and nothing is erased meanwhile; try again soon")
            for one in (key, *await self._beside(record)):
                await self._tell(Erased(bucket=one.bucket, key=one.id), by)
                await self.keys.destroy(one.id)
            await self.keys.shred()
        return Outcome(record=record.id, fate=Fate.ERASED, says="Nobody can read it any more, in no copy.")

    async def _shared(self, record: YourRecord) -> str:
        """Why its key can't be destroyed for this person; nothing when it can."""
        when = f"on {iso(record.until)[:10]}" if record.until else "when its time is over"
        if record.kind == "incident":
            if not (await self.desk.incident(record.id)).closed:
                return "People still work with what is written about this incident; ask again when it is closed."
            others = f"Notes that do not name you are sealed together with those that do, and go with them {when}."
            return "" if record.alone else others
        if record.alone and self.clock() - record.at >= STILL:
            return ""
        return f"It is sealed together with what others told in that hour, and goes with it {when}."

    async def _key(self, record: YourRecord) -> BucketKey | None:
        """The key that seals it, if it is in use still."""
        if record.kind == "incident":
            bucket, id_ = words_of(await self.desk.incident(record.id)), None
        else:
            bucket, id_ = None, (await self.desk.telling(record.id)).key
        return next((one for one in await self.keys.in_use() if one.id == id_ or one.bucket == bucket), None)

    async def _beside(self, record: YourRecord) -> list[BucketKey]:
        """The keys of what was told with a report: how its reporter is reached, and the picture, each of the same hour."""
        if record.kind != "report":
            return []
        wanted = {hour_bucket(record.purpose, kind, record.at) for kind in ("contacts", "photos")}
        return [one for one in await self.keys.in_use() if one.bucket in wanted]

    async def _tell(self, body: Erased, by: str) -> None:
        now, said = self.clock(), encode(body)
        event = Event(
            id=uuid_of("erasure@1", now, said),
            at=now,
            by=by,
            cause=None,
            kind="erasure@1",
            timeline=LIVE,
            body=said,
            subject=body.bucket,
        )
        await self.log.append([event])
