"""Reads of what people work on: alerts with their reasons, incidents, calls."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from tutela.errors import NotFound, Refused
from tutela.maths.cells import cell_of
from tutela.model.access import Access, Ask
from tutela.model.alert import Alert
from tutela.model.call import Call
from tutela.model.detection import Detection
from tutela.model.event import Event
from tutela.model.incident import OVER, Incident
from tutela.policy.purposes import CLASSES, Action, ask, ask_about

from .catalogue import Known
from .ledger import Ledger
from .ports import Desk, Keys
from .prose import Prose

_call = msgspec.json.Decoder(Call).decode


@dataclass(frozen=True, slots=True)
class AlertDetail:
    """An alert with the detections that it names, each with its reason and what would have kept it silent."""

    alert: Alert
    detections: tuple[Detection, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskReads:
    """What people work on. Each method raises Refused, and leaves one event.

    `marked` says in a question about a record that it is objected to, as far as `fresh` has learnt (`objections.py`).
    """

    ledger: Ledger
    known: Known
    desk: Desk
    keys: Keys
    fresh: Callable[[], Awaitable[None]]
    marked: Callable[[Ask, str], Ask]

    @property
    def prose(self) -> Prose:
        """What people wrote, as they wrote it."""
        return Prose(self.keys)

    async def alerts(self, access: Access, timeline: str) -> Sequence[Alert]:
        """The open alerts that this purpose may see, highest rank first."""
        general, query = self._ask(access, "alerts"), "open alerts"
        found = await self.desk.alerts(timeline)
        shown = await self.ledger.permitted(found, lambda one: self._work(access, one), general, timeline, query)
        await self.ledger.wrote(access, timeline, query, (alert.id for alert in shown))
        return [await self.prose.shown(alert) for alert in shown]

    async def alert(self, access: Access, id_: str) -> AlertDetail:
        """One alert and why it was raised; raises NotFound."""
        alert = await self.desk.alert(id_)
        query = f"alert {id_}"
        await self.ledger.must(self._work(access, alert), alert.timeline, query)
        detail = AlertDetail(await self.prose.shown(alert), tuple(await self.desk.detections(alert.detections)))
        await self.ledger.wrote(access, alert.timeline, query, (id_, *alert.detections))
        return detail

    async def incidents(
        self, access: Access, timeline: str, most: int = 100, *, over: bool = False, after: str | None = None
    ) -> Sequence[Incident]:
        """Some incidents that this purpose may see, newest first: those under way, or those that are over.

        They may be about people: each is named. `after` is the last one read before; raises NotFound.
        """
        general = self._ask(access, "incidents")
        query = f"{most} incidents {'that are over' if over else 'under way'}{f' after {after}' if after else ''}"
        last = None if after is None else await self.desk.incident(after)
        await self.fresh()
        found = await self._page(access, timeline, most, over=over, after=last)
        shown = await self.ledger.permitted(found, lambda one: self._work(access, one), general, timeline, query)
        ids = [incident.id for incident in shown]
        await self.ledger.wrote(access, timeline, query, ids, persons=ids)
        return [await self.prose.shown(incident) for incident in shown]

    async def _page(
        self, access: Access, timeline: str, most: int, *, over: bool, after: Incident | None
    ) -> Sequence[Incident]:
        """The next incidents that may be seen; when none may, one that may not."""
        found: list[Incident] = []
        unseen: Sequence[Incident] = ()
        while len(found) < most and (page := await self.desk.incidents(timeline, most, over=over, after=after)):
            found += [one for one in page if self.ledger.may(self._work(access, one))]
            unseen, after = page[-1:], page[-1]
        return found[:most] or unseen

    async def incidents_of(self, access: Access, timeline: str, calls: Sequence[str]) -> Mapping[str, Incident]:
        """The incident of each of these calls, where there is one that may be seen: one under way before one that is over."""
        query = f"the incidents of {len(calls)} calls"
        await self.ledger.must(self._ask(access, "incidents"), timeline, query)
        await self.fresh()
        found = [
            one for one in await self.desk.incidents_of(timeline, calls) if self.ledger.may(self._work(access, one))
        ]
        found.sort(key=lambda one: one.status not in OVER)
        of = {call: one for one in found for call in one.calls if call in calls}
        ids = list(dict.fromkeys(one.id for one in of.values()))
        await self.ledger.wrote(access, timeline, query, ids, persons=ids)
        return {call: await self.prose.shown(one) for call, one in of.items()}

    async def incident(self, access: Access, id_: str) -> Incident:
        """One incident; raises NotFound."""
        incident = await self.desk.incident(id_)
        await self.fresh()
        query = f"incident {id_}"
        await self.ledger.must(self._work(access, incident), incident.timeline, query)
        await self.ledger.wrote(access, incident.timeline, query, (id_,), persons=(id_,))
        return await self.prose.shown(incident)

    async def calls(self, access: Access, timeline: str, most: int = 50) -> Sequence[Call]:
        """The newest calls: whole where a duty needs who called and what was said, else bare. Whole ones are named."""
        general, query = self._ask(access, "calls"), f"the newest {most} calls"
        told = [call for call, _ in await self.desk.calls(timeline, most)]
        await self.fresh()
        bare = await self.ledger.permitted(told, lambda one: self._told(access, one, "calls"), general, timeline, query)
        case = await self._case(access)
        shown = [await self._whole(access, call, case) for call in bare]
        opened = [call.id for call, before in zip(shown, bare, strict=True) if call is not before]
        await self.ledger.wrote(access, timeline, query, (call.id for call in shown), persons=opened)
        return shown

    async def call(self, access: Access, id_: str) -> Call:
        """One call, whole; raises NotFound, or Refused when it was erased."""
        event = await self.desk.call(id_)
        await self.fresh()
        query = f"call {id_}"
        await self.ledger.must(self._ask(access, "call-contents"), event.timeline, query)
        call = await self._opened(event)
        case = await self._case(access)
        await self.ledger.must(self._told(access, call, "call-contents", case), event.timeline, query)
        await self.ledger.wrote(access, event.timeline, query, (id_,), persons=(id_,))
        return call

    async def _case(self, access: Access) -> Incident | None:
        """The incident that the access names as its case, if there is one."""
        try:
            return None if access.case is None else await self.desk.incident(access.case)
        except NotFound:
            return None

    async def _whole(self, access: Access, bare: Call, case: Incident | None) -> Call:
        if not self.ledger.may(self._told(access, bare, "call-contents", case)):
            return bare
        try:
            return await self._opened(await self.desk.call(bare.id))
        except Refused:  # erased: what is left of it is the bare call
            return bare

    async def _opened(self, event: Event) -> Call:
        """The call as it was told, under the id that it goes by here: that of its event."""
        told = _call(event.body if event.key is None else await self.keys.open(event.key, event.body))
        return msgspec.structs.replace(told, id=event.id, cell=cell_of(told.place))

    def _ask(self, access: Access, record_class: str) -> Ask:
        return ask(access, Action.READ, record_class, self.ledger.now)

    def _work(self, access: Access, work: Alert | Incident) -> Ask:
        return self.marked(ask_about(access, Action.READ, work, self.ledger.now), work.id)

    def _told(self, access: Access, call: Call, record_class: str, case: Incident | None = None) -> Ask:
        """`case`: what the access names. It must hold the call: a case opens no other records of the other agency."""
        source = self.known.sources.get(call.source)
        asked = ask(
            access,
            Action.READ,
            record_class,
            self.ledger.now,
            collected_for=(call.purpose,),
            agency=None if source is None else source.agency,
            expires=CLASSES[record_class].expires(call.at),
        )
        joint = case is not None and call.id in case.calls and {access.agent.agency, asked.agency} <= set(case.agencies)
        return self.marked(msgspec.structs.replace(asked, joint=joint), call.id)
