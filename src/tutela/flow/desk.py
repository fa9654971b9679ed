"""Step 5 at work: the desk, one ordered fold over everything that was detected on a timeline.

Its alerts live in PostgreSQL, where people act on them too. The desk reads them when it begins and every few
seconds of its timeline; what is newer wins. When both change one alert at the same moment, the commit
raises Conflict, nothing of the turn is kept, and the worker begins the desk anew: the person's act stands, and
the same messages are folded once more onto it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Protocol

from tutela.errors import Conflict, NotFound
from tutela.maths.ids import uuid_of
from tutela.model.alert import OPEN, Alert
from tutela.model.detection import Detection
from tutela.model.event import Event
from tutela.model.flow import Column, Effects, Lease, Message, Newest, Tick, encode
from tutela.model.when import SECOND

from . import hop
from .alert import Change, DeskState, Options, budget, fold, load, save, stand
from .bundle import id_of
from .early import Early
from .ports import Desk, Log, Register, Turns
from .stage import Saved, is_live

DESK = "desk"
STATE = "state"
EARLY = "early"
LOOK = 5 * SECOND
OLD = 300 * SECOND
USUAL = Options()


class Facts(Turns, Desk, Register, Log, Protocol):
    """What the desk needs of PostgreSQL."""


@dataclass(frozen=True, slots=True)
class DeskStage:
    """The stage "desk", one partition. `elsewhere` is the budget of alerts an hour on timelines other than live.

    Nobody signs on to an import, and yet it should show what one operator would have seen: EEMUA 191 asks for
    no more than one alarm in ten minutes.
    """

    facts: Facts
    options: Options = USUAL
    elsewhere: int = 6

    @property
    def name(self) -> str:
        """As in the table of leases."""
        return DESK

    @property
    def partitions(self) -> int:
        """One: the queue is one."""
        return 1

    @property
    def saves(self) -> float:
        """With every commit: it is small, and the alerts themselves are in PostgreSQL already."""
        return 0.0

    def stream(self, lease: Lease) -> str:
        """The second hop."""
        return hop.second(lease.timeline)

    def subjects(self, lease: Lease) -> Sequence[str]:
        """Everything but the copies."""
        return (hop.desk(lease.timeline),)

    async def begin(self, lease: Lease, saved: Saved) -> DeskFold:
        """The desk as it was saved, with the alerts as they stand now."""
        own = saved.get(DESK, {})
        state = load(own.get(STATE))
        begun = DeskFold(self, lease, state, Early.load(own.get(EARLY)))
        await begun.look(state.now)
        return begun


class DeskFold:
    """The desk of one timeline. What the messages up to `lease.sequence` did is in its alerts already.

    Live, a detection is seen as it comes. Elsewhere it is held until its time is settled (`early`).
    `_ahead` are alerts as the desk left them last, for which the record may still be behind: a turn is committed later.
    """

    def __init__(self, stage: DeskStage, lease: Lease, state: DeskState, early: Early) -> None:
        self._stage = stage
        self._facts = stage.facts
        self._lease = lease
        self._state = state
        self._early = early
        self._looked = state.now
        self._ahead: dict[str, Alert] = {}

    async def turn(self, messages: Sequence[Message]) -> Effects:
        """Work these off, in order."""
        new = (message for message in messages if message.sequence > self._lease.sequence)
        seen = [one for message in new for one in _read(message)]
        now = max((one.at for one in seen if isinstance(one, Tick)), default=0)
        if now >= self._looked + LOOK:
            await self.look(now)
        seen = [one for one in seen if isinstance(one, Tick) or not await self._told(one)]
        early, due = (self._early, seen) if is_live(self._lease.timeline) else self._early.after(seen)
        self._state, changes = fold(self._state, due, self._stage.options)
        self._early = early
        self._ahead |= {change.alert.id: change.alert for change in changes}
        return Effects(
            sequence=messages[-1].sequence,
            events=tuple(_event(change) for change in changes),
            alerts=tuple(change.alert for change in changes),
            ticked=max((one.at for one in seen if isinstance(one, Tick)), default=None),
        )

    def newest(self) -> tuple[Newest, ...]:
        """The desk keeps no values."""
        return ()

    async def save(self) -> tuple[Column, ...]:
        """What is not in the alerts: tokens, how long closed ones are remembered, and what is held."""
        return (
            Column(detector=DESK, name=STATE, body=save(self._state, self._stage.options)),
            Column(detector=DESK, name=EARLY, body=self._early.save()),
        )

    async def look(self, now: int) -> None:
        """See what people did by that time: the alerts, the budget, and which sources are simulated."""
        state = replace(
            self._state,
            budget=await self._budget(now),
            simulated=frozenset(one.name for one in await self._facts.sources() if one.simulated),
        )
        self._state = stand(state, await self._alerts(), self._stage.options)
        self._looked = now

    async def _told(self, detection: Detection) -> bool:
        """Whether it made an alert once that is forgotten here. What is sent again so late is rare."""
        if detection.at > self._state.now - OLD or self._state.queue.holder(detection.id) is not None:
            return False
        with suppress(NotFound):
            await self._facts.alert(id_of(detection))
            return True
        return False

    async def _budget(self, now: int) -> int:
        if not is_live(self._lease.timeline):
            return self._stage.elsewhere
        return budget(await self._facts.shifts(), now)

    async def _alerts(self) -> Iterable[Alert]:
        """The alerts before the desk as they stand: its own changes, if not committed yet, go before the record."""
        known, closed = self._state.queue.alerts, self._state.closed
        stored = {alert.id: alert for alert in await self._facts.open_alerts(self._lease.timeline)}
        gone = {id_ for id_ in known if id_ not in closed} | (closed.keys() - known.keys()) | self._ahead.keys()
        for id_ in sorted(gone - stored.keys()):
            with suppress(NotFound):  # it is new, and not committed yet
                stored[id_] = await self._facts.alert(id_)
        for own in [*known.values(), *(own for id_, own in self._ahead.items() if id_ not in known)]:
            there = stored.get(own.id)
            if there is None or own.revision > there.revision:
                stored[own.id] = own
            else:
                self._ahead.pop(own.id, None)
                if own.event != there.event:
                    await self._must_follow(own, there)
        return [alert for id_, alert in stored.items() if id_ in known or id_ in closed or alert.status in OPEN]

    async def _must_follow(self, own: Alert, stored: Alert) -> None:
        """What people did follows what the desk did last; raises Conflict when that is still to be committed."""
        try:
            await self._facts.event(own.event)
        except NotFound as missing:
            raise Conflict(
                f"the alert {own.id} was changed by {stored.by} while the desk changed it; the desk reads it again",
                id=own.id,
                by=stored.by,
            ) from missing


def _read(message: Message) -> Iterator[Detection | Tick]:
    """Calls are taken by people, not by the desk; a rule's own terms are for that rule. The desk's time is what all stages before it have worked off."""
    if message.subject.endswith(".settled"):
        yield Tick(hop.tick_of(message.body))
    elif not message.subject.endswith(".tick"):
        facts = hop.facts(message.body)
        yield from (fact for fact in facts if isinstance(fact, Detection) and not fact.is_term)


def _event(change: Change) -> Event:
    """The event of a change. Its cause is the detection that made it, or else what the alert was before."""
    alert, because = change.alert, change.because
    cause = change.after if because is None else uuid_of("detection", because.id, because.revision)
    return Event(
        id=alert.event,
        at=change.at,
        by=DESK,
        cause=cause,
        kind="alert@1",
        timeline=alert.timeline,
        body=encode(alert),
        subject=alert.id,
    )
