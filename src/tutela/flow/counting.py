"""The live figures of the register, counted: asked of the log, the register and the requests, each time anew."""

from __future__ import annotations

from base64 import b64encode
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Protocol

from tutela.model import hold, rights, serious
from tutela.model.cosign import WitnessNow
from tutela.model.event import Checkpoint
from tutela.model.figures import LEAST, Figures, Handled, Head, cell
from tutela.model.register import Thing
from tutela.model.rights import Right, RightsRequest, RightsStatus
from tutela.model.when import DAY

from .catalogue import Known
from .ports import Clock, Log, Values
from .register_public import Registering
from .sensing import sensors
from .tally import Tally


class Kept(Log, Values, Protocol):
    """What is asked: the log, newest values, the Things, and how far the log is signed and cosigned."""

    async def things(self) -> Sequence[Thing]: ...  # noqa: D102  as ports.Register has it
    async def newest_point(self, least: int, *, cosigned: bool = False) -> Checkpoint | None: ...  # noqa: D102  as `published` has it
    async def watched(self) -> Sequence[WitnessNow]: ...  # noqa: D102  as `witnesses` has it


@dataclass(slots=True, kw_only=True)
class Counting:
    """Counts. `policies`: the digest of those that decide; `began`: when this process did."""

    kept: Kept
    known: Known
    registering: Registering
    policies: str
    clock: Clock
    began: int
    tally: Tally = field(default_factory=Tally)

    async def counted(self) -> Figures:
        """All of it, at this moment."""
        await self.tally.catch_up(self.kept)
        public, now = await self.registering.public(), self.clock()
        holds = hold.standing(await self.kept.about(hold.SUBJECT))
        grave = serious.begun(await self.kept.about(serious.SUBJECT)).values()
        purposes = {name for one in public.sources for name in one.source.purposes}
        return Figures(
            city=public.city,
            version=public.version,
            at=now,
            upto=self.tally.after,
            policies=self.policies,
            sensors=tuple(await sensors(await self.kept.things(), self.kept, self.known, now)),
            purposes=tuple(sorted(purposes.union(*(one.purposes for one in public.capabilities)))),
            reads=self.tally.told("reads"),
            refusals=self.tally.told("refusals"),
            exports=self.tally.told("exports"),
            holds=len(holds),
            reviews=sum(one.review <= now for one in holds),
            requests=handled(list(rights.standing(await self.kept.about(rights.SUBJECT)).values()), now),
            serious=len(grave),
            unreported=sum(one.told_at is None for one in grave),
            deleted=self.tally.deleted,
            erased=self.tally.erased,
            head=await self._head(),
            serving=self.began,
            restored=self.tally.latest.get("restored"),
            backed_up=self.tally.latest.get("backed-up"),
            changes=tuple(reversed(self.tally.changes)),
        )

    async def _head(self) -> Head | None:
        point = await self.kept.newest_point(0)
        if point is None:
            return None
        return Head(
            size=point.size,
            root=b64encode(point.root).decode(),
            epoch=point.epoch,
            signed=point.at,
            witnesses={one.cosigner.name: one.at for one in await self.kept.watched()},
        )


def handled(requests: Sequence[RightsRequest], now: int) -> Handled:
    """How requests were answered; those of the demonstration are nobody's, and not counted."""
    real = [one for one in requests if not one.simulated]
    right = Counter(one.right for one in real)
    status = Counter(one.status for one in real)
    days = [(one.decided_at - one.at) / DAY for one in real if one.decided_at is not None]
    return Handled(
        received={name: cell(right[name]) for name in Right},
        upheld=cell(status[RightsStatus.GRANTED] + status[RightsStatus.PARTLY]),
        refused=cell(status[RightsStatus.REFUSED]),
        overdue=cell(sum(one.pressing(now) == "overdue" for one in real)),
        median_days=round(median(days), 1) if len(days) >= LEAST else None,
    )
