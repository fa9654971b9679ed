"""The material of a case: what lies in its scope, record by record, each asked for by itself through the ordinary policies.

There is no index of people to search. What a case is about is fetched by area, time and id, for this look, and forgotten after it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

import msgspec

from tutela.errors import BadInput, NotFound, Refused
from tutela.model.access import Access, Ask
from tutela.model.alert import Alert
from tutela.model.case import Case, InScope, Scope
from tutela.model.event import Event
from tutela.model.incident import Incident
from tutela.model.link import Item
from tutela.model.noun import Noun
from tutela.model.telling import Telling, word_of
from tutela.model.timeline import LIVE
from tutela.policy.purposes import CLASSES, Action, ask, ask_about

from .read_desk import DeskReads
from .scope import covers

MOST = 2_000
"""Records that a case can have in its scope."""

PAGE = 500
STANDS = frozenset({"case"})
TOLD = (InScope.CALL, InScope.REPORT)
RAISED = frozenset({InScope.ALERT, InScope.DETECTION})

Found = TypeVar("Found")


class Handed(Noun, frozen=True, kw_only=True, forbid_unknown_fields=False):
    """What the event of an export says of whom it went to."""

    recipient: str
    agreement: str


_handed = msgspec.json.Decoder(Handed).decode
_told = msgspec.json.Decoder(Telling).decode


class Within(Protocol):
    """What was told, and what was raised, from `since` until `until`: the first so many."""

    async def told_within(self, word: str, timeline: str, since: int, until: int, most: int) -> Sequence[Telling]:
        """Calls or reports, bare."""
        ...

    async def alerts_within(self, timeline: str, since: int, until: int, most: int) -> Sequence[Alert]:
        """Alerts whose last detection is of that time."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """Collects what lies in a case's scope. It writes nothing: whoever shows it does. `about`: the events about something."""

    reads: DeskReads
    within: Within
    about: Callable[[str], Awaitable[Sequence[Event]]]

    async def of(self, access: Access, case: Case) -> Sequence[Item]:
        """All that this person may see of it, in the order of time. Raises BadInput for a scope that holds too much."""
        return await self._all(_Collecting(self, access, case.scope))

    async def leaving(self, access: Access, case: Case, under: Callable[[Ask], Ask]) -> Sequence[Item]:
        """What of it this person may hand out, each record by its own class; `under` gives a question the paper that stands for it."""
        return await self._all(_Collecting(self, access, case.scope, Action.EXPORT, under))

    async def _all(self, one: _Collecting) -> Sequence[Item]:
        await self.reads.fresh()
        for collect in (one.tellings, one.incidents, one.alerts):
            await collect()
        return sorted(one.items.values(), key=lambda item: (item.at, item.id))


@dataclass(slots=True)
class _Collecting:
    """What was collected so far, for whom, in which scope and for which act; `under`: what a question is told of papers."""

    of: Material
    access: Access
    scope: Scope
    action: Action = Action.SEARCH
    under: Callable[[Ask], Ask] = lambda asked: asked
    items: dict[str, Item] = field(default_factory=dict)

    @property
    def reads(self) -> DeskReads:
        return self.of.reads

    # ── calls and reports ───────────────────────────────────────────────────────────────────────
    async def tellings(self) -> None:
        """Calls and reports: whole where a duty needs it, else bare."""
        scope = self.scope
        for kind in TOLD:
            if kind in scope.kinds and scope.area is not None:
                found = await self.of.within.told_within(str(kind), LIVE, scope.since, scope.until, MOST)
                _few(len(found))
                for told in found:
                    await self._telling(told, await self.reads.desk.telling(told.id))
        for id_ in scope.ids:
            event = await _there(self.reads.desk.telling(id_))
            if event is not None and event.timeline == LIVE and event.kind.partition("@")[0] in TOLD:
                whole = await self._opened(event)
                if whole is not None:
                    await self._telling(whole.bare(), event)

    async def _telling(self, bare: Telling, event: Event) -> None:
        kind = InScope(word_of(bare))
        item = Item(word=kind, id=bare.id, at=bare.at, place=bare.place, says=bare.category)
        if not covers(self.scope, item):
            return
        told = (
            await self._opened(event)
            if self._may(f"{kind}-contents", bare.purpose, bare.at, bare.source, bare.id)
            else None
        )
        if told is not None:
            words = (told.category, told.said, getattr(told, "caller", ""))
            self._add(msgspec.structs.replace(item, says=_joined(words), whole=True))
        elif self._may(f"{kind}s", bare.purpose, bare.at, bare.source):
            self._add(item)

    async def _opened(self, event: Event) -> Telling | None:
        """As it was told, under the id that it goes by here; None when it was erased."""
        try:
            body = event.body if event.key is None else await self.reads.keys.open(event.key, event.body)
        except Refused:
            return None
        told: Telling = msgspec.structs.replace(_told(body), id=event.id)
        return told

    # ── incidents, and evidence of them ─────────────────────────────────────────────────────────
    async def incidents(self) -> None:
        """Incidents with what people wrote on them, and to whom evidence of them was handed out."""
        async for one in self._incidents():
            item = Item(word=InScope.INCIDENT, id=one.id, at=one.opened_at, place=one.place, says=one.type)
            if covers(self.scope, item) and self._may_work(one):
                shown = await self.reads.prose.shown(one)
                words = (shown.type, *(note.text for note in shown.notes), shown.disposition or "")
                self._add(msgspec.structs.replace(item, says=_joined(words), whole=True))
                await self._evidence(one)

    async def _incidents(self) -> AsyncIterator[Incident]:
        """Those that are named, and all back to the beginning of the scope."""
        desk = self.reads.desk
        for id_ in self.scope.ids:
            if (named := await _there(desk.incident(id_))) is not None and named.timeline == LIVE:
                yield named
        wanted = self.scope.area is not None and InScope.INCIDENT in self.scope.kinds
        for over in (False, True) if wanted else ():
            after: Incident | None = None
            while page := await desk.incidents(LIVE, PAGE, over=over, after=after):
                for one in page:
                    yield one
                after = page[-1]
                if after.opened_at < self.scope.since:
                    break

    async def _evidence(self, incident: Incident) -> None:
        for event in await self.of.about(incident.id):
            if event.kind == "export@1":
                handed = _handed(event.body)
                words = _joined((handed.recipient, handed.agreement))
                item = Item(word=InScope.EVIDENCE, id=event.id, at=event.at, place=incident.place, says=words)
                if covers(self.scope, item):
                    self._add(item)

    # ── alerts and detections ───────────────────────────────────────────────────────────────────
    async def alerts(self) -> None:
        """Alerts with why they rest, and what was detected. Neither is about anybody, but for what people wrote."""
        found = {one.id: one for one in await self._raised()}
        for one in found.values():
            item = Item(word=InScope.ALERT, id=one.id, at=one.last, place=one.place, says=one.type)
            if covers(self.scope, item) and self._may_work(one):
                shown = await self.reads.prose.shown(one)
                self._add(msgspec.structs.replace(item, says=_joined((one.type, shown.reason or ""))))
        for noticed in await self.reads.desk.detections([id_ for one in found.values() for id_ in one.detections]):
            item = Item(word=InScope.DETECTION, id=noticed.id, at=noticed.at, place=noticed.place, says=noticed.type)
            if covers(self.scope, item) and self._may("detections", noticed.purpose, noticed.at):
                self._add(item)

    async def _raised(self) -> Sequence[Alert]:
        scope, found = self.scope, list[Alert]()
        if scope.area is not None and not RAISED.isdisjoint(scope.kinds):
            found += await self.of.within.alerts_within(LIVE, scope.since, scope.until, MOST)
            _few(len(found))
        for id_ in scope.ids:
            if (named := await _there(self.reads.desk.alert(id_))) is not None and named.timeline == LIVE:
                found.append(named)
        return found

    # ── the policies ────────────────────────────────────────────────────────────────────────────
    def _may(self, record_class: str, purpose: str, at: int, source: str = "", id_: str = "") -> bool:
        """Whether such a record may be searched, or handed out, in a case that is about it."""
        entry = self.reads.known.sources.get(source)
        asked = ask(
            self.access,
            self.action,
            record_class,
            self.reads.ledger.now,
            collected_for=(purpose,),
            agency=None if entry is None else entry.agency,
            expires=CLASSES[record_class].expires(at),
        )
        return self._asked(asked, id_)

    def _may_work(self, work: Alert | Incident) -> bool:
        return self._asked(ask_about(self.access, self.action, work, self.reads.ledger.now), work.id)

    def _asked(self, asked: Ask, id_: str) -> bool:
        in_case = self.under(msgspec.structs.replace(asked, stands=STANDS))
        return self.reads.ledger.may(self.reads.marked(in_case, id_))

    def _add(self, item: Item) -> None:
        self.items[item.id] = item
        _few(len(self.items))


def _joined(words: Sequence[str]) -> str:
    return "\n".join(word for word in words if word)


async def _there(found: Awaitable[Found]) -> Found | None:
    """What has that id; None where nothing of this sort has."""
    try:
        return await found
    except NotFound:
        return None


def _few(count: int) -> None:
    if count >= MOST:
        raise BadInput(f"{MOST:,} records or more are in the scope of this case; open one with a smaller area or time")
