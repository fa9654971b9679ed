"""What goes into a bundle of evidence: each thing is asked for by itself, and what may not leave, or is not there, is named.

It reads, and writes nothing: one event about all of it comes at the end (`evidence.py`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import msgspec

from tutela.errors import NotFound, Refused
from tutela.model.access import Access, Ask
from tutela.model.alert import Alert
from tutela.model.detection import Detection
from tutela.model.event import Event
from tutela.model.evidence import Part, Proved, canonical
from tutela.model.incident import Incident
from tutela.model.noun import Noun
from tutela.model.telling import TELLINGS, Telling
from tutela.policy.purposes import CLASSES, Action, ask, ask_about

from .extract import Extract
from .published import Publishing
from .read import Reads

LOOKS = 10_000
"""Looks at an incident that are listed, the newest ones."""


@dataclass(slots=True)
class Found:
    """The parts of a bundle, the events that it proves, what was left out and why, and whose records are in it in the clear."""

    parts: list[Part] = field(default_factory=list)
    proved: list[Proved] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    persons: list[str] = field(default_factory=list)

    def add(self, path: str, says: str, nouns: Sequence[object], *, personal: bool = True) -> None:
        """A file with a list, a line each."""
        lines = b"".join(canonical(msgspec.to_builtins(noun)) for noun in nouns)
        self.parts.append(Part(path=path, says=says, body=lines, personal=personal))


class Look(Noun, frozen=True, kw_only=True):
    """A link of the chain of custody: who had it before their eyes or handed it out, when, and what is written of it."""

    event: str
    at: int
    by: str
    kind: str
    body: dict[str, object]


async def gathered(
    reads: Reads,
    publishing: Publishing,
    key: str,
    access: Access,
    under: Callable[[Ask], Ask],
    incident: Incident,
    *,
    minutes: int,
) -> Found:
    """All of it. `minutes`: of telemetry, before and after what was detected; `under` adds the paper that stands to a question."""
    await reads.objections.fresh()
    one = _Gathering(reads, access, under, incident)
    incidents = await one.incidents()
    alerts = await one.alerts([id_ for each in incidents for id_ in each.alerts])
    detections = await one.detections([id_ for alert in alerts for id_ in alert.detections])
    facts = [*(id_ for each in incidents for id_ in each.calls), *(id_ for each in detections for id_ in each.facts)]
    told = await one.told(facts)
    extract = Extract(reads.observations, access, under, one.found)
    await extract.all(incident.timeline, detections, minutes)
    subjects = [each.id for some in (incidents, alerts, detections) for each in some] + told
    await _events(one, publishing, key, dict.fromkeys(subjects))
    await one.custody()
    return one.found


@dataclass(slots=True)
class _Gathering:
    """What was found so far, by whom and about what."""

    reads: Reads
    access: Access
    under: Callable[[Ask], Ask]
    incident: Incident
    found: Found = field(default_factory=Found)

    async def incidents(self) -> Sequence[Incident]:
        """It, and what was fused into it."""
        desk, shown = self.reads.desk.desk, [self.incident]
        for id_ in self.incident.fused:
            other = await desk.incident(id_)
            if self._may(other, f"incident {id_}"):
                shown.append(other)
        told = [await self.reads.desk.prose.shown(one) for one in shown]
        self.found.add("incidents.ndjson", "the incident as it stands, and those that were fused into it", told)
        self.found.persons += [one.id for one in shown]
        return shown

    async def alerts(self, ids: Iterable[str]) -> Sequence[Alert]:
        """The alerts that it rests on."""
        desk, shown = self.reads.desk.desk, []
        for id_ in dict.fromkeys(ids):
            alert = await desk.alert(id_)
            if self._may(alert, f"alert {id_}"):
                shown.append(alert)
        told = [await self.reads.desk.prose.shown(one) for one in shown]
        self.found.add("alerts.ndjson", "the alerts that it rests on, as they stand", told)
        return shown

    async def detections(self, ids: Iterable[str]) -> Sequence[Detection]:
        """Why these alerts were raised."""
        found = await self.reads.desk.desk.detections(list(dict.fromkeys(ids)))
        shown = [one for one in found if self._asked("detections", one.purpose, f"detection {one.id}", one.at)]
        says = "what detectors noticed, each with its inputs and what would have kept it silent"
        self.found.add("detections.ndjson", says, shown, personal=False)
        return shown

    async def told(self, ids: Iterable[str]) -> list[str]:
        """Calls, reports and posts: whole, bare, or not at all. The ids of those that there are."""
        shown, there = [], []
        for id_ in dict.fromkeys(ids):
            try:
                event = await self.reads.desk.desk.telling(id_)
            except NotFound:
                continue  # a detection may rest on other facts, too
            there.append(id_)
            one = await self._telling(event)
            if one is not None:
                shown.append(one)
        self.found.add("told.ndjson", "calls, reports and posts, as far as whoever asked may hand them out", shown)
        return there

    async def _telling(self, event: Event) -> Telling | None:
        word = event.kind.partition("@")[0]
        try:
            body = event.body if event.key is None else await self.reads.desk.keys.open(event.key, event.body)
        except Refused:
            self.found.left_out.append(f"{word} {event.id}: erased, its key is destroyed; its leaf is there")
            return None
        told: Telling = msgspec.structs.replace(msgspec.json.decode(body, type=TELLINGS[word]), id=event.id)
        source = self.reads.desk.known.sources.get(told.source)
        agency = None if source is None else source.agency
        for record_class, one in ((f"{word}-contents", told), (f"{word}s", told.bare())):
            if self._asked(record_class, told.purpose, f"{record_class} {event.id}", told.at, agency):
                self.found.persons += [event.id] * (one is told)
                return one
        return None

    async def custody(self) -> None:
        """Who looked at the incident, and who handed evidence of it out: each is an event of the log."""
        log, incident = self.reads.log.log, self.incident
        looks = list(await log.naming(incident.id, incident.opened_at, LOOKS))
        if len(looks) == LOOKS:
            self.found.left_out.append(f"looks at the incident before the newest {LOOKS}")
        exports = [one for one in await log.about(incident.id) if one.kind == "export@1"]
        told = []
        for one in sorted([*looks, *exports], key=lambda event: event.at):
            body = json.loads(await self.reads.log.prose.told(one.body))
            told.append(Look(event=one.id, at=one.at, by=one.by, kind=one.kind, body=body))
        says = "the chain of custody: who looked at the incident and who handed evidence of it out, before this"
        self.found.add("custody.ndjson", says, told)

    def _may(self, work: Alert | Incident, what: str) -> bool:
        ledger = self.reads.desk.ledger
        asked = self.under(ask_about(self.access, Action.EXPORT, work, ledger.now))
        may = ledger.may(self.reads.objections.marked(asked, work.id))
        self.found.left_out += [] if may else [f"{what}: the policies do not let whoever asked hand it out"]
        return may

    def _asked(self, record_class: str, purpose: str, what: str, at: int, agency: str | None = None) -> bool:
        ledger = self.reads.desk.ledger
        asked = ask(
            self.access,
            Action.EXPORT,
            record_class,
            ledger.now,
            collected_for=(purpose,),
            agency=agency,
            expires=CLASSES[record_class].expires(at),
        )
        may = ledger.may(self.reads.objections.marked(self.under(asked), what.rpartition(" ")[2]))
        self.found.left_out += [] if may else [f"{what}: the policies do not let whoever asked hand it out"]
        return may


async def _events(one: _Gathering, publishing: Publishing, key: str, subjects: Iterable[str]) -> None:
    """Each event about these, with the proof that it is in the log."""
    log = one.reads.log.log
    events = {event.id: event for subject in subjects for event in await log.about(subject)}
    for event in events.values():
        try:
            told, file = await publishing.file(event, key)
        except NotFound:
            one.found.left_out.append(
                f"event {event.id} ({event.kind}): no checkpoint has it yet, one is signed within a minute"
            )
            continue
        path = f"events/{told.position:012}.json"
        says = f"{event.kind} as the log stores it, with its proof"
        one.found.parts.append(Part(path=path, says=says, body=file.encode(), personal=event.key is not None))
        one.found.proved.append(Proved(event=event.id, kind=event.kind, leaf=told.leaf.hex(), path=path))
