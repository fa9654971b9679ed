"""What people objected to is not shown any more, where the law lets them object; a person can say otherwise, with a reason.

A record that is objected to says so in every question about it: the policies decide (G32-objection). Which ones those are is what the log
says, as each process read it at most five seconds ago.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from tutela.maths.ids import uuid_of
from tutela.model.access import Ask
from tutela.model.event import Event
from tutela.model.flow import encode
from tutela.model.rights import OBJECTION, OBJECTIONS, Objected, objected, objecting
from tutela.model.timeline import LIVE
from tutela.model.when import SECOND

from .ledger import Ledger
from .ports import Keys, Log
from .prose import Prose

OLDEST = 5 * SECOND
STANDS = "objection"


@dataclass(slots=True, kw_only=True)
class Objections:
    """The objections of an instance, in one process."""

    ledger: Ledger
    log: Log
    keys: Keys
    _records: frozenset[str] = frozenset()
    _read: int | None = None

    async def fresh(self) -> None:
        """Know what is objected to now."""
        now = self.ledger.now
        if self._read is None or not 0 <= now - self._read < OLDEST:
            self._records, self._read = objected(await self.log.about(OBJECTIONS)), now

    def marked(self, asked: Ask, record: str) -> Ask:
        """The question about that record, which says so when it is objected to."""
        if record not in self._records:
            return asked
        return msgspec.structs.replace(asked, stands=asked.stands | {STANDS})

    async def stands(self, record: str, request: str) -> bool:
        """Whether that request objects to the record, by the log as it is now."""
        return (record, request) in objecting(await self.log.about(OBJECTIONS))

    async def tell(self, record: str, request: str, by: str, overruled: str = "") -> None:
        """That request objects to it from now on; or no more, and why (`overruled`)."""
        now = self.ledger.now
        sealed = await Prose(self.keys).kept_in(f"rights-request/requests/{request}", overruled) if overruled else ""
        body = encode(Objected(record=record, request=request, overruled=sealed))
        event = Event(
            id=uuid_of(OBJECTION, now, body),
            at=now,
            by=by,
            cause=None,
            kind=OBJECTION,
            timeline=LIVE,
            body=body,
            subject=OBJECTIONS,
        )
        await self.log.append([event])
        self._read = None
