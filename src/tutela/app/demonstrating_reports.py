"""What becomes of the reports that the demonstration's residents make: most are dealt with by themselves, so that there is something to see; each fourth waits for whoever looks at it.

Nobody did anything: each step says that it is simulated.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import msgspec

from tutela.app.core import Core, clock
from tutela.app.resident import handlings
from tutela.flow.entering import enter
from tutela.maths.ids import digest, uuid_of
from tutela.model.handling import Handling, HandlingStatus
from tutela.model.report import ServiceRequest
from tutela.model.reporting import PORTAL
from tutela.model.when import HOUR, MINUTE, SECOND

BY = "simulated-city"
SOURCE = "simulated-reports"
OWNER = "Demonstration city (simulated)"
EVERY = 10 * SECOND
LATELY = HOUR
LEFT = 4
"""One of so many is left to people."""

Step = Callable[..., Handling]


def _open(before: Handling, at: int, words: str) -> Handling:
    return before.to(HandlingStatus.OPEN, at, words=words, says="Simulated: somebody has looked at it.")


def _begin(before: Handling, at: int, words: str) -> Handling:
    del words
    return before.to(HandlingStatus.IN_PROGRESS, at, says="Simulated: a crew is on its way.")


def _close(before: Handling, at: int, words: str) -> Handling:
    del words
    return before.to(HandlingStatus.CLOSED, at, says="Simulated: it was put right.")


NEXT: dict[HandlingStatus, tuple[int, Step]] = {
    HandlingStatus.RECEIVED: (MINUTE, _open),
    HandlingStatus.OPEN: (3 * MINUTE, _begin),
    HandlingStatus.IN_PROGRESS: (5 * MINUTE, _close),
}
"""By status: how long it lasts, and what comes then."""


@dataclass
class DemonstrationReports:
    """Takes the steps that are due."""

    inside: Core
    _at: int = field(default=0)

    async def begin(self) -> None:
        """The portal belongs to the demonstration: what is told there reaches no city, and its entry says so."""
        await enter(self.inside.facts, msgspec.structs.replace(PORTAL, owner=OWNER, simulated=True), BY, clock())

    async def settle(self, at: int) -> None:
        """What is due now, a step for each report."""
        if at - self._at < EVERY:
            return
        self._at = at
        here = handlings(self.inside)
        for report, stands in await here.since(at - LATELY, at + SECOND):
            due = NEXT.get(stands.status)
            if due is None or stands.reopened or not _own(report) or at - stands.changed < due[0]:
                continue
            words = (await here.report(report.id)).said
            id_ = uuid_of("simulated", report.id, stands.revision)
            await here.step(report, id_, BY, partial(due[1], at=at, words=words))


def _own(report: ServiceRequest) -> bool:
    """Whether this is one of those that go on by themselves."""
    return report.source == SOURCE and digest(report.id, size=1)[0] % LEFT != 0
