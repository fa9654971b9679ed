"""`tutela retention`: what is kept, how old the oldest of it is, and what went."""

from __future__ import annotations

from tutela.app.core import Core, clock, core
from tutela.app.holds import holds
from tutela.app.lake import lake
from tutela.app.settings import Settings
from tutela.flow.retention import Measured, Retained
from tutela.model.retention import Retention


def retained(inside: Core, history: Measured) -> Retained:
    """What this instance keeps."""
    facts = inside.facts
    return Retained(
        register=facts,
        ages=facts,
        lake=history,
        keys=inside.keys,
        log=facts,
        spared=holds(inside).spared,
        clock=clock,
    )


async def run(settings: Settings) -> Retention:
    """Measure it."""
    async with core(settings, "retention", connections=2) as inside:
        history = lake(inside)
        try:
            return await retained(inside, history).measure()
        finally:
            await history.close()
