"""Incidents and calls: what people work on together, and what they do with it."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Literal

import msgspec
from litestar import Router, delete, get, post, put
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from tutela.errors import BadInput
from tutela.flow.command import Incidents
from tutela.flow.incident import TYPE
from tutela.flow.read import Reads
from tutela.model.call import Call
from tutela.model.incident import Incident, IncidentStatus
from tutela.model.noun import Noun
from tutela.model.place import Place
from tutela.model.timeline import LIVE

from .guard import SIGNED_IN, By, Guard, Once
from .problem import ACTING, READING

MOST = 500
AGENCIES = 50

Id = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=10_000, pattern=r"\S")]


read = partial(get, responses=READING)
act = partial(post, status_code=200, tags=["incidents"], responses=ACTING)
undo = partial(delete, status_code=200, tags=["incidents"], responses=ACTING)
settle = partial(put, tags=["incidents"], responses=ACTING)


class Opening(Noun, frozen=True, kw_only=True):
    """What an incident is opened from: an alert, a call, or what somebody saw (`type`) and where. One of the three."""

    alert: Id | None = None
    call: Id | None = None
    type: Annotated[str, msgspec.Meta(min_length=1, max_length=TYPE, pattern=r"\S")] | None = None
    place: Place | None = None


class AlertNamed(Noun, frozen=True, kw_only=True):
    """An alert."""

    alert: Id


class CallNamed(Noun, frozen=True, kw_only=True):
    """A call."""

    call: Id


class IncidentNamed(Noun, frozen=True, kw_only=True):
    """Another incident."""

    incident: Id


class Stepping(Noun, frozen=True, kw_only=True):
    """The next status. To close an incident, say how it ended; to fuse it, name the other."""

    status: IncidentStatus


class Closing(Noun, frozen=True, kw_only=True):
    """How it ended."""

    disposition: Text


class Noting(Noun, frozen=True, kw_only=True):
    """What is to be written down."""

    text: Text


class Involving(Noun, frozen=True, kw_only=True):
    """All agencies that work on it."""

    agencies: Annotated[list[str], msgspec.Meta(max_length=AGENCIES)]


def routes(reads: Reads, acts: Incidents, guard: Guard) -> Router:
    """The router that the app mounts."""
    handlers = [*_reading(reads), *_opening(acts), *_membership(acts), *_fusing(acts), *_life(acts)]
    return Router("/v1", route_handlers=handlers, dependencies=guard.dependencies, security=SIGNED_IN)


def _reading(reads: Reads) -> list[HTTPRouteHandler]:
    @read("/incidents", operation_id="readIncidents", tags=["incidents"])
    async def incidents(
        access: By,
        which: Annotated[
            Literal["under-way", "over"], QueryParameter(description="over: those that are closed or fused")
        ] = "under-way",
        most: Annotated[int, QueryParameter(ge=1, le=MOST)] = 100,
        after: Annotated[str | None, QueryParameter(description="the id of the last incident read")] = None,
        timeline: FromQuery[str] = LIVE,
    ) -> list[Incident]:
        """Read some incidents, newest first. Ask again with `after` for the next."""
        return list(await reads.desk.incidents(access, timeline, most, over=which == "over", after=after))

    @read("/incidents/{incident:str}", operation_id="readIncident", tags=["incidents"])
    async def one(access: By, incident: FromPath[str]) -> Incident:
        """Read one incident. What was fused into it is named in `fused`."""
        return await reads.desk.incident(access, incident)

    @read("/calls/newest", operation_id="readCalls", tags=["calls"])
    async def calls(
        access: By, most: Annotated[int, QueryParameter(ge=1, le=MOST)] = 50, timeline: FromQuery[str] = LIVE
    ) -> list[Call]:
        """Read the newest calls: whole where your duty needs who called and what was said, else without."""
        return list(await reads.desk.calls(access, timeline, most))

    @read("/calls/{call:str}", operation_id="readCall", tags=["calls"])
    async def one_call(access: By, call: FromPath[str]) -> Call:
        """Read one call, whole."""
        return await reads.desk.call(access, call)

    return [incidents, one, calls, one_call]


def _opening(acts: Incidents) -> list[HTTPRouteHandler]:
    @act("/incidents", status_code=201, operation_id="openIncident")
    async def open_(access: By, key: Once, data: JSONBody[Opening]) -> Incident:
        """Open an incident from an alert, from a call, or from what somebody saw and where."""
        match data:
            case Opening(alert=str(alert), call=None, type=None, place=None):
                return await acts.open_from_alert(access, alert, key)
            case Opening(alert=None, call=str(call), type=None, place=None):
                return await acts.open_from_call(access, call, key)
            case Opening(alert=None, call=None, type=str(type_), place=Place() as place):
                return await acts.open_at(access, type_, place, key)
        raise BadInput(
            "an incident is opened from one alert, from one call, or from a `type` with its `place`: name one of these"
        )

    return [open_]


def _membership(acts: Incidents) -> list[HTTPRouteHandler]:
    @act("/incidents/{incident:str}/alerts", operation_id="addAlert")
    async def add_alert(access: By, key: Once, incident: FromPath[str], data: JSONBody[AlertNamed]) -> Incident:
        """Add an alert to an incident."""
        return await acts.add_alert(access, incident, data.alert, key)

    @undo("/incidents/{incident:str}/alerts/{alert:str}", operation_id="takeOutAlert")
    async def take_out_alert(access: By, key: Once, incident: FromPath[str], alert: FromPath[str]) -> Incident:
        """Take an alert out of an incident: it does not belong there."""
        return await acts.take_out_alert(access, incident, alert, key)

    @act("/incidents/{incident:str}/calls", operation_id="addCall")
    async def add_call(access: By, key: Once, incident: FromPath[str], data: JSONBody[CallNamed]) -> Incident:
        """Add a call to an incident."""
        return await acts.add_call(access, incident, data.call, key)

    @undo("/incidents/{incident:str}/calls/{call:str}", operation_id="takeOutCall")
    async def take_out_call(access: By, key: Once, incident: FromPath[str], call: FromPath[str]) -> Incident:
        """Take a call out of an incident: it does not belong there."""
        return await acts.take_out_call(access, incident, call, key)

    return [add_alert, take_out_alert, add_call, take_out_call]


def _fusing(acts: Incidents) -> list[HTTPRouteHandler]:
    @act("/incidents/{incident:str}/fused", operation_id="fuse")
    async def fuse(access: By, key: Once, incident: FromPath[str], data: JSONBody[IncidentNamed]) -> Incident:
        """Fuse another incident into this one: the two are one."""
        return await acts.fuse(access, incident, data.incident, key)

    @undo("/incidents/{incident:str}/fused/{other:str}", operation_id="takeApart")
    async def take_apart(access: By, key: Once, incident: FromPath[str], other: FromPath[str]) -> Incident:
        """Take two incidents apart again: the other is active, with everything that it had."""
        return await acts.take_apart(access, incident, other, key)

    return [fuse, take_apart]


def _life(acts: Incidents) -> list[HTTPRouteHandler]:
    @act("/incidents/{incident:str}/status", operation_id="step")
    async def step(access: By, key: Once, incident: FromPath[str], data: JSONBody[Stepping]) -> Incident:
        """Take one step of an incident's life."""
        return await acts.move(access, incident, data.status, key)

    @act("/incidents/{incident:str}/disposition", operation_id="close")
    async def close(access: By, key: Once, incident: FromPath[str], data: JSONBody[Closing]) -> Incident:
        """Close an incident, and say how it ended."""
        return await acts.close(access, incident, data.disposition, key)

    @act("/incidents/{incident:str}/notes", status_code=201, operation_id="note")
    async def note(access: By, key: Once, incident: FromPath[str], data: JSONBody[Noting]) -> Incident:
        """Write something down."""
        return await acts.note(access, incident, data.text, key)

    @settle("/incidents/{incident:str}/agencies", operation_id="involve")
    async def involve(access: By, key: Once, incident: FromPath[str], data: JSONBody[Involving]) -> Incident:
        """Say which agencies work on it, all of them."""
        return await acts.involve(access, incident, data.agencies, key)

    return [step, close, note, involve]


part = routes
