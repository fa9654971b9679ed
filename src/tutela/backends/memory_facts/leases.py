"""Timelines, and the partitions that workers lease."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from tutela.backends.memory_facts.store import Held, Store
from tutela.backends.rules import LEASE, not_installed
from tutela.model.flow import Lease
from tutela.model.install import Install
from tutela.model.timeline import LIVE

_LASTS = round(LEASE * 1_000_000)


@dataclass
class MemoryTimelines:
    """What is settled at install, and the timelines."""

    store: Store = field(default_factory=Store)

    async def install(self, wanted: Install) -> Install:
        """What holds from now on: the first install there was."""
        if self.store.installed is None:
            self.store.installed = wanted
            await self.open_timeline(LIVE, wanted.at, "The city as it is now.")
        return self.store.installed

    async def timelines(self) -> Sequence[str]:
        """The names of all timelines."""
        return sorted(self.store.timelines)

    async def open_timeline(self, name: str, at: int, says: str = "") -> None:  # noqa: ARG002  the port's shape
        """A timeline with its lease rows; nothing happens when there is one."""
        held = self.store.installed
        if held is None:
            raise not_installed()
        self.store.timelines.setdefault(name, says)
        for stage, count in (("detect", held.partitions), ("correlate", held.ways), ("desk", 1)):
            for partition in range(count):
                self.store.leases.setdefault((name, stage, partition), Held())


@dataclass
class MemoryLeases:
    """Partitions leased to workers, fenced by epoch."""

    store: Store = field(default_factory=Store)

    async def heartbeat(self, worker: str) -> int:
        """Say that this worker lives; how many do."""
        now = self.store.clock()
        self.store.workers[worker] = now
        return sum(now - seen < _LASTS for seen in self.store.workers.values())

    async def take(self, worker: str, stage: str, most: int) -> Sequence[Lease]:
        """Lease at most that many free partitions of a stage, those of `live` first."""
        now = self.store.clock()
        free = [place for place, held in self.store.leases.items() if place[1] == stage and held.until <= now]
        free.sort(key=lambda place: (place[0] != LIVE, place))
        return [self._taken(place, worker, now) for place in free[: max(most, 0)]]

    def _taken(self, place: tuple[str, str, int], worker: str, now: int) -> Lease:
        held = self.store.leases[place]
        held = replace(held, owner=worker, epoch=held.epoch + 1, until=now + _LASTS)
        self.store.leases[place] = held
        timeline, stage, partition = place
        return Lease(
            timeline=timeline,
            stage=stage,
            partition=partition,
            epoch=held.epoch,
            sequence=held.sequence,
            snapshot=held.snapshot,
        )

    async def renew(self, leases: Sequence[Lease]) -> Sequence[Lease]:
        """Hold on to these; those that are still held."""
        kept = [(lease, held) for lease in leases if (held := mine(self.store, lease))]
        for _, held in kept:
            held.until = self.store.clock() + _LASTS
        return [lease for lease, _ in kept]

    async def release(self, leases: Sequence[Lease]) -> None:
        """Give these back at once."""
        for held in [held for lease in leases if (held := mine(self.store, lease))]:
            held.owner, held.until = None, 0


def mine(store: Store, lease: Lease) -> Held | None:
    """The row of a lease that is still held under its epoch."""
    held = store.leases.get((lease.timeline, lease.stage, lease.partition))
    return held if held and held.owner is not None and held.epoch == lease.epoch else None
