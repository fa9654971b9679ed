"""What people do about incidents: each command asks the policies, loads, lets `incident` decide, and commits once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from tutela.maths.ids import uuid_of
from tutela.model.access import Access
from tutela.model.alert import Alert
from tutela.model.call import Call
from tutela.model.incident import Incident, IncidentStatus
from tutela.model.place import Place
from tutela.model.timeline import LIVE
from tutela.policy.purposes import Action, ask

from . import incident as decide
from .deed import Deed, Deeds, Step


@dataclass(frozen=True, slots=True)
class Incidents:
    """What people do about incidents. Each is done once under its `key`; see `deed` for what it raises."""

    deeds: Deeds

    async def open_from_alert(self, access: Access, alert: str, key: str) -> Incident:
        """Somebody makes an alert an incident."""
        deed = _opening(access, "open from alert", alert, key)

        async def steps() -> Sequence[Step]:
            found = await self.deeds.desk.alert(alert)
            await self.deeds.must(access, found, deed)
            opened, joined = decide.from_alert(found, deed.subject, deed.by, self.deeds.ledger.now)
            await self.deeds.must(access, opened, deed)
            return ((None, opened), (found, joined))

        return await self.deeds.do(deed, Incident, steps)

    async def open_from_call(self, access: Access, call: str, key: str) -> Incident:
        """Whoever took a call makes it an incident."""
        deed = _opening(access, "open from call", call, key)

        async def steps() -> Sequence[Step]:
            opened = decide.from_call(await self._call(deed, call), deed.subject, deed.by, self.deeds.ledger.now)
            await self.deeds.must(access, opened, deed)
            return ((None, opened),)

        return await self.deeds.do(deed, Incident, steps)

    async def open_at(self, access: Access, type_: str, place: Place, key: str) -> Incident:
        """Somebody saw it, or was told by radio: what, and where."""
        deed = _opening(access, "open at", f"{place.lat:.6f} {place.lon:.6f}", key)

        async def steps() -> Sequence[Step]:
            opened = decide.seen(type_, place, access, LIVE, deed.subject, self.deeds.ledger.now)
            await self.deeds.must(access, opened, deed)
            return ((None, opened),)

        return await self.deeds.do(deed, Incident, steps)

    async def add_alert(self, access: Access, id_: str, alert: str, key: str) -> Incident:
        """An alert belongs to it."""
        return await self._with_alert(Deed(access, f"add alert {alert} to", id_, key), alert, decide.add_alert)

    async def take_out_alert(self, access: Access, id_: str, alert: str, key: str) -> Incident:
        """An alert does not belong to it."""
        return await self._with_alert(
            Deed(access, f"take alert {alert} out of", id_, key), alert, decide.take_out_alert
        )

    async def add_call(self, access: Access, id_: str, call: str, key: str) -> Incident:
        """A call belongs to it."""
        deed = Deed(access, f"add call {call} to", id_, key)

        async def steps() -> Sequence[Step]:
            incident = await self._incident(deed, id_)
            return ((incident, decide.add_call(incident, await self._call(deed, call))),)

        return await self.deeds.do(deed, Incident, steps)

    async def take_out_call(self, access: Access, id_: str, call: str, key: str) -> Incident:
        """A call does not belong to it."""
        deed = Deed(access, f"take call {call} out of", id_, key)
        return await self._change(deed, lambda incident: decide.take_out_call(incident, call))

    async def fuse(self, access: Access, id_: str, other: str, key: str) -> Incident:
        """`other` becomes part of it."""
        return await self._with_incident(Deed(access, f"fuse {other} into", id_, key), other, decide.fuse)

    async def take_apart(self, access: Access, id_: str, other: str, key: str) -> Incident:
        """`other` is an incident of its own again."""
        return await self._with_incident(Deed(access, f"take {other} out of", id_, key), other, decide.take_apart)

    async def move(self, access: Access, id_: str, status: IncidentStatus, key: str) -> Incident:
        """One step of its life."""
        return await self._change(Deed(access, f"make {status}", id_, key), lambda one: decide.move(one, status))

    async def close(self, access: Access, id_: str, disposition: str, key: str) -> Incident:
        """It is over."""
        return await self._change(Deed(access, "close", id_, key), lambda one: decide.close(one, disposition))

    async def note(self, access: Access, id_: str, text: str, key: str) -> Incident:
        """Write something down."""
        deed, now = Deed(access, "note", id_, key), self.deeds.ledger.now
        return await self._change(deed, lambda incident: decide.note(incident, deed.by, now, text))

    async def involve(self, access: Access, id_: str, agencies: Iterable[str], key: str) -> Incident:
        """Say which agencies work on it. One's own is always among them: nobody locks themselves out."""
        named = (*agencies, access.agent.agency)
        return await self._change(Deed(access, "involve", id_, key), lambda one: decide.involve(one, named))

    async def whole(self, incident: Incident) -> Incident:
        """The incident with everything that was fused into it: see `incident.whole`. The policies were asked before."""
        parts: dict[str, Incident] = {}
        due = list(incident.fused)
        while due:
            id_ = due.pop()
            parts[id_] = await self.deeds.prose.shown(await self.deeds.desk.incident(id_))
            due += parts[id_].fused
        return decide.whole(incident, parts)

    async def _change(self, deed: Deed, change: Callable[[Incident], Incident]) -> Incident:
        async def steps() -> Sequence[Step]:
            incident = await self._incident(deed, deed.subject)
            return ((incident, change(incident)),)

        return await self.deeds.do(deed, Incident, steps)

    async def _with_alert(
        self, deed: Deed, id_: str, change: Callable[[Incident, Alert, str], tuple[Incident, Alert]]
    ) -> Incident:
        async def steps() -> Sequence[Step]:
            incident, alert = await self._incident(deed, deed.subject), await self.deeds.desk.alert(id_)
            await self.deeds.must(deed.access, alert, deed)
            changed, moved = change(incident, alert, deed.by)
            return ((incident, changed), (alert, moved))

        return await self.deeds.do(deed, Incident, steps)

    async def _with_incident(
        self, deed: Deed, id_: str, change: Callable[[Incident, Incident], tuple[Incident, Incident]]
    ) -> Incident:
        async def steps() -> Sequence[Step]:
            incident, other = await self._incident(deed, deed.subject), await self._incident(deed, id_)
            changed, moved = change(incident, other)
            return ((incident, changed), (other, moved))

        return await self.deeds.do(deed, Incident, steps)

    async def _incident(self, deed: Deed, id_: str) -> Incident:
        found = await self.deeds.desk.incident(id_)
        await self.deeds.must(deed.access, found, deed)
        return found

    async def _call(self, deed: Deed, id_: str) -> Call:
        """Without its personal data: that is not needed here."""
        found = await self.deeds.desk.bare(id_)
        asked = ask(deed.access, Action.ACT, "calls", self.deeds.ledger.now, collected_for=(found.purpose,))
        await self.deeds.ledger.must(asked, found.timeline, str(deed))
        return found


def _opening(access: Access, verb: str, about: str, key: str) -> Deed:
    """The incident's id comes from the key too, so that it is opened once."""
    return Deed(access, f"{verb} {about}", uuid_of("incident", access.agent.id, verb, about, key), key)
