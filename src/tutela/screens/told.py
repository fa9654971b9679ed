"""What residents tell: reports and public posts."""

from __future__ import annotations

from typing import Annotated, cast

from litestar import Router, get
from litestar.params import FromQuery, QueryParameter

from tutela.flow.read import Reads
from tutela.model.post import Post
from tutela.model.report import ServiceRequest
from tutela.model.timeline import LIVE

from .guard import SIGNED_IN, By, Guard
from .problem import READING

MOST = 500


def routes(reads: Reads, guard: Guard) -> Router:
    """The router that the app mounts."""

    @get("/reports/newest", operation_id="readReports", tags=["residents"], responses=READING)
    async def reports(
        access: By, most: Annotated[int, QueryParameter(ge=1, le=MOST)] = 50, timeline: FromQuery[str] = LIVE
    ) -> list[ServiceRequest]:
        """Read the newest reports of residents: whole where your duty needs what was written, else without."""
        return cast("list[ServiceRequest]", await reads.told.newest(access, "report", timeline, most))

    @get("/posts/newest", operation_id="readPosts", tags=["residents"], responses=READING)
    async def posts(
        access: By, most: Annotated[int, QueryParameter(ge=1, le=MOST)] = 50, timeline: FromQuery[str] = LIVE
    ) -> list[Post]:
        """Read the newest public posts of the last day: whole where your duty needs their words, else without."""
        return cast("list[Post]", await reads.told.newest(access, "post", timeline, most))

    return Router("/v1", route_handlers=[reports, posts], dependencies=guard.dependencies, security=SIGNED_IN)


part = routes
