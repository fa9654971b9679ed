"""`tutela units`: units entered from a file, and those that there are."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from tutela.app.core import clock, core
from tutela.app.settings import Settings
from tutela.errors import BadInput
from tutela.flow.fleet import Definition, enter, read
from tutela.model.resource import EmergencyResource
from tutela.model.timeline import LIVE

BY = "install"


def units_of(path: Path) -> tuple[Definition, ...]:
    """The units in a file; raises BadInput with what is wrong and where."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as wrong:
        raise BadInput(f"{path} can't be read: {wrong}") from wrong
    return read(text)


async def entered(settings: Settings, path: Path) -> Sequence[EmergencyResource]:
    """Enter the units in a file; all of them as they stand then."""
    wanted = await asyncio.to_thread(units_of, path)
    async with core(settings, "units", connections=1) as inside:
        return await enter(inside.facts, inside.facts, wanted, BY, clock())


async def listed(settings: Settings) -> Sequence[EmergencyResource]:
    """The units, without their places: those are people's, and read for a purpose."""
    async with core(settings, "units", connections=1) as inside:
        return await inside.facts.units(LIVE)
