"""The process of the demonstration city: real Things from the map, simulated data through the public HTTP door."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import httpx
import msgspec

from tutela.app.core import Core, clock, core
from tutela.app.demo_case import DemonstrationCase
from tutela.app.demo_case import told as of_case
from tutela.app.demonstrating_papers import with_papers
from tutela.app.demonstrating_reports import DemonstrationReports
from tutela.app.registering import keep, read
from tutela.app.rights import demonstrate
from tutela.app.settings import FIRST_PORT, Settings
from tutela.errors import BadInput, NotFound
from tutela.flow.entering import define, enter
from tutela.flow.fleet import Definition
from tutela.flow.fleet import enter as enter_units
from tutela.flow.read_staged import of_day
from tutela.maths import sun
from tutela.maths.ids import uuid_of
from tutela.maths.streets import net
from tutela.model.event import Event
from tutela.model.flow import encode
from tutela.model.register import Source, Thing
from tutela.model.resource import UnitStatus
from tutela.model.staged import Staged
from tutela.model.timeline import LIVE
from tutela.model.when import SECOND
from tutela.sources.simulated import ENTRIES, City, Moment, plan
from tutela.sources.streetmap import StreetMap
from tutela.sources.units import UNITS, Units

log = logging.getLogger(__name__)

SEED = 2026
MAP = Source(
    name="streetmap",
    owner="OpenStreetMap contributors (ODbL 1.0)",
    kind="map",
    purposes=("city-operations",),
    legal_basis="PublicInterest",
    personal_data=False,
    place="Central Helsinki",
)
BY = "install"
CITY = "simulated-city"
BEHIND = 30 * SECOND
"""So far behind the present the city makes up for."""


def extract() -> Path:
    """The demonstration city's map; raises NotFound when its distribution is not installed."""
    try:
        import tutela_helsinki  # noqa: PLC0415  the city is a distribution of its own, and may be absent
    except ModuleNotFoundError as absent:
        raise NotFound(
            "the demonstration city is not installed; run `pip install tutela-helsinki`, or start with `tutela up --empty`"
        ) from absent
    return Path(str(tutela_helsinki.EXTRACT))


@dataclass(frozen=True, slots=True)
class Sender:
    """Posts what the city says, each source with its own token, until it is taken."""

    client: httpx.AsyncClient
    tokens: dict[str, str]

    async def send(self, moment: Moment) -> None:
        """One second of the city."""
        for (source, kind), lines in moment.lines.items():
            await self.lines(source, kind, lines)
        for told in moment.told:
            await self._post(told.path, msgspec.json.encode(told.body), told.source)

    async def lines(self, source: str, kind: str, lines: Sequence[Mapping[str, object]]) -> None:
        """Some observations of one kind, from one source."""
        if lines:
            body = b"\n".join(msgspec.json.encode(line) for line in lines)
            await self._post(f"/v1/observations?kind={kind}", body, source)

    async def _post(self, path: str, body: bytes, source: str) -> None:
        headers = {"Authorization": f"Bearer {self.tokens[source]}", "Content-Type": "application/x-ndjson"}
        while True:
            try:
                answer = await self.client.post(path, content=body, headers=headers)
            except httpx.TransportError as down:
                log.warning("the door does not answer, trying again: %s", down)
                await asyncio.sleep(1)
                continue
            if answer.status_code in (429, 503, 507):
                await asyncio.sleep(float(answer.headers.get("Retry-After", 1)))
                continue
            if answer.is_error:
                raise BadInput(f"the door refused simulated data on {path}: {answer.text[:300]}")
            return


async def run(settings: Settings, seed: int = SEED) -> None:
    """Enter the city into the register and live, second by second, until stopped."""
    async with core(settings, "city", connections=2) as inside:
        there = StreetMap(extract())
        things = await asyncio.to_thread(there.things, MAP.name)
        city = City(things, seed, clock(), plan(day()), sun.height)
        units = Units(net(await asyncio.to_thread(there.streets)).whole(), seed)
        await keep(inside, await asyncio.to_thread(read, extract().with_name("register.toml")))
        await demonstrate(inside)
        await with_papers(inside)
        sender_tokens = {**await _enter(inside, things, city), **await _send_out(inside, units)}
        base = f"http://127.0.0.1:{settings.port or FIRST_PORT}"
        async with httpx.AsyncClient(base_url=base, timeout=30) as client:
            sender, case, told_of = (
                Sender(client, sender_tokens),
                DemonstrationCase(inside),
                DemonstrationReports(inside),
            )
            await told_of.begin()
            await sender.send(Moment({}, of_case(clock())))
            last = city.origin // SECOND * SECOND
            while True:
                await asyncio.sleep(max(0, last + SECOND - clock()) / SECOND)
                at = clock() // SECOND * SECOND
                # A machine that is busy for a while catches up; after a longer stop the city goes on with the present.
                for second in range(max(last + SECOND, at - BEHIND), at + SECOND, SECOND):
                    await sender.send(city.moment(second))
                    await sender.lines(UNITS.name, "positions", units.lines(second))
                if over := city.over(last, at):
                    await inside.facts.act([told(staged, at) for staged in over], (), (), ())
                await case.settle(at)
                await told_of.settle(at)
                last = at


def day() -> str:
    """What is staged in the demonstration city."""
    return (files("tutela.sources") / "staging" / "day.toml").read_text()


def told(staged: Staged, at: int) -> Event:
    """A staged event is told when it is over: whoever looks for it can't have known."""
    body = encode(staged)
    return Event(
        id=uuid_of("staged@1", body),
        at=at,
        by=CITY,
        cause=None,
        kind="staged@1",
        timeline=LIVE,
        body=body,
        subject=of_day(at),
    )


async def _enter(inside: Core, things: tuple[Thing, ...], city: City) -> dict[str, str]:
    """Register entries, Things and Datastreams; and a token for each source that sends."""
    for entry in (MAP, *ENTRIES):
        await enter(inside.facts, entry, BY, clock())
    await define(inside.facts, things, city.streams, BY, clock())
    return {entry.name: await inside.tokens.issue(entry.name) for entry in ENTRIES}


async def _send_out(inside: Core, units: Units) -> dict[str, str]:
    """The units, with the source, Things and Datastreams of their positions; and the token of that source."""
    await enter(inside.facts, UNITS, BY, clock())
    await define(inside.facts, units.things, units.streams, BY, clock())
    fleet = [
        Definition(
            name=one.name,
            agency=one.agency,
            kind=one.kind,
            skills=one.skills,
            purpose=one.purpose,
            thing=one.thing,
            home=units.base(number),
            status=UnitStatus.AVAILABLE,
        )
        for number, one in enumerate(units.fleet)
    ]
    await enter_units(inside.facts, inside.facts, fleet, BY, clock())
    return {UNITS.name: await inside.tokens.issue(UNITS.name)}
