"""Units as they are kept, and the status that people give them.

Each change is one event, committed with the unit as it stands then; of two who change it in the same moment exactly
one wins.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import msgspec

from tutela.errors import Conflict, NotFound, WrongStep
from tutela.model.access import Access, Ask
from tutela.model.event import Event
from tutela.model.flow import encode
from tutela.model.resource import EmergencyResource, UnitStatus
from tutela.model.when import iso
from tutela.policy.purposes import Action, ask

from .deed import Deed
from .ledger import Ledger
from .ports import Log

UNIT = "unit@1"


class Units(Protocol):
    """Units as they are kept: `units` gives those of a timeline, in order of name; `unit` raises NotFound.

    `change` keeps each with its events in one transaction; it raises Conflict, and keeps nothing, when a unit is not at the
    revision before: then somebody else was first, and it says who.
    """

    async def units(self, timeline: str) -> Sequence[EmergencyResource]: ...  # noqa: D102  told above
    async def unit(self, id_: str) -> EmergencyResource: ...  # noqa: D102  the same
    async def change(  # noqa: D102  the same
        self, events: Sequence[Event], units: Sequence[EmergencyResource]
    ) -> None: ...


def question(access: Access, action: Action, unit: EmergencyResource, now: int) -> Ask:
    """Whether somebody may do that with the unit."""
    return ask(access, action, "units", now, collected_for=(unit.purpose,), agency=unit.agency)


def stepped(unit: EmergencyResource, status: UnitStatus, by: str, now: int) -> EmergencyResource:
    """The unit after somebody gave it that status."""
    return unit.to(status, since=now, by=by)


@dataclass(frozen=True, slots=True)
class UnitActs:
    """What people do about units. Each is done once under its `key`.

    Raises Refused, NotFound, WrongStep or Conflict, and has then done nothing.
    """

    ledger: Ledger
    kept: Units
    log: Log

    async def set_status(self, access: Access, id_: str, status: UnitStatus, key: str) -> EmergencyResource:
        """One step of a unit's life."""
        deed = Deed(access, f"make {status}", id_, key)
        if (done := await self._done(deed)) is not None:
            return done
        unit, now = await self.kept.unit(id_), self.ledger.now
        await self.ledger.must(question(access, Action.ACT, unit, now), unit.timeline, str(deed))
        try:
            after = msgspec.structs.replace(stepped(unit, status, deed.by, now), event=deed.event(id_))
            await self.kept.change([event_of(after, unit, deed.by, now)], [after])
        except (WrongStep, Conflict) as wrong:
            if (done := await self._done(deed)) is None:
                raise _blamed(deed, unit, wrong) from wrong
            return done
        return after

    async def _done(self, deed: Deed) -> EmergencyResource | None:
        """What came of it, when it was done before."""
        try:
            event = await self.log.event(deed.event(deed.subject))
        except NotFound:
            return None
        return msgspec.json.decode(event.body, type=EmergencyResource)


def _blamed(deed: Deed, unit: EmergencyResource, wrong: WrongStep | Conflict) -> WrongStep | Conflict:
    """When somebody else left it in the status that does not allow this step, say who and when."""
    if isinstance(wrong, Conflict) or unit.by == deed.by:
        return wrong
    return Conflict(
        f"{wrong.message}; {unit.by} set its status at {iso(unit.since)}", unit=unit.id, by=unit.by, at=unit.since
    )


def event_of(after: EmergencyResource, before: EmergencyResource | None, by: str, now: int) -> Event:
    """The event of a change. Its cause is the revision before."""
    return Event(
        id=after.event,
        at=now,
        by=by,
        cause=before.event if before else None,
        kind=UNIT,
        timeline=after.timeline,
        body=encode(after),
        subject=after.id,
    )
