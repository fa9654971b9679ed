"""Step 6: people open incidents from alerts and calls, add to them, take out again, fuse them and take them apart.

The decisions are pure: nouns as they stand, and what somebody wants, give the nouns as they will stand. The
machine decides none of this. An incident that is fused into another keeps all that it had and rests there,
so that taking the two apart gives everything back; `whole` shows what is in all of them together.

Each event has the whole incident in its body; `folded` reads them and checks that each follows from the one
before, along the EIDO lifecycle of `model.incident.STEPS`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import chain

import msgspec

from tutela.errors import BadInput, Broken, WrongStep
from tutela.model.access import Access
from tutela.model.alert import Alert, AlertStatus
from tutela.model.call import Call
from tutela.model.event import Event
from tutela.model.incident import STEPS, Incident, IncidentStatus, Note
from tutela.model.place import Place

TEXT = 10_000
"""Characters of a note or a disposition."""

TYPE = 60
"""Characters of what an incident is."""

_decode = msgspec.json.Decoder(Incident).decode


def from_alert(alert: Alert, id_: str, by: str, now: int) -> tuple[Incident, Alert]:
    """A new incident, and the alert that it rests on."""
    incident = Incident(
        id=id_,
        timeline=alert.timeline,
        type=alert.type,
        status=IncidentStatus.NEW,
        place=alert.place,
        opened_at=now,
        opened_by=by,
        purpose=alert.purpose,
        alerts=(alert.id,),
    )
    return incident, alert.to(AlertStatus.INCIDENT, by=by, incident=id_)


def from_call(call: Call, id_: str, by: str, now: int) -> Incident:
    """A new incident that rests on a call."""
    return Incident(
        id=id_,
        timeline=call.timeline,
        type=call.category,
        status=IncidentStatus.NEW,
        place=call.place,
        opened_at=now,
        opened_by=by,
        purpose=call.purpose,
        calls=(call.id,),
    )


def seen(type_: str, place: Place, access: Access, timeline: str, id_: str, now: int) -> Incident:
    """A new incident that rests on what somebody saw or was told by radio: what, and where. Raises BadInput for a type without words."""
    plain = " ".join(type_.split())
    if not 1 <= len(plain) <= TYPE or not plain.isprintable():
        raise BadInput(f"say what happened, in 1 to {TYPE} characters; this has {len(plain)}")
    return Incident(
        id=id_,
        timeline=timeline,
        type=plain,
        status=IncidentStatus.NEW,
        place=place,
        opened_at=now,
        opened_by=access.agent.id,
        purpose=access.purpose,
    )


def add_alert(incident: Incident, alert: Alert, by: str) -> tuple[Incident, Alert]:
    """One more alert that it rests on."""
    _same_timeline(incident, alert.timeline)
    added = _open(incident).changed(alerts=(*incident.alerts, alert.id))
    return added, alert.to(AlertStatus.INCIDENT, by=by, incident=incident.id)


def take_out_alert(incident: Incident, alert: Alert, by: str) -> tuple[Incident, Alert]:
    """It does not belong there: the alert is acknowledged, by whoever took it out."""
    taken = _open(incident).changed(alerts=_without(incident, "alert", incident.alerts, alert.id))
    return taken, alert.to(AlertStatus.ACKNOWLEDGED, by=by, incident=None)


def add_call(incident: Incident, call: Call) -> Incident:
    """One more call that it rests on."""
    _same_timeline(incident, call.timeline)
    if call.id in incident.calls:
        raise WrongStep(f"the call {call.id} is in this incident already", incident=incident.id)
    return _open(incident).changed(calls=(*incident.calls, call.id))


def take_out_call(incident: Incident, call: str) -> Incident:
    """The call does not belong there."""
    return _open(incident).changed(calls=_without(incident, "call", incident.calls, call))


def fuse(into: Incident, other: Incident) -> tuple[Incident, Incident]:
    """The two are one: `other` becomes part of `into`."""
    _same_timeline(into, other.timeline)
    if into.id == other.id:
        raise WrongStep("an incident can't be fused with itself; name the other one", incident=into.id)
    fused = _open(into).changed(fused=(*into.fused, other.id))
    return fused, other.to(IncidentStatus.FUSED, fused_into=into.id)


def take_apart(into: Incident, other: Incident) -> tuple[Incident, Incident]:
    """They were two after all: `other` is active again, with everything that it had."""
    left = _without(into, "incident", into.fused, other.id)
    return _open(into).changed(fused=left), other.to(IncidentStatus.ACTIVE, fused_into=None)


def move(incident: Incident, status: IncidentStatus) -> Incident:
    """One step of the lifecycle; closing and fusing have their own."""
    if status in {IncidentStatus.CLOSED, IncidentStatus.FUSED}:
        raise BadInput(f"to make an incident {status}, close it with a disposition, or fuse it with another")
    return _open(incident).to(status)


def close(incident: Incident, disposition: str) -> Incident:
    """It is over, and how it ended."""
    return _open(incident).to(IncidentStatus.CLOSED, disposition=_text("how it ended", disposition))


def note(incident: Incident, by: str, at: int, text: str) -> Incident:
    """Somebody writes something down."""
    written = Note(at=at, by=by, text=_text("what you want to note", text))
    return _open(incident).changed(notes=(*incident.notes, written))


def involve(incident: Incident, agencies: Iterable[str]) -> Incident:
    """The agencies that work on it, in order; none named twice."""
    named = tuple(dict.fromkeys(_text("the name of each agency", agency) for agency in agencies))
    return _open(incident).changed(agencies=named)


def whole(incident: Incident, parts: Mapping[str, Incident]) -> Incident:
    """The incident with what is in all that were fused into it: alerts, calls, agencies, and notes in order of time."""
    fused = [whole(parts[id_], parts) for id_ in incident.fused]
    all_ = (incident, *fused)
    return msgspec.structs.replace(
        incident,
        alerts=tuple(dict.fromkeys(chain.from_iterable(one.alerts for one in all_))),
        calls=tuple(dict.fromkeys(chain.from_iterable(one.calls for one in all_))),
        agencies=tuple(dict.fromkeys(chain.from_iterable(one.agencies for one in all_))),
        fused=tuple(chain(incident.fused, *(one.fused for one in fused))),
        notes=tuple(sorted(chain.from_iterable(one.notes for one in all_), key=lambda note: note.at)),
    )


def folded(events: Iterable[Event]) -> Incident:
    """The incident as its events tell it, in order; raises Broken when one does not follow from the one before."""
    stands: Incident | None = None
    for event in events:
        told = _decode(event.body)
        if stands is not None and not _follows(stands, told):
            raise Broken(
                f"the incident {told.id} can't go from {stands.status} (revision {stands.revision}) to {told.status} "
                f"(revision {told.revision}), as event {event.id} says; run `tutela verify`"
            )
        stands = told
    if stands is None:
        raise Broken("an incident without an event can't be; run `tutela verify`")
    return stands


def _follows(before: Incident, after: Incident) -> bool:
    step = after.status is before.status or after.status in STEPS[before.status]
    return step and after.id == before.id and after.revision == before.revision + 1


def _open(incident: Incident) -> Incident:
    """An incident that can be worked on; raises WrongStep."""
    if incident.status is IncidentStatus.FUSED:
        raise WrongStep(
            f"this incident is part of {incident.fused_into}; work on that one, or take the two apart",
            incident=incident.id,
        )
    if incident.status is IncidentStatus.CLOSED:
        raise WrongStep("this incident is closed; open a new one if it goes on", incident=incident.id)
    return incident


def _same_timeline(incident: Incident, timeline: str) -> None:
    if incident.timeline != timeline:
        raise BadInput(
            f"this incident is on the timeline {incident.timeline}, the other on {timeline}; keep them apart"
        )


def _without(incident: Incident, what: str, ids: tuple[str, ...], id_: str) -> tuple[str, ...]:
    if id_ not in ids:
        also = " itself; it may have come with one that was fused into it" if incident.fused else ""
        raise WrongStep(f"the {what} {id_} is not in this incident{also}", incident=incident.id)
    return tuple(one for one in ids if one != id_)


def _text(what: str, text: str) -> str:
    plain = text.strip()
    if not 1 <= len(plain) <= TEXT:
        raise BadInput(f"write {what}, in 1 to {TEXT} characters; this has {len(plain)}")
    return plain
