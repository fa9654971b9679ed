"""What of all that is shown is made up."""

from __future__ import annotations

from dataclasses import dataclass

from tutela.model.access import Access
from tutela.model.reporting import PORTAL

from .console import Console, Opened

MAP = "map"
"""The kind of the source that tells of no event. What residents report is real wherever somebody reports, and the sentence says so."""


@dataclass(frozen=True, slots=True)
class Honesty:
    """The sources that are made up, and those that are not (the map is a source, too, but tells of no event)."""

    simulated: list[str]
    real: list[str]


async def honesty(here: Console, access: Access, opened: Opened) -> Honesty:
    """Which of it is made up."""
    del opened
    sources = await here.reads.observations.sources(access)
    return Honesty(
        simulated=[source.name for source in sources if source.simulated],
        real=[
            source.name
            for source in sources
            if not source.simulated and source.kind != MAP and source.name != PORTAL.name
        ],
    )
