"""Retention: what is kept, how old the oldest of it is, what is overdue, and what went."""

from __future__ import annotations

from litestar import Router, get

from tutela.flow.retention import RetentionReads
from tutela.model.retention import Retention

from .guard import SIGNED_IN, By, Guard
from .problem import READING


def routes(reads: RetentionReads, guard: Guard) -> Router:
    """The router that the app mounts."""

    @get("/retention", operation_id="readRetention", tags=["oversight"], responses=READING)
    async def look(access: By) -> Retention:
        """Read what is kept: of each class of records the rule, the oldest that can still be read, and what went, with its receipt."""
        return await reads.look(access)

    return Router("/v1", route_handlers=[look], dependencies=guard.dependencies, security=SIGNED_IN)


part = routes
