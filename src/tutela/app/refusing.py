"""What is refused outright on this machine is an event of the log too, as it is for whoever asks over the API."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tutela.app.core import core
from tutela.app.settings import Settings
from tutela.errors import Refused
from tutela.policy.refusals import NEVER

BY = "install"


@asynccontextmanager
async def written_down(settings: Settings, query: str) -> AsyncIterator[None]:
    """What is done in here; a refused use is written down, as `refusal@1` by whoever holds the machine, and refused."""
    try:
        yield
    except Refused as refused:
        if refused.policy in NEVER:
            async with core(settings, "refusals", connections=1) as inside:
                await inside.ledger.refuse_here(BY, query, refused)
        raise
