"""Whether the record of what is done here is looked after: signed by the log, and cosigned where witnesses are waited for.

When it is not, for more than ten minutes, what could harm people without leaving a trace that holds is refused (governance G33): the
policies ask for `audited` among what stands. Calls, alerts, incidents and units go on. That there was a gap is itself an event.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from tutela.errors import TutelaError
from tutela.maths.ids import uuid_of
from tutela.model.cosign import WitnessNow
from tutela.model.event import Seal
from tutela.model.noun import Noun
from tutela.model.when import MINUTE, iso

from .once import tell
from .ports import Clock, Log, Progress

LOG = logging.getLogger(__name__)

GAP = 10 * MINUTE
EVERY = 10.0
"""Seconds from one look to the next."""

AUDITED = "audited"
"""What stands while there is no gap."""


class Gap(Noun, frozen=True, kw_only=True):
    """Body of `audit-gap@1`: since then (microseconds) `what` was not done. `until`: when it was again; None while it lasts."""

    what: str
    since: int
    until: int | None = None


@dataclass(slots=True)
class Audited:
    """`fine` is whether there is no gap, as of the last look, since it `begun` to look: a city that stood still was not left alone. `by` writes the events; `told` is called with each look."""

    by: str
    progress: Progress
    witnesses: Callable[[], Awaitable[Sequence[WitnessNow]]]
    log: Log
    clock: Clock
    told: Callable[[bool], None] = lambda _: None
    gap: Gap | None = None
    begun: int = field(init=False)

    def __post_init__(self) -> None:
        self.begun = self.clock()

    @property
    def fine(self) -> bool:
        """Whether the record is looked after."""
        return self.gap is None

    async def run(self, every: float = EVERY) -> None:
        """Look again and again, for ever."""
        while True:
            await self.look()
            await asyncio.sleep(every)

    async def look(self, since: int | None = None) -> None:
        """One look, at what is so since then (else since it began to look). When the database does not answer, what was found before holds on: nothing can be done then anyway."""
        try:
            seal, watched = await self.progress.progress(), await self.witnesses()
            await self._changed(gap(seal, watched, self.begun if since is None else since, self.clock()))
        except TutelaError as wrong:
            LOG.warning("whether the log is signed and cosigned can't be seen now: %s", wrong)

    async def _changed(self, found: Gap | None) -> None:
        before = self.gap
        self.told(found is None)
        if found and not before:
            LOG.error(
                "ALARM: %s since %s; evidence is not handed out until that is mended", found.what, iso(found.since)
            )
            await self._tell(found)
        if before and not found:
            LOG.warning("mended: %s", before.what)
            await self._tell(Gap(what=before.what, since=before.since, until=self.clock()))
        self.gap = found

    async def _tell(self, says: Gap) -> None:
        id_ = uuid_of("audit-gap@1", self.by, says.since, says.until or 0)
        await tell(self.log, "audit-gap@1", id_, says, about="", by=self.by, at=self.clock())


def gap(seal: Seal, watched: Sequence[WitnessNow], begun: int, now: int) -> Gap | None:
    """What was left undone for too long since `begun`, if anything was.

    A log that works signs every few minutes, whatever happens; one witness that works is enough.
    """
    signed = seal.checkpoint.at if seal.checkpoint else seal.oldest or now
    if now - max(signed, begun) > GAP:
        return Gap(what="the log was not signed", since=max(signed, begun))
    waits = [now if one.waits is None else max(one.waits, one.cosigner.at, begun) for one in watched]
    if waits and now - max(waits) > GAP:
        return Gap(what="no witness cosigned the log", since=max(waits))
    return None
