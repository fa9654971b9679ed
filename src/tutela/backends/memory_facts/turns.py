"""Turns of workers, and what they leave to be sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from tutela.backends.memory_facts.leases import mine
from tutela.backends.memory_facts.store import Held, Place, Store
from tutela.backends.rules import LEASE, changes, fenced, other_content
from tutela.model.alert import OPEN, Alert
from tutela.model.detection import Detection
from tutela.model.flow import Column, Effects, Lease, Newest, Outgoing, encode
from tutela.model.people import Shift


@dataclass
class MemoryTurns:
    """State and effects of one partition."""

    store: Store = field(default_factory=Store)

    async def load(self, lease: Lease) -> Mapping[str, Mapping[str, bytes]]:
        """The saved columns by detector and name."""
        saved = self.store.columns.get((lease.timeline, lease.stage, lease.partition), {})
        return {detector: dict(columns) for detector, columns in saved.items()}

    async def commit(self, lease: Lease, effects: Effects) -> None:
        """All of a turn, or nothing of it."""
        held = mine(self.store, lease)
        if held is None:
            raise fenced(lease)
        new = self._new(effects.detections)
        due = self.store.due(changes(effects.alerts), self.store.alerts)
        self._move(lease, held, effects)
        self.store.log(effects.events)
        self._keep(effects, new)
        self.store.alerts.update({alert.id: cast("Alert", alert) for alert in due})

    def _new(self, detections: Sequence[Detection]) -> list[Detection]:
        new: dict[tuple[str, int], Detection] = {}
        for found in detections:
            before = self.store.detections.get(found.id, {}).get(found.revision) or new.get((found.id, found.revision))
            if before is None:
                new[found.id, found.revision] = found
            elif before != found:
                raise other_content(found.id, found.revision)
        return list(new.values())

    def _move(self, lease: Lease, held: Held, effects: Effects) -> None:
        held.sequence = max(held.sequence, effects.sequence)
        held.until = self.store.clock() + round(LEASE * 1_000_000)
        if effects.ticked is not None and effects.ticked > held.ticked:
            held.ticked = effects.ticked
            self.store.bell.ring("outbox")
        if effects.snapshot is not None:
            held.snapshot = effects.sequence
            _save(self.store, (lease.timeline, lease.stage, lease.partition), effects.snapshot)

    def _keep(self, effects: Effects, new: Sequence[Detection]) -> None:
        for found in new:
            self.store.detections.setdefault(found.id, {})[found.revision] = found
        told = {encode(found) for found in effects.detections} - {encode(found) for found in new}
        send(self.store, [one for one in effects.outgoing if one.body not in told])
        for newest in effects.newest:
            place = (newest.timeline, newest.kind, newest.partition)
            before = self.store.newest.get(place)
            if before is None or before.sequence < newest.sequence:
                self.store.newest[place] = newest

    async def open_alerts(self, timeline: str) -> Sequence[Alert]:
        """The open alerts, highest rank first."""
        return open_alerts(self.store, timeline)

    async def shifts(self) -> Sequence[Shift]:
        """The latest shift of each agent."""
        return list({shift.agent: shift for _, shift in sorted(self.store.shifts.items())}.values())


@dataclass
class MemoryOutbox:
    """What is committed and still to be sent."""

    store: Store = field(default_factory=Store)

    async def pending(self, most: int) -> Sequence[Outgoing]:
        """The first of what is still to be sent."""
        return list(self.store.outbox.values())[:most]

    async def sent(self, ids: Sequence[str]) -> None:
        """These need not be sent again."""
        for id_ in ids:
            self.store.outbox.pop(id_, None)

    async def wait(self, seconds: float) -> None:
        """Return when something is to be sent, or a tick was worked off."""
        await self.store.bell.wait(("outbox",), seconds)

    async def ticks(self, stage: str) -> Mapping[str, int]:
        """By timeline, the tick that all partitions of the stage have worked off; 0 for none."""
        least: dict[str, int] = {}
        for (timeline, of, _), held in self.store.leases.items():
            if of == stage:
                least[timeline] = min(held.ticked, least.get(timeline, held.ticked))
        return least


@dataclass
class MemoryValues:
    """The newest value of each datastream."""

    store: Store = field(default_factory=Store)

    async def newest(self, timeline: str, kind: str) -> Sequence[Newest]:
        """One row for each partition that has values of that kind."""
        found = [one for (line, of, _), one in self.store.newest.items() if line == timeline and of == kind]
        return sorted(found, key=lambda one: one.partition)


def open_alerts(store: Store, timeline: str) -> list[Alert]:
    """The open alerts, highest rank first."""
    found = [alert for alert in store.alerts.values() if alert.timeline == timeline and alert.status in OPEN]
    return sorted(found, key=lambda alert: (-alert.rank, -alert.last, alert.id))


def send(store: Store, outgoing: Sequence[Outgoing]) -> None:
    """Put rows into the outbox."""
    for one in outgoing:
        store.outbox.setdefault(one.id, one)
    if outgoing:
        store.bell.ring("outbox")


def _save(store: Store, place: Place, columns: Sequence[Column]) -> None:
    saved = store.columns.setdefault(place, {})
    for column in columns:
        saved.setdefault(column.detector, {})[column.name] = column.body
