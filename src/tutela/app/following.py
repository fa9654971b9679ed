"""What a worker does, followed: a turn takes messages, what it finds follows from one of them, and is over when it is committed.

Layers around the stages and around what they commit to; both do what they do without them. Effects are as they were, but for
the trace beside the body of an outbox row. What was committed before and is worked off again only to get the state back
is not told a second time.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

import msgspec

from tutela.app.core import clock
from tutela.flow import hop
from tutela.flow.ports import Streams
from tutela.flow.stage import Fold, Saved, Stage
from tutela.flow.trace import NOTHING, UNTRACED, Span, Traces, after, lines, sampled_first, within
from tutela.flow.trace import Facts as Told
from tutela.flow.work import Facts, Worker
from tutela.maths.ids import uuid_of
from tutela.model.alert import Alert
from tutela.model.detection import Detection
from tutela.model.event import Event
from tutela.model.flow import Effects, Lease, Message, Outgoing

T = TypeVar("T")

KNOWN = 8192
"""Facts and events whose trace is remembered: what rests on them later follows from it."""

CAME = 1024
"""The same for messages of one partition: rows may be held until late ones have come."""

OPEN = 8192
"""Findings that wait for their commit."""

FOUND = ("detection@1", "alert@1")
SECOND = "det."


def worker(name: str, stages: Sequence[Stage], streams: Streams, facts: Facts, traces: Traces) -> Worker:
    """A worker on these stages; followed, if somebody keeps traces."""
    if traces is UNTRACED:
        return Worker(name, stages, streams, facts)
    following = Following(traces)
    return Worker(name, following.stages(stages), streams, following.facts(facts))


class Bounded(OrderedDict[str, T]):
    """The newest of what was put in."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most = most

    def keep(self, name: str, value: T) -> None:
        """Put it in; the oldest goes when there are too many."""
        self[name] = value
        self.move_to_end(name)
        if len(self) > self.most:
            self.popitem(last=False)


@dataclass(slots=True)
class Following:
    """What one worker knows of what it follows: the places of facts and events, and spans until their commit."""

    traces: Traces
    known: Bounded[str] = field(default_factory=lambda: Bounded(KNOWN))
    open: Bounded[Span] = field(default_factory=lambda: Bounded(OPEN))

    def stages(self, stages: Iterable[Stage]) -> tuple[Stage, ...]:
        """The same stages, followed."""
        return tuple(FollowedStage(stage, self) for stage in stages)

    def facts(self, facts: Facts) -> Facts:
        """The same facts; what is committed to them is followed."""
        return FollowedFacts(facts, self)

    def of(self, name: str | None) -> Sequence[str]:
        """The place of a fact or an event, if it is known."""
        return (self.known[name],) if name is not None and name in self.known else ()

    def learn(self, message: Message, places: Sequence[str]) -> None:
        """Remember the places of its facts."""
        facts = hop.facts(message.body)
        for fact, place in zip(facts, places if len(places) > 1 else (*places,) * len(facts), strict=False):
            if place:
                self.known.keep(fact.id, place)
                if isinstance(fact, Detection):
                    self.known.keep(_event(fact), place)


@dataclass(frozen=True, slots=True)
class FollowedStage:
    """A stage whose folds are followed."""

    stage: Stage
    following: Following

    @property
    def name(self) -> str:
        """As it is."""
        return self.stage.name

    @property
    def partitions(self) -> int:
        """As many as it has."""
        return self.stage.partitions

    @property
    def saves(self) -> float:
        """As often as it does."""
        return self.stage.saves

    def stream(self, lease: Lease) -> str:
        """What it reads."""
        return self.stage.stream(lease)

    def subjects(self, lease: Lease) -> Sequence[str]:
        """What it reads of that."""
        return self.stage.subjects(lease)

    async def begin(self, lease: Lease, saved: Saved) -> Fold:
        """Its fold, followed."""
        return FollowedFold(self.stage.name, lease, await self.stage.begin(lease, saved), self.following)


class FollowedFold:
    """A fold whose turns are followed. `_came`: by sequence, the places that messages follow from."""

    def __init__(self, stage: str, lease: Lease, fold: Fold, following: Following) -> None:
        self._stage, self._lease, self._fold, self._following = stage, lease, fold, following
        self._came: Bounded[Sequence[str]] = Bounded(CAME)
        self.newest, self.save = fold.newest, fold.save

    async def turn(self, messages: Sequence[Message]) -> Effects:
        """Work these off. A turn is told when somebody follows one of its messages, or when it found something."""
        begun = clock()
        new = [message for message in messages if message.sequence > self._lease.sequence]
        came = [(message, places) for message in new if (places := lines(message.headers))]
        causes = list(dict.fromkeys(place for _, places in came for place in places if place))
        try:
            effects = await self._fold.turn(messages)
        except Exception as wrong:
            after(self._following.traces, causes, self._stage, self._told(messages), begun).end(type(wrong).__name__)
            raise
        self._learn(came)
        found = [event for event in effects.events if event.kind in FOUND] if new else []
        if found and not causes:
            causes = list(dict.fromkeys(place for event in found for place in self._following.of(event.cause)))
        if not found and not causes:
            return effects
        facts = {**self._told(messages), "found": len(found)}
        with self._following.traces.span(self._stage, sampled_first(causes), facts, since=begun) as turn:
            return self._found(effects, found, turn, foreign=bool(causes))

    def _told(self, messages: Sequence[Message]) -> Told:
        return {"timeline": self._lease.timeline, "partition": self._lease.partition, "messages": len(messages)}

    def _learn(self, came: Sequence[tuple[Message, Sequence[str]]]) -> None:
        for message, places in came:
            self._came.keep(str(message.sequence), places)
            if message.subject.startswith(SECOND):
                self._following.learn(message, places)

    def _found(self, effects: Effects, found: Sequence[Event], turn: Span, *, foreign: bool) -> Effects:
        """Open what was found, each in the trace of what made it, until it is committed."""
        detections = {_event(one): one for one in effects.detections}
        alerts = {one.event: one for one in effects.alerts}
        places: dict[str, str] = {}
        for event in found:
            detection, alert = detections.get(event.id), alerts.get(event.id)
            own = tuple(self._causes(event, detection))
            # What nobody's message made begins a trace of its own, unless the turn did.
            causes = within(turn.trace, own) if own or not foreign else ("", turn.trace)
            span = self._following.traces.span(event.kind.partition("@")[0], causes, _facts(event, detection, alert))
            self._following.open.keep(event.id, span)
            self._following.known.keep(event.id, span.trace)
            if detection is not None:
                places[f"{detection.id}.{detection.revision}"] = span.trace
        return replace(effects, outgoing=tuple(_placed(effects.outgoing, places))) if places else effects

    def _causes(self, event: Event, detection: Detection | None) -> Iterator[str]:
        """The places that an event follows from: what its cause names first, then the facts that it rests on."""
        brought = self._came.get((event.cause or "").rpartition(":")[2], ())
        facts = [place for id_ in (detection.facts if detection else ()) for place in self._following.of(id_)]
        yield from [place for place in facts if place in brought] or [place for place in brought[:1] if place]
        yield from self._following.of(event.cause)
        yield from facts


class FollowedFacts:
    """Facts of a worker: a commit ends the spans of what it committed."""

    def __init__(self, facts: Facts, following: Following) -> None:
        self._facts, self._following = facts, following
        self.install, self.timelines, self.open_timeline = facts.install, facts.timelines, facts.open_timeline
        self.heartbeat, self.take, self.renew, self.release = facts.heartbeat, facts.take, facts.renew, facts.release
        self.load, self.open_alerts, self.shifts = facts.load, facts.open_alerts, facts.shifts
        self.dead, self.dead_letters, self.revive = facts.dead, facts.dead_letters, facts.revive

    async def commit(self, lease: Lease, effects: Effects) -> None:
        """Commit, and tell that it is durable, or that it failed."""
        try:
            await self._facts.commit(lease, effects)
        except Exception as wrong:
            self._end(effects, type(wrong).__name__)
            raise
        self._end(effects)

    def _end(self, effects: Effects, failed: str = "") -> None:
        if self._following.open:
            for event in effects.events:
                self._following.open.pop(event.id, NOTHING).end(failed)


def _event(detection: Detection) -> str:
    """The id of the event of a detection."""
    return uuid_of("detection", detection.id, detection.revision)


def _facts(event: Event, detection: Detection | None, alert: Alert | None) -> Told:
    """What is told of a finding."""
    if alert is not None:
        return {"type": alert.type, "status": str(alert.status), "revision": alert.revision}
    return {"detector": event.by, "revision": detection.revision if detection else 0}


def _placed(rows: Iterable[Outgoing], places: Mapping[str, str]) -> Iterator[Outgoing]:
    """Outbox rows, each with the place of its fact: their id is the fact's with where it goes behind it."""
    for row in rows:
        yield msgspec.structs.replace(row, trace=places.get(row.id.rpartition(".")[0], ""))
