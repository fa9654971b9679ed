"""How a loop waits between two rounds."""

from __future__ import annotations

import asyncio

LEAST = 0.001
"""Seconds: others get their turn in any case."""


async def rest(stop: asyncio.Event, seconds: float) -> None:
    """Wait that long, or until told to stop."""
    try:
        await asyncio.wait_for(stop.wait(), max(LEAST, seconds))
    except TimeoutError:
        return
