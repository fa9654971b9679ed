"""Reads of how this system is doing: its sources, and how far the log is sealed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass

from tutela.model.access import Access
from tutela.model.cosign import WitnessNow
from tutela.model.event import Seal
from tutela.model.noun import Noun
from tutela.model.register import Source
from tutela.model.timeline import LIVE
from tutela.model.when import SECOND
from tutela.policy.purposes import Action, ask

from .catalogue import Known
from .health import SourceHealth
from .ledger import Ledger
from .ports import Progress


class SourceNow(Noun, frozen=True, kw_only=True):
    """One source: what came from it, and its register entry (None: somebody who is not in the register tried)."""

    health: SourceHealth
    entry: Source | None


class Vitals(Noun, frozen=True, kw_only=True):
    """How this system is doing. `lag` is the longest that anything waits to be sealed, in seconds.

    `late` are those of the witnesses that keep the log waiting for too long, by name; `off` are the capabilities that are off, and why.
    """

    at: int
    sources: tuple[SourceNow, ...]
    sealing: Seal
    lag: float
    witnesses: tuple[WitnessNow, ...] = ()
    late: tuple[str, ...] = ()
    off: dict[str, str] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthReads:
    """How this system is doing. `report` gives what came from each source since this process started, `witnesses` how far each one is.

    `off` tells which capabilities are off, and why.
    """

    ledger: Ledger
    known: Known
    progress: Progress
    report: Callable[[int], Iterable[SourceHealth]]
    witnesses: Callable[[], Awaitable[Sequence[WitnessNow]]]
    off: Callable[[], Awaitable[dict[str, str]]]

    async def vitals(self, access: Access) -> Vitals:
        """All of it, at this moment; raises Refused, and leaves one event."""
        query, now = "health", self.ledger.now
        await self.ledger.must(ask(access, Action.READ, "health", now), LIVE, query)
        sealing, watched = await self.progress.progress(), await self.witnesses()
        off = await self.off()
        told = {one.source: one for one in self.report(now)}
        names = sorted(told.keys() | self.known.sources.keys())
        await self.ledger.wrote(access, LIVE, query, names)
        return Vitals(
            at=now,
            sources=tuple(
                SourceNow(health=told.get(name, _silent(name)), entry=self.known.sources.get(name)) for name in names
            ),
            sealing=sealing,
            lag=0.0 if sealing.oldest is None else max(0, now - sealing.oldest) / SECOND,
            witnesses=tuple(watched),
            late=tuple(one.cosigner.name for one in watched if one.late(now)),
            off=off,
        )


def _silent(source: str) -> SourceHealth:
    return SourceHealth(source=source, rows=0, rows_per_second=0.0, last=None, refused={})
