"""Alerts: the queue as it stands, one alert with its reasons, and what people do about them."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Annotated

import msgspec
from litestar import Router, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, JSONBody

from tutela.flow.act import REASON, Acts
from tutela.flow.explain import Sentences
from tutela.flow.measures import Measures, measures
from tutela.flow.read import Reads
from tutela.model.alert import Alert
from tutela.model.detection import Detection
from tutela.model.noun import Noun
from tutela.model.timeline import LIVE
from tutela.model.when import micros

from .guard import SIGNED_IN, By, Guard, Once
from .places import Named
from .problem import ACTING, READING

SAYS = r"\S"
"""Of a text that says something: not only spaces."""

Reason = Annotated[str, msgspec.Meta(min_length=1, max_length=REASON, pattern=SAYS)]
act = partial(post, status_code=200, tags=["alerts"], responses=ACTING)


class Row(Noun, frozen=True, kw_only=True):
    """One row of the queue, what it says in words, and what people call the place; "" when nothing near has a name."""

    alert: Alert
    says: str
    where: str = ""


class Queue(Noun, frozen=True, kw_only=True):
    """The open alerts, highest rank first, and how the queue is doing at that time (microseconds)."""

    at: int
    measures: Measures
    alerts: tuple[Row, ...]


class Because(Noun, frozen=True, kw_only=True):
    """A detection, why it was made, and what would have kept it silent, in words."""

    detection: Detection
    why: str
    unless: str


class Detail(Noun, frozen=True, kw_only=True):
    """One alert, what it says in words, and the newest detections that it rests on."""

    alert: Alert
    says: str
    detections: tuple[Because, ...]


class Shelving(Noun, frozen=True, kw_only=True):
    """Why an alert rests, and until when: ISO 8601 with an offset, at most eight hours from now."""

    reason: Reason
    until: Annotated[datetime, msgspec.Meta(tz=True)]


class Dismissing(Noun, frozen=True, kw_only=True):
    """Why an alert is false."""

    reason: Reason


def routes(reads: Reads, acts: Acts, sentences: Sentences, guard: Guard, named: Named) -> Router:
    """The router that the app mounts."""
    handlers = [*_reading(reads, sentences, named), *_acting(acts)]
    return Router("/v1/alerts", route_handlers=handlers, dependencies=guard.dependencies, security=SIGNED_IN)


def _reading(reads: Reads, sentences: Sentences, named: Named) -> list[HTTPRouteHandler]:
    async def row(alert: Alert) -> Row:
        where = await named(alert.place) if alert.place else ""
        return Row(alert=alert, says=sentences.alert(alert), where=where)

    @get("/", operation_id="readAlerts", tags=["alerts"], responses=READING)
    async def alerts(access: By, timeline: FromQuery[str] = LIVE) -> Queue:
        """Read the open alerts, highest rank first, with the measures of EEMUA 191."""
        now, shown = reads.desk.ledger.now, await reads.desk.alerts(access, timeline)
        rows = tuple([await row(alert) for alert in shown])
        return Queue(at=now, measures=measures(shown, now), alerts=rows)

    @get("/{alert:str}", operation_id="readAlert", tags=["alerts"], responses=READING)
    async def one(access: By, alert: FromPath[str]) -> Detail:
        """Read one alert: why it was raised, and what would have kept it silent."""
        found = await reads.desk.alert(access, alert)
        because = tuple(
            Because(detection=one, why=sentences.why(one), unless=sentences.unless(one)) for one in found.detections
        )
        return Detail(alert=found.alert, says=sentences.alert(found.alert), detections=because)

    return [alerts, one]


def _acting(acts: Acts) -> list[HTTPRouteHandler]:
    @act("/{alert:str}/acknowledge", operation_id="acknowledge")
    async def acknowledge(access: By, key: Once, alert: FromPath[str]) -> Alert:
        """See to it."""
        return await acts.acknowledge(access, alert, key)

    @act("/{alert:str}/shelve", operation_id="shelve")
    async def shelve(access: By, key: Once, alert: FromPath[str], data: JSONBody[Shelving]) -> Alert:
        """Let it rest for a while; never one that is Immediate and Extreme or Severe."""
        return await acts.shelve(access, alert, key, data.reason, micros(data.until))

    @act("/{alert:str}/unshelve", operation_id="unshelve")
    async def unshelve(access: By, key: Once, alert: FromPath[str]) -> Alert:
        """Take it back before its time."""
        return await acts.unshelve(access, alert, key)

    @act("/{alert:str}/dismiss", operation_id="dismiss")
    async def dismiss(access: By, key: Once, alert: FromPath[str], data: JSONBody[Dismissing]) -> Alert:
        """Say that it is false, and why."""
        return await acts.dismiss(access, alert, key, data.reason)

    return [acknowledge, shelve, unshelve, dismiss]


part = routes
