"""What people changed since a moment, from the log, as far as somebody may read it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from tutela.model.access import Access, Ask
from tutela.model.event import Event
from tutela.model.register import Reach
from tutela.model.resource import EmergencyResource
from tutela.model.timeline import LIVE
from tutela.policy.purposes import Action, ask, ask_about

from .handover_lines import Line, Work, did, out_of_service, work_of
from .read_desk import DeskReads
from .read_log import LogReads
from .since import since as from_
from .units import Units, question

MOST = 300_000
"""Events that are read for one look."""


class Kept(Units, Protocol):
    """The units, and how connections are doing."""

    async def conditions(self) -> Sequence[Reach]: ...  # noqa: D102  as ports.Connections has it


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """Reads them, each decided by the policies."""

    desk: DeskReads
    log: LogReads
    kept: Kept

    async def since(self, access: Access, moment: int) -> list[Line]:
        """What people did to alerts, incidents and units, in order; raises BadInput when that is too much for one look."""
        found = [did(work, event) async for work, event in self.work(access, moment)]
        await self.desk.ledger.wrote(access, LIVE, "what people changed", (line.event for line in found))
        return found

    async def work(self, access: Access, moment: int) -> AsyncIterator[tuple[Work, Event]]:
        """The same, as it stood after each event. Whoever reads it writes down what of it is shown."""
        async for sealed in from_(self.log.log, moment, "since then; choose a later time", MOST):
            work = work_of(sealed.event)
            if work is not None and self.desk.ledger.may(self._asked(access, work)):
                yield work, sealed.event

    async def out_of_service(self, access: Access) -> list[Line]:
        """The units that can't be sent, of those that may be seen."""
        ledger, units = self.desk.ledger, await self.kept.units(LIVE)
        general = ask(access, Action.READ, "units", ledger.now)
        shown = await ledger.permitted(units, lambda one: self._asked(access, one), general, LIVE, "units")
        await ledger.wrote(access, LIVE, "units", (one.id for one in shown))
        return list(out_of_service(shown))

    def _asked(self, access: Access, work: Work) -> Ask:
        now = self.desk.ledger.now
        if isinstance(work, EmergencyResource):
            return question(access, Action.READ, work, now)
        return self.desk.marked(ask_about(access, Action.READ, work, now), work.id)
