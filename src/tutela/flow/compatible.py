"""Purposes that go together by a decision of two people (governance G03): a question about such a read carries the word for it."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field

from msgspec.structs import replace

from tutela.errors import EngineDown
from tutela.model.access import Ask
from tutela.model.paper import Compatibility, Filed

from .papers import Papers
from .ports import Policy

LOG = logging.getLogger(__name__)

COMPATIBILITY = "compatibility"


@dataclass(slots=True)
class Compatible:
    """`Policy` that knows which purpose changes stand. `refresh` reads them; each has an end, which is looked at in each question."""

    policy: Policy
    papers: Papers
    _known: dict[tuple[str, str], list[Filed]] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """As the policy's."""
        return self.policy.digest

    def check(self, ask: Ask) -> None:
        """As the policy does, with the word for what stands."""
        pairs = [(of, ask.access.purpose) for of in ask.record_purposes]
        stands = pairs and all(any(one.stands(ask.now) for one in self._known.get(pair, ())) for pair in pairs)
        self.policy.check(replace(ask, stands=ask.stands | {COMPATIBILITY}) if stands else ask)

    async def refresh(self) -> None:
        """Read what was decided."""
        known: dict[tuple[str, str], list[Filed]] = {}
        for one in await self.papers.all():
            about = one.paper.about
            if isinstance(about, Compatibility):
                known.setdefault((about.collected_for, about.used_for), []).append(one)
        self._known = known

    async def run(self, every: float) -> None:
        """Read it again and again, for ever. What can't be read now stays as it was; its ends hold all the same."""
        while True:
            try:
                await self.refresh()
            except EngineDown as down:
                LOG.warning("which purposes go together can't be read, it stays as it was: %s", down)
            await asyncio.sleep(every)
