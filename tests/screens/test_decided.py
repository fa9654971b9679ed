"""Every route that is not open asks the policies; and whatever it is asked, it tells one agency nothing of another's people."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import httpx
import numpy as np
from msgspec.structs import replace
from tests.screens.test_routes import OPEN, OWN, Client, There, api, ask, pages, routes
from tests.screens.town import NOW, PARTITIONS, WHY, Town, application, source, town

from tutela.app.core import policies
from tutela.flow.entering import define, enter
from tutela.model import wire
from tutela.model.access import Ask
from tutela.model.flow import Newest
from tutela.model.people import Role
from tutela.model.place import Place
from tutela.model.register import Datastream, Thing
from tutela.model.rows import Rows
from tutela.model.when import SECOND
from tutela.policy.decide import Policies
from tutela.screens.forms import ALERT, CALL, INCIDENT, SHIFT, UNIT
from tutela.screens.page import FRESH

OWN_PAGES = {
    "POST /sign-out",
    "GET /you",
    "POST /you/remove/{passkey}",
    "POST /you/sessions",
    "POST /you/app",
    "POST /you/app/{act}",
    "GET /console",
    "GET /console/{screen}",
    "POST /you/provider/remove",
}
"""A session is enough: these end that session, show and change one's own keys, or are the console's page without any data, and nothing else."""

VERBS = {"alert": ALERT, "call": CALL, "incident": INCIDENT, "unit": UNIT, "shift": SHIFT}
FIELDS = {
    "reason": "works",
    "minutes": "5",
    "status": "Enroute",
    "disposition": "false",
    "text": "seen",
    "agencies": "fire",
    "budget": "6",
    "role": "operator",
    "outcome": "refused",
    "agency": "city",
    "days": "1",
}


@dataclass
class Recording:
    """The policies that ship, and what they were asked."""

    shipped: Policies = field(default_factory=policies)
    asked: list[Ask] = field(default_factory=list)
    digest: str = "recorded"

    def check(self, ask: Ask) -> None:
        self.asked.append(ask)
        self.shipped.check(ask)


async def things(here: Town) -> There:
    """One of each that can be asked for."""
    alert, call = await here.alert(), await here.call()
    agent, _ = await here.person(Role.OPERATOR, "Bo")
    incident = await here.incidents.open_from_call(here.access(agent), call.id, "key")
    return There(alert.id, call.id, incident.id, (await here.unit()).id)


def written_out(route: str) -> Iterator[str]:
    """A page with every section that it has, a form with every verb."""
    _, path = route.split(" ")
    if path.startswith("/do/"):
        for verb in VERBS[path.split("/")[2]]:
            yield route.replace("{verb}", verb)
    elif "{name}" in path:
        yield from (route.replace("{name}", name) for name in FRESH)
    else:
        yield route


async def send(client: Client, route: str, there: There) -> httpx.Response:
    """Ask for a page, or send a form, about something that there is."""
    method, path = route.split(" ")
    subject = {"alert": there.alert, "call": there.call, "incident": there.incident, "unit": there.unit}
    about = path.split("/")[2] if path.startswith("/do/") else ""
    path = path.replace("{subject}", subject.get(about, ""))
    form = {**FIELDS, "alert": there.alert, "call": there.call, "incident": there.incident}
    data = {**form, "status": "Active"} if about == "incident" else form
    opened = {"alert": there.alert, "incident": there.incident}
    if method == "GET":
        return await client.get(path, params=opened, follow_redirects=False)
    return await client.post(path, data=data, follow_redirects=False)


async def test_no_route_answers_before_the_policies_did() -> None:
    """A route of the API, a section of the page, a button: each asks, unless it is named as open or one's own."""
    moment, policy = [NOW], Recording()
    here = await town(lambda: moment[0], policy)
    async with here.living(), Client(application(here)) as client:
        there = await things(here)
        token = await here.token(Role.OPERATOR)
        client.headers["Authorization"] = f"Bearer {token}"
        silent = []
        for route in (one for found in (*api(client.app), *pages(client.app)) for one in written_out(found)):
            if route in OWN | OWN_PAGES:
                continue
            moment[0] += 6 * SECOND  # no decision is remembered for so long
            before = len(policy.asked)
            if " /v1/" in route:
                await ask(client, route, "?purpose=neighbourhood&basis=PublicInterest", there)
            else:
                await send(client, route, there)
            silent += [] if len(policy.asked) > before else [route]

    assert silent == []


async def test_what_is_open_is_named_once_and_is_there(here: Town) -> None:
    """A list of what stands open is short, and has nothing on it that is gone."""
    found = set(routes(application(here)))

    assert found >= OPEN | OWN | OWN_PAGES
    assert len(OPEN) <= 46
    assert not OPEN & (OWN | OWN_PAGES)


SECRETS = (
    "+358 40 0000000",
    "canary-said",
    "canary-report",
    "canary-note",
    "60.171819",
    "71.625",
)
"""What the fire brigade holds of people: who called, what they and a resident said, a note, a position, a home's value."""

ASKS = (
    (Role.OPERATOR, "public-safety"),
    (Role.OPERATOR, "emergency-response"),
    (Role.SUPERVISOR, "public-safety"),
    (Role.ANALYST, "statistics"),
    (Role.PRIVACY_OFFICER, "rights-request"),
    (Role.AUDITOR, "oversight"),
    (Role.IT, "system-operation"),
)
READS = {"POST /v1/observations/newest"}
"""They read with a body. All that is a GET reads."""

SINCE = "&since=2026-11-25T07:00:00Z&until=2026-11-25T09:00:00Z"


async def fire(here: Town) -> tuple[list[str], str]:
    """What the fire brigade has of people, in every class; all its ids, and its incident."""
    for name, purposes in (("calls", "emergency-response"), ("portal", "city-operations"), ("homes", "public-safety")):
        await enter(here.facts, replace(source(name, purposes, personal=True), agency="fire"), "install", NOW)
    position = await here.tracked("engine 11")
    await enter(
        here.facts, replace(source("radio", "emergency-response", personal=True), agency="fire"), "install", NOW
    )
    value = await home(here)
    await here.known.refresh()
    await here.moves(position, Place(lat=60.171819, lon=24.94))
    unit = await here.unit("H11", thing="engine 11")
    call = await here.call("canary-said: she fell")
    report = await here.report("canary-report: my neighbour burns rubbish")
    chief, _ = await here.person(Role.OPERATOR, "Kaarina", "fire")
    own = here.access(chief)
    incident = await here.incidents.open_from_call(own, call.id, "open")
    await here.incidents.involve(own, incident.id, ["fire"], "involve")
    await here.incidents.note(own, incident.id, "canary-note: asthma", "note")
    await here.seal()
    events = [event.id for event in here.facts.store.events.values()]
    return [call.id, report, incident.id, unit.id, "engine 11/position", value, *events], incident.id


async def home(here: Town) -> str:
    """A meter in somebody's home, with its newest value; its name."""
    thing = Thing(id=0, name="home 5", kind="meter", source="homes")
    stream = Datastream(
        id=0,
        name="home 5/power",
        source="homes",
        thing="home 5",
        kind="readings",
        observed_property="power",
        unit="W",
    )
    (found,) = await define(here.facts, [thing], [stream], "install", NOW)
    one, at = np.array([found.id], np.int32), np.array([NOW], np.int64)
    body = wire.encode(Rows("readings", one, at, {"result": np.array([71.625])}))
    # A partition that no other newest value of the town is in.
    newest = Newest(timeline="live", kind="readings", partition=PARTITIONS + 1, sequence=1, body=body)
    here.facts.store.newest["live", "readings", PARTITIONS + 1] = newest
    return "home 5/power"


def readable(app_routes: Sequence[str]) -> list[str]:
    """All that shows something, but the stream, which gives the same pages as `/v1/events` and has no end."""
    shows = [route for route in app_routes if route.startswith("GET ") or route in READS]
    return [route for route in shows if route not in OPEN and not route.endswith("/stream")]


def addresses(route: str, ids: Sequence[str], why: str) -> Iterator[str]:
    """The route with every id in every place where one can stand."""
    _, path = route.split(" ")
    if path == "/part/{name}":
        for name in FRESH:
            yield from (f"/part/{name}?{about}={id_}" for about in ("alert", "incident") for id_ in ids)
    elif path == "/":
        yield from (f"/?{about}={id_}" for about in ("alert", "incident") for id_ in ids)
    elif path.endswith("/series"):
        yield from (f"{path}{why}{SINCE}&datastream={id_}" for id_ in ids)
    elif "{" in path:
        yield from (re.sub(r"\{[^}]*\}", id_, path) + why for id_ in ids)
    else:
        yield path + why


async def seen(client: Client, ids: Sequence[str], whys: Sequence[str]) -> set[str]:
    """Which of the secrets somebody got to see, anywhere; and how much they asked for."""
    found, answered = set[str](), 0
    for route in readable(list(routes(client.app))):
        for address in dict.fromkeys(one for why in whys for one in addresses(route, ids, why)):
            if route.startswith("GET "):
                answers = [await client.get(address)]
            else:
                bodies = [{"kind": kind} for kind in ("readings", "positions")]
                named = [{**body, "datastreams": [id_]} for body in bodies for id_ in ids if "/" in id_]
                answers = [await client.post(address, json=body) for body in (*bodies, *named)]
            answered += len(answers)
            found |= {secret for answer in answers for secret in SECRETS if secret in answer.text}
    assert answered > 50
    return found


def whys(purpose: str, cases: Sequence[str]) -> list[str]:
    """Why, with each case that could be named."""
    why = f"?purpose={purpose}&basis=PublicInterest"
    return [why, *(f"{why}&case={case}" for case in cases)]


async def test_no_route_tells_one_agency_anything_of_anothers_people() -> None:
    """Two agencies, all routes that show anything, all ids of the one, asked by everybody who works in the other."""
    here = await town()
    leaks: dict[tuple[str, str], set[str]] = {}
    async with here.living(), Client(application(here)) as client:
        ids, case = await fire(here)
        own = f"Bearer {await here.token(Role.OPERATOR, 'Toivo', 'fire')}"
        client.headers["Authorization"] = own
        theirs = await seen(client, ids[:6], [WHY, whys("emergency-response", [case])[0]])
        for role, purpose in ASKS:
            client.headers["Authorization"] = f"Bearer {await here.token(role, 'Bo', 'ems')}"
            leaks[role, purpose] = await seen(client, ids, whys(purpose, [case]))

    assert theirs == set(SECRETS)
    assert {who: what for who, what in leaks.items() if what} == {}
