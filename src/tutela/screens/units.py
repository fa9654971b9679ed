"""Units: who there is, where they stand, where they are, and the status that people give them."""

from __future__ import annotations

from litestar import Router, get, post
from litestar.params import FromPath, FromQuery, JSONBody

from tutela.flow.read import Located, Reads
from tutela.flow.units import UnitActs
from tutela.model.noun import Noun
from tutela.model.resource import EmergencyResource, UnitStatus
from tutela.model.timeline import LIVE

from .guard import SIGNED_IN, By, Guard, Once
from .problem import ACTING, READING


class Roster(Noun, frozen=True, kw_only=True):
    """All units in order of name, as they were at that time (microseconds)."""

    at: int
    units: tuple[Located, ...]


class Setting(Noun, frozen=True, kw_only=True):
    """The next status of a unit."""

    status: UnitStatus


def routes(reads: Reads, acts: UnitActs, guard: Guard) -> Router:
    """The router that the app mounts."""

    @get("/", operation_id="readUnits", tags=["units"], responses=READING)
    async def units(access: By, timeline: FromQuery[str] = LIVE) -> Roster:
        """Read all units, each with its newest place where your duty needs it."""
        found = tuple(await reads.units.units(access, timeline))
        return Roster(at=reads.units.ledger.now, units=found)

    @get("/{unit:str}", operation_id="readUnit", tags=["units"], responses=READING)
    async def one(access: By, unit: FromPath[str]) -> Located:
        """Read one unit, with its newest place where your duty needs it."""
        return await reads.units.unit(access, unit)

    @post("/{unit:str}/status", status_code=200, operation_id="setUnitStatus", tags=["units"], responses=ACTING)
    async def status(access: By, key: Once, unit: FromPath[str], data: JSONBody[Setting]) -> EmergencyResource:
        """Set a unit's status: one step of its life."""
        return await acts.set_status(access, unit, data.status, key)

    return Router("/v1/units", route_handlers=[units, one, status], dependencies=guard.dependencies, security=SIGNED_IN)


part = routes
