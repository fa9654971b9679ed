"""Loops that live and die together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any


@asynccontextmanager
async def together(*loops: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run these beside the body. When one of them fails, the body is cancelled and the failure raised."""
    body = asyncio.current_task()
    tasks = [asyncio.ensure_future(loop) for loop in loops]
    for task in tasks:
        task.add_done_callback(lambda ended: body.cancel() if body and not ended.cancelled() else None)
    try:
        yield
    except asyncio.CancelledError:
        for task in tasks:
            if task.done() and not task.cancelled() and (wrong := task.exception()):
                raise wrong from None
        raise
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task
