"""Sources and observations: the newest value of many datastreams, the series of one."""

from __future__ import annotations

from typing import Annotated

from litestar import Router, get, post
from litestar.params import FromQuery, JSONBody, QueryParameter

from tutela.errors import BadInput
from tutela.flow.read import Observed, Reads
from tutela.model.kinds import kind
from tutela.model.noun import Noun
from tutela.model.register import Source
from tutela.model.timeline import LIVE
from tutela.model.when import moment, parse

from .guard import SIGNED_IN, By, Guard
from .problem import READING

MOST = 100_000
NAMES = 20_000_000
"""Bytes of the names of so many datastreams."""


class Columns(Noun, frozen=True, kw_only=True):
    """Observations in columns: row i is `values[…][i]` of `datastream[i]` at `time[i]` (microseconds since 1970, UTC).

    A long series comes in parts: with `more_since`, ask again from then on.
    """

    kind: str
    datastream: tuple[str, ...]
    unit: tuple[str, ...]
    time: tuple[int, ...]
    values: dict[str, tuple[float, ...]]
    more_since: str | None = None


class Wanted(Noun, frozen=True, kw_only=True):
    """The datastreams whose newest value is wanted; none named: all that the purpose may see."""

    kind: str = "readings"
    datastreams: tuple[str, ...] | None = None


def columns(observed: Observed) -> Columns:
    """What was read, as it is answered."""
    rows = observed.rows
    return Columns(
        kind=rows.kind,
        datastream=tuple(stream.name for stream in observed.datastreams),
        unit=tuple(stream.unit for stream in observed.datastreams),
        time=tuple(rows.time.tolist()),
        values={name: tuple(column.tolist()) for name, column in rows.values.items()},
        more_since=None if observed.more is None else _exact(observed.more),
    )


def _exact(at: int) -> str:
    return moment(at).isoformat().replace("+00:00", "Z")


def routes(reads: Reads, guard: Guard) -> Router:
    """The router that the app mounts."""

    @get("/sources", operation_id="readSources", tags=["register"], responses=READING)
    async def sources(access: By) -> list[Source]:
        """Read the register: who sends what, for which purposes, on which legal basis."""
        return list(await reads.observations.sources(access))

    @post(
        "/observations/newest",
        status_code=200,
        operation_id="readNewest",
        tags=["observations"],
        responses=READING,
        request_max_body_size=NAMES,
    )
    async def newest(data: JSONBody[Wanted], access: By, timeline: FromQuery[str] = LIVE) -> Columns:
        """Read the newest value of many datastreams at once."""
        if data.datastreams is not None and len(data.datastreams) > MOST:
            raise BadInput(f"{len(data.datastreams)} datastreams are too many at once; ask for {MOST} at most")
        kind(data.kind)
        return columns(await reads.observations.newest(access, timeline, data.kind, data.datastreams))

    @get("/observations/series", operation_id="readSeries", tags=["observations"], responses=READING)
    async def series(
        access: By,
        datastream: FromQuery[str],
        since: Annotated[str, QueryParameter(description="from here on, ISO 8601 with an offset", format="date-time")],
        until: Annotated[str, QueryParameter(description="up to here, not included", format="date-time")],
        timeline: FromQuery[str] = LIVE,
    ) -> Columns:
        """Read the series of one datastream, in order of time, at most 100,000 rows at once."""
        return columns(await reads.observations.series(access, timeline, datastream, parse(since), parse(until)))

    return Router("/v1", route_handlers=[sources, newest, series], dependencies=guard.dependencies, security=SIGNED_IN)


part = routes
